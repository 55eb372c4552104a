use std::fmt;

use apogee_domain::Timestamp;
use async_trait::async_trait;

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

/// What is known of people who sign in.
#[async_trait]
pub trait People: Send + Sync {}

/// What becomes true of them.
#[async_trait]
pub trait PeopleWork: Send {}
