use apogee_competition::{Refusal, Signed, admit};
use apogee_store::{LedgerEntry, Store, StoreError};

use super::around::Around;
use super::held::Held;

/// Why an entry is not in the ledger.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAppended {
    /// It cannot follow.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The database did not take it. After a conflict the ledger ends elsewhere.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NotAppended {
    /// Whether somebody else was faster: on top of what they wrote it may be good again.
    pub(crate) const fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict { .. }))
    }
}

/// Let an entry follow in the database what `held` says, if everything allows it. The one place that writes to a ledger.
pub(crate) async fn append(
    store: &dyn Store,
    held: &Held,
    signed: &Signed,
    around: &Around,
) -> Result<(), NotAppended> {
    let mut competition = (**held.competition()).clone();
    admit(&mut competition, signed, &around.context()).map_err(Box::new)?;
    let entry = row(signed)?;
    let mut work = store.begin().await?;
    work.append(held.id().as_str(), held.head(), &entry).await?;
    Ok(work.commit().await?)
}

/// An entry as databases keep it.
pub(crate) fn row(signed: &Signed) -> Result<LedgerEntry, Box<Refusal>> {
    let document = signed.text().map_err(Box::new)?;
    Ok(LedgerEntry { seq: signed.entry.seq, hash: signed.hash, document })
}
