//! The beacon that a schedule is bound to: whoever chose the seed did not know it, and whoever knows it did not choose the seed.

use apogee_dealbot::canonical::Bytes;
use apogee_dealbot::desk::Changed;
use apogee_dealbot::schedule::{BEACON_WITHIN, Beacon, Cadence};
use apogee_domain::{Epoch, Network, Timestamp};
use apogee_filecoin::source::{Source, SourceError};
use apogee_filecoin::types::{BeaconEntry, TipsetKey};
use apogee_filecoin::verify::Check;
use apogee_store::{EpochKind, EpochRecord, Page, Store, StoreError};
use cid::Cid;

use super::Race;

/// Epochs before the named one from which on its round may be known: a block carries the round of the epoch before its own.
const AHEAD: u32 = 2;
/// Epochs between a final beacon and the first slot at least: the index has to get there.
const LEAD: u32 = 2;

/// Why a race does not begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotBegun {
    /// It began with others.
    #[error(transparent)]
    Changed(#[from] Changed),
    /// Whoever chose the seed could have known the beacon.
    #[error(
        "beacon_epoch is {epoch}, which is over: the seed is committed to before its beacon is known, so name an epoch that is to come"
    )]
    Over { epoch: Epoch },
    /// Slots would be due before anybody can say when.
    #[error(
        "start is {start}, but the beacon of epoch {epoch} is final at {settled} at the earliest: begin later, or name an earlier epoch"
    )]
    Early { start: Timestamp, epoch: Epoch, settled: Timestamp },
    /// The chain cannot be read.
    #[error("the beacon cannot be read")]
    Source(#[from] SourceError),
    /// What is indexed as a tipset's key is none.
    #[error("{0} is no tipset's key")]
    Key(String),
}

impl NotBegun {
    /// Whether somebody has to change the settings; the world may be better the next time.
    pub(super) const fn is_settings(&self) -> bool {
        match self {
            Self::Changed(changed) => !matches!(changed, Changed::Desk(_)),
            Self::Over { .. } | Self::Early { .. } => true,
            Self::Source(_) | Self::Key(_) => false,
        }
    }
}

impl From<StoreError> for NotBegun {
    fn from(error: StoreError) -> Self {
        Self::Changed(Changed::Desk(error.into()))
    }
}

/// Whether a seed may be committed to now whose beacon is that of `epoch`. `indexed`: the newest epoch that is known here.
pub(super) fn is_to_come(
    network: &Network,
    cadences: &[Cadence],
    epoch: Epoch,
    (indexed, now): (Option<Epoch>, Timestamp),
) -> Result<(), NotBegun> {
    let known = epoch.minus(AHEAD.into());
    if network.time_of(known) <= now || indexed.is_some_and(|indexed| indexed >= known) {
        return Err(NotBegun::Over { epoch });
    }
    let settled = network.time_of(epoch.plus(network.finality.depth).plus(LEAD));
    match cadences.iter().map(|cadence| cadence.start).min().filter(|start| *start < settled) {
        Some(start) => Err(NotBegun::Early { start, epoch, settled }),
        None => Ok(()),
    }
}

impl Race {
    /// Bind the schedule to the beacon that it was bound to before; whether there is one.
    pub(super) async fn rebind(&self, store: &dyn Store) -> Result<bool, NotBegun> {
        if self.plan.beacon.get().is_none()
            && let Some(beacon) = self.desk(store).pinned_beacon().await.map_err(Changed::from)?
        {
            // Only one task begins a race.
            let _: Result<(), Beacon> = self.plan.beacon.set(beacon);
        }
        Ok(self.plan.beacon.get().is_some())
    }

    /// Bind the schedule to its beacon, where that is final by now; whether it is bound.
    pub(super) async fn bind(
        &self,
        store: &dyn Store,
        source: &dyn Source,
        epoch: Epoch,
    ) -> Result<bool, NotBegun> {
        let network = &self.plan.network;
        let settled = store.cursor(network).await?.and_then(|cursor| cursor.final_epoch);
        let Some(settled) = settled.filter(|settled| *settled >= epoch) else { return Ok(false) };
        let page = Page { after: Some(epoch.plus(BEACON_WITHIN)), limit: BEACON_WITHIN };
        let mut found = store.epochs(network, page).await?;
        found.retain(|found| (epoch..=settled).contains(&found.epoch) && is_verified(found));
        // They come from the newest to the oldest: the first one that has an entry counts.
        for record in found.iter().rev() {
            let tipset = source.tipset(&key(&record.key)?).await?;
            if let Some(entry) = due(&tipset.first().beacon_entries, epoch, record) {
                let beacon = Beacon {
                    epoch: record.epoch,
                    tipset: record.key.clone(),
                    round: entry.round,
                    entry: Bytes(entry.signature.clone()),
                };
                let (race, round) = (&self.plan.race, entry.round);
                tracing::info!(race, epoch = %record.epoch, round, "the schedule is bound to the beacon");
                return Ok(self.plan.beacon.set(beacon).is_ok());
            }
        }
        if settled >= epoch.plus(BEACON_WITHIN) {
            let race = &self.plan.race;
            tracing::error!(race, %epoch, "no tipset from beacon_epoch on has a beacon that was verified: nothing can be probed");
        }
        Ok(false)
    }
}

/// The entry that is due for `epoch`. After null rounds a tipset carries one for each epoch since its parent: whoever leaves out blocks gets no other draw.
fn due<'a>(entries: &'a [BeaconEntry], epoch: Epoch, record: &EpochRecord) -> Option<&'a BeaconEntry> {
    let since = usize::try_from(record.epoch.since(record.parent)).ok()?;
    let place = usize::try_from(epoch.since(record.parent)).ok()?.checked_sub(1);
    match place {
        Some(place) if entries.len() == since => entries.get(place),
        _ => entries.last(),
    }
}

/// Whether the beacon of a tipset was checked and stands.
fn is_verified(record: &EpochRecord) -> bool {
    let check = record.checks.iter().find(|check| check.check == Check::Beacon.name());
    record.kind == EpochKind::Tipset && check.is_some_and(|check| check.passed > 0 && check.failed == 0)
}

fn key(text: &str) -> Result<TipsetKey, NotBegun> {
    let cids: Result<Vec<Cid>, _> = text.split(',').map(str::parse).collect();
    Ok(TipsetKey(cids.map_err(|_| NotBegun::Key(text.to_owned()))?))
}
