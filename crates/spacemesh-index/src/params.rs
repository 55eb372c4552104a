use apogee_domain::{Epoch, Network, NetworkKind, Timestamp};
use apogee_spacemesh::eligibility::Committee;
use apogee_spacemesh::id::{Epochs, GenesisId, LayerId, SmesherId};

use crate::IndexError;

/// What a network is configured with, beside what every network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// The network's name in its own protocol; the same as [`Network::genesis`].
    pub genesis: GenesisId,
    /// Slots, the least weight and the length of epochs.
    pub committee: Committee,
    /// The layer from which subsidies are counted, the last of the second epoch; the layer after it is the first that pays. After a restart from a
    /// checkpoint it is still that of the network's first start.
    pub first: LayerId,
}

impl Params {
    /// How layers make epochs.
    #[must_use]
    pub const fn epochs(&self) -> Epochs {
        self.committee.epochs
    }

    /// The first layer that pays; `None` beyond the last layer there can be.
    pub(crate) fn beginning(&self) -> Option<LayerId> {
        self.first.0.checked_add(1).map(LayerId)
    }

    /// That they are those of `network`.
    pub(crate) fn check(&self, network: &Network) -> Result<(), IndexError> {
        if network.kind != NetworkKind::Spacemesh {
            return Err(IndexError::Kind(network.id.clone()));
        }
        if network.genesis != self.genesis.to_string() {
            let (expected, found) = (self.genesis.to_string(), network.genesis.clone());
            return Err(IndexError::Genesis { expected, found });
        }
        Ok(())
    }
}

/// A layer as epochs of a database are counted.
pub(crate) fn epoch(layer: LayerId) -> Epoch {
    Epoch::GENESIS.plus(layer.0)
}

/// The layer that an epoch of a database is; `None` beyond the last layer there can be.
pub(crate) fn layer(epoch: Epoch) -> Option<LayerId> {
    u32::try_from(epoch.height()).ok().map(LayerId)
}

/// The layer in which something happened `nanoseconds` after 1970; the first one for what is earlier. `None` beyond the last layer
/// there can be.
pub(crate) fn layer_at(network: &Network, nanoseconds: i64) -> Option<LayerId> {
    let at = Timestamp(nanoseconds.div_euclid(1_000));
    if at <= network.genesis_time {
        return Some(LayerId(0));
    }
    layer(network.schedule().epoch_of(at)?)
}

/// A smesher as participants of a Spacemesh network are called: 64 hexadecimal digits. `None` for no id there can be.
pub(crate) fn subject(smesher: &SmesherId) -> Option<apogee_domain::Subject> {
    smesher.to_string().parse().ok()
}
