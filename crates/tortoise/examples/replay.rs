//! Replays traces and prints what it took: `cargo run --release -p apogee-tortoise --example replay -- FILE…`, or all traces of
//! the data without arguments. Exits with 1 if one fails.
//!
//! What counts is time of the processor, which other work on the machine does not weigh on as it does on time of the clock.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use apogee_tortoise::{Limits, replay};

/// Where the data has its traces, and how their names begin.
const FOLDERS: [(&str, &str); 3] =
    [("tortoise_traces", ""), ("recount_traces", ""), ("devnet208", "devnet208_node")];

fn main() -> ExitCode {
    let mut files: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        files = FOLDERS.iter().flat_map(|(folder, prefix)| traces(folder, prefix)).collect();
    }
    let (clock, begun) = (Instant::now(), processor());
    let (mut failed, mut bytes, mut lines, mut assertions, mut work) = (0_u32, 0, 0, 0, 0);
    let mut slowest = (Duration::ZERO, PathBuf::new());
    for path in &files {
        let before = processor();
        let report = match File::open(path) {
            Ok(file) => replay(BufReader::new(file), &Limits::DEFAULT).map_err(|failure| failure.to_string()),
            Err(cause) => Err(cause.to_string()),
        };
        let took = processor().saturating_sub(before);
        if took > slowest.0 {
            slowest = (took, path.clone());
        }
        match report {
            Ok(report) => {
                bytes += report.bytes;
                lines += report.lines;
                assertions += report.assertions;
                work += report.work;
            }
            Err(why) => {
                failed += 1;
                println!("{}: {why}", path.display());
            }
        }
    }
    println!(
        "{} traces, {failed} failed: {bytes} bytes, {lines} lines, {assertions} assertions, {work} steps in {} ms of the processor, {} ms of the clock; \
         the slowest: {} in {} ms",
        files.len(),
        processor().saturating_sub(begun).as_millis(),
        clock.elapsed().as_millis(),
        slowest.1.display(),
        slowest.0.as_millis(),
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn traces(folder: &str, prefix: &str) -> Vec<PathBuf> {
    let Some(folder) = apogee_testkit::data(&format!("spacemesh/{folder}")) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(".json")
    });
    files.sort();
    files
}

/// Time that this thread has had of a processor; zero where the system does not tell.
fn processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}
