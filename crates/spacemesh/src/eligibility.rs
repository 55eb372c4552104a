//! How often a smesher may propose in an epoch, and in which layers.
//!
//! Source: go-spacemesh `proposals/util/util.go` and `proposals/util.go`.

use std::num::NonZeroU32;

use crate::id::{Beacon, EpochId, Epochs, LayerId, SmesherId};
use crate::scale::{Scale, write_compact};
use crate::vrf::{Proof, VrfError};

/// What draws of slots are told apart from other draws by.
const VOTING: u64 = 3;

/// What a network is configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committee {
    /// Slots that a layer has on average: 50 on the main network.
    pub size: NonZeroU32,
    /// The weight below which a network is not taken to be: slots of a small network are fewer.
    pub least_weight: u64,
    /// Its epochs.
    pub epochs: Epochs,
}

impl Committee {
    /// How many slots an epoch has for an activation of `weight` where all that the smesher knew together weigh
    /// `total`. At least one; `None` where nothing weighs anything.
    ///
    /// The smesher's own set of activations counts, not everybody's: what its first ballot of the epoch declares is
    /// exact, and this an estimate unless that set is known.
    #[must_use]
    pub fn slots(&self, weight: u64, total: u64) -> Option<u128> {
        let slots = u128::from(self.size.get()) * u128::from(self.epochs.layers.get());
        // 64 bits of weight and 64 bits of slots.
        let share = u128::from(weight).saturating_mul(slots);
        share.checked_div(total.max(self.least_weight).into()).map(|slots| slots.max(1))
    }
}

/// A slot: the draw of one smesher in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The randomness of the epoch, as the smesher declares it.
    pub beacon: Beacon,
    /// The epoch.
    pub epoch: EpochId,
    /// The smesher's nonce, which its activation carries.
    pub nonce: u64,
    /// Which of the smesher's slots, from zero.
    pub index: u32,
}

impl Slot {
    /// What is drawn on.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_compact(VOTING, &mut out);
        self.beacon.write(&mut out);
        self.epoch.write(&mut out);
        write_compact(self.nonce, &mut out);
        write_compact(u64::from(self.index), &mut out);
        out
    }

    /// Check that `proof` is the smesher's draw of this slot, and say in which layer it is. `None` beyond the last
    /// layer there can be.
    ///
    /// # Errors
    /// See [`VrfError`].
    pub fn verify(
        &self,
        smesher: &SmesherId,
        proof: &Proof,
        epochs: Epochs,
    ) -> Result<Option<LayerId>, VrfError> {
        proof.verify(smesher, &self.message())?;
        Ok(self.layer(proof, epochs))
    }

    /// The layer that a proof comes to: its first eight bytes, not its output, decide.
    fn layer(&self, proof: &Proof, epochs: Epochs) -> Option<LayerId> {
        let mut drawn = [0; 8];
        drawn.iter_mut().zip(proof.0).for_each(|(to, from)| *to = from);
        let offset = u64::from_le_bytes(drawn) % u64::from(epochs.layers.get());
        let first = epochs.first(self.epoch)?;
        first.0.checked_add(u32::try_from(offset).ok()?).map(LayerId)
    }
}
