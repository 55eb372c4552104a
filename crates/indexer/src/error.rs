use apogee_domain::Epoch;
use apogee_filecoin::source::SourceError;
use apogee_store::StoreError;

use crate::Reads;

/// Why indexing stopped. What was committed before stays and is whole.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The source did not hand over the chain.
    #[error("the chain could not be read")]
    Source(#[from] SourceError),
    /// The database did not take it.
    #[error("the database did not take what was indexed")]
    Store(#[from] StoreError),
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
    /// What the database holds is no tipset key.
    #[error("the cursor names the tipset {0:?}, which is no tipset key")]
    CursorKey(String),
    /// Epochs were asked for that the database does not hold.
    #[error("epochs {from} to {to} are not all indexed: the newest one is {}", newest.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string()))]
    NotIndexed {
        /// First epoch.
        from: Epoch,
        /// Last epoch.
        to: Epoch,
        /// The newest indexed epoch.
        newest: Option<Epoch>,
    },
    /// The source's chain is not the one in the database.
    #[error("the chain of {source_name} begins with {found}, the database has {expected}")]
    OtherChain {
        /// Which source.
        source_name: String,
        /// The source's oldest tipset.
        found: String,
        /// Genesis in the database.
        expected: String,
    },
    /// The source holds no genesis to start from.
    #[error(
        "{source_name} begins at epoch {oldest}, not at genesis: start from a checkpoint or from the snapshot"
    )]
    NoGenesis {
        /// Which source.
        source_name: String,
        /// Its oldest epoch.
        oldest: Epoch,
    },
    /// The trusted checkpoint is not on the source's chain.
    #[error("the chain of {source_name} has {} at epoch {epoch} where the checkpoint says {expected}", found.as_deref().unwrap_or("nothing"))]
    Checkpoint {
        /// Which source.
        source_name: String,
        /// The checkpoint's epoch.
        epoch: Epoch,
        /// The checkpoint's tipset key.
        expected: String,
        /// What the source has there.
        found: Option<String>,
    },
    /// An epoch does not stand up to its checks. Nothing of it was indexed.
    #[error("epoch {epoch} of {source_name} fails the check {check}: {detail}")]
    Invalid {
        /// Which source.
        source_name: String,
        /// The first such epoch.
        epoch: Epoch,
        /// The check that failed.
        check: String,
        /// What it found.
        detail: String,
    },
    /// An epoch wants more of its state read than one may. Nothing of it was indexed.
    #[error("epoch {epoch} of {source_name} reads more than {} blocks or {} bytes, the limit for one epoch", limit.nodes, limit.bytes)]
    TooMuch {
        /// Which source.
        source_name: String,
        /// The epoch.
        epoch: Epoch,
        /// How much it may read.
        limit: Reads,
    },
    /// A finality certificate does not stand up to its check: it is forged, or it is about another branch than the indexed one. Those before it
    /// count; finality stays where they leave it.
    #[error("{source_name} handed over a finality certificate that does not stand up to its check: {detail}")]
    Certificate {
        /// Which source.
        source_name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The source's chain left the indexed one below what is final. One of the two is wrong; a person has to look.
    #[error(
        "the chain of {source_name} leaves the indexed one after epoch {common}, below the final epoch {final_epoch}"
    )]
    BelowFinal {
        /// Which source.
        source_name: String,
        /// The newest epoch that both have.
        common: Epoch,
        /// What is final in the database.
        final_epoch: Epoch,
    },
    /// The thread that derives facts ended by itself: a defect.
    #[error("deriving facts was cut off")]
    Worker(#[source] tokio::task::JoinError),
}

impl IndexError {
    /// Whether trying again, with nothing changed by hand, may work.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Source(_) | Self::Invalid { .. } | Self::TooMuch { .. } | Self::Certificate { .. } => true,
            Self::Store(error) => matches!(error, StoreError::Unavailable(_) | StoreError::Conflict { .. }),
            _ => false,
        }
    }

    /// Whether it is the chain of the head that cannot be indexed: another head may do.
    #[must_use]
    pub const fn blames_the_chain(&self) -> bool {
        matches!(
            self,
            Self::Invalid { .. } | Self::TooMuch { .. } | Self::OtherChain { .. } | Self::BelowFinal { .. }
        )
    }
}
