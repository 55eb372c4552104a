use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use apogee_tortoise::{Limits, replay};
use clap::Args;

use crate::cli::competition::documents::wrong;
use crate::cli::{Answer, Failure};

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A trace, a line of JSON for each event
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
}

impl Replay {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let file = File::open(&self.trace).map_err(|cause| wrong(&self.trace, cause))?;
        match replay(BufReader::new(file), &Limits::DEFAULT) {
            Ok(report) => {
                let verified = report.status.map_or(0, |status| status.verified.0);
                println!(
                    "OK {} lines, {} answers are the same, verified up to layer {verified}",
                    report.lines, report.assertions
                );
                Ok(Answer::Yes)
            }
            Err(failure) => {
                println!("{}: {failure}", self.trace.display());
                Ok(Answer::No)
            }
        }
    }
}
