//! What a recount comes to, as a document.

use std::collections::{BTreeMap, BTreeSet};

use apogee_spacemesh::id::{BallotId, BlockId, GenesisId, Hash, LayerId};
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh_state::{Layers, State};
use apogee_tortoise::{Config, Interrupt};
use serde::{Deserialize, Serialize};

use crate::consequences::{self, Consequences};
use crate::error::RecountError;
use crate::text;

/// What a recount comes to. Two recounts of the same input with the same parameters are the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What was counted.
    pub input: Input,
    /// The network's parameters.
    pub config: Config,
    /// The layer from which subsidies are counted.
    #[serde(with = "text::layer")]
    pub first_genesis: LayerId,
    /// The highest layer up to which votes decide on all that were counted. What lies above may change yet.
    #[serde(with = "text::layer")]
    pub verified: LayerId,
    /// The first layer on which votes decide otherwise than the node, if there is one.
    #[serde(with = "text::optional_layer")]
    pub differs: Option<LayerId>,
    /// How it went, in order.
    pub stages: Vec<StageReport>,
    /// What was found of ballots; `None` if they were not checked.
    pub checks: Option<Checks>,
    /// Every layer that was counted, in order.
    pub layers: Vec<LayerReport>,
    /// What follows for rewards from the layers on which votes decide otherwise than the node.
    pub rewards: Consequences,
}

/// What a recount counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Over all that is counted, and all that the node says of the layers: see the README.
    #[serde(with = "text")]
    pub digest: Hash,
    /// The version of the copy's schema.
    pub version: u32,
    /// The network.
    #[serde(with = "text")]
    pub genesis: GenesisId,
    /// The first layer.
    #[serde(with = "text::layer")]
    pub from: LayerId,
    /// The last layer: the highest one with a ballot.
    #[serde(with = "text::layer")]
    pub to: LayerId,
    /// The node's opinion on the last layer and all before, if it has one.
    #[serde(with = "text::optional")]
    pub opinion: Option<Hash>,
}

/// How a stage went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageReport {
    /// The first layer.
    #[serde(with = "text::layer")]
    pub from: LayerId,
    /// The last layer.
    #[serde(with = "text::layer")]
    pub to: LayerId,
    /// The highest layer up to which votes decided.
    #[serde(with = "text::layer")]
    pub verified: LayerId,
    /// Whether ballots that agree did not suffice, so that all votes are counted.
    pub full: bool,
    /// Ballots that vote what they were signed with.
    pub whole: u64,
    /// Ballots that build on one below the first layer: their votes there are not known.
    pub cut: u64,
    /// Ballots that build on one which is not in the copy: whether that is below the first layer is not known, nor what it
    /// votes. Nodes take such a ballot to vote against what it does not name.
    pub missing: u64,
    /// Ballots that vote something else than they were signed with. No node takes such from another.
    pub differing: u64,
    /// Ballots that were passed over, as by a node: their activation, or the ballot that they refer to, is not known.
    pub refused: u64,
}

/// What checking ballots came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Ballots that are signed, with slots that are their smeshers'.
    pub passed: u64,
    /// Ballots that are not. They were counted all the same, as the node counts them.
    pub failed: u64,
    /// The first of those, by layer and name.
    #[serde(with = "text::list")]
    pub examples: Vec<BallotId>,
    /// Ballots that could not be checked, as something that they refer to is not in the copy.
    pub not_made: u64,
}

/// A layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerReport {
    /// Which.
    #[serde(with = "text::layer")]
    pub layer: LayerId,
    /// Whether votes decide on it and all below in the last window with it.
    pub verified: bool,
    /// Whether it is so recent that the opinion on it follows the committee's output in the copy, and not votes.
    pub recent: bool,
    /// The block to be executed; `None` for none.
    #[serde(with = "text::optional")]
    pub block: Option<BlockId>,
    /// The opinion on it and all below.
    #[serde(with = "text")]
    pub opinion: Hash,
    /// What the node says, if it says anything.
    pub node: Option<NodeSays>,
}

