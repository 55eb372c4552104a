use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use apogee_dealbot::audit::{Asked, Audit, Report};
use apogee_package::Contents;

use crate::cli::Failure;
use crate::cli::competition::documents::wrong;
use crate::competitions::recounted;

/// Wrong verdicts that are printed.
const NAMED: usize = 20;

/// Read a log of evidence in its files, and judge every slot again: what was found, or what is wrong with the log.
pub(super) fn audited(files: &[PathBuf], asked: Asked) -> Result<Result<Report, String>, Failure> {
    let mut audit = Audit::new(asked);
    for file in files {
        let open = File::open(file).map_err(|cause| wrong(file, cause))?;
        if let Err(defect) = audit.read(BufReader::new(open)) {
            return Ok(Err(format!("{}: {defect}", file.display())));
        }
    }
    Ok(audit.end().map_err(|defect| defect.to_string()))
}

/// Hold a package against what an audit found: what was done, or what does not agree.
pub(super) fn held_against(contents: &Contents, report: &Report) -> Result<String, String> {
    let about = &contents.about;
    if report.race != about.competition.as_str() || report.network != about.network.as_str() {
        return Err(format!("the evidence is of {} on {}", report.race, report.network));
    }
    if !report.is_good() {
        let named: Vec<String> = report.defects.iter().take(NAMED).map(ToString::to_string).collect();
        return Err(format!(
            "{} verdicts are not what the evidence comes to:\n{}",
            report.wrong,
            named.join("\n")
        ));
    }
    let agree = recounted(&contents.facts, &report.counts, about.at).map_err(|what| {
        format!(
            "{what}; the evidence was closed at epoch {}: what counts later needs more of it",
            report.epoch
        )
    })?;
    let derived = match (report.derived, &report.beacon) {
        (false, _) => String::new(),
        (true, None) => ", and every moment follows from the seed".to_owned(),
        (true, Some(beacon)) => format!(
            ", and every moment follows from the seed that was committed to at {} and the beacon of round {} in epoch {}",
            report.committed, beacon.round, beacon.epoch
        ),
    };
    Ok(format!(
        "L2 made: {} records are signed by their bots; {} verdicts judged again from {} entries of the log that {} signed, {agree} series agree{derived}; \
         {} of them rest on what the controller read from the chain",
        report.records,
        report.verdicts,
        report.entries,
        hex::encode(report.key),
        report.by_chain
    ))
}
