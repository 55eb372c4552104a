use apogee_domain::Epoch;
use apogee_rules::{Bound, Gate, Id, Per, Quantity};
use num_bigint::BigUint;

use crate::check::State;
use crate::measure::Measure;
use crate::standings::Won;

/// Why an entity is where it is and gets what it gets, as data that can be shown in any language and worked out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// Who.
    pub entity: Id,
    /// Whether it is eligible.
    pub eligible: bool,
    /// The checks that decide over that, in the order of the rules.
    pub checks: Vec<CheckReason>,
    /// Every pool in whose list it stands, in the order of the rules.
    pub pools: Vec<PoolReason>,
    /// Awards: number of the decision and amount in atto.
    pub awards: Vec<(u64, Quantity)>,
    /// The sum of all shares and awards, in atto.
    pub total: Quantity,
}

/// What a check asked and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReason {
    /// The check.
    pub id: Id,
    /// What became of it.
    pub state: State,
    /// What it asked for.
    pub asked: Asked,
    /// How much is missing, where that is a number: of the metric, or of further successes for a rate.
    pub need: Option<Quantity>,
    /// Epoch before which it has to be met; a decision may end the competition at another one.
    pub before: Epoch,
    /// The checks inside, for groups.
    pub below: Vec<CheckReason>,
}

/// What a check asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A metric on one side of a bar.
    Metric {
        /// The metric.
        metric: Id,
        /// At least the bar, or at most.
        at_least: bool,
        /// The bar.
        bar: Bound,
        /// Of the entity or of each member.
        per: Per,
        /// What the entity's metric is.
        value: Measure,
        /// Samples that a rate needs.
        min_samples: Option<Quantity>,
    },
    /// To be claimed.
    Claimed,
    /// To be in one of the competition's regions.
    Region {
        /// Where it is.
        region: Option<Id>,
    },
    /// To be registered in time.
    Registered {
        /// Epoch before which.
        deadline: Epoch,
        /// Epoch before which those who are new register.
        late: Option<Epoch>,
    },
    /// That something is attested.
    Attested {
        /// What.
        what: Id,
    },
    /// All of the checks inside.
    All,
    /// One of the checks inside.
    Any,
}

/// What a pool holds in a list, and how an entity's share comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolReason {
    /// The pool.
    pub pool: Id,
    /// The region of the list.
    pub region: Option<Id>,
    /// What there is, in atto.
    pub amount: Quantity,
    /// The tier above the one that holds.
    pub next: Option<NextTier>,
    /// How much of a winner's place the entity has.
    pub won: Won,
    /// From the entity's weight to its share; empty where it does not win.
    pub steps: Vec<Step>,
    /// What it gets, in atto.
    pub share: Quantity,
}

/// What is missing to the next tier of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextTier {
    /// Its place among the tiers, from 0 on.
    pub tier: u64,
    /// What the pool would hold in it, in atto, before what a base had unlocked is taken off.
    pub amount: Quantity,
    /// How much is missing to its level, in the unit of the tiers' metric.
    pub missing: Quantity,
    /// A gate that it has. Where no level is missing, it is the gate that keeps it shut.
    pub gate: Option<Gate>,
}

/// A step of arithmetic in whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `value × won` is the entity's weight; in whole numbers `weight` of `total`.
    Weigh {
        /// The metric that weighs; none where all weigh the same.
        metric: Option<Id>,
        /// The entity's value.
        value: Quantity,
        /// The entity's part of a place.
        won: Won,
        /// Its weight, in parts in which all weights are whole.
        weight: BigUint,
        /// The weights of all winners.
        total: BigUint,
    },
    /// `amount × weight / total` is above the cap, `⌊pool × share⌋`: the cap is what it gets.
    Cap {
        /// What was divided when the entity reached the cap.
        amount: Quantity,
        /// The entity's weight.
        weight: BigUint,
        /// The weights among which it was divided.
        total: BigUint,
        /// The cap, in atto.
        cap: Quantity,
    },
    /// `amount × weight / total`, rounded down to `share`, with `rest / total` over.
    Divide {
        /// What is divided among those who are not capped.
        amount: Quantity,
        /// The entity's weight.
        weight: BigUint,
        /// The weights among which it is divided.
        total: BigUint,
        /// In atto.
        share: Quantity,
        /// What is left over, in parts of `total`.
        rest: BigUint,
    },
    /// One atto of what rounding left, for one of the largest fractions.
    Remainder,
    /// `⌊amount × won⌋`.
    Plain {
        /// The metric that is paid; none where it is the same for all.
        metric: Option<Id>,
        /// In atto.
        amount: Quantity,
        /// The entity's part of a place.
        won: Won,
        /// In atto.
        share: Quantity,
    },
    /// The share is below the smallest that is paid.
    BelowFloor {
        /// In atto.
        floor: Quantity,
    },
    /// The entity is not eligible, and the pool pays none but those who are: its share stays undistributed.
    Forfeit,
}
