//! The newest value of every series of every subject, and the steps that an epoch adds to them.

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::series::POWER_RAW;
use apogee_domain::series::Reading;
use apogee_domain::{Change, Epoch, NetworkId, NetworkKind, SeriesName, Subject, Value, series};
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
    /// The amount of nobody that has power is known. Where it is not known who has power, it stays unknown for everybody who comes later, and
    /// the network's sum says so.
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
        for spec in series::of(NetworkKind::Filecoin) {
            let name = SeriesName::of(spec.name);
            let board: BTreeMap<_, _> = store.board(network, &name, at(&name)).await?.into_iter().collect();
            if !board.is_empty() {
                values.insert(name, board);
            }
        }
        Ok(Self(values))
    }

    /// Whether a series has values and all of them are known.
    pub(crate) fn knows(&self, series: &SeriesName) -> bool {
        self.0.get(series).is_some_and(|board| board.values().all(Option::is_some))
    }

    /// The first tipset of a chain whose beginning is not indexed: every sum begins at zero on the epoch before it, and was unknown until then.
    ///
    /// Whoever has a claim to power, be it to none, may have had a part before; whoever comes later had none.
    pub(crate) fn begin(&mut self, first: Epoch, steps: &mut Steps) {
        let Some(before) = Epoch::new(first.height() - 1).filter(|before| *before > Epoch::GENESIS) else {
            return;
        };
        for spec in series::of(NetworkKind::Filecoin).filter(|spec| spec.reading == Reading::Cumulative) {
            let name = SeriesName::of(spec.name);
            let subjects = if spec.per_participant { self.participants() } else { vec![Subject::network()] };
            for subject in subjects {
                self.step(name.clone(), subject.clone(), Epoch::GENESIS, None, steps);
                self.step(name.clone(), subject, before, Some(Value::ZERO), steps);
            }
            if spec.per_participant && !self.knows(&POWER_RAW) {
                self.step(name, Subject::network(), Epoch::GENESIS, None, steps);
            }
        }
    }

    /// Everybody whose power is or was known, or known to be unknown.
    fn participants(&self) -> Vec<Subject> {
        self.subjects(&POWER_RAW).into_iter().filter(|who| !who.is_network()).collect()
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
                let board = self.0.get(&series);
                let of = |subject: &Subject| board.and_then(|board| board.get(subject)).copied();
                // Where somebody whose part is unknown may not have been seen yet, the network's sum is unknown.
                let now = of(&subject).or_else(|| of(&Subject::network()).filter(Option::is_none));
                let value = now.unwrap_or(Some(Value::ZERO)).and_then(|now| now.checked_add(Value(by?)));
                self.step(series, subject, epoch, value, steps);
            }
            Flow::Lost(series, epoch) => {
                // Who has no sum yet would otherwise seem to begin from zero later.
                let mut concerned: BTreeSet<_> = self.subjects(&series).into_iter().collect();
                concerned.extend(self.participants());
                if !self.knows(&POWER_RAW) {
                    concerned.insert(Subject::network());
                }
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
    use series::{EXPECTED_WINS, REWARD_GAS};

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
        assert!(!fold.knows(&POWER_RAW) && fold.sum(&POWER_RAW).is_none());
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

    #[test]
    fn who_is_first_seen_after_a_gap_does_not_begin_from_zero_unless_everybody_was_known_in_it() {
        let add = |who: &str, epoch| Flow::Add(EXPECTED_WINS, miner(who), at(epoch), Some(5));
        let whole = |epoch: i64, who: &[&str]| {
            let board = who.iter().map(|who| (miner(who), Some(Value(1)))).collect();
            (Level::Whole(POWER_RAW, board), at(epoch))
        };
        for (known, later) in [(true, Some(5)), (false, None)] {
            let (mut fold, mut steps) = (Fold::default(), Steps::new());
            let (level, epoch) = whole(1, &["t01"]);
            fold.level(level, epoch, &mut steps);
            if !known {
                fold.level(Level::Lost(POWER_RAW), at(2), &mut steps);
            }
            fold.flow(Flow::Lost(EXPECTED_WINS, at(2)), &mut steps);
            let (level, epoch) = whole(3, &["t01", "t02"]);
            fold.level(level, epoch, &mut steps);
            fold.flow(add("t01", 3), &mut steps);
            fold.flow(add("t02", 3), &mut steps);
            let of =
                |who: &str, epoch| steps.get(&(EXPECTED_WINS, miner(who), at(epoch))).map(|v| v.map(|v| v.0));
            assert_eq!((of("t01", 2), of("t01", 3)), (Some(None), None), "{known}");
            assert_eq!(of("t02", 3), Some(later), "{known}");
        }
        // Nobody was known at all.
        let (mut fold, mut steps) = (Fold::default(), Steps::new());
        fold.flow(Flow::Lost(EXPECTED_WINS, at(2)), &mut steps);
        fold.flow(add("t01", 3), &mut steps);
        assert_eq!(steps.get(&(EXPECTED_WINS, miner("t01"), at(3))), Some(&None));
    }

    #[test]
    fn a_chain_that_begins_later_says_from_when_on_its_sums_count() {
        let (mut fold, mut steps) = (Fold::default(), Steps::new());
        fold.level(Level::Set(POWER_RAW, miner("t01"), Some(Value(0))), at(150), &mut steps);
        fold.begin(at(150), &mut steps);
        fold.flow(Flow::Add(REWARD_GAS, miner("t01"), at(150), Some(7)), &mut steps);
        fold.flow(Flow::Add(REWARD_GAS, miner("t02"), at(160), Some(7)), &mut steps);
        steps.retain(|(series, ..), _| *series == REWARD_GAS);
        let expected =
            [("t01", 0, None), ("t01", 149, Some(0)), ("t01", 150, Some(7)), ("t02", 160, Some(7))];
        assert_eq!(of(&steps), expected);
        // Genesis does nothing, so the epoch after it begins nothing anew.
        for first in [0, 1] {
            let mut steps = Steps::new();
            Fold::default().begin(at(first), &mut steps);
            assert!(steps.is_empty());
        }
    }
}
