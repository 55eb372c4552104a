//! An epoch of a million smeshers rolled up from a copy of a node's database, then listed as payouts, beside a bare sort and hash of the same
//! numbers; and the same of two and four million, which says what six take. Fails where a bar is missed.
//!
//! The database has the schema of a recorded node's, indexes included, and is made by another process, as is every measurement, so that each peak
//! of memory is its own. Needs the recording, and 2.5 GB of room in the folder for temporary files.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use apogee_spacemesh::eligibility::Committee;
use apogee_spacemesh::id::{EpochId, Epochs, GenesisId, SmesherId};
use apogee_spacemesh_index::Params;
use apogee_spacemesh_index::rollup::Rollup;
use apogee_spacemesh_state::{Limits, State};
use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Smeshers that the bars are about.
const SMESHERS: u32 = 1_000_000;
/// Layers of an epoch, as on the main network.
const LAYERS: NonZeroU32 = NonZeroU32::new(4_032).expect("not zero");
/// The epoch: of its activations and of its rewards.
const EPOCH: u32 = 3;
/// Bars: milliseconds of the processor, megabytes, times the bare sort and hash.
const MOST_MS: u64 = 5_000;
const MOST_MB: u64 = 1_000;
const MOST_TIMES: u64 = 3;
/// What is extrapolated to.
const MILLIONS: u64 = 6;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", path, smeshers] => {
            smeshers.parse().map_err(Into::into).and_then(|n| make(Path::new(path), n))
        }
        ["measure", path, smeshers] => smeshers
            .parse()
            .map_err(Into::into)
            .and_then(|n| measure(Path::new(path), n).map(|measured| measured.tell())),
        _ => all(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("a bar is missed");
            ExitCode::FAILURE
        }
        Err(cause) => {
            eprintln!("bench-rollup: {cause}");
            ExitCode::FAILURE
        }
    }
}

/// What one process measured.
#[derive(Clone, Copy)]
struct Measured {
    smeshers: u32,
    /// Milliseconds of the processor: the roll-up, the list, the bare sort and hash.
    rollup: u64,
    list: u64,
    bare: u64,
    /// Milliseconds that the roll-up took by the clock on the wall.
    wall: u64,
    /// Millions of bytes, at most, and of the file.
    peak: u64,
    file: u64,
}

impl Measured {
    /// As one line for whoever asked, told to be true.
    fn tell(self) -> bool {
        let Self { smeshers, rollup, list, bare, wall, peak, file } = self;
        println!("{smeshers} {rollup} {list} {bare} {wall} {peak} {file}");
        true
    }

    fn read(line: &str) -> Outcome<Self> {
        let numbers = line.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [smeshers, rollup, list, bare, wall, peak, file] = numbers[..] else {
            return Err(format!("not what was measured: {line}").into());
        };
        Ok(Self { smeshers: u32::try_from(smeshers)?, rollup, list, bare, wall, peak, file })
    }
}

fn all() -> Outcome<bool> {
    let folder = tempfile::tempdir()?;
    let mut measured = Vec::new();
    for times in [1, 2, 4] {
        let path = folder.path().join("state.sql");
        let smeshers = (SMESHERS * times).to_string();
        run(&["make", &path.to_string_lossy(), &smeshers])?;
        let one = Measured::read(&run(&["measure", &path.to_string_lossy(), &smeshers])?)?;
        fs::remove_file(&path)?;
        let ratio = |a: u64, b: u64| format!("{}.{:02}", a / b.max(1), a * 100 / b.max(1) % 100);
        println!(
            "{} smeshers: roll-up {} ms of CPU ({} ms), peak {} MB, file {} MB; list {} ms, bare sort and hash {} ms: {} times",
            one.smeshers,
            one.rollup,
            one.wall,
            one.peak,
            one.file,
            one.list,
            one.bare,
            ratio(one.list, one.bare),
        );
        measured.push(one);
    }
    let [one, _, four] = measured[..] else { return Err("three sizes were measured".into()) };
    // A straight line through the smallest and the largest, one and four millions.
    let at = |one: u64, four: u64| one + four.saturating_sub(one) * (MILLIONS - 1) / 3;
    println!(
        "{MILLIONS} million, on the line through one and four: roll-up {} ms of CPU, peak {} MB, file {} MB",
        at(one.rollup, four.rollup),
        at(one.peak, four.peak),
        at(one.file, four.file),
    );
    println!(
        "growth from one to four: {} % of the processor's time, {} % of memory (400 % would be even)",
        four.rollup * 100 / one.rollup.max(1),
        four.peak * 100 / one.peak.max(1),
    );
    Ok(one.rollup <= MOST_MS && one.peak < MOST_MB && one.list <= MOST_TIMES * one.bare.max(1))
}

/// Run this program as another process, and hand back what it says.
fn run(arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// What the processor did for this thread, whoever else is running.
fn cpu_ms() -> Outcome<u64> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = stat.split_whitespace().next().ok_or("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1_000_000)
}

/// The most memory that was held at once, in units of a million bytes, rounded up.
fn peak_mb() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    let kib: u64 = line.split_whitespace().next().ok_or("an empty line")?.parse()?;
    Ok((kib * 1024).div_ceil(1_000_000))
}

