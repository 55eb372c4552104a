//! Checks and reconciliations, counted.

use apogee_filecoin::verify::Check;
use apogee_store::{CheckRecord, EpochRecord};

/// Checks in the order in which they are made, unknown ones last.
pub(crate) fn in_order<'a>(checks: impl Iterator<Item = &'a CheckRecord>) -> Vec<&'a CheckRecord> {
    let mut checks: Vec<_> = checks.collect();
    let place = |name: &str| Check::ALL.iter().position(|check| check.name() == name);
    checks.sort_by_key(|check| place(&check.check).unwrap_or(usize::MAX));
    checks
}

/// The checks and reconciliations of an epoch, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) unmade: u64,
    pub(crate) kinds: usize,
    pub(crate) agree: usize,
    pub(crate) differ: usize,
    pub(crate) unknown: usize,
}

impl Sums {
    pub(crate) fn of(record: &EpochRecord) -> Self {
        let mut sums = Self::of_checks(&record.checks);
        for sum in &record.reconciled {
            match sum.agrees() {
                Some(true) => sums.agree += 1,
                Some(false) => sums.differ += 1,
                None => sums.unknown += 1,
            }
        }
        sums
    }

    pub(crate) fn of_checks(checks: &[CheckRecord]) -> Self {
        let mut sums = Self::default();
        for check in checks {
            sums.passed = sums.passed.saturating_add(check.passed);
            sums.failed = sums.failed.saturating_add(check.failed);
            sums.unmade = sums.unmade.saturating_add(check.not_made.iter().map(|one| one.count).sum());
            sums.kinds += usize::from(check.passed + check.failed > 0);
        }
        sums
    }

    pub(crate) const fn made(&self) -> u64 {
        self.passed.saturating_add(self.failed)
    }
}
