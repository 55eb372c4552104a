//! What was checked of a layer, as it is stored.

use apogee_spacemesh::report::{Difference, Report};
use apogee_store::{CheckRecord, Reconciliation, Unmade};

use crate::source::{LayerFacts, Verdict, WorkedOut};

/// Failures that are kept in words.
const KEPT_FAILURES: usize = 8;
/// The longest text of a failure, in bytes.
const LONGEST: usize = 400;

/// How one check goes.
#[derive(Debug)]
pub(crate) struct Tally(CheckRecord);

impl Tally {
    pub(crate) fn of(check: &str) -> Self {
        let check = check.to_owned();
        Self(CheckRecord { check, passed: 0, failed: 0, not_made: Vec::new(), failures: Vec::new() })
    }

    pub(crate) fn pass(&mut self, times: usize) {
        self.0.passed = self.0.passed.saturating_add(u64::try_from(times).unwrap_or(u64::MAX));
    }

    pub(crate) fn fail(&mut self, mut words: String) {
        self.0.failed = self.0.failed.saturating_add(1);
        if self.0.failures.len() < KEPT_FAILURES {
            words.truncate(words.floor_char_boundary(LONGEST));
            self.0.failures.push(words);
        }
    }

    pub(crate) fn not_made(&mut self, reason: &str, count: u64) {
        merge(&mut self.0.not_made, &Unmade { reason: reason.to_owned(), count });
    }

    /// As it is stored; `None` where there was nothing to check.
    pub(crate) fn record(self) -> Option<CheckRecord> {
        let done = self.0.passed > 0 || self.0.failed > 0 || !self.0.not_made.is_empty();
        done.then_some(self.0)
    }
}

/// Rewards as the source tells them, held against those that the block comes to.
pub(crate) fn rewards(facts: &LayerFacts) -> (Tally, Option<Reconciliation>) {
    let mut tally = Tally::of("rewards");
    let told: u128 = facts.rewards.iter().map(|reward| u128::from(reward.amount.total)).sum();
    let mut derived = None;
    match facts.block.as_ref().map(|block| &block.worked_out) {
        None if facts.rewards.is_empty() => return (tally, None),
        None => {
            derived = Some(0);
            for reward in &facts.rewards {
                tally.fail(format!("{} is paid in a layer without a block", reward.smesher));
            }
        }
        Some(WorkedOut::Rewards(ours)) => {
            let report = Report::compare(ours, &facts.rewards);
            derived = Some(report.ours);
            tally.pass(report.equal);
            for difference in &report.differences {
                tally.fail(words(difference));
            }
        }
        Some(WorkedOut::NotMade(reason)) => {
            tally.not_made(reason, u64::try_from(facts.rewards.len()).unwrap_or(u64::MAX).max(1));
        }
        Some(WorkedOut::Failed(why)) => tally.fail(why.clone()),
    }
    let value = |smidge: u128| crate::views::atto(smidge).map(apogee_domain::Value);
    let (derived, state) = (derived.and_then(value), value(told));
    (tally, Some(Reconciliation { what: "rewards".to_owned(), derived, state }))
}

fn words(difference: &Difference) -> String {
    match difference {
        Difference::Missing(ours) => format!("{} is not told {}", ours.smesher, ours.amount.total),
        Difference::Unexpected(node) => format!("{} is told {} for nothing", node.smesher, node.amount.total),
        Difference::Again(node) => format!("{} is paid a second time", node.smesher),
        Difference::Other { ours, node } => {
            format!("{} is told {}, where {} is due", node.smesher, node.amount.total, ours.amount.total)
        }
    }
}

/// Ballots, by their signatures and draws.
pub(crate) fn ballots(facts: &LayerFacts) -> Tally {
    let mut tally = Tally::of("ballots");
    let Some(ballots) = &facts.ballots else {
        tally.not_made("no_ballots", 1);
        return tally;
    };
    for ballot in ballots {
        match &ballot.verdict {
            Verdict::Sound => tally.pass(1),
            Verdict::Unsound(why) => tally.fail(format!("{}: {why}", ballot.smesher)),
            Verdict::NotMade(reason) => tally.not_made(reason, 1),
        }
    }
    tally
}

