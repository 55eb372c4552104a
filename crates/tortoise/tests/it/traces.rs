//! Traces of real nodes' code: every answer has to be the same.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use apogee_tortoise::{Limits, replay};

/// The traces of a folder of the data; nothing where that is absent.
fn traces(folder: &str, prefix: &str) -> Vec<PathBuf> {
    let Some(folder) = apogee_testkit::data(&format!("spacemesh/{folder}")) else { return Vec::new() };
    let is_trace = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(".json")
    };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(is_trace).collect();
    files.sort();
    assert!(!files.is_empty(), "a folder without traces");
    files
}

fn open(path: &Path) -> BufReader<File> {
    BufReader::new(File::open(path).unwrap())
}

fn all_replay(files: &[PathBuf]) {
    let mut failed = Vec::new();
    let mut assertions = 0;
    for path in files {
        match replay(open(path), &Limits::DEFAULT) {
            Ok(report) => assertions += report.assertions,
            Err(failure) => failed.push(format!("{}: {failure:.600}", path.display())),
        }
    }
    assert!(failed.is_empty(), "{} of {} traces:\n{}", failed.len(), files.len(), failed.join("\n"));
    eprintln!("{} traces, {assertions} assertions", files.len());
}

#[test]
fn of_unit_tests_and_simulations() {
    all_replay(&traces("tortoise_traces", ""));
}

#[test]
fn of_a_devnet_that_split_and_healed() {
    all_replay(&traces("devnet208", "devnet208_node"));
}

#[test]
fn of_recoveries_from_databases() {
    all_replay(&traces("recount_traces", ""));
}
