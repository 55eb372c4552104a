use apogee_store::{Role, StoreError};

/// Why somebody is not let in, or may not do what they ask.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("nobody is signed in")]
    SignInNeeded,
    #[error("nobody can sign in here: no provider is configured")]
    Off,
    #[error("there is no provider {0}")]
    UnknownProvider(String),
    /// The state is missing, wrong, used, expired, or of another browser: which one it is helps only who made it up.
    #[error("this sign-in was not begun in this browser, or it is over")]
    Stale,
    #[error("the sign-in was declined at {provider}")]
    Declined { provider: String },
    #[error("{provider} has suspended this application")]
    Suspended { provider: String },
    #[error("{provider} did not confirm the sign-in: {why}")]
    NotConfirmed { provider: String, why: String },
    #[error("{provider} could not be asked: {why}")]
    Unreachable { provider: String, why: String },
    #[error("{handle} is an account of a {kind}")]
    NotAPerson { handle: String, kind: &'static str },
    #[error("{reason}")]
    Blocked { reason: String },
    #[error("it needs the role {}", .0.name())]
    RoleNeeded(Role),
    #[error("it needs a passkey")]
    StepUpNeeded,
    #[error("the invitation is unknown, used up or expired")]
    NoInvite,
    #[error("the key is unknown, revoked or expired")]
    NoKey,
    #[error("there are {0} keys that can be used already")]
    TooManyKeys(i64),
    #[error("{0}")]
    Passkey(&'static str),
    #[error("no program asks with this code, or it asks no more")]
    NoDevice,
    #[error("the reason is empty")]
    ReasonNeeded,
    #[error("nobody has this number")]
    NoIdentity,
    #[error("too many sign-ins are under way")]
    Crowded,
    #[error(transparent)]
    Store(#[from] StoreError),
}
