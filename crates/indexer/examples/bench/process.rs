//! A run in a process of its own, and what it cost.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_indexer::Indexer;
use apogee_store::{CheckRecord, Store};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;

use super::Result;

/// What is wanted.
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    /// Epochs of the chain, its null rounds included.
    pub(crate) epochs: u128,
    /// Epochs a second.
    pub(crate) wanted: u128,
    /// Another program's epochs a second on such a machine.
    pub(crate) other: Option<(&'static str, u128)>,
}

/// What a run came to.
struct Run {
    wall: Duration,
    /// Digest, epoch, checks passed, failed and not made.
    result: String,
    cpu: u64,
    peak: u64,
}

/// Open the database of a run: a PostgreSQL by its address, or a file.
pub(crate) async fn database(name: &str) -> Result<Arc<dyn Store>> {
    Ok(match name.starts_with("postgres://") {
        true => Arc::new(PostgresStore::connect(name).await?),
        false => Arc::new(SqliteStore::open(name.as_ref()).await?),
    })
}

/// Index all of it, and tell the parent process what it came to.
pub(crate) async fn finish(mut indexer: Indexer) -> Result<()> {
    let cursor = indexer.backfill_to_head().await?;
    let sum = |of: fn(&CheckRecord) -> u64| cursor.checks.iter().map(of).sum::<u64>();
    let unmade = |record: &CheckRecord| record.not_made.iter().map(|one| one.count).sum();
    let (passed, failed) = (sum(|one| one.passed), sum(|one| one.failed));
    println!("{} {} {passed} {failed} {}", cursor.digest, cursor.epoch, sum(unmade));
    println!("{} {}", cpu_milliseconds()?, peak_megabytes()?);
    Ok(())
}

/// User and system time of this process. The kernel counts hundredths of a second.
fn cpu_milliseconds() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Ok((ticks(11) + ticks(12)) * 10)
}

fn peak_megabytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024)
}

/// Start this program `runs` times, each with the arguments that `arguments` gives, and print how the median stands to the bar. Whether it
/// is above.
pub(crate) fn measure(bar: &Bar, runs: usize, arguments: impl Fn() -> Result<Vec<String>>) -> Result<bool> {
    let mut all = (0..runs.max(1)).map(|_| run(&arguments()?)).collect::<Result<Vec<_>>>()?;
    all.sort_by_key(|run| run.wall);
    let (Some(fastest), Some(median), Some(slowest)) = (all.first(), all.get(all.len() / 2), all.last())
    else {
        return Ok(false);
    };
    if all.iter().any(|run| run.result != fastest.result) {
        return Err("two runs came to different results".into());
    }
    let rate = |run: &Run| bar.epochs * 1_000_000 / run.wall.as_micros().max(1);
    let good = rate(median) >= bar.wanted;
    let other = bar.other.map_or_else(String::new, |(name, pace)| {
        let ratio = rate(median) * 100 / pace;
        format!(", {}.{:02} × {name}", ratio / 100, ratio % 100)
    });
    println!(
        "{}: {} epochs/s ({} to {} in {} runs; bar {}{}){other}, CPU {} ms in {} ms, peak {} MB",
        bar.name,
        rate(median),
        rate(slowest),
        rate(fastest),
        all.len(),
        bar.wanted,
        if good { "" } else { ", MISSED" },
        median.cpu,
        median.wall.as_millis(),
        all.iter().map(|run| run.peak).max().unwrap_or(0),
    );
    println!("  digest, epoch, checks passed, failed, not made: {}", fastest.result);
    Ok(good)
}

fn run(arguments: &[String]) -> Result<Run> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("run").args(arguments);
    let start = Instant::now();
    let output = command.output()?;
    let wall = start.elapsed();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = said.lines();
    let (Some(result), Some(cost), true) = (lines.next(), lines.next(), output.status.success()) else {
        return Err(format!("a run failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    };
    let mut cost = cost.split(' ').map(str::parse);
    let (cpu, peak) = (cost.next().unwrap_or(Ok(0))?, cost.next().unwrap_or(Ok(0))?);
    Ok(Run { wall, result: result.to_owned(), cpu, peak })
}
