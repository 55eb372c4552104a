//! Activations, as a node remembers them: what it has taken from their proofs.

use crate::address::Address;
use crate::id::{AtxId, EpochId, SmesherId};

/// An activation that a node has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atx {
    /// Its name.
    pub id: AtxId,
    /// Whose it is.
    pub smesher: SmesherId,
    /// The epoch in which it was published: it counts in the one after.
    pub published: EpochId,
    /// Where its rewards go. Looked up when a block is executed.
    pub coinbase: Address,
    /// Units of space, of all identities that it joins.
    pub units: u32,
    /// Ticks that passed before.
    pub base_height: u64,
    /// Ticks that it proves.
    pub ticks: u64,
    /// What it counts: units times ticks, summed over the identities that it joins.
    pub weight: u64,
    /// The nonce of the smesher's draws, where this activation carries it.
    pub nonce: Option<u64>,
}

impl Atx {
    /// The epoch in which it counts; `None` after the last epoch there can be.
    #[must_use]
    pub fn target(&self) -> Option<EpochId> {
        self.published.0.checked_add(1).map(EpochId)
    }

    /// Its height: ticks before, and its own. `None` where they do not fit.
    #[must_use]
    pub fn height(&self) -> Option<u64> {
        self.base_height.checked_add(self.ticks)
    }
}
