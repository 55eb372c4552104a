//! The newest value of every series of every subject, and the steps that a layer adds to them.

use std::collections::BTreeMap;

use apogee_domain::{Change, Epoch, NetworkId, NetworkKind, SeriesName, Subject, Value, series};
use apogee_store::Store;

/// A value that may be unknown.
pub(crate) type Known = Option<u128>;

/// The newest values of one series.
type Board = BTreeMap<Subject, Known>;

/// Newest values by series and subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fold(BTreeMap<SeriesName, Board>);

/// The steps that one layer produces.
#[derive(Debug, Default)]
pub(crate) struct Steps(BTreeMap<(SeriesName, Subject, Epoch), Known>);

impl Steps {
    /// As rows.
    pub(crate) fn rows(self) -> Vec<Change> {
        let row = |((series, subject, epoch), value): (_, Known)| Change {
            series,
            subject,
            epoch,
            value: value.map(Value),
        };
        self.0.into_iter().map(row).collect()
    }

    /// A step that no newest value is changed by: of an epoch before those that are indexed.
    pub(crate) fn earlier(&mut self, series: SeriesName, subject: Subject, epoch: Epoch, value: Known) {
        self.0.insert((series, subject, epoch), value);
    }
}

impl Fold {
    /// What a database holds of each series at an epoch.
    pub(crate) async fn load(
        store: &dyn Store,
        network: &NetworkId,
        at: Epoch,
    ) -> apogee_store::Result<Self> {
        let mut values = BTreeMap::new();
        for spec in series::of(NetworkKind::Spacemesh) {
            let name = SeriesName::of(spec.name);
            let rows = store.board(network, &name, at).await?;
            values.insert(name, rows.into_iter().map(|(who, value)| (who, value.map(|v| v.0))).collect());
        }
        Ok(Self(values))
    }

    /// The newest value; `None` where there was no step.
    pub(crate) fn get(&self, series: &SeriesName, subject: &Subject) -> Option<Known> {
        self.0.get(series)?.get(subject).copied()
    }

    /// The newest value of a sum, which is zero before its first step.
    pub(crate) fn sum(&self, series: &SeriesName, subject: &Subject) -> Known {
        self.get(series, subject).unwrap_or(Some(0))
    }

    /// By how much a sum has grown since `before`.
    pub(crate) fn since(&self, before: &Self, series: &SeriesName, subject: &Subject) -> Known {
        self.sum(series, subject)?.checked_sub(before.sum(series, subject)?)
    }

    /// Everybody whose newest value is known and not zero, but not the network.
    pub(crate) fn holders(&self, series: &SeriesName) -> Vec<Subject> {
        let board = self.0.get(series).into_iter().flatten();
        let holds = |(who, value): &(&Subject, &Known)| !who.is_network() && **value != Some(0);
        board.filter(holds).map(|(who, _)| who.clone()).collect()
    }

    /// A value. One that stays is no step.
    pub(crate) fn set(
        &mut self,
        series: SeriesName,
        subject: &Subject,
        epoch: Epoch,
        value: Known,
        steps: &mut Steps,
    ) {
        if self.get(&series, subject) != Some(value) {
            self.0.entry(series.clone()).or_default().insert(subject.clone(), value);
            steps.0.insert((series, subject.clone(), epoch), value);
        }
    }

    /// This much more. A sum with an unknown part stays unknown; nothing more is no step.
    pub(crate) fn add(
        &mut self,
        series: SeriesName,
        subject: &Subject,
        epoch: Epoch,
        by: Known,
        steps: &mut Steps,
    ) {
        if by != Some(0) {
            let value = self.sum(&series, subject).zip(by).and_then(|(sum, by)| sum.checked_add(by));
            self.set(series, subject, epoch, value, steps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use series::{REWARD_BLOCK, SLOTS_ASSIGNED};

    fn at(epoch: i64) -> Epoch {
        Epoch::new(epoch).unwrap()
    }

    #[test]
    fn a_sum_grows_by_what_is_added_and_stays_unknown_once_a_part_is() {
        let (mut fold, mut steps) = (Fold::default(), Steps::default());
        let who: Subject = "aa".parse().unwrap();
        for (epoch, by) in [(1, Some(5)), (2, Some(0)), (3, Some(2)), (4, None), (5, Some(1))] {
            fold.add(REWARD_BLOCK, &who, at(epoch), by, &mut steps);
        }
        let rows: Vec<_> = steps.rows().iter().map(|c| (c.epoch.height(), c.value.map(|v| v.0))).collect();
        assert_eq!(rows, [(1, Some(5)), (3, Some(7)), (4, None)]);
        fold.add(SLOTS_ASSIGNED, &who, at(1), Some(u128::MAX), &mut Steps::default());
        fold.add(SLOTS_ASSIGNED, &who, at(2), Some(1), &mut Steps::default());
        assert_eq!(fold.get(&SLOTS_ASSIGNED, &who), Some(None), "what does not fit is unknown");
    }

    #[test]
    fn growth_is_counted_from_what_was_before() {
        let (mut fold, mut steps) = (Fold::default(), Steps::default());
        let who: Subject = "aa".parse().unwrap();
        let before = fold.clone();
        fold.add(SLOTS_ASSIGNED, &who, at(1), Some(3), &mut steps);
        assert_eq!(fold.since(&before, &SLOTS_ASSIGNED, &who), Some(3));
        assert_eq!(fold.holders(&SLOTS_ASSIGNED), std::slice::from_ref(&who));
        fold.set(SLOTS_ASSIGNED, &who, at(2), None, &mut steps);
        assert_eq!(fold.since(&before, &SLOTS_ASSIGNED, &who), None);
    }
}
