use std::collections::BTreeMap;
use std::fmt;

use apogee_domain::Epoch;
use apogee_filecoin::types::Tipset;
use apogee_filecoin::verify::{Check, CheckOutcome, EpochReport};
use serde::Serialize;

/// Failures that are described; all are counted.
const KEPT_FAILURES: usize = 100;

/// The figures of a range of epochs.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    source: String,
    from: Epoch,
    to: Epoch,
    tipsets: usize,
    blocks: usize,
    null_rounds: i64,
    #[serde(skip)]
    newest: Option<Epoch>,
    pub(super) failed: u64,
    #[serde(serialize_with = "in_order")]
    checks: BTreeMap<Check, Figures>,
    failures: Vec<Failed>,
}

#[derive(Debug, Default, Serialize)]
struct Figures {
    made: u64,
    passed: u64,
    failed: u64,
    not_made: BTreeMap<&'static str, Unmade>,
}

#[derive(Debug, Serialize)]
struct Unmade {
    count: u64,
    example: String,
}

#[derive(Debug, Serialize)]
struct Failed {
    check: &'static str,
    epoch: Option<Epoch>,
    what: &'static str,
    cid: Option<String>,
    detail: String,
}

/// A map by the checks' names that keeps their order.
fn in_order<S: serde::Serializer>(
    checks: &BTreeMap<Check, Figures>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(checks.iter().map(|(check, figures)| (check.name(), figures)))
}

impl Report {
    pub(super) fn new(source: &str, from: Epoch, to: Epoch) -> Self {
        Self {
            source: source.to_owned(),
            from,
            to,
            tipsets: 0,
            blocks: 0,
            null_rounds: 0,
            newest: None,
            failed: 0,
            checks: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// Count these tipsets, which follow those that were counted.
    pub(super) fn saw(&mut self, tipsets: &[Tipset]) {
        for tipset in tipsets {
            self.tipsets += 1;
            self.blocks += tipset.blocks().len();
            self.null_rounds += self.newest.map_or(0, |newest| tipset.epoch().since(newest) - 1);
            self.newest = Some(tipset.epoch());
        }
    }

    /// The checks, one a line.
    pub(super) fn csv(&self) -> String {
        let mut csv = "check,made,passed,failed,not_made\n".to_owned();
        for (check, Figures { made, passed, failed, not_made }) in &self.checks {
            let not_made: u64 = not_made.values().map(|unmade| unmade.count).sum();
            csv.push_str(&format!("{},{made},{passed},{failed},{not_made}\n", check.name()));
        }
        csv
    }

    pub(super) fn add(&mut self, reports: &[EpochReport]) {
        for report in reports {
            for outcome in &report.outcomes {
                self.add_outcome(Some(report.epoch), outcome);
            }
        }
    }

    pub(super) fn add_outcome(&mut self, epoch: Option<Epoch>, outcome: &CheckOutcome) {
        let figures = self.checks.entry(outcome.check).or_default();
        figures.made += outcome.made();
        figures.passed += outcome.passed;
        figures.failed += outcome.failed;
        self.failed += outcome.failed;
        for not_made in &outcome.not_made {
            let unmade = figures
                .not_made
                .entry(not_made.reason.name())
                .or_insert_with(|| Unmade { count: 0, example: not_made.example.clone() });
            unmade.count += not_made.count;
        }
        let room = KEPT_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(outcome.failures.iter().take(room).map(|failure| Failed {
            check: outcome.check.name(),
            epoch,
            what: failure.what,
            cid: failure.cid.map(|cid| cid.to_string()),
            detail: failure.detail.clone(),
        }));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, epochs {} to {}", self.source, self.from, self.to)?;
        writeln!(f, "{} tipsets, {} blocks, {} null rounds\n", self.tipsets, self.blocks, self.null_rounds)?;
        writeln!(f, "{:<24}{:>10}{:>10}{:>10}{:>10}", "check", "made", "passed", "failed", "not made")?;
        for (check, figures) in &self.checks {
            let not_made: u64 = figures.not_made.values().map(|unmade| unmade.count).sum();
            let Figures { made, passed, failed, .. } = figures;
            writeln!(f, "{:<24}{made:>10}{passed:>10}{failed:>10}{not_made:>10}", check.name())?;
        }
        for (check, figures) in &self.checks {
            for (reason, unmade) in &figures.not_made {
                writeln!(f, "\nnot made: {check}, {} times, {reason}: {}", unmade.count, unmade.example)?;
            }
        }
        for failure in &self.failures {
            let epoch = failure.epoch.map_or_else(String::new, |epoch| format!(" at epoch {epoch}"));
            let cid = failure.cid.as_deref().unwrap_or_default();
            writeln!(f, "\nfailed: {}{epoch}: {} {cid}: {}", failure.check, failure.what, failure.detail)?;
        }
        match self.failed {
            0 => writeln!(f, "\nNo check failed."),
            count => writeln!(f, "\n{count} checks failed."),
        }
    }
}
