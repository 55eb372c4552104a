use std::collections::BTreeMap;

use cid::Cid;

use super::check::{Reason, Unknown};
use super::store::CheckedStore;
use crate::types::{BeaconEntry, BlockHeader, Tipset, TipsetKey};

use fvm_ipld_blockstore::Blockstore;

/// How many tipsets back a beacon entry is looked for (Lotus `ChainStore.GetLatestBeaconEntry`).
const BEACON_SEARCH: usize = 20;

/// Epochs that are kept beyond the look-back, for forks.
const SLACK: i64 = 100;

/// A contiguous piece of the chain up to the parent of the tipset at hand.
#[derive(Debug, Default)]
pub(super) struct History(BTreeMap<i64, Tipset>);

/// What an election looks back to.
#[derive(Clone, Debug)]
pub(super) struct Lookback {
    /// The tipset at or before the look-back epoch; eligibility uses its *parent* state.
    pub(super) tipset: Tipset,
    /// The state after that tipset, where power and worker are read.
    pub(super) state: Cid,
}

impl History {
    /// Make the parent of `tipset` the newest entry, loading it and what joins it to the rest where need be.
    ///
    /// Nothing changes when it is not to be had.
    pub(super) fn parent(&mut self, store: &CheckedStore, tipset: &Tipset) -> Result<Tipset, Unknown> {
        let mut branch = Vec::new();
        let mut key = tipset.parents();
        loop {
            if let Some(height) =
                self.0.iter().rev().find(|(_, known)| *known.key() == key).map(|(height, _)| *height)
            {
                self.0.retain(|other, _| *other <= height);
                break;
            }
            let loaded = match load(store, &key) {
                Ok(loaded) => loaded,
                Err(unknown) if branch.is_empty() => return Err(unknown),
                Err(_) => {
                    self.0.clear();
                    break;
                }
            };
            key = loaded.parents();
            let below = self.0.first_key_value().is_none_or(|(lowest, _)| loaded.epoch().height() < *lowest);
            let descends = branch.last().is_none_or(|above: &Tipset| loaded.epoch() < above.epoch());
            if descends {
                branch.push(loaded);
            }
            if below || !descends {
                self.0.clear();
                break;
            }
        }
        self.0.extend(branch.into_iter().map(|tipset| (tipset.epoch().height(), tipset)));
        let newest = self.0.last_key_value().map(|(_, newest)| newest.clone());
        newest.ok_or_else(|| {
            Unknown::new(Reason::MissingParent, format!("{} is not at hand", tipset.parents()))
        })
    }

    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remember `tipset`, whose parent has been made the newest entry, and forget what is further back than `lookback` epochs.
    pub(super) fn push(&mut self, tipset: &Tipset, lookback: i64) {
        let height = tipset.epoch().height();
        self.0 = self.0.split_off(&(height - lookback - SLACK));
        self.0.insert(height, tipset.clone());
    }

    /// The tipset at `height`, if it is remembered.
    pub(super) fn at(&self, height: i64) -> Option<&Tipset> {
        self.0.get(&height)
    }

    /// The heights that are remembered without a gap.
    pub(super) fn covers(&self, height: i64) -> bool {
        let first = self.0.first_key_value().map(|(first, _)| *first);
        let last = self.0.last_key_value().map(|(last, _)| *last);
        first.is_some_and(|first| first <= height) && last.is_some_and(|last| height <= last)
    }

    /// Where an election at `height` on `parent` looks back to (Lotus `stmgr.GetLookbackTipSetForRound`).
    ///
    /// `state_after_parent` is the parent state root of the block itself.
    pub(super) fn lookback(
        &mut self,
        store: &CheckedStore,
        parent: &Tipset,
        state_after_parent: Cid,
        height: i64,
        distance: i64,
    ) -> Result<Lookback, Unknown> {
        let target = (height - distance).max(0);
        if target >= parent.epoch().height() {
            return Ok(Lookback { tipset: parent.clone(), state: state_after_parent });
        }
        self.reach(store, target)?;
        let unknown =
            || Unknown::new(Reason::MissingLookback, format!("no tipset at or before epoch {target}"));
        let (_, tipset) = self.0.range(..=target).next_back().ok_or_else(unknown)?;
        let (_, next) = self.0.range(target + 1..).next().ok_or_else(unknown)?;
        Ok(Lookback { tipset: tipset.clone(), state: next.first().parent_state_root })
    }

    /// The newest beacon entry of `parent` or of a tipset before it; none in a network that has just begun.
    pub(super) fn latest_beacon(
        &mut self,
        store: &CheckedStore,
        parent: &Tipset,
    ) -> Result<BeaconEntry, Unknown> {
        let mut tipset = parent.clone();
        for _ in 0..BEACON_SEARCH {
            if let Some(entry) = tipset.first().beacon_entries.last() {
                return Ok(entry.clone());
            }
            if tipset.first().is_genesis() {
                break;
            }
            let key = tipset.parents();
            tipset = match self.0.range(..tipset.epoch().height()).next_back() {
                Some((_, before)) if *before.key() == key => before.clone(),
                _ => load(store, &key)?,
            };
        }
        Err(Unknown::new(Reason::MissingBeacon, format!("no beacon entry up to epoch {}", parent.epoch())))
    }

    /// Extend the piece down to `height`.
    fn reach(&mut self, store: &CheckedStore, height: i64) -> Result<(), Unknown> {
        while let Some((lowest, tipset)) = self.0.first_key_value() {
            if *lowest <= height || tipset.first().is_genesis() {
                return Ok(());
            }
            let parent = load(store, &tipset.parents())
                .map_err(|unknown| Unknown::new(Reason::MissingLookback, unknown.detail))?;
            let parent_height = parent.epoch().height();
            if parent_height >= *lowest {
                return Err(Unknown::new(
                    Reason::MissingLookback,
                    format!("epochs do not descend below {lowest}"),
                ));
            }
            self.0.insert(parent_height, parent);
        }
        Ok(())
    }
}

/// The tipset of that name from its blocks.
fn load(store: &CheckedStore, key: &TipsetKey) -> Result<Tipset, Unknown> {
    let unknown = |detail: String| Unknown::new(Reason::MissingParent, detail);
    let blocks = key.0.iter().map(|cid| match store.get(cid) {
        Ok(Some(bytes)) => BlockHeader::from_cbor(&bytes)
            .map_err(|error| unknown(format!("block {cid} is no header: {error}"))),
        Ok(None) => Err(unknown(format!("block {cid} is not at hand"))),
        Err(error) => Err(Unknown::new(Reason::StoreFailed, error.to_string())),
    });
    let tipset =
        Tipset::new(blocks.collect::<Result<_, _>>()?).map_err(|error| unknown(error.to_string()))?;
    if tipset.key() == key { Ok(tipset) } else { Err(unknown(format!("{key} is not in ticket order"))) }
}
