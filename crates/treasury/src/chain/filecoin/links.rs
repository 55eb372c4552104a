//! Which tipset is the parent of which, as tipsets say it themselves: their keys are hashes of that.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use apogee_filecoin::types::{Tipset, TipsetKey};

use crate::chain::Tip;

/// Links that are kept: more than a wallet's depth, for several wallets at once.
const KEPT: usize = 8_192;

/// A tipset without what hangs on it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) tip: Tip,
    pub(super) parents: TipsetKey,
}

/// Links that were read. They never change.
#[derive(Debug, Default)]
pub(super) struct Links(Mutex<HashMap<TipsetKey, Link>>);

impl Links {
    fn known(&self) -> MutexGuard<'_, HashMap<TipsetKey, Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &TipsetKey) -> Option<Link> {
        self.known().get(key).cloned()
    }

    pub(super) fn put(&self, tipset: &Tipset) -> Link {
        let link = Link { tip: super::tip(tipset), parents: tipset.parents() };
        let mut known = self.known();
        if known.len() >= KEPT {
            // The newer half stays.
            let mut epochs: Vec<_> = known.values().map(|link| link.tip.epoch).collect();
            let middle = epochs.len() / 2;
            let (_, middle, _) = epochs.select_nth_unstable(middle);
            let oldest = *middle;
            known.retain(|_, link| link.tip.epoch > oldest);
        }
        known.insert(tipset.key().clone(), link.clone());
        link
    }
}
