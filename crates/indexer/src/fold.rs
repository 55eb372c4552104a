//! The newest value of every series of every subject, and the steps that an epoch adds to them.

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::series::POWER_RAW;
use apogee_domain::{Change, Epoch, NetworkId, SeriesName, Subject, Value, series};
use apogee_store::Store;

/// What a view says about levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The value of one subject; `None` when it is unknown.
    Set(SeriesName, Subject, Option<Value>),
    /// The values of everybody; subjects that are not named have nothing (zero).
    Whole(SeriesName, BTreeMap<Subject, Option<Value>>),
    /// Nobody's value is known.
    Lost(SeriesName),
}

/// What a view says about sums, attributed to an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// This much more; `None` when it is unknown.
    Add(SeriesName, Subject, Epoch, Option<u128>),
    /// The amount of nobody that has power is known.
    Lost(SeriesName, Epoch),
}

/// Newest values by series and subject.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fold(BTreeMap<SeriesName, BTreeMap<Subject, Option<Value>>>);

/// The steps that one applied epoch produces.
pub(crate) type Steps = BTreeMap<(SeriesName, Subject, Epoch), Option<Value>>;

impl Fold {
    /// What a database holds of each series at an epoch.
    pub(crate) async fn load(
        store: &dyn Store,
        network: &NetworkId,
        at: impl Fn(&SeriesName) -> Epoch + Send,
    ) -> apogee_store::Result<Self> {
        let mut values = BTreeMap::new();
        for spec in series::ALL {
            let name = SeriesName::of(spec.name);
            let board: BTreeMap<_, _> = store.board(network, &name, at(&name)).await?.into_iter().collect();
            if !board.is_empty() {
                values.insert(name, board);
            }
        }
        Ok(Self(values))
    }

    /// Whether the value of some subject of a series is unknown.
    pub(crate) fn has_unknown(&self, series: &SeriesName) -> bool {
        self.0.get(series).is_some_and(|board| board.values().any(Option::is_none))
    }

    /// The sum of a series over all participants; `None` when one of them is unknown.
    pub(crate) fn sum(&self, series: &SeriesName) -> Option<Value> {
        let participants =
            self.0.get(series).into_iter().flatten().filter(|(subject, _)| !subject.is_network());
        participants.map(|(_, value)| *value).try_fold(Value::ZERO, |sum, value| sum.checked_add(value?))
    }

    /// Take in what a view says about levels at `epoch`. A value that stays is no step.
    pub(crate) fn level(&mut self, level: Level, epoch: Epoch, steps: &mut Steps) {
        match level {
            Level::Set(series, subject, value) => self.step(series, subject, epoch, value, steps),
            Level::Lost(series) => {
                for subject in self.subjects(&series) {
                    self.step(series.clone(), subject, epoch, None, steps);
                }
            }
            Level::Whole(series, mut values) => {
                for subject in self.subjects(&series) {
                    values.entry(subject).or_insert(Some(Value::ZERO));
                }
                for (subject, value) in values {
                    self.step(series.clone(), subject, epoch, value, steps);
                }
            }
        }
    }

    /// Take in what a view says about sums. A sum with an unknown part stays unknown; nothing more is no step.
    pub(crate) fn flow(&mut self, flow: Flow, steps: &mut Steps) {
        match flow {
            Flow::Add(_, _, _, Some(0)) => {}
            Flow::Add(series, subject, epoch, by) => {
                let now = self.0.get(&series).and_then(|board| board.get(&subject)).copied();
                let value = now.unwrap_or(Some(Value::ZERO)).and_then(|now| now.checked_add(Value(by?)));
                self.step(series, subject, epoch, value, steps);
            }
            Flow::Lost(series, epoch) => {
                // Who has no sum yet would otherwise seem to begin from zero later.
                let participants = self.subjects(&POWER_RAW).into_iter().filter(|who| !who.is_network());
                let concerned: BTreeSet<_> = self.subjects(&series).into_iter().chain(participants).collect();
                for subject in concerned {
                    self.step(series.clone(), subject, epoch, None, steps);
                }
            }
        }
    }

    fn subjects(&self, series: &SeriesName) -> Vec<Subject> {
        self.0.get(series).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    fn step(
        &mut self,
        series: SeriesName,
        subject: Subject,
        epoch: Epoch,
        value: Option<Value>,
        steps: &mut Steps,
    ) {
        let board = self.0.entry(series.clone()).or_default();
        if board.insert(subject.clone(), value) != Some(value) {
            steps.insert((series, subject, epoch), value);
        }
    }
}

/// Steps as rows.
pub(crate) fn rows(steps: Steps) -> Vec<Change> {
    let row = |((series, subject, epoch), value)| Change { series, subject, epoch, value };
    steps.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use series::REWARD_GAS;

    fn at(epoch: i64) -> Epoch {
        Epoch::new(epoch).unwrap()
    }

    fn miner(name: &str) -> Subject {
        name.parse().unwrap()
    }

    fn of(steps: &Steps) -> Vec<(&str, i64, Option<u128>)> {
        steps
            .iter()
            .map(|((_, who, epoch), value)| (who.as_str(), epoch.height(), value.map(|v| v.0)))
            .collect()
    }

    #[test]
    fn a_sum_grows_by_what_is_added_and_stays_unknown_once_a_part_is() {
        let (mut fold, mut steps) = (Fold::default(), Steps::new());
        for (epoch, by) in [(1, Some(5)), (2, Some(0)), (3, Some(2)), (4, None), (5, Some(1))] {
            fold.flow(Flow::Add(REWARD_GAS, miner("t01"), at(epoch), by), &mut steps);
        }
        assert_eq!(of(&steps), [("t01", 1, Some(5)), ("t01", 3, Some(7)), ("t01", 4, None)]);
    }

    #[test]
    fn parts_of_one_epoch_make_one_step() {
        let (mut fold, mut steps) = (Fold::default(), Steps::new());
        for by in [5, 6] {
            fold.flow(Flow::Add(REWARD_GAS, miner("t01"), at(1), Some(by)), &mut steps);
        }
        assert_eq!(of(&steps), [("t01", 1, Some(11))]);
    }

    #[test]
    fn a_whole_reading_sets_to_zero_who_is_gone_and_lost_ones_to_unknown() {
        let (mut fold, mut steps) = (Fold::default(), Steps::new());
        let whole =
            |who: &str, value| Level::Whole(POWER_RAW, BTreeMap::from([(miner(who), Some(Value(value)))]));
        fold.level(whole("t01", 3), at(0), &mut steps);
        fold.level(whole("t02", 4), at(1), &mut steps);
        fold.level(whole("t02", 4), at(2), &mut steps);
        fold.level(Level::Lost(POWER_RAW), at(3), &mut steps);
        assert!(fold.has_unknown(&POWER_RAW) && fold.sum(&POWER_RAW).is_none());
        fold.level(whole("t02", 4), at(4), &mut steps);
        assert_eq!(fold.sum(&POWER_RAW), Some(Value(4)));
        assert_eq!(
            of(&steps),
            [
                ("t01", 0, Some(3)),
                ("t01", 1, Some(0)),
                ("t01", 3, None),
                ("t01", 4, Some(0)),
                ("t02", 1, Some(4)),
                ("t02", 3, None),
                ("t02", 4, Some(4)),
            ]
        );
    }
}
