//! What follows for rewards.

use std::collections::BTreeMap;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::block::Block;
use apogee_spacemesh::id::{BlockId, LayerId, SmesherId};
use apogee_spacemesh::report::{self, Difference};
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh_state::State;
use apogee_tortoise::Interrupt;
use serde::{Deserialize, Serialize};

use crate::error::RecountError;
use crate::report::LayerReport;
use crate::text;

/// How rewards that were paid and rewards that are owed differ. Amounts are in smidge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consequences {
    /// Rewards that are the same.
    pub same: u64,
    /// Every other one, by layer and smesher.
    pub changes: Vec<Change>,
    /// What the smeshers of those were paid and are owed in these layers.
    pub smeshers: Vec<Total>,
    /// Layers whose rewards are known in part only.
    pub unknown: Vec<Unknown>,
}

/// A reward that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The layer.
    #[serde(with = "text::layer")]
    pub layer: LayerId,
    /// Whose reward.
    #[serde(with = "text")]
    pub smesher: SmesherId,
    /// What was paid; `None` for nothing.
    pub before: Option<Row>,
    /// What is owed; `None` for nothing.
    pub after: Option<Row>,
}

/// What a reward is, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Where it goes: 24 bytes.
    #[serde(with = "text::address")]
    pub coinbase: Address,
    /// Of subsidy and fees.
    #[serde(with = "text")]
    pub total: u64,
    /// Of the subsidy alone.
    #[serde(with = "text")]
    pub subsidy: u64,
}

/// A smesher's rewards together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Total {
    /// Whose.
    #[serde(with = "text")]
    pub smesher: SmesherId,
    /// What was paid.
    #[serde(with = "text")]
    pub before: u128,
    /// What is owed.
    #[serde(with = "text")]
    pub after: u128,
}

/// A layer whose rewards are known in part only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unknown {
    /// The layer.
    #[serde(with = "text::layer")]
    pub layer: LayerId,
    /// The block that votes decide for.
    #[serde(with = "text")]
    pub block: BlockId,
    /// Whether the copy has it. If not, nothing is known of what it pays.
    pub held: bool,
    /// Its transactions that were not executed in it. What they would have paid is left out: totals are a little too low
    /// then, subsidies are right.
    pub transactions: u64,
}

impl Consequences {
    /// What follows in the layers on which votes decide otherwise than the node: its rewards there, and those that are
    /// owed.
    pub(crate) fn of(
        state: &State,
        layers: &[LayerReport],
        first: LayerId,
        interrupt: &Interrupt,
    ) -> Result<Self, RecountError> {
        let otherwise: Vec<LayerReport> =
            layers.iter().filter(|layer| layer.pays_otherwise()).copied().collect();
        let (owed, unknown) = owed(state, &otherwise, first, interrupt)?;
        let mut paid = Vec::new();
        for layer in &otherwise {
            paid.extend(state.rewards(&(layer.layer..=layer.layer))?);
        }
        Ok(Self::between(&paid, &owed, unknown))
    }

    /// Of rewards that were paid to those that are owed.
    pub(crate) fn between(paid: &[Reward], owed: &[Reward], unknown: Vec<Unknown>) -> Self {
        let compared = report::Report::compare(owed, paid);
        let mut found = Self { same: compared.equal as u64, unknown, ..Self::default() };
        let mut smeshers: BTreeMap<SmesherId, (u128, u128)> = BTreeMap::new();
        for difference in &compared.differences {
            let (layer, smesher) = difference.place();
            let (before, after) = match difference {
                Difference::Missing(owed) => (None, Some(owed)),
                Difference::Unexpected(paid) | Difference::Again(paid) => (Some(paid), None),
                Difference::Other { ours, node } => (Some(node), Some(ours)),
            };
            smeshers.insert(smesher, (0, 0));
            let row = |reward: &Reward| Row {
                coinbase: reward.coinbase,
                total: reward.amount.total,
                subsidy: reward.amount.subsidy,
            };
            found.changes.push(Change { layer, smesher, before: before.map(row), after: after.map(row) });
        }
        let mut add = |rewards: &[Reward], side: fn(&mut (u128, u128)) -> &mut u128| {
            for reward in rewards {
                if let Some(sums) = smeshers.get_mut(&reward.smesher) {
                    let sum = side(sums);
                    *sum = sum.saturating_add(reward.amount.total.into());
                }
            }
        };
        add(paid, |sums| &mut sums.0);
        add(owed, |sums| &mut sums.1);
        let total = |(smesher, (before, after))| Total { smesher, before, after };
        found.smeshers = smeshers.into_iter().map(total).collect();
        found
    }

    /// How many rewards go: those that are not owed, or not as they were paid.
    #[must_use]
    pub fn gone(&self) -> usize {
        self.changes.iter().filter(|change| change.before.is_some()).count()
    }
}

/// What the blocks of `layers` pay, and what is not known of it.
pub(crate) fn owed(
    state: &State,
    layers: &[LayerReport],
    first: LayerId,
    interrupt: &Interrupt,
) -> Result<(Vec<Reward>, Vec<Unknown>), RecountError> {
    let (mut rewards, mut unknown) = (Vec::new(), Vec::new());
    for counted in layers {
        if interrupt.asks() {
            return Err(RecountError::Interrupted);
        }
        let layer = counted.layer;
        let Some(id) = counted.block else { continue };
        let Some(row) = state.block(&id)? else {
            unknown.push(Unknown { layer, block: id, held: false, transactions: 0 });
            continue;
        };
        let (fees, transactions) = fees(state, id, &row.block)?;
        if transactions > 0 {
            unknown.push(Unknown { layer, block: id, held: true, transactions });
        }
        rewards.extend(state.block_rewards(layer, &row.block, fees, first)?);
    }
    Ok((rewards, unknown))
}

/// The fees of the transactions that were executed in the block, and how many were not. What those would pay if they
/// were executed in it depends on accounts, which are not known then.
fn fees(state: &State, id: BlockId, block: &Block) -> Result<(u64, u64), RecountError> {
    let (mut fees, mut unknown) = (0_u64, 0_u64);
    for transaction in &block.transactions {
        match state.execution(transaction)?.filter(|executed| executed.result.block == id) {
            // More than there are coins is refused where they are split.
            Some(executed) => fees = fees.saturating_add(executed.result.fee),
            None => unknown = unknown.saturating_add(1),
        }
    }
    Ok((fees, unknown))
}
