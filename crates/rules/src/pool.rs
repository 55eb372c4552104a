use serde::{Deserialize, Serialize};

use crate::{Id, Population, Quantity, Ratio};

/// Money that is divided among the winners of a board (`docs/rules.md` §10). One for each region where the board is divided by region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// Its name among the pools.
    pub id: Id,
    /// Whose winners are paid.
    pub board: Id,
    /// How much there is.
    pub amount: PoolAmount,
    /// How it is divided.
    pub divide: Divide,
    /// What becomes of fractions.
    pub rounding: Rounding,
    /// What one winner can get at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// Shares below this, in atto, are not paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<Quantity>,
    /// What becomes of the shares of winners who are not eligible; without it they are paid like the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ineligible: Option<Ineligible>,
}

/// How much a pool holds. All amounts are in atto.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PoolAmount {
    /// This much.
    Fixed {
        /// In atto.
        amount: Quantity,
    },
    /// As the last decision says; nothing before.
    ByDecision,
    /// As the level reached unlocks.
    Tiers {
        /// What of the tiers counts.
        mode: TierMode,
        /// What is summed up; not a ratio.
        metric: Id,
        /// Over whom.
        population: Population,
        /// Level from before this competition, in the metric's unit.
        base: Quantity,
        /// Ascending in `at` and `amount`.
        tiers: Vec<Tier>,
    },
    /// The sum of what the division gives.
    Open,
}

/// What of the open tiers a pool holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TierMode {
    /// The amount of the highest open tier.
    Highest,
    /// That, less the amount of the highest tier that the base had reached.
    NewlyUnlocked,
}

/// A step of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// Level from which it is open, in the metric's unit.
    pub at: Quantity,
    /// What the pool holds then, in atto.
    pub amount: Quantity,
    /// What else has to be met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

/// A condition that every region has to meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// What is summed up in each region; not a ratio.
    pub metric: Id,
    /// Over whom.
    pub population: Population,
    /// What each region needs at least, in the metric's unit.
    pub each_region: Quantity,
}

/// How a pool is divided among the winners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Divide {
    /// In proportion to a metric.
    Weight {
        /// Not a ratio.
        metric: Id,
    },
    /// The same fixed amount for each.
    Flat {
        /// In atto.
        each: Quantity,
    },
    /// The same share for each.
    Equal,
    /// The metric itself is what each is paid.
    Metric {
        /// In atto.
        metric: Id,
    },
}

/// What becomes of fractions of one atto.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Every share is rounded down.
    Floor,
    /// Units that are left go to the largest fractions.
    LargestRemainder,
}

/// What one winner can get at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cap {
    /// Of the pool's amount.
    pub share: Ratio,
    /// What becomes of the rest.
    pub excess: CapExcess,
}

/// What becomes of the shares of winners who are not eligible: there are some where a board ranks all entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ineligible {
    /// They weigh in the division like the others, and what they would get is not paid.
    Forfeit,
}

/// What becomes of what a cap cuts off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapExcess {
    /// It is not paid.
    Undistributed,
    /// It is divided among those below the cap.
    Redistribute,
}