/// What a node says of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSays {
    /// Whether it executed the layer.
    pub executed: bool,
    /// The block that it executed; `None` for none.
    #[serde(with = "text::optional")]
    pub block: Option<BlockId>,
    /// Its opinion on the layer and all below, if it has one.
    #[serde(with = "text::optional")]
    pub opinion: Option<Hash>,
}

/// Where a recount and what somebody else holds part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// Layers on which votes decide and that are the same.
    pub same: u64,
    /// The layers on which votes decide otherwise, in order.
    pub differing: Vec<LayerReport>,
    /// Layers on which votes do not decide: too new, recent and held with another opinion, or not counted.
    pub open: u64,
}

impl LayerReport {
    /// Whether block and opinion are the node's. That it did not execute the layer yet, or has no opinion yet, is no
    /// difference; nor is another opinion where votes do not say what is thought.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.node.is_none_or(|node| {
            (!node.executed || node.block == self.block)
                && (self.recent || node.opinion.is_none_or(|opinion| opinion == self.opinion))
        })
    }

    /// Whether another block was executed by the node than votes decide for.
    #[must_use]
    pub fn pays_otherwise(&self) -> bool {
        self.verified && self.node.is_some_and(|node| node.executed && node.block != self.block)
    }
}

impl Report {
    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Nothing in it can fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// A document, read strictly.
    ///
    /// # Errors
    /// Of JSON, where it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// What the document is called by: blake3 of its bytes.
    #[must_use]
    pub fn digest(&self) -> Hash {
        Hash(*blake3::hash(&self.to_json()).as_bytes())
    }

    /// What follows for rewards in `layers` that somebody else paid: another node, or an index of an earlier day. Layers on
    /// which votes do not decide are left out. `state` is the copy that was counted.
    ///
    /// # Errors
    /// [`RecountError::Read`], [`RecountError::Rewards`], [`RecountError::Interrupted`].
    pub fn consequences(
        &self,
        state: &State,
        layers: &Layers,
        paid: &[Reward],
        interrupt: &Interrupt,
    ) -> Result<Consequences, RecountError> {
        let decided: Vec<LayerReport> = self
            .layers
            .iter()
            .filter(|counted| counted.verified && layers.contains(&counted.layer))
            .copied()
            .collect();
        let known: BTreeSet<LayerId> = decided.iter().map(|counted| counted.layer).collect();
        let paid: Vec<Reward> = paid.iter().filter(|reward| known.contains(&reward.layer)).copied().collect();
        let (owed, unknown) = consequences::owed(state, &decided, self.first_genesis, interrupt)?;
        Ok(Consequences::between(&paid, &owed, unknown))
    }

    /// Whether all votes that were counted are those that were cast: no ballot is other than it was signed, none builds on
    /// one that is not in the copy, and, where that was checked, all are what they claim. Votes that were kept out of the
    /// copy and that nothing refers to do not show.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let checked = self.checks.as_ref().is_none_or(|checks| checks.failed == 0 && checks.not_made == 0);
        checked && self.stages.iter().all(|stage| stage.differing == 0 && stage.missing == 0)
    }

    /// Hold opinions on layers, as an index has them, against those that votes come to.
    #[must_use]
    pub fn compare(&self, live: &[(LayerId, Hash)]) -> Against {
        let counted: BTreeMap<LayerId, &LayerReport> =
            self.layers.iter().map(|layer| (layer.layer, layer)).collect();
        let mut against = Against::default();
        for (layer, opinion) in
            live.iter().map(|(layer, opinion)| (layer, opinion)).collect::<BTreeMap<_, _>>()
        {
            match counted.get(layer).filter(|counted| counted.verified) {
                None => against.open = against.open.saturating_add(1),
                Some(counted) if counted.opinion == *opinion => {
                    against.same = against.same.saturating_add(1);
                }
                Some(counted) if counted.recent => against.open = against.open.saturating_add(1),
                Some(counted) => against.differing.push(**counted),
            }
        }
        against
    }
}
