//! Where rewards that were worked out and rewards that a node tells differ.

use std::collections::BTreeMap;

use crate::id::{LayerId, SmesherId};
use crate::reward::Reward;

/// What a comparison comes to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Report {
    /// How many rewards are the same to the smidge.
    pub equal: usize,
    /// The sum of all that were worked out, in smidge.
    pub ours: u128,
    /// The sum of all that the node tells, in smidge.
    pub node: u128,
    /// Every other reward, by layer and smesher.
    pub differences: Vec<Difference>,
}

/// A reward that is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Worked out, and not told.
    Missing(Reward),
    /// Told, and not worked out.
    Unexpected(Reward),
    /// Told with another amount, or paid to somebody else.
    Other {
        /// As it was worked out.
        ours: Reward,
        /// As it is told.
        node: Reward,
    },
    /// Told once more: a smesher has one reward in a layer.
    Again(Reward),
}

impl Report {
    /// Compare rewards that were worked out, each of another smesher or layer, with those that a node tells.
    #[must_use]
    pub fn compare(ours: &[Reward], node: &[Reward]) -> Self {
        let mut report = Self { ours: sum(ours), node: sum(node), ..Self::default() };
        let mut told: BTreeMap<(LayerId, SmesherId), Reward> = BTreeMap::new();
        for reward in node {
            if told.insert((reward.layer, reward.smesher), *reward).is_some() {
                report.differences.push(Difference::Again(*reward));
            }
        }
        for reward in ours {
            match told.remove(&(reward.layer, reward.smesher)) {
                Some(node) if node == *reward => report.equal += 1,
                Some(node) => report.differences.push(Difference::Other { ours: *reward, node }),
                None => report.differences.push(Difference::Missing(*reward)),
            }
        }
        report.differences.extend(told.into_values().map(Difference::Unexpected));
        report.differences.sort_by_key(Difference::place);
        report
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Difference {
    /// Which reward it is about.
    #[must_use]
    pub const fn place(&self) -> (LayerId, SmesherId) {
        let (Self::Missing(reward)
        | Self::Unexpected(reward)
        | Self::Again(reward)
        | Self::Other { ours: reward, .. }) = self;
        (reward.layer, reward.smesher)
    }
}

fn sum(rewards: &[Reward]) -> u128 {
    rewards.iter().map(|reward| u128::from(reward.amount.total)).sum()
}