/// How many ballots a layer had by its checks; `None` where none were known.
pub(crate) fn counted_ballots(checks: &[CheckRecord]) -> Option<u64> {
    let Some(record) = checks.iter().find(|record| record.check == "ballots") else { return Some(0) };
    if record.not_made.iter().any(|unmade| unmade.reason == "no_ballots") {
        return None;
    }
    let not_made = record.not_made.iter().map(|unmade| unmade.count);
    Some(not_made.fold(record.passed.saturating_add(record.failed), u64::saturating_add))
}

fn merge(not_made: &mut Vec<Unmade>, more: &Unmade) {
    match not_made.iter_mut().find(|known| known.reason == more.reason) {
        Some(known) => known.count = known.count.saturating_add(more.count),
        None => not_made.push(more.clone()),
    }
}

/// Add the checks of a layer to a sum.
pub(crate) fn add(sum: &mut Vec<CheckRecord>, more: &[CheckRecord]) {
    for one in more {
        match sum.iter_mut().find(|record| record.check == one.check) {
            None => sum.push(one.clone()),
            Some(record) => {
                record.passed = record.passed.saturating_add(one.passed);
                record.failed = record.failed.saturating_add(one.failed);
                one.not_made.iter().for_each(|unmade| merge(&mut record.not_made, unmade));
                let room = KEPT_FAILURES.saturating_sub(record.failures.len());
                record.failures.extend(one.failures.iter().take(room).cloned());
            }
        }
    }
    sum.sort_by(|a, b| a.check.cmp(&b.check));
}

/// Take the checks of a layer out of a sum that contains them.
pub(crate) fn subtract(sum: &mut Vec<CheckRecord>, less: &[CheckRecord]) {
    for one in less {
        let Some(record) = sum.iter_mut().find(|record| record.check == one.check) else { continue };
        record.passed = record.passed.saturating_sub(one.passed);
        record.failed = record.failed.saturating_sub(one.failed);
        for unmade in &one.not_made {
            if let Some(known) = record.not_made.iter_mut().find(|known| known.reason == unmade.reason) {
                known.count = known.count.saturating_sub(unmade.count);
            }
        }
        record.not_made.retain(|unmade| unmade.count > 0);
        record.failures.retain(|failure| !one.failures.contains(failure));
    }
    sum.retain(|record| record.passed > 0 || record.failed > 0 || !record.not_made.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(check: &str, passed: usize, failed: u32) -> CheckRecord {
        let mut tally = Tally::of(check);
        tally.pass(passed);
        (0..failed).for_each(|i| tally.fail(format!("{check} {i} of {passed}")));
        tally.not_made("no_nonce", 2);
        tally.record().unwrap()
    }

    #[test]
    fn what_was_added_is_taken_out_again() {
        let mut sum = Vec::new();
        add(&mut sum, &[record("b", 1, 1), record("a", 2, 0)]);
        let before = sum.clone();
        assert_eq!(sum.iter().map(|one| one.check.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let more = [record("b", 5, 3), record("c", 1, 0)];
        add(&mut sum, &more);
        assert_ne!(sum, before);
        subtract(&mut sum, &more);
        assert_eq!(sum, before);
    }

    #[test]
    fn a_failure_is_bounded_and_ballots_are_counted_however_they_went() {
        let mut tally = Tally::of("ballots");
        tally.pass(3);
        (0..20).for_each(|_| tally.fail("ü".repeat(LONGEST)));
        tally.not_made("no_nonce", 4);
        let record = tally.record().unwrap();
        assert_eq!((record.failed, record.failures.len(), record.failures[0].len()), (20, 8, LONGEST));
        assert_eq!(counted_ballots(&[record]), Some(27));
        assert_eq!(counted_ballots(&[]), Some(0));
        let mut tally = Tally::of("ballots");
        tally.not_made("no_ballots", 1);
        assert_eq!(counted_ballots(&[tally.record().unwrap()]), None);
        assert_eq!(Tally::of("ballots").record(), None);
    }
}
