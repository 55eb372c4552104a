use std::time::Duration;

use apogee_domain::{Digest, Timestamp};
use async_trait::async_trait;

use crate::{IdentityId, Result};

/// How long a session lasts after it was used.
pub const SESSION_IDLE: Duration = Duration::from_secs(12 * 3600);

/// How long a session lasts at most.
pub const SESSION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// The most sign-ins that are under way at a time: who begins them has not said who they are.
pub const MAX_PENDING: i64 = 10_000;

/// Somebody is signed in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Digest of what the browser holds: who reads the database holds no session.
    pub id: Digest,
    /// Who.
    pub identity: IdentityId,
    /// Since when.
    pub created: Timestamp,
    /// When it was used, to the minute.
    pub last_used: Timestamp,
    /// When it ends whatever happens.
    pub expires: Timestamp,
    /// Until when it may do what needs a passkey.
    pub step_up_until: Option<Timestamp>,
}

impl Session {
    /// Whether it can be used.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires && now.since(self.last_used) < SESSION_IDLE
    }
}

/// Somebody was sent to a provider and is not back yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// Digest of the state that they come back with.
    pub state: Digest,
    /// Digest of what their browser holds.
    pub browser: Digest,
    /// To which provider.
    pub provider: String,
    /// The PKCE verifier (RFC 7636).
    pub verifier: String,
    /// What an `id_token` has to repeat; empty where there is none.
    pub nonce: String,
    /// The page that they go to afterwards.
    pub next: String,
    /// From when on it is of no use.
    pub expires: Timestamp,
}

/// A program asks to be let in by somebody who is signed in elsewhere (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSignIn {
    /// Digest of the code that the program asks with.
    pub device: Digest,
    /// Digest of the code that people type.
    pub user: Digest,
    /// What the program says of itself.
    pub name: String,
    /// From when on it is of no use.
    pub expires: Timestamp,
}

/// What a program is told that asks whether it is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// There is no such code, or it has expired.
    Unknown,
    /// It asks too often.
    TooOften,
    /// Nobody has decided yet.
    Pending,
    /// Somebody said no. It is told once.
    Denied,
    /// Somebody let it in. It is told once.
    Approved(IdentityId),
}

/// Something random that a passkey has to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// In which session.
    pub session: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What for: a stable word.
    pub purpose: String,
    /// From when on it is of no use.
    pub expires: Timestamp,
}

/// Who is signed in, and who is about to be.
#[async_trait]
pub trait SignIns: Send + Sync {
    /// A session that is live at `now`.
    async fn session(&self, id: Digest, now: Timestamp) -> Result<Option<Session>>;

    /// The live sessions of an identity, newest first.
    async fn sessions(&self, identity: IdentityId, now: Timestamp) -> Result<Vec<Session>>;

    /// The program that asks with a code that people typed, while nobody has decided.
    async fn device(&self, user: Digest, now: Timestamp) -> Result<Option<DeviceSignIn>>;
}

/// How that changes.
#[async_trait]
pub trait SignInsWork: Send {
    /// Begin a session.
    async fn open_session(&mut self, session: &Session) -> Result<()>;

    /// A session was used.
    async fn touch_session(&mut self, id: Digest, at: Timestamp) -> Result<()>;

    /// End a session of an identity. Whether it was there.
    async fn end_session(&mut self, identity: IdentityId, id: Digest) -> Result<bool>;

    /// End every session of an identity. How many there were.
    async fn end_sessions(&mut self, identity: IdentityId) -> Result<u64>;

    /// Keep a sign-in that is under way. `false`, and nothing is kept, where [`MAX_PENDING`] are.
    async fn put_pending(&mut self, pending: &PendingSignIn, now: Timestamp) -> Result<bool>;

    /// Take a sign-in that is under way: of all who come with its state, in its browser and in time, one gets it.
    async fn take_pending(
        &mut self,
        state: Digest,
        browser: Digest,
        now: Timestamp,
    ) -> Result<Option<PendingSignIn>>;

    /// Keep what a program asks. `false`, and nothing is kept, where [`MAX_PENDING`] ask.
    async fn put_device(&mut self, device: &DeviceSignIn, now: Timestamp) -> Result<bool>;

    /// Let a program in as an identity, or say no with `None`. Whether there was one to decide about.
    async fn decide_device(
        &mut self,
        user: Digest,
        identity: Option<IdentityId>,
        now: Timestamp,
    ) -> Result<bool>;

    /// A program asks whether it is let in, and may ask again after `interval`.
    async fn poll_device(
        &mut self,
        device: Digest,
        interval: Duration,
        now: Timestamp,
    ) -> Result<DeviceAnswer>;

    /// Keep what a passkey has to sign; it replaces what was there for the session.
    async fn put_challenge(&mut self, challenge: &Challenge) -> Result<()>;

    /// Take what a passkey has to sign: of all who come for it in time, one gets it.
    async fn take_challenge(&mut self, session: Digest, now: Timestamp) -> Result<Option<Challenge>>;

    /// Remove what is of no use any more. How many rows went.
    async fn sweep(&mut self, now: Timestamp) -> Result<u64>;
}
