//! Where the chain of a head leaves the indexed one, and the way back to there.

use apogee_domain::{Epoch, Network};
use apogee_filecoin::source::Source;
use apogee_filecoin::types::Tipset;
use apogee_store::{Cursor, EpochKind, EpochRecord, Page, Store};

use crate::{IndexError, checks};

/// Epochs that are compared at once.
const WINDOW: u32 = 64;

/// How a head stands to what is indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fork {
    /// Its chain contains the cursor.
    Ahead,
    /// It is indexed already, below the cursor.
    Behind,
    /// This is the newest indexed tipset on its chain.
    At(Box<EpochRecord>),
}

/// Compare the chain of `head` with the indexed one by tipset keys; the source need not know tipsets that are no longer on a chain.
pub(crate) async fn compare(
    store: &dyn Store,
    source: &dyn Source,
    network: &Network,
    cursor: &Cursor,
    head: &Tipset,
) -> Result<Fork, IndexError> {
    let on_chain = source.range(head.key(), cursor.epoch, cursor.epoch).await?;
    if on_chain.iter().any(|tipset| tipset.key().to_string() == cursor.key) {
        return Ok(Fork::Ahead);
    }
    if let Some(indexed) = store.epoch(&network.id, head.epoch()).await?
        && indexed.key == head.key().to_string()
    {
        return Ok(Fork::Behind);
    }
    let common = shared(store, source, network, (cursor, cursor.final_epoch), head).await?;
    Ok(Fork::At(Box::new(common)))
}

/// The newest indexed tipset on the chain of `head`, not looked for below the final epoch.
pub(crate) async fn shared(
    store: &dyn Store,
    source: &dyn Source,
    network: &Network,
    (cursor, final_epoch): (&Cursor, Option<Epoch>),
    head: &Tipset,
) -> Result<EpochRecord, IndexError> {
    let mut above = cursor.epoch.plus(1);
    let mut lowest = cursor.key.clone();
    loop {
        let rows = store.epochs(&network.id, Page { after: Some(above), limit: WINDOW }).await?;
        let Some(oldest) = rows.last() else {
            return Err(IndexError::OtherChain {
                source_name: source.name().to_owned(),
                found: source.oldest().await?.key().to_string(),
                expected: lowest,
            });
        };
        let tipsets = source.range(head.key(), oldest.epoch, above.minus(1)).await?;
        let shared = |row: &&EpochRecord| {
            row.kind == EpochKind::Tipset
                && tipsets
                    .iter()
                    .any(|tipset| tipset.epoch() == row.epoch && tipset.key().to_string() == row.key)
        };
        if let Some(common) = rows.iter().find(shared) {
            return match final_epoch.filter(|final_epoch| *final_epoch > common.epoch) {
                Some(final_epoch) => Err(below_final(source, common.epoch, final_epoch)),
                None => Ok(common.clone()),
            };
        }
        if let Some(final_epoch) = final_epoch.filter(|final_epoch| *final_epoch >= oldest.epoch) {
            return Err(below_final(source, oldest.epoch.minus(1), final_epoch));
        }
        (above, lowest) = (oldest.epoch, oldest.key.clone());
    }
}

fn below_final(source: &dyn Source, common: Epoch, final_epoch: Epoch) -> IndexError {
    IndexError::BelowFinal { source_name: source.name().to_owned(), common, final_epoch }
}

/// Take back every epoch above `common`, in one transaction.
pub(crate) async fn unwind(
    store: &dyn Store,
    network: &Network,
    cursor: &Cursor,
    common: &EpochRecord,
) -> Result<(), IndexError> {
    let mut to = Cursor {
        epoch: common.epoch,
        key: common.key.clone(),
        digest: common.digest,
        final_epoch: cursor.final_epoch,
        views: cursor.views,
        checks: cursor.checks.clone(),
    };
    let mut above = cursor.epoch.plus(1);
    while above > common.epoch.plus(1) {
        let rows = store.epochs(&network.id, Page { after: Some(above), limit: WINDOW }).await?;
        let Some(oldest) = rows.last() else { break };
        for row in rows.iter().filter(|row| row.epoch > common.epoch) {
            checks::subtract(&mut to.checks, &row.checks);
        }
        above = oldest.epoch;
    }
    let mut work = store.begin().await?;
    let steps = work.unwind(&network.id, cursor, &to).await?;
    work.commit().await?;
    tracing::info!(from = %cursor.epoch, to = %to.epoch, steps, "took back a fork");
    Ok(())
}
