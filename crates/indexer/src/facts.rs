//! Everything that is derived from one tipset without knowing what is in the database.

use apogee_domain::Epoch;
use apogee_filecoin::types::{BlockMessages, ExecutionTrace, Tipset};
use apogee_filecoin::verify::NetworkParams;

use crate::fold::Level;
use crate::nodes::Nodes;
use crate::views::execution::{self, Execution, ExecutionFacts};
use crate::views::power::{self, PowerFacts};
use crate::views::{Names, sectors};

/// A tipset with what came before it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) tipset: Tipset,
    /// Its parent; `None` for the oldest tipset of the chain.
    pub(crate) parent: Option<Tipset>,
    /// The epoch of the parent's parent, where it is known.
    pub(crate) grandparent: Option<Epoch>,
    /// How the parent was executed, where a node tells.
    pub(crate) trace: Option<ExecutionTrace>,
}

/// What one tipset says.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) power: PowerFacts,
    pub(crate) sectors: Vec<Level>,
    /// About the parent, whose execution the tipset names.
    pub(crate) execution: ExecutionFacts,
    /// How many messages each block carries; 0 where they are missing, which the check `messages_root` then says.
    pub(crate) messages: Vec<u32>,
}

/// Derive it. Does not depend on the order in which tipsets are looked at.
pub(crate) fn derive(nodes: &Nodes, names: &Names, params: &NetworkParams, step: &Step) -> Facts {
    let root = step.tipset.first().parent_state_root;
    let before = step.parent.as_ref().map(|parent| parent.first().parent_state_root);
    let execution = step.parent.as_ref().map(|parent| Execution {
        tipset: parent,
        child: &step.tipset,
        parent: step.grandparent,
        trace: step.trace.as_ref(),
    });
    let count = |root| BlockMessages::load(nodes, root).map_or(0, |messages| messages.len());
    Facts {
        power: power::read(nodes, names, before.as_ref(), &root),
        sectors: sectors::read(nodes, names, before.as_ref(), &root),
        execution: execution.map(|of| execution::read(nodes, names, params, of)).unwrap_or_default(),
        messages: step
            .tipset
            .blocks()
            .iter()
            .map(|block| u32::try_from(count(&block.messages)).unwrap_or(u32::MAX))
            .collect(),
    }
}
