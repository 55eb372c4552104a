use std::fmt;

use apogee_domain::{Digest, Timestamp};
use async_trait::async_trait;

use crate::{Page, Result};

/// The number of an identity in this database. It is given once and never again to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(pub i64);

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What kind of account somebody signs in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// A person's.
    User,
    /// A program's.
    Bot,
    /// Of many people.
    Organization,
}

impl AccountKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::User, Self::Bot, Self::Organization];

    /// A stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Bot => "bot",
            Self::Organization => "organization",
        }
    }
}

/// Whether an identity may do anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Ok,
    /// It may not, for a reason that it is told.
    Blocked {
        /// Why, in the operator's words.
        reason: String,
    },
}

/// An account as its provider describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Which provider, by its name in the configuration: `github`.
    pub provider: String,
    /// The provider's own name for it, which never changes: GitHub's numeric id.
    pub subject: String,
    /// What people call it; it may change and be taken by another.
    pub handle: String,
    /// What it is.
    pub kind: AccountKind,
    /// When it was made, to the second; `None` where the provider does not tell.
    pub created: Option<Timestamp>,
}

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number here.
    pub id: IdentityId,
    /// The account, as the provider described it when it last signed in.
    pub account: Account,
    /// When it signed in first.
    pub first_seen: Timestamp,
    /// When it signed in last.
    pub last_seen: Timestamp,
    /// Whether it may do anything.
    pub standing: Standing,
}

impl Identity {
    /// As in audit events: `github:583231`.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("{}:{}", self.account.provider, self.account.subject)
    }
}

/// What an identity may do beside what everybody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// See the administration.
    Viewer,
    /// Pause, resume, and make exceptions.
    Operator,
    /// Send money.
    Payer,
    /// Approve decisions of a competition.
    Approver,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Payer, Self::Approver];

    /// A stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Payer => "payer",
            Self::Approver => "approver",
        }
    }

    /// Whether what it allows needs a passkey each time.
    #[must_use]
    pub const fn needs_step_up(self) -> bool {
        matches!(self, Self::Payer | Self::Approver)
    }
}

/// A role that an identity has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    /// Who has it.
    pub identity: IdentityId,
    /// Which.
    pub role: Role,
    /// Since when.
    pub granted: Timestamp,
    /// Who gave it, as in audit events.
    pub granted_by: String,
    /// Why.
    pub reason: String,
}

/// The most keys of one identity that can be used at a time.
pub const MAX_API_KEYS: i64 = 2;

/// A key with which a program acts for an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Digest of the key; the key itself is shown once and kept nowhere.
    pub digest: Digest,
    /// For whom.
    pub identity: IdentityId,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is of no use.
    pub expires: Timestamp,
    /// When it was revoked, where it was.
    pub revoked: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it can be used.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// A passkey: a device with which somebody proves again who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id, chosen by the device; at most 1,023 bytes.
    pub credential: Vec<u8>,
    /// Whose.
    pub identity: IdentityId,
    /// Its public key, as the caller writes it.
    pub public_key: Vec<u8>,
    /// How often it has signed, by its own count; 0 for those that do not count.
    pub sign_count: u32,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created: Timestamp,
}

/// A code that lets people in who have no account with a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Digest of the code.
    pub digest: Digest,
    /// What it is for.
    pub note: String,
    /// How many may use it.
    pub uses: u32,
    /// How many have.
    pub used: u32,
    /// From when on it is of no use.
    pub expires: Timestamp,
}

/// What is known of people who sign in.
#[async_trait]
pub trait People: Send + Sync {
    /// An identity by its number.
    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>>;

    /// An identity by its provider's name for it.
    async fn identity_of(&self, provider: &str, subject: &str) -> Result<Option<Identity>>;

    /// Identities by number, after `page.after`.
    async fn identities(&self, page: Page<IdentityId>) -> Result<Vec<Identity>>;

    /// The roles of an identity, in the order of [`Role`]'s names.
    async fn roles(&self, identity: IdentityId) -> Result<Vec<RoleGrant>>;

    /// Every role that anybody has, by identity.
    async fn all_roles(&self) -> Result<Vec<RoleGrant>>;

    /// The keys of an identity, newest first, with those that are of no use any more.
    async fn api_keys(&self, identity: IdentityId) -> Result<Vec<ApiKey>>;

    /// A key by its digest, of use or not.
    async fn api_key(&self, digest: Digest) -> Result<Option<ApiKey>>;

    /// The passkeys of an identity, oldest first.
    async fn passkeys(&self, identity: IdentityId) -> Result<Vec<Passkey>>;

    /// Every invite, newest expiry first.
    async fn invites(&self) -> Result<Vec<Invite>>;
}

/// What becomes true of them.
#[async_trait]
pub trait PeopleWork: Send {
    /// An account has signed in: its identity, made where it is new. What the provider says of it replaces what it said before.
    async fn meet(&mut self, account: &Account, at: Timestamp) -> Result<Identity>;

    /// Let an identity do things, or nothing. Whether there is such an identity.
    async fn set_standing(&mut self, id: IdentityId, standing: &Standing) -> Result<bool>;

    /// Give a role. Whether it is new.
    async fn grant_role(&mut self, grant: &RoleGrant) -> Result<bool>;

    /// Take a role. Whether it was there.
    async fn revoke_role(&mut self, identity: IdentityId, role: Role) -> Result<bool>;

    /// Keep a key. `false`, and nothing is kept, where its owner has [`MAX_API_KEYS`] that can be used at `key.created`.
    async fn add_api_key(&mut self, key: &ApiKey) -> Result<bool>;

    /// Revoke a key of an identity. Whether there was one to revoke.
    async fn revoke_api_key(&mut self, identity: IdentityId, digest: Digest, at: Timestamp) -> Result<bool>;

    /// Keep a passkey. One with the same id is a [`StoreError::Conflict`](crate::StoreError::Conflict), whoever has it.
    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<()>;

    /// A passkey has signed: its count goes up. `false` where it does not: a count that is no higher is that of a copy.
    async fn use_passkey(&mut self, credential: &[u8], sign_count: u32) -> Result<bool>;

    /// Take a passkey from an identity. Whether it was there.
    async fn remove_passkey(&mut self, identity: IdentityId, credential: &[u8]) -> Result<bool>;

    /// Keep an invite. One with the same code is a [`StoreError::Conflict`](crate::StoreError::Conflict).
    async fn add_invite(&mut self, invite: &Invite) -> Result<()>;

    /// Use an invite once: the how manieth use it is. `None` where there is no such invite, it has expired, or all its uses are used.
    async fn use_invite(&mut self, digest: Digest, now: Timestamp) -> Result<Option<u32>>;
}
