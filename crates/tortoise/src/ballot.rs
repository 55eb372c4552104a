//! Blocks, activations and ballots as the network has them.

use serde::Deserialize;

use crate::{AtxId, BallotId, Beacon, BlockId, Layer, NodeId, OpinionHash};

/// What a vote is for: a block, at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The block.
    pub id: BlockId,
    /// Its layer.
    #[serde(rename = "lid")]
    pub layer: Layer,
    /// Its height in ticks of proofs of elapsed time.
    pub height: u64,
}

impl Header {
    /// The order in which opinions name blocks.
    pub(crate) fn order(&self) -> (u64, BlockId) {
        (self.height, self.id)
    }
}

/// What counts of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atx {
    /// Whose it is.
    pub node: NodeId,
    /// Units of space times ticks.
    pub weight: u64,
    /// Its height in ticks.
    pub height: u64,
}

/// Votes, as differences to those of another ballot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// What the votes come to.
    pub hash: OpinionHash,
    /// The ballot whose votes these change.
    pub base: BallotId,
    /// Blocks to vote for.
    #[serde(default)]
    pub support: Vec<Header>,
    /// Blocks to vote against.
    #[serde(default)]
    pub against: Vec<Header>,
    /// Layers to abstain on.
    #[serde(default)]
    pub abstain: Vec<Layer>,
}

/// What the first ballot of a smesher in an epoch says for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochData {
    /// What the smesher believes that was drawn.
    pub beacon: Beacon,
    /// How many ballots its activation is shared among.
    #[serde(rename = "elig")]
    pub eligibilities: u32,
}

/// A ballot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ballot {
    /// Its name.
    pub id: BallotId,
    /// Who voted.
    #[serde(rename = "node")]
    pub smesher: NodeId,
    /// When.
    #[serde(rename = "lid")]
    pub layer: Layer,
    /// How many shares of the activation's weight it has.
    #[serde(rename = "elig")]
    pub eligibilities: u32,
    /// The activation.
    #[serde(rename = "atxid")]
    pub atx: AtxId,
    /// What it votes.
    pub opinion: Opinion,
    /// In the first ballot of an epoch.
    #[serde(rename = "epochdata")]
    pub epoch: Option<EpochData>,
    /// In the others: which one is the first.
    #[serde(rename = "ref")]
    pub reference: Option<BallotId>,
    /// Whether its smesher is known to have cheated.
    #[serde(rename = "mal")]
    pub malicious: bool,
}
