use apogee_filecoin::verify::{CheckOutcome, EpochReport};
use apogee_store::{CheckRecord, Unmade};

/// Failures that are kept in words.
const KEPT_FAILURES: usize = 8;

/// A tipset's checks as they are stored, by name.
pub(crate) fn records(report: &EpochReport) -> Vec<CheckRecord> {
    let mut records: Vec<_> = report.outcomes.iter().map(record).collect();
    records.sort_by(|a, b| a.check.cmp(&b.check));
    records
}

fn record(outcome: &CheckOutcome) -> CheckRecord {
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
