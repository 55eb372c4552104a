//! What a document of the right shape can still get wrong.

mod checks;
mod head;
mod metrics;
mod pools;

use std::collections::BTreeMap;
use std::fmt::Display;

use apogee_domain::Unit;

use crate::read::Spoken;
use crate::{Id, Measure, Problem, Quantity, RuleSet};

/// Everything that is wrong with `rules`, in the order of their members. `spoken`: units that were written with quantities, by path.
pub(crate) fn problems(rules: &RuleSet, spoken: &Spoken) -> Vec<Problem> {
    let measures = rules.metrics.iter().map(|metric| (&metric.id, rules.measure(&metric.id))).collect();
    let mut validator = Validator { rules, spoken, measures, problems: Vec::new() };
    validator.competition();
    validator.version();
    validator.series();
    validator.entities();
    validator.metrics();
    validator.eligibility();
    validator.boards();
    validator.pools();
    validator.vesting();
    validator.problems
}

struct Validator<'r> {
    rules: &'r RuleSet,
    spoken: &'r Spoken,
    /// Of each metric; none where its parts lead nowhere, too deep or in a circle.
    measures: BTreeMap<&'r Id, Option<Measure>>,
    problems: Vec<Problem>,
}

impl<'r> Validator<'r> {
    fn problem(&mut self, path: impl Display, reason: impl Display) {
        self.problems.push(Problem { path: path.to_string(), reason: reason.to_string() });
    }

    /// Names that stand twice, each at its second place.
    fn unique<T: Ord + Display>(&mut self, places: impl IntoIterator<Item = (T, String)>) {
        let mut first: BTreeMap<T, String> = BTreeMap::new();
        for (name, path) in places {
            match first.get(&name) {
                Some(before) => self.problem(path, format_args!("{name} stands at {before} already")),
                None => {
                    first.insert(name, path);
                }
            }
        }
    }

    /// What the metric is, if there is one of this name; notes it if not.
    fn measured(&mut self, path: &str, metric: &'r Id) -> Option<Measure> {
        let measure = self.measures.get(metric).copied();
        if measure.is_none() {
            self.problem(path, format_args!("there is no metric {metric}"));
        }
        measure?
    }

    /// The unit of a metric that must not be a ratio.
    fn whole(&mut self, path: &str, metric: &'r Id) -> Option<Unit> {
        match self.measured(path, metric)? {
            Measure::Whole(unit) => Some(unit),
            Measure::Ratio => {
                self.problem(path, format_args!("{metric} is a ratio, where a whole number is expected"));
                None
            }
        }
    }

    /// Whether a quantity was written in the unit that is meant.
    fn unit(&mut self, path: &str, quantity: Quantity, expected: Option<Unit>) {
        let (Some(expected), Some(written)) = (expected, self.spoken.get(path)) else { return };
        match written {
            Some(unit) if *unit == expected => {}
            Some(unit) => self.problem(
                path,
                format_args!("this is an amount of {}, where {} are expected", word(*unit), word(expected)),
            ),
            None if quantity == Quantity::ZERO || !matches!(expected, Unit::Bytes | Unit::Atto) => {}
            None => self.problem(path, format_args!("the unit is missing: {} are expected", word(expected))),
        }
    }

    /// An amount that would do nothing.
    fn above_zero(&mut self, path: &str, quantity: impl Into<u128>) {
        if quantity.into() == 0 {
            self.problem(path, "it is zero");
        }
    }
}

impl From<Quantity> for u128 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

fn word(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "bytes",
        Unit::Atto => "atto",
        Unit::Gas => "gas units",
        Unit::Count => "things counted",
        Unit::Nano => "nano",
    }
}
