//! Prints how fast a recorded network is verified and indexed: a new process for every run, from its archive into a database.
//!
//! `bench-chain [RUNS]` starts itself for each run. Beside the epochs a second stands what the fastest comparable program does, and what
//! hashing the archive and checking its signatures cost alone in the same run. Exits with 1 when a median is under its bar.

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_indexer::{Indexer, Options, recording};
use apogee_store::Store;
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;
use rand::TryRngCore;
use rand::rngs::OsRng;

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// Epochs of the recording, its null rounds included.
const EPOCHS: u128 = 313;
const RUNS: usize = 7;

/// What is measured: epochs a second that are wanted, and what another program does on such a machine.
struct Bar {
    name: &'static str,
    snark: bool,
    wanted: u128,
    other: (&'static str, u128),
}

const SQLITE: Bar = Bar { name: "SQLite", snark: false, wanted: 370, other: ("Lily", 187) };
const POSTGRES: Bar = Bar { name: "PostgreSQL", snark: false, wanted: 340, other: ("Lily", 171) };
const SNARK: Bar = Bar { name: "SQLite, with WinningPoSt", snark: true, wanted: 100, other: ("Lotus", 70) };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["index", recording, database, rest @ ..] => {
            index(Path::new(recording), database, rest.contains(&"snark")).map(|()| true)
        }
        [] => bench(RUNS),
        [runs] => runs.parse().map_err(Into::into).and_then(bench),
        _ => Err("usage: bench-chain [RUNS]".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("bench-chain: {error}: {:?}", error.source());
            ExitCode::from(2)
        }
    }
}

/// One run: what a process of its own does.
#[tokio::main]
async fn index(folder: &Path, database: &str, snark: bool) -> Result<()> {
    let described = folder.to_owned();
    let recorded = tokio::task::spawn_blocking(move || recording::devnet(&described));
    let store: Arc<dyn Store> = match database.starts_with("postgres://") {
        true => Arc::new(PostgresStore::connect(database).await?),
        false => Arc::new(SqliteStore::open(Path::new(database)).await?),
    };
    let recorded = recorded.await??;
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed)?;
    let options = Options::new(Arc::new(move || seed));
    let mut indexer =
        Indexer::new(store, Arc::new(recorded.source), recorded.network, recorded.params, options);
    if snark {
        indexer = with_keys(indexer, folder)?;
    }
    let cursor = indexer.backfill_to_head().await?;
    let sum = |of: fn(&apogee_store::CheckRecord) -> u64| cursor.checks.iter().map(of).sum::<u64>();
    let unmade = |record: &apogee_store::CheckRecord| record.not_made.iter().map(|one| one.count).sum();
    println!(
        "{} {} {} {} {}",
        cursor.digest,
        cursor.epoch,
        sum(|one| one.passed),
        sum(|one| one.failed),
        sum(unmade)
    );
    println!("{} {}", cpu_milliseconds()?, peak_megabytes()?);
    Ok(())
}

#[cfg(feature = "snark")]
fn with_keys(indexer: Indexer, folder: &Path) -> Result<Indexer> {
    use apogee_filecoin::verify::{Trust, VerifyingKeys};
    Ok(indexer.with_keys(Arc::new(VerifyingKeys::new(folder.join("vk"), Trust::Folder))))
}

#[cfg(not(feature = "snark"))]
fn with_keys(_: Indexer, _: &Path) -> Result<Indexer> {
    Err("this build does not check SNARKs: build with --features snark".into())
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

/// What a run came to.
struct Run {
    wall: Duration,
    /// Digest, epoch, checks passed, failed and not made.
    result: String,
    cpu: u64,
    peak: u64,
}

fn bench(runs: usize) -> Result<bool> {
    let folder = apogee_testkit::example("devnet-a");
    limits(&folder)?;
    let files = tempfile::tempdir()?;
    let mut file = 0;
    let mut sqlite = || {
        file += 1;
        Ok(files.path().join(format!("{file}.sqlite")).display().to_string())
    };
    let mut good = measure(&SQLITE, runs, &folder, &mut sqlite)?;
    if let Some(server) = apogee_testkit::postgres::Server::start()? {
        good &= measure(&POSTGRES, runs, &folder, || Ok(server.database()?))?;
    }
    if cfg!(feature = "snark") {
        good &= measure(&SNARK, runs, &folder, &mut sqlite)?;
    }
    Ok(good)
}

fn measure(
    bar: &Bar,
    runs: usize,
    folder: &Path,
    mut database: impl FnMut() -> Result<String>,
) -> Result<bool> {
    let mut all =
        (0..runs.max(1)).map(|_| run(folder, &database()?, bar.snark)).collect::<Result<Vec<_>>>()?;
    all.sort_by_key(|run| run.wall);
    let (Some(fastest), Some(median), Some(slowest)) = (all.first(), all.get(all.len() / 2), all.last())
    else {
        return Ok(false);
    };
    if all.iter().any(|run| run.result != fastest.result) {
        return Err("two runs came to different results".into());
    }
    let rate = |run: &Run| EPOCHS * 1_000_000 / run.wall.as_micros().max(1);
    let good = rate(median) >= bar.wanted;
    let (other, pace) = bar.other;
    let ratio = rate(median) * 100 / pace;
    println!(
        "{}: {} epochs/s ({} to {} in {} runs; bar {}{}), {}.{:02} × {other}, CPU {} ms in {} ms, peak {} MB",
        bar.name,
        rate(median),
        rate(slowest),
        rate(fastest),
        all.len(),
        bar.wanted,
        if good { "" } else { ", MISSED" },
        ratio / 100,
        ratio % 100,
        median.cpu,
        median.wall.as_millis(),
        all.iter().map(|run| run.peak).max().unwrap_or(0),
    );
    println!("  digest, epoch, checks passed, failed, not made: {}", fastest.result);
    Ok(good)
}

fn run(folder: &Path, database: &str, snark: bool) -> Result<Run> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("index").arg(folder).arg(database).args(snark.then_some("snark"));
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

/// What no indexer of this archive can do without.
fn limits(folder: &Path) -> Result<()> {
    let start = Instant::now();
    let mut packed = Vec::new();
    std::fs::File::open(folder.join("chain.car.zst"))?.read_to_end(&mut packed)?;
    let archive =
        apogee_filecoin::car::CarStore::read(packed.as_slice(), &apogee_filecoin::car::Limits::DEFAULT)?;
    println!("archive: {} blocks unpacked and hashed in {} ms", archive.len(), start.elapsed().as_millis());
    Ok(())
}
