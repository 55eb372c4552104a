use std::fmt;
use std::str::FromStr;

use apogee_domain::Epoch;
use apogee_rules::{Id, Problem, Quantity};
use serde::{Deserialize, Serialize};

use crate::document::{self, epoch, interval, number, problem, text};

/// An act of people that changes a number without changing what was measured (`docs/rules.md` §4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What it does.
    pub effect: Effect,
    /// Its number, from 1 on without gaps.
    pub seq: u64,
}

/// A text for people in each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// What a decision does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// None of these is eligible.
    Disqualify {
        /// Who.
        entities: Vec<Id>,
    },
    /// A check counts as passed.
    Waive {
        /// For whom.
        entity: Id,
        /// Which.
        check: Id,
    },
    /// Epochs that do not count.
    RemoveInterval {
        /// First epoch.
        from: Epoch,
        /// Epoch before which they end.
        until: Epoch,
        /// For which metrics; empty for all.
        metrics: Vec<Id>,
        /// In which regions; empty for all.
        regions: Vec<Id>,
    },
    /// Where somebody is.
    SetRegion {
        /// An entity or a participant.
        target: Id,
        /// Where.
        region: Id,
    },
    /// Changes an observed cumulative series.
    Adjust {
        /// Whose.
        participant: Id,
        /// Which.
        series: Id,
        /// First epoch that changes.
        from: Epoch,
        /// By how much.
        delta: Delta,
    },
    /// As if attested from the first epoch on.
    Attest {
        /// About whom.
        entity: Id,
        /// What.
        what: Id,
    },
    /// Amount of a pool whose rule leaves it to decisions.
    SetAmount {
        /// Which.
        pool: Id,
        /// In atto.
        amount: Quantity,
    },
    /// Paid beside all pools.
    Award {
        /// To whom.
        entity: Id,
        /// In atto.
        amount: Quantity,
        /// What for.
        title: Title,
    },
    /// Another end.
    SetEnd {
        /// Epoch before which the competition ends.
        until: Epoch,
    },
    /// An earlier decision does not hold.
    Revert {
        /// Which.
        seq: u64,
    },
    /// Nothing that changes standings.
    Note {},
}

impl Effect {
    /// The kinds that change standings: all but `note`.
    pub const KINDS: [&'static str; 10] = [
        "disqualify",
        "waive",
        "remove-interval",
        "set-region",
        "adjust",
        "attest",
        "set-amount",
        "award",
        "set-end",
        "revert",
    ];
}

/// How much an adjustment adds or takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delta {
    /// Whether it takes away.
    pub negative: bool,
    /// How much.
    pub amount: Quantity,
}

/// The text is not a delta.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a delta is a whole number below 2^128 in decimal digits, without leading zeros, perhaps after '-'")]
pub struct InvalidDelta;

impl FromStr for Delta {
    type Err = InvalidDelta;
    fn from_str(text: &str) -> Result<Self, InvalidDelta> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        Ok(Self { negative, amount: digits.parse().map_err(|_| InvalidDelta)? })
    }
}

impl TryFrom<String> for Delta {
    type Error = InvalidDelta;
    fn try_from(text: String) -> Result<Self, InvalidDelta> {
        text.parse()
    }
}

impl From<Delta> for String {
    fn from(delta: Delta) -> Self {
        delta.to_string()
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.negative { "-" } else { "" }, self.amount)
    }
}

/// What was decided: checked and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions(Vec<Decision>);

impl Decisions {
    /// Read decisions from JSON.
    ///
    /// # Errors
    /// The first problem: where it is and what is wrong there.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        Self::new(document::read(bytes)?)
    }

    /// Check and sort decisions, which may come in any order.
    ///
    /// # Errors
    /// The first problem: where it is and what is wrong there.
    pub fn new(mut list: Vec<Decision>) -> Result<Self, Problem> {
        list.sort_by_key(|decision| decision.seq);
        for (expected, decision) in (1..).zip(&list) {
            if decision.seq != expected {
                return Err(problem(decision.seq, format_args!("it stands where {expected} belongs")));
            }
            check(decision)?;
        }
        Ok(Self(list))
    }

    /// The decisions, by number.
    #[must_use]
    pub fn list(&self) -> &[Decision] {
        &self.0
    }

    /// Those up to `seq`.
    pub(crate) fn until(&self, seq: u64) -> &[Decision] {
        let count = usize::try_from(seq).unwrap_or(usize::MAX).min(self.0.len());
        self.0.get(..count).unwrap_or_default()
    }
}

fn check(decision: &Decision) -> Result<(), Problem> {
    let path = || decision.seq.to_string();
    number(decision.seq, path)?;
    match &decision.effect {
        Effect::RemoveInterval { from, until, .. } => interval(*from, Some(*until), path).map(drop),
        Effect::Adjust { from, .. } => epoch(*from, path).map(drop),
        Effect::SetEnd { until } => epoch(*until, path).map(drop),
        Effect::Award { title, .. } => text(&title.en, path).and_then(|()| text(&title.zh, path)),
        Effect::Revert { seq } if *seq == 0 || *seq >= decision.seq => {
            Err(problem(path(), format_args!("decision {seq} is not an earlier one")))
        }
        _ => Ok(()),
    }
}
