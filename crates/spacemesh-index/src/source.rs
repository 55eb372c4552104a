//! What is asked of a Spacemesh network, layer by layer.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;

use apogee_spacemesh::id::{BlockId, EpochId, GenesisId, Hash, LayerId, SmesherId};
use apogee_spacemesh::reward::Reward;
use async_trait::async_trait;

/// Layers, both ends among them.
pub type Layers = RangeInclusive<LayerId>;

/// Where the facts of a network come from. A source may not know everything; what it does not know is `None`, and not nothing.
#[async_trait]
pub trait Source: Send + Sync + fmt::Debug {
    /// How people call it: a file, an address.
    fn name(&self) -> &str;

    /// The network that it was seen to be of.
    async fn genesis(&self) -> Result<GenesisId, SourceError>;

    /// The first and the last layer that it can tell, all of which were executed; `None` before the first one.
    async fn layers(&self) -> Result<Option<Layers>, SourceError>;

    /// The newest layer that votes have made final, as a recount found; `None` where nobody counted. What a node calls verified is not that.
    async fn verified(&self) -> Result<Option<LayerId>, SourceError>;

    /// What layers are told apart by, ascending. Layers on which it has no opinion are absent. Asked for at most [`MOST_LAYERS`] at once.
    async fn names(&self, layers: &Layers) -> Result<Vec<LayerName>, SourceError>;

    /// What happened in layers that were executed, ascending. Asked for at most [`MOST_LAYERS`] at once.
    async fn facts(&self, layers: &Layers) -> Result<Vec<LayerFacts>, SourceError>;

    /// Every activation that counts in `epoch`, in no particular order.
    async fn activations(&self, epoch: EpochId) -> Result<Vec<Activation>, SourceError>;

    /// Who is known to be malfeasant, with when that became known, in nanoseconds since 1970; `None` where the source does not tell when.
    async fn malfeasant(&self) -> Result<BTreeMap<SmesherId, Option<i64>>, SourceError>;
}

/// Layers that are asked for at once.
pub const MOST_LAYERS: u32 = 1_024;

/// What a layer is told from others of its height by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerName {
    /// The layer.
    pub layer: LayerId,
    /// The opinion on this layer and all before, which nodes call the aggregated hash.
    pub opinion: Hash,
    /// The accounts that it changed; `None` where it changed none.
    pub state: Option<Hash>,
    /// How many ballots there are; `None` where the source knows none of this layer. Ballots may come late, under the same opinion.
    pub ballots: Option<u64>,
}

/// What happened in a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFacts {
    /// Which layer it is.
    pub name: LayerName,
    /// The block that was executed; `None` for a layer without one.
    pub block: Option<BlockFacts>,
    /// Rewards as the source tells them.
    pub rewards: Vec<Reward>,
    /// Its ballots; `None` where the source has none to give.
    pub ballots: Option<Vec<BallotFacts>>,
}

/// The block of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockFacts {
    /// Its name, where it is known.
    pub id: Option<BlockId>,
    /// How many transactions it has.
    pub transactions: u32,
    /// What they paid, in smidge; `None` where it is not known.
    pub fees: Option<u64>,
    /// The rewards that it comes to.
    pub worked_out: WorkedOut,
}

/// Rewards, worked out from a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkedOut {
    /// These, each of another smesher.
    Rewards(Vec<Reward>),
    /// The source has no blocks, or not what they name: a stable word says which.
    NotMade(&'static str),
    /// The block does not come to any rewards: why, in words.
    Failed(String),
}

/// A ballot, as far as slots are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BallotFacts {
    /// Whose it is.
    pub smesher: SmesherId,
    /// The slots that it proves, by their numbers in the epoch.
    pub slots: Vec<u32>,
    /// How many slots the smesher has in the epoch, where this ballot declares it.
    pub declared: Option<u32>,
    /// Whether it is what it claims.
    pub verdict: Verdict,
}

/// What checking a ballot came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Signed by its smesher, and every slot was drawn.
    Sound,
    /// Not so: why, in words. It fills no slot.
    Unsound(String),
    /// Not checked: a stable word says why. It is taken for what it says.
    NotMade(&'static str),
}

/// An activation that counts in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Activation {
    /// Whose it is.
    pub smesher: SmesherId,
    /// Units of space.
    pub units: u32,
    /// Its weight.
    pub weight: u64,
}

/// A source that does not answer, or not well.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be read or asked. Asking again may help where it is a node.
    #[error("{source_name} could not be read")]
    Unreadable {
        /// Which source.
        source_name: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It had other layers at the end of an answer than at its beginning. Asking again helps.
    #[error("{0} took layers back while it was asked for them")]
    Moved(String),
    /// It does not show which network it is of.
    #[error("{0} holds no ballot, so that nothing shows which network it is of")]
    Unproven(String),
    /// The thread that reads it ended by itself: a defect.
    #[error("reading was cut off")]
    Worker(#[source] tokio::task::JoinError),
}
