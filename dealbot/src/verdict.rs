//! What slots come to.
//!
//! Wilson's interval is where the score test does not refuse a rate, so that its bounds never have to be computed to be compared: the lower bound for `S`
//! of `n` is at least `t` exactly where `S ≥ n·t` and `(S − n·t)² ≥ z²·n·t·(1 − t)`. Both sides are integers here.

use std::collections::BTreeMap;

use num_bigint::BigInt;

use crate::fault::Code;

/// What rates are written in.
const WHOLE: u32 = 1_000_000;
/// z² of one side at 95 %, z = 1.6449, in hundred-millionths.
const Z2: u32 = 270_569_601;
const Z2_PARTS: u32 = 100_000_000;

/// The part of all slots that may be excluded as unclassified before nothing is said any more, millionths: two hundredths.
const UNCLASSIFIED: u32 = 20_000;

/// Slots that were scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// That went well.
    pub successes: u64,
    /// That failed by the miner's fault.
    pub failures: u64,
}

/// Slots of a miner or entity, in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that count.
    pub sample: Sample,
    /// Those that count for nobody, by code.
    pub excluded: BTreeMap<String, u64>,
}

/// What is asked of a miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The rate to be shown, millionths.
    pub rate: u32,
    /// Fewer slots that count say nothing.
    pub least: u64,
    /// Nor does a smaller part of all slots, millionths.
    pub coverage: u32,
}

/// What a tally says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The rate is at least the bar's: 95 % sure.
    Pass,
    /// The rate is below the bar's: 95 % sure.
    Fail,
    /// It may be either.
    Undecided,
    /// There are too few slots to say.
    Insufficient,
    /// Too many errors are of no known kind: somebody looks at them first.
    Blocked,
}

impl Verdict {
    /// As it is stored and said to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Undecided => "undecided",
            Self::Insufficient => "insufficient",
            Self::Blocked => "blocked",
        }
    }
}

impl Sample {
    /// How many there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.successes.saturating_add(self.failures)
    }

    /// How far the successes are above what a rate expects, and the square of how far chance alone may bring them, over a common denominator.
    fn score(&self, rate: u32) -> (BigInt, BigInt) {
        let (size, rate) = (BigInt::from(self.size()), BigInt::from(rate.min(WHOLE)));
        let above = BigInt::from(self.successes) * WHOLE - &size * &rate;
        let chance = size * &rate * (BigInt::from(WHOLE) - rate) * Z2;
        (above, chance)
    }

    /// Whether the lower bound is at least `rate`, millionths.
    #[must_use]
    pub fn at_least(&self, rate: u32) -> bool {
        let (above, chance) = self.score(rate);
        self.size() > 0 && above >= BigInt::ZERO && &above * &above * Z2_PARTS >= chance
    }

    /// Whether the upper bound is below `rate`, millionths.
    #[must_use]
    pub fn below(&self, rate: u32) -> bool {
        let (above, chance) = self.score(rate);
        self.size() > 0 && above < BigInt::ZERO && &above * &above * Z2_PARTS > chance
    }

    /// The lower bound, millionths, rounded down: the highest rate that [`at_least`](Self::at_least) holds for.
    #[must_use]
    pub fn lower(&self) -> u32 {
        last(|rate| self.at_least(rate)).unwrap_or(0)
    }

    /// The upper bound, millionths, rounded down: the highest rate that [`below`](Self::below) does not hold for. All of them for an empty sample.
    #[must_use]
    pub fn upper(&self) -> u32 {
        last(|rate| !self.below(rate)).unwrap_or(WHOLE)
    }
}

/// The last rate that something holds for which, once it does not, never does again.
fn last(holds: impl Fn(u32) -> bool) -> Option<u32> {
    if !holds(0) {
        return None;
    }
    let (mut good, mut bad) = (0, WHOLE + 1);
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if holds(middle) { good = middle } else { bad = middle }
    }
    Some(good)
}

impl Tally {
    /// How many slots were due.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.excluded.values().fold(self.sample.size(), |sum, more| sum.saturating_add(*more))
    }

    /// Whether at least `part` of all slots count, millionths.
    #[must_use]
    pub fn covers(&self, part: u32) -> bool {
        u128::from(self.sample.size()) * u128::from(WHOLE) >= u128::from(self.planned()) * u128::from(part)
    }

    /// The slots of another one as well: those of the miners of an entity are one tally.
    pub fn add(&mut self, other: &Self) {
        let sum = &mut self.sample;
        sum.successes = sum.successes.saturating_add(other.sample.successes);
        sum.failures = sum.failures.saturating_add(other.sample.failures);
        for (code, more) in &other.excluded {
            let count = self.excluded.entry(code.clone()).or_default();
            *count = count.saturating_add(*more);
        }
    }

    /// Whether at most one in fifty of all slots were excluded as unclassified.
    #[must_use]
    pub fn classified(&self) -> bool {
        let unknown = self.excluded.get(Code::Unclassified.as_str()).copied().unwrap_or(0);
        u128::from(unknown) * u128::from(WHOLE) <= u128::from(self.planned()) * u128::from(UNCLASSIFIED)
    }

    /// What it says.
    #[must_use]
    pub fn verdict(&self, bar: Bar) -> Verdict {
        let sample = &self.sample;
        if sample.size() < bar.least.max(1) {
            Verdict::Insufficient
        } else if !self.classified() {
            Verdict::Blocked
        } else if !self.covers(bar.coverage) {
            Verdict::Insufficient
        } else if sample.at_least(bar.rate) {
            Verdict::Pass
        } else if sample.below(bar.rate) {
            Verdict::Fail
        } else {
            Verdict::Undecided
        }
    }
}
