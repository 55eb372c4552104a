//! What things are called.

use std::fmt;
use std::str::FromStr;

use crate::scale::{Reader, Scale, ScaleError, write_compact};

/// The text is no name of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {digits} hexadecimal digits")]
pub struct InvalidId {
    what: &'static str,
    digits: usize,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $length:literal, $what:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// How many bytes it has.
            pub const LENGTH: usize = $length;

            /// Whether every byte is zero, which stands for none at all.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0 == [0; $length]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let mut bytes = [0; $length];
                let invalid = InvalidId { what: $what, digits: 2 * $length };
                hex::decode_to_slice(text, &mut bytes).map_err(|_| invalid)?;
                Ok(Self(bytes))
            }
        }

        impl Scale for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
                input.array().map(Self)
            }
        }
    )* };
}

ids! {
    /// A network: begins every message that is signed on it. See [`GenesisId::of`].
    GenesisId: 20, "a genesis id";
    /// An identity that smeshes: its Ed25519 key, which also draws its slots.
    SmesherId: 32, "a smesher's id";
    /// An activation: that a smesher has proven its space for an epoch.
    AtxId: 32, "an activation's id";
    /// A ballot: blake3 of what is signed in it, cut to 20 bytes.
    BallotId: 20, "a ballot's id";
    /// A block: blake3 of its bytes, cut to 20 bytes.
    BlockId: 20, "a block's id";
    /// A transaction: blake3 of its bytes.
    TransactionId: 32, "a transaction's id";
    /// The randomness of an epoch.
    Beacon: 4, "a beacon";
    /// A blake3 hash of something else: an opinion, a set of activations, a state.
    Hash: 32, "a hash";
    /// A key that signs transactions.
    PublicKey: 32, "a public key";
}

impl GenesisId {
    /// That of a network that began at `time` (seconds since 1970) and was configured with `extra_data`.
    ///
    /// Source: go-spacemesh `config/genesis.go`.
    #[must_use]
    pub fn of(time: i64, extra_data: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(time.to_string().as_bytes()).update(extra_data.as_bytes());
        Self(cut(hasher.finalize()))
    }
}

impl TransactionId {
    /// That of a transaction of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// The beginning of a hash.
pub(crate) fn cut(hash: blake3::Hash) -> [u8; 20] {
    let mut id = [0; 20];
    id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    id
}

macro_rules! heights {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl Scale for $name {
            fn write(&self, out: &mut Vec<u8>) {
                write_compact(u64::from(self.0), out);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
                input.compact32().map(Self)
            }
        }
    )* };
}

heights! {
    /// A height of the mesh.
    LayerId;
    /// A run of layers with one beacon and one set of activations.
    EpochId;
}

/// How layers make epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// Layers in an epoch: 4032 on the main network.
    pub layers: std::num::NonZeroU32,
}

impl Epochs {
    /// The epoch of `layer`.
    #[must_use]
    pub const fn of(self, layer: LayerId) -> EpochId {
        EpochId(layer.0 / self.layers.get())
    }

    /// The first layer of `epoch`; `None` beyond the last layer there can be.
    #[must_use]
    pub fn first(self, epoch: EpochId) -> Option<LayerId> {
        epoch.0.checked_mul(self.layers.get()).map(LayerId)
    }

    /// The layer from which subsidies are counted: the last one of the second epoch. After a restart from a checkpoint
    /// it is still that of the network's first start.
    #[must_use]
    pub fn first_effective_genesis(self) -> LayerId {
        LayerId(self.layers.get().saturating_mul(2) - 1)
    }
}
