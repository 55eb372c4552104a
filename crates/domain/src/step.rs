use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Epoch, SeriesName, Value};

/// Whom a series is about: a participant in the network's own notation (`t01000`), or the network itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(Box<str>);

/// The text is not a subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject is 1 to 120 characters from a–z, 0–9, '.', '-' and '_'")]
pub struct InvalidSubject;

impl Subject {
    /// The whole network: totals, base fee, null rounds.
    #[must_use]
    pub fn network() -> Self {
        Self("network".into())
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the network itself rather than a participant.
    #[must_use]
    pub fn is_network(&self) -> bool {
        &*self.0 == "network"
    }
}

impl FromStr for Subject {
    type Err = InvalidSubject;
    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
        let good = (1..=120).contains(&text.len()) && text.bytes().all(letter);
        good.then(|| Self(text.into())).ok_or(InvalidSubject)
    }
}

impl TryFrom<String> for Subject {
    type Error = InvalidSubject;
    fn try_from(text: String) -> Result<Self, InvalidSubject> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0.into()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One row of a step series: `series` of `subject` is `value` from `epoch` on. `None` is *unknown*.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// What is measured.
    pub series: SeriesName,
    /// Of whom.
    pub subject: Subject,
    /// From when on.
    pub epoch: Epoch,
    /// How much, in the series' unit.
    pub value: Option<Value>,
}

/// One step of one series of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// From when on.
    pub epoch: Epoch,
    /// How much; `None` is *unknown*.
    pub value: Option<Value>,
}

/// A step function over epochs.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StepSeries(Vec<Step>);

impl StepSeries {
    /// The step function with these steps; the last one given for an epoch counts.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut series: Vec<Step> = Vec::new();
        let mut steps: Vec<Step> = steps.into_iter().collect();
        steps.sort_by_key(|step| step.epoch);
        for step in steps {
            match series.last_mut() {
                Some(last) if last.epoch == step.epoch => *last = step,
                _ => series.push(step),
            }
        }
        Self(series)
    }

    /// The steps, oldest first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The value that holds at `epoch`: `None` before the first step and where it is unknown.
    #[must_use]
    pub fn at(&self, epoch: Epoch) -> Option<Value> {
        let later = self.0.partition_point(|step| step.epoch <= epoch);
        later.checked_sub(1).and_then(|i| self.0.get(i)).and_then(|step| step.value)
    }

    /// `value(end) − value(start)` of a cumulative series. A series that begins inside the window counts from zero.
    ///
    /// `None` where either end is unknown, or where the series went down, which a cumulative one never does.
    #[must_use]
    pub fn window(&self, start: Epoch, end: Epoch) -> Option<Value> {
        let begins_later = self.0.first().is_none_or(|first| first.epoch > start);
        let from = if begins_later { Value::ZERO } else { self.at(start)? };
        self.at(end)?.checked_sub(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(steps: &[(i64, Option<u128>)]) -> StepSeries {
        StepSeries::new(
            steps
                .iter()
                .map(|&(epoch, value)| Step { epoch: Epoch::new(epoch).unwrap(), value: value.map(Value) }),
        )
    }

    fn at(series: &StepSeries, epoch: i64) -> Option<u128> {
        series.at(Epoch::new(epoch).unwrap()).map(|v| v.0)
    }

    #[test]
    fn a_value_holds_until_the_next_step() {
        let power = series(&[(10, Some(5)), (20, Some(7)), (30, None), (31, Some(0))]);
        assert_eq!(at(&power, 9), None);
        assert_eq!(at(&power, 10), Some(5));
        assert_eq!(at(&power, 19), Some(5));
        assert_eq!(at(&power, 20), Some(7));
        assert_eq!(at(&power, 30), None, "unknown is not zero");
        assert_eq!(at(&power, 99), Some(0));
    }

    #[test]
    fn a_window_is_the_difference_of_its_ends() {
        let rewards = series(&[(10, Some(5)), (20, Some(7)), (30, None)]);
        let window = |a, b| rewards.window(Epoch::new(a).unwrap(), Epoch::new(b).unwrap()).map(|v| v.0);
        assert_eq!(window(10, 20), Some(2));
        assert_eq!(window(0, 20), Some(7));
        assert_eq!(window(10, 30), None);
        assert_eq!(window(0, 5), None, "nothing is known before the first step");
    }
}
