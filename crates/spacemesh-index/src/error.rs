use apogee_domain::{Epoch, NetworkId};
use apogee_spacemesh::id::{GenesisId, LayerId};
use apogee_spacemesh_state::OpenError;
use apogee_store::StoreError;

use crate::source::SourceError;

/// Why indexing stopped. What was committed before stays and is whole.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The copy is not read.
    #[error("the copy could not be opened")]
    Open(#[from] OpenError),
    /// The source did not hand over the layers.
    #[error("the layers could not be read")]
    Source(#[from] SourceError),
    /// The database did not take it.
    #[error("the database did not take what was indexed")]
    Store(#[from] StoreError),
    /// A network of another protocol.
    #[error("{0} is no network of Spacemesh")]
    Kind(NetworkId),
    /// The network is another one than the source's or the parameters'.
    #[error("genesis id {found} was found, and {expected} was expected: this is another network")]
    Genesis {
        /// The genesis id that is asked for.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The rows were derived by other views, so the digests would not chain: clear the network and index again.
    #[error(
        "the database was indexed by views {found}, this program has views {expected}; clear the network and index again"
    )]
    Views {
        /// Version in the database.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
    /// No layer was executed yet.
    #[error("{0} has no layer that was executed")]
    Nothing(String),
    /// What the source holds of the past ends before its first whole epoch does.
    #[error(
        "{source_name} begins in layer {first} and ends in layer {last}: no epoch begins there that could be counted from"
    )]
    NoEpoch {
        /// Which source.
        source_name: String,
        /// Its first layer.
        first: LayerId,
        /// Its last layer.
        last: LayerId,
    },
    /// A layer was executed before anything is paid: the parameters are not the network's.
    #[error("{source_name} executed layer {found}, and the first that pays is {expected}")]
    BeforeBeginning {
        /// Which source.
        source_name: String,
        /// Its first layer.
        found: LayerId,
        /// The first one that the network pays.
        expected: LayerId,
    },
    /// A layer between others is missing, or comes twice.
    #[error("{source_name} was asked for layer {expected} and told {}", found.map_or_else(|| "nothing".to_owned(), |found| format!("layer {found}")))]
    Gap {
        /// Which source.
        source_name: String,
        /// The layer that was asked for.
        expected: LayerId,
        /// What came in its place.
        found: Option<LayerId>,
    },
    /// The source is behind what is indexed, and on another way there: an old copy, or a node that lags. Nothing is taken back for it.
    #[error(
        "{source_name} ends in layer {head}, before the indexed layer {indexed}, and disagrees with what is indexed"
    )]
    Older {
        /// Which source.
        source_name: String,
        /// Its last layer.
        head: LayerId,
        /// The newest indexed layer.
        indexed: Epoch,
    },
    /// Nothing that is indexed is as the source has it.
    #[error(
        "{source_name} shares no layer with what is indexed: one of the two is of another network, or begins too late"
    )]
    NothingShared {
        /// Which source.
        source_name: String,
    },
    /// The source left what is indexed below what is final. One of the two is wrong; a person has to look.
    #[error("{source_name} leaves what is indexed after layer {common}, below the final layer {final_epoch}")]
    BelowFinal {
        /// Which source.
        source_name: String,
        /// The newest layer that both have, as far as was looked.
        common: Epoch,
        /// What is final in the database.
        final_epoch: Epoch,
    },
    /// The thread that derives facts ended by itself: a defect.
    #[error("deriving facts was cut off")]
    Worker(#[source] tokio::task::JoinError),
}

impl IndexError {
    pub(crate) fn genesis(expected: &GenesisId, found: &GenesisId) -> Self {
        Self::Genesis { expected: expected.to_string(), found: found.to_string() }
    }

    /// Whether trying again, with nothing changed by hand, may work.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Source(SourceError::Unreadable { .. } | SourceError::Moved(_))
            | Self::Nothing(_)
            | Self::NoEpoch { .. }
            | Self::Gap { .. }
            | Self::Older { .. } => true,
            Self::Store(error) => matches!(error, StoreError::Unavailable(_) | StoreError::Conflict { .. }),
            _ => false,
        }
    }
}
