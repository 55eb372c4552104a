//! Random competitions, one a line, and their standings: what the second implementation is compared over.
//!
//! `cases gen SEED COUNT` writes cases; `cases stand` reads cases and writes the standings of each, or `{"error": …}`.

#![expect(clippy::indexing_slicing, reason = "documents are made here by the names of their members")]

#[path = "../tests/it/cases.rs"]
mod cases;
#[path = "../tests/it/generator.rs"]
mod generator;

use std::env;
use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["gen", seed, count] => match (seed.parse(), count.parse()) {
            (Ok(seed), Ok(count)) => generate(seed, count),
            _ => return usage(),
        },
        ["stand"] => stand(),
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("cases: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cases gen SEED COUNT | cases stand < CASES");
    ExitCode::FAILURE
}

fn generate(seed: u64, count: u64) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for seed in seed..seed.saturating_add(count) {
        let line = apogee_rules::canonical::text(&generator::case(seed)).map_err(io::Error::other)?;
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn stand() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let case = serde_json::from_str(&line?).map_err(io::Error::other)?;
        writeln!(out, "{}", cases::answer(&case))?;
    }
    out.flush()
}
