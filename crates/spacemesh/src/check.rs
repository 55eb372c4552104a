//! Whether a ballot is what it claims: signed by its smesher, with slots that are the smesher's and fall into its layer.
//!
//! Source: go-spacemesh `proposals/eligibility_validator.go`.

use crate::atx::Atx;
use crate::ballot::{Ballot, EpochData};
use crate::eligibility::Slot;
use crate::id::{AtxId, EpochId, Epochs, GenesisId, LayerId, SmesherId};
use crate::signature::SignatureError;
use crate::vrf::VrfError;

/// What a ballot is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// The network.
    pub genesis: &'a GenesisId,
    /// Its epochs.
    pub epochs: Epochs,
    /// The ballot's activation.
    pub atx: &'a Atx,
    /// The nonce of the smesher's draws: of that activation, or of the last one before it that carries any.
    pub nonce: u64,
    /// What the smesher declared in its first ballot of the epoch. How many slots that gives it is taken from there: it
    /// follows from a set of activations that ballots only name.
    pub declared: &'a EpochData,
}

/// What is wrong with a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BallotFault {
    /// Not signed by its smesher.
    #[error("the ballot is not signed by its smesher")]
    Signature(#[from] SignatureError),
    /// The activation is another one.
    #[error("the ballot is of activation {0}")]
    Activation(AtxId),
    /// The activation is somebody else's.
    #[error("the activation is that of smesher {0}")]
    Smesher(SmesherId),
    /// The activation does not count in this epoch.
    #[error("the activation does not count in epoch {0}")]
    Epoch(EpochId),
    /// No slot.
    #[error("the ballot has no slot")]
    NoSlot,
    /// A slot beyond those that the smesher has.
    #[error("slot {index} of {slots}")]
    Beyond {
        /// The slot.
        index: u32,
        /// How many there are.
        slots: u32,
    },
    /// A slot named twice, or out of order.
    #[error("slot {0} is not after the one before")]
    Order(u32),
    /// A draw that is not the smesher's.
    #[error("slot {index} is not the smesher's")]
    Draw {
        /// The slot.
        index: u32,
        /// Why not.
        #[source]
        source: VrfError,
    },
    /// A slot in another layer.
    #[error("slot {index} falls into another layer: {drawn:?}")]
    Layer {
        /// The slot.
        index: u32,
        /// Where it falls; `None` beyond the last layer there can be.
        drawn: Option<LayerId>,
    },
}

impl Ballot {
    /// Check everything that the ballot claims for itself. Its opinion is not looked at.
    ///
    /// # Errors
    /// The first [`BallotFault`].
    pub fn check(&self, claims: &Claims<'_>) -> Result<(), BallotFault> {
        self.verify(claims.genesis)?;
        let epoch = claims.epochs.of(self.inner.layer);
        if self.inner.atx != claims.atx.id {
            return Err(BallotFault::Activation(self.inner.atx));
        }
        if self.smesher != claims.atx.smesher {
            return Err(BallotFault::Smesher(claims.atx.smesher));
        }
        if claims.atx.target() != Some(epoch) {
            return Err(BallotFault::Epoch(epoch));
        }
        if self.proofs.is_empty() {
            return Err(BallotFault::NoSlot);
        }
        let mut before = None;
        for drawn in &self.proofs {
            let index = drawn.index;
            if index >= claims.declared.slots {
                return Err(BallotFault::Beyond { index, slots: claims.declared.slots });
            }
            if before >= Some(index) {
                return Err(BallotFault::Order(index));
            }
            before = Some(index);
            let slot = Slot { beacon: claims.declared.beacon, epoch, nonce: claims.nonce, index };
            let layer = slot.verify(&self.smesher, &drawn.proof, claims.epochs);
            let layer = layer.map_err(|source| BallotFault::Draw { index, source })?;
            if layer != Some(self.inner.layer) {
                return Err(BallotFault::Layer { index, drawn: layer });
            }
        }
        Ok(())
    }
}
