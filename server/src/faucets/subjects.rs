//! Whom operators mean.

use apogee_faucet::{ActorKey, InvalidSubject, Named, Notation, Recipients, Subject, Unresolved, actor_key};
use apogee_store::{LimitKey, Store, StoreError};

use super::Lookup;

/// Why nothing is put down about somebody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSubject {
    #[error(transparent)]
    Invalid(#[from] InvalidSubject),
    /// A name, where a provider's number is meant.
    #[error("nobody has signed in here as {0}; GitHub's people are known by their number, github:583231")]
    Unmet(String),
    #[error("whose address it is")]
    Unresolved(#[from] Unresolved),
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

impl NoSubject {
    /// Whether what was given is wrong, rather than the world.
    pub(crate) const fn is_input(&self) -> bool {
        !matches!(self, Self::Unresolved(Unresolved::Unavailable(_)) | Self::Store(_))
    }
}

/// The key that somebody is counted under, whatever form of their name is written.
pub(crate) async fn key_of(store: &dyn Store, lookup: &Lookup, text: &str) -> Result<LimitKey, NoSubject> {
    let subject = Subject::read(text, lookup.notation())?;
    if let Subject::Identity { provider, subject: named } = &subject {
        // An entry about a handle would concern nobody, for ever, and say nothing.
        let number = named.bytes().all(|byte| byte.is_ascii_digit());
        if !number && store.identity_of(provider, named).await?.is_none() {
            return Err(NoSubject::Unmet(text.trim().to_owned()));
        }
    }
    match (subject.key(lookup.notation()), subject) {
        (Some(key), _) => Ok(key),
        (None, Subject::Actor(address)) => Ok(actor_key(&lookup.recipient(&address).await?.key)),
        (None, _) => Err(InvalidSubject::Nobody.into()),
    }
}

/// The key as it is listed, where the text is one; nothing is looked up.
pub(crate) fn name_of(text: &str, notation: Notation) -> Option<LimitKey> {
    let subject = Subject::read(text, notation).ok()?;
    subject.key(notation).or(match (&subject, notation) {
        (Subject::Actor(Named::Filecoin(address)), Notation::Filecoin(prefix)) => {
            Some(actor_key(&ActorKey::of(address, prefix)))
        }
        _ => None,
    })
}
