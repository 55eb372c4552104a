use apogee_filecoin::verify::{CheckOutcome, EpochReport};
use apogee_store::{CheckRecord, Unmade};

/// Failures that are kept in words.
const KEPT_FAILURES: usize = 8;

/// The check of a WindowPoSt. One a message.
pub(crate) const WINDOW_POST: &str = "window_post";
/// The check of proofs of replication. One a sector.
pub(crate) const SEAL: &str = "seal";

/// Whether a check is about what a message says. Consensus takes a WindowPoSt on trust until somebody disputes it, so a wrong proof
/// concerns its miner and makes no block invalid.
pub(crate) fn concerns_a_message(record: &CheckRecord) -> bool {
    [WINDOW_POST, SEAL].contains(&record.check.as_str())
}

/// A tipset's checks as they are stored, by name.
pub(crate) fn records(report: &EpochReport) -> Vec<CheckRecord> {
    let mut records: Vec<_> = report.outcomes.iter().map(record).collect();
    records.sort_by(|a, b| a.check.cmp(&b.check));
    records
}

/// One check as it is stored.
pub(crate) fn record(outcome: &CheckOutcome) -> CheckRecord {
    let describe = |failure: &apogee_filecoin::verify::Failure| match failure.cid {
        Some(cid) => format!("{} {cid}: {}", failure.what, failure.detail),
        None => format!("{}: {}", failure.what, failure.detail),
    };
    CheckRecord {
        check: outcome.check.name().to_owned(),
        passed: outcome.passed,
        failed: outcome.failed,
        not_made: outcome
            .not_made
            .iter()
            .map(|not_made| Unmade { reason: not_made.reason.name().to_owned(), count: not_made.count })
            .collect(),
        failures: outcome.failures.iter().take(KEPT_FAILURES).map(describe).collect(),
    }
}

/// Add the checks of an epoch to a sum.
pub(crate) fn add(sum: &mut Vec<CheckRecord>, more: &[CheckRecord]) {
    for one in more {
        match sum.iter_mut().find(|record| record.check == one.check) {
            None => sum.push(one.clone()),
            Some(record) => {
                record.passed = record.passed.saturating_add(one.passed);
                record.failed = record.failed.saturating_add(one.failed);
                for unmade in &one.not_made {
                    match record.not_made.iter_mut().find(|known| known.reason == unmade.reason) {
                        Some(known) => known.count = known.count.saturating_add(unmade.count),
                        None => record.not_made.push(unmade.clone()),
                    }
                }
                let room = KEPT_FAILURES.saturating_sub(record.failures.len());
                record.failures.extend(one.failures.iter().take(room).cloned());
            }
        }
    }
    sum.sort_by(|a, b| a.check.cmp(&b.check));
}

/// Take the checks of an epoch out of a sum that contains them.
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

    #[test]
    fn what_was_added_is_taken_out_again() {
        let record = |check: &str, passed, failed: u64| CheckRecord {
            check: check.into(),
            passed,
            failed,
            not_made: vec![Unmade { reason: "missing_state".into(), count: 2 }],
            failures: (0..failed).map(|i| format!("{check} {i} of {passed}")).collect(),
        };
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
}