fn measure(path: &Path, smeshers: u32) -> Outcome<Measured> {
    let epochs = Epochs { layers: LAYERS };
    let committee = Committee { size: NonZeroU32::new(50).ok_or("fifty")?, least_weight: 5_000_000, epochs };
    let network =
        Params { genesis: GenesisId::default(), committee, first: epochs.first_effective_genesis() };
    let (clock, before) = (Instant::now(), cpu_ms()?);
    let state = State::open(path, &network.genesis, Limits::default())?;
    let columns = Rollup::read(&state, &network, EpochId(EPOCH), 16_000_000)?;
    let rollup = cpu_ms()? - before;
    let wall = u64::try_from(clock.elapsed().as_millis())?;
    if columns.smeshers.len() != smeshers as usize || columns.layers.iter().any(|layers| *layers != 1) {
        return Err("the roll-up is not what was made".into());
    }
    // Like the columns, the numbers lie in memory before the clock starts.
    let numbers: Vec<u64> = columns.subsidy.clone();
    let before = cpu_ms()?;
    let hash = payouts(&columns)?;
    let list = cpu_ms()? - before;
    let before = cpu_ms()?;
    let mut sorted: Vec<(u64, SmesherId)> =
        numbers.into_iter().zip(columns.smeshers.iter().copied()).collect();
    sorted.sort_unstable();
    let mut bare = Sha256::new();
    for (amount, smesher) in &sorted {
        bare.update(amount.to_be_bytes());
        bare.update(smesher.0);
    }
    let bare_hash: [u8; 32] = bare.finalize().into();
    let bare = cpu_ms()? - before;
    if hash == bare_hash {
        return Err("a list in words and its numbers have one hash".into());
    }
    let file = fs::metadata(path)?.len() / 1_000_000;
    Ok(Measured { smeshers, rollup, list, bare, wall, peak: peak_mb()?, file })
}

/// Whoever was paid, the most first and by id where that is the same: as the lines of a list in words, and their hash.
fn payouts(columns: &Rollup) -> Outcome<[u8; 32]> {
    let paid = columns.subsidy.iter().zip(&columns.fees).zip(&columns.smeshers);
    let mut list: Vec<(std::cmp::Reverse<u64>, SmesherId)> =
        paid.map(|((subsidy, fees), smesher)| (std::cmp::Reverse(subsidy + fees), *smesher)).collect();
    list.sort_unstable();
    let mut hash = Sha256::new();
    let mut id = [0; 2 * SmesherId::LENGTH];
    let mut line = Vec::new();
    for (amount, smesher) in &list {
        line.clear();
        hex::encode_to_slice(smesher.0, &mut id)?;
        line.extend_from_slice(&id);
        writeln!(line, ",{}", amount.0)?;
        hash.update(&line);
    }
    Ok(hash.finalize().into())
}

/// Spread by a well-known mixer, so that ids have nothing to do with their order.
const fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn id(number: u32, kind: u64) -> [u8; 32] {
    let mut id = [0; 32];
    for (place, part) in id.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&spread(u64::from(number) << 16 | kind << 8 | place as u64).to_be_bytes());
    }
    id
}

/// A database of a node's schema with so many activations, and as many rewards, which came layer by layer.
fn make(path: &Path, smeshers: u32) -> Outcome<bool> {
    let schema = apogee_testkit::data("spacemesh/devnet208/state_a.sql").ok_or("the recording is absent")?;
    fs::write(path, fs::read(schema)?)?;
    let mut database = Connection::open(path)?;
    database
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000")?;
    let named = |kind: &str, column: &str| -> Outcome<Vec<String>> {
        let query = format!("SELECT {column} FROM sqlite_schema WHERE type = '{kind}' AND sql IS NOT NULL");
        let mut statement = database.prepare(&query)?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    };
    let (tables, indexes, made) = (named("table", "name")?, named("index", "name")?, named("index", "sql")?);
    for table in tables {
        database.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    // Sorted at once at the end: into indexes of random ids, rows go slowly.
    for index in indexes {
        database.execute_batch(&format!("DROP INDEX {index}"))?;
    }
    let work = database.transaction()?;
    {
        let mut atx = work.prepare(
            "INSERT INTO atxs (id, epoch, effective_num_units, commitment_atx, nonce, base_tick_height, tick_count, sequence,
               pubkey, coinbase, received, validity, weight) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, 0, ?11)",
        )?;
        let mut reward = work.prepare(
            "INSERT INTO rewards (pubkey, coinbase, layer, total_reward, layer_reward) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for number in 0..smeshers {
            let (units, ticks) = (4 + spread(number.into()) % 100, 10_000 + spread(!u64::from(number)) % 500);
            let (smesher, coinbase) = (id(number, 1), &id(number, 2)[..24]);
            let weight = i64::try_from(units * ticks)?;
            atx.execute(params![
                id(number, 3),
                EPOCH - 1,
                i64::try_from(units)?,
                id(0, 4),
                i64::from(number),
                100_000,
                i64::try_from(ticks)?,
                smesher,
                coinbase,
                1_700_000_000_000_000_000_i64,
                weight,
            ])?;
            let layer = EPOCH * LAYERS.get()
                + u32::try_from(u64::from(number) * u64::from(LAYERS.get()) / u64::from(smeshers))?;
            let subsidy = i64::try_from(
                477_000_000 + spread(weight.unsigned_abs() ^ u64::from(number)) % 1_000_000_000,
            )?;
            reward.execute(params![smesher, coinbase, layer, subsidy + 7, subsidy])?;
        }
    }
    work.commit()?;
    for index in made {
        database.execute_batch(&index)?;
    }
    database.execute_batch("VACUUM")?;
    Ok(true)
}
