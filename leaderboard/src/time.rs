use apogee_domain::Epoch;
use apogee_rules::{Competition, Problem};

use crate::document::problem;

/// The epochs of one question (`docs/rules.md` §5.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) start: i64,
    /// What was asked for.
    pub(crate) at: i64,
    /// What is read: not after the competition.
    pub(crate) read: i64,
    pub(crate) over: bool,
}

impl Clock {
    pub(crate) fn new(competition: &Competition, end: Option<Epoch>, at: Epoch) -> Result<Self, Problem> {
        let start = competition.start.height();
        let last = end.unwrap_or(competition.end).height() - 1;
        let at = crate::document::epoch(at, || "at".to_owned())?;
        if last < start {
            return Err(problem(
                "competition.end",
                format_args!("no epoch lies between {start} and {}", last + 1),
            ));
        }
        if at < start {
            return Err(problem("at", format_args!("epoch {at} is before the start at {start}")));
        }
        Ok(Self { start, at, read: at.min(last), over: at >= last })
    }
}

/// Epochs that count: all but some intervals (`docs/rules.md` §5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// In order and apart.
    removed: Vec<(i64, i64)>,
}

impl Kept {
    pub(crate) fn without(mut intervals: Vec<(i64, i64)>) -> Self {
        intervals.sort_unstable();
        let mut removed: Vec<(i64, i64)> = Vec::with_capacity(intervals.len());
        for (from, until) in intervals {
            match removed.last_mut() {
                Some((_, end)) if from <= *end => *end = until.max(*end),
                _ => removed.push((from, until)),
            }
        }
        Self { removed }
    }

    /// The last kept epoch in `[start, end]`.
    pub(crate) fn last(&self, start: i64, end: i64) -> Option<i64> {
        let before = self.removed.partition_point(|(from, _)| *from <= end);
        let last = match before.checked_sub(1).and_then(|index| self.removed.get(index)) {
            Some((from, until)) if *until > end => from - 1,
            _ => end,
        };
        (last >= start).then_some(last)
    }

    /// The runs of kept epochs in `[from, until)`, as long as they can be.
    pub(crate) fn runs(&self, from: i64, until: i64) -> impl Iterator<Item = (i64, i64)> {
        let first = self.removed.partition_point(|(_, end)| *end <= from);
        let inside = self.removed.get(first..).unwrap_or_default();
        let inside = inside.iter().copied().take_while(move |(begin, _)| *begin < until);
        let mut next = from;
        inside
            .chain([(until, i64::MAX)])
            .map(move |(begin, end)| (std::mem::replace(&mut next, end), begin))
            .filter(|(begin, end)| begin < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_no_interval_removes() {
        let intervals =
            [vec![], vec![(3, 5)], vec![(0, 2), (1, 4), (6, 7), (7, 9)], vec![(0, 20)], vec![(5, 6)]];
        for removed in intervals {
            let kept = Kept::without(removed.clone());
            let counts = |epoch: i64| !removed.iter().any(|(from, until)| (*from..*until).contains(&epoch));
            for from in 0..12 {
                for until in from..12 {
                    let epochs: Vec<i64> = kept.runs(from, until).flat_map(|(a, b)| a..b).collect();
                    assert_eq!(epochs, (from..until).filter(|e| counts(*e)).collect::<Vec<_>>());
                    let runs: Vec<_> = kept.runs(from, until).collect();
                    assert!(runs.windows(2).all(|pair| pair[0].1 < pair[1].0), "{runs:?}");
                    assert_eq!(kept.last(from, until), (from..=until).rev().find(|e| counts(*e)));
                }
            }
        }
    }
}
