//! Where a source leaves what is indexed, and the way back to there.

use std::collections::BTreeMap;

use apogee_domain::{Epoch, NetworkId};
use apogee_spacemesh::id::LayerId;
use apogee_store::{Cursor, EpochRecord, Page, Store};

use crate::source::{LayerName, Source};
use crate::{IndexError, checks, params, worker};

/// Layers that are compared at once.
const WINDOW: u32 = 64;

/// How a source stands to what is indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fork {
    /// It has everything that is indexed.
    Ahead,
    /// It ends below the cursor, and has everything up to there.
    Behind,
    /// This is the newest indexed layer that can stay.
    At(Box<EpochRecord>),
}

/// Compare what a source has up to `head` with what is indexed; not below what is final.
pub(crate) async fn compare(
    store: &dyn Store,
    source: &dyn Source,
    network: &NetworkId,
    cursor: &Cursor,
    head: LayerId,
) -> Result<Fork, IndexError> {
    let top = params::epoch(head);
    if top < cursor.epoch {
        let row = store.epoch(network, top).await?;
        let names = window(source, row.as_slice()).await?;
        let (source_name, indexed) = (source.name().to_owned(), cursor.epoch);
        return match row.as_ref().zip(names.get(&top)) {
            Some((row, name)) if same(row, name) => Ok(Fork::Behind),
            _ => Err(IndexError::Older { source_name, head, indexed }),
        };
    }
    let shared = shared(store, source, network, cursor).await?;
    let common = before_late_ballots(store, source, network, cursor, shared).await?;
    Ok(if common.epoch == cursor.epoch { Fork::Ahead } else { Fork::At(Box::new(common)) })
}

/// The newest indexed layer that the source has, too.
async fn shared(
    store: &dyn Store,
    source: &dyn Source,
    network: &NetworkId,
    cursor: &Cursor,
) -> Result<EpochRecord, IndexError> {
    let mut above = cursor.epoch.plus(1);
    loop {
        let rows = store.epochs(network, Page { after: Some(above), limit: WINDOW }).await?;
        let source_name = source.name().to_owned();
        let Some(oldest) = rows.last() else { return Err(IndexError::NothingShared { source_name }) };
        let names = window(source, &rows).await?;
        let both = |row: &&EpochRecord| names.get(&row.epoch).is_some_and(|name| same(row, name));
        let common = rows.iter().find(both);
        let least = common.map_or(oldest.epoch.minus(1), |common| common.epoch);
        match (cursor.final_epoch.filter(|final_epoch| *final_epoch > least), common) {
            (Some(final_epoch), _) => {
                return Err(IndexError::BelowFinal { source_name, common: least, final_epoch });
            }
            (None, Some(common)) => return Ok(common.clone()),
            (None, None) => above = oldest.epoch,
        }
    }
}

/// `shared`, or the layer before the first one that is not final and of which ballots came after it was indexed: opinions do not tell.
async fn before_late_ballots(
    store: &dyn Store,
    source: &dyn Source,
    network: &NetworkId,
    cursor: &Cursor,
    shared: EpochRecord,
) -> Result<EpochRecord, IndexError> {
    let mut above = shared.epoch.plus(1);
    let mut late = None;
    while cursor.final_epoch.is_none_or(|final_epoch| above > final_epoch.plus(1)) {
        let rows = store.epochs(network, Page { after: Some(above), limit: WINDOW }).await?;
        let Some(oldest) = rows.last() else { break };
        let names = window(source, &rows).await?;
        // A source that counts no ballots has none that come late.
        if names.values().all(|name| name.ballots.is_none()) {
            break;
        }
        let came_late = |row: &&EpochRecord| {
            let settled = cursor.final_epoch.is_some_and(|final_epoch| row.epoch <= final_epoch);
            // What was before the first layer is not counted.
            !settled
                && row.parent != row.epoch
                && names.get(&row.epoch).is_some_and(|name| more_ballots(row, name))
        };
        late = rows.iter().rfind(came_late).map(|row| row.parent).or(late);
        above = oldest.epoch;
    }
    let Some(before) = late else { return Ok(shared) };
    Ok(store.epoch(network, before).await?.unwrap_or(shared))
}

/// What the source calls the layers of these rows, which descend.
async fn window(source: &dyn Source, rows: &[EpochRecord]) -> Result<BTreeMap<Epoch, LayerName>, IndexError> {
    let layer = |row: Option<&EpochRecord>| row.and_then(|row| params::layer(row.epoch));
    let Some((first, last)) = layer(rows.last()).zip(layer(rows.first())) else { return Ok(BTreeMap::new()) };
    let names = source.names(&(first..=last)).await?;
    Ok(names.into_iter().map(|name| (params::epoch(name.layer), name)).collect())
}

/// Whether a row is of this layer: by the opinion on it and all before, and by the accounts after it.
fn same(row: &EpochRecord, name: &LayerName) -> bool {
    row.key == worker::key(name) && row.state_root == worker::state(name)
}

fn more_ballots(row: &EpochRecord, name: &LayerName) -> bool {
    let now = checks::counted_ballots(&row.checks).zip(name.ballots);
    now.is_some_and(|(indexed, now)| now > indexed)
}

/// Take back every layer above `common`, in one transaction.
pub(crate) async fn unwind(
    store: &dyn Store,
    network: &NetworkId,
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
        let rows = store.epochs(network, Page { after: Some(above), limit: WINDOW }).await?;
        let Some(oldest) = rows.last() else { break };
        for row in rows.iter().filter(|row| row.epoch > common.epoch) {
            checks::subtract(&mut to.checks, &row.checks);
        }
        above = oldest.epoch;
    }
    let mut work = store.begin().await?;
    let steps = work.unwind(network, cursor, &to).await?;
    work.commit().await?;
    tracing::info!(from = %cursor.epoch, to = %to.epoch, steps, "took back layers");
    Ok(())
}
