//! Prints how long a page of a board takes at any rank among a million smeshers, beside the bare reads of what it shows; and how long a new epoch takes
//! to be ranked and shown. Exits with 1 when a bar does not hold. Needs 2 GB of room in the folder for temporary files.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use apogee_domain::{
    Atto, Change, Digest, Epoch, Finality, Network, NetworkId, NetworkKind, SeriesName, Subject, Timestamp,
    Value, series,
};
use apogee_server::cli::{self, Cli};
use apogee_store::{AppliedEpoch, Cursor, EpochKind, EpochRecord, Page, Store};
use apogee_store_sqlite::SqliteStore;
use clap::Parser;

const SMESHERS: u64 = 1_000_000;
/// Smeshers that come with an epoch.
const BATCH: u64 = 20_000;
/// Rows of a page.
const ROWS: u64 = 50;
/// Pages of each board, at ranks drawn evenly.
const PAGES: u64 = 400;
/// Half of the pages are made in less.
const MOST: Duration = Duration::from_millis(5);
/// For all that is waited for.
const PATIENCE: Duration = Duration::from_secs(180);

/// What every smesher has: the columns of the board of all series.
const COLUMNS: [SeriesName; 10] = [
    series::SPACE_UNITS,
    series::MALFEASANCE,
    series::ATX_WEIGHT,
    series::ATX_STREAK,
    series::SLOTS_ASSIGNED,
    series::SLOTS_FILLED,
    series::SLOTS_MISSED,
    series::REWARD_LAYERS,
    series::EXPECTED_LAYERS,
    series::REWARD_BLOCK,
];

type Failure = Box<dyn Error + Send + Sync>;

/// The server is this program as well: a process of its own, so that its memory can be told.
fn main() -> Result<ExitCode, Failure> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return Ok(runtime.block_on(cli::run(Cli::parse())));
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench())
}

async fn bench() -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.sqlite");
    let begun = Instant::now();
    fill(&file).await?;
    let size = std::fs::metadata(&file)?.len() >> 20;
    println!(
        "{SMESHERS} smeshers with {} series each: {size} MiB, written in {:.0?}",
        COLUMNS.len(),
        begun.elapsed()
    );
    let server = Server::start(folder.path())?;
    let begun = Instant::now();
    let mut client = Client::new(server.address)?;
    while client.get("/n/mesh/board/space.units?limit=1")?.0 != 200 {
        patience(begun)?;
    }
    println!("the first board after a start: {:.1?}", begun.elapsed());

    let store = SqliteStore::open(&file).await?;
    let mut random = Random(7);
    let bare = bare(&store, &mut random).await?;
    println!("bare reads of what 50 rows show: one series {}; ten {}", bare[0], bare[1]);
    let mut good = true;
    for (board, bare) in [("board/space.units", bare[0]), ("board", bare[1])] {
        let mut times = Vec::new();
        for _ in 0..PAGES {
            let page = 1 + random.below(SMESHERS / ROWS);
            let begun = Instant::now();
            let (status, answer) = client.get(&format!("/n/mesh/{board}?page={page}"))?;
            times.push(begun.elapsed());
            if status != 200 || answer.windows(4).filter(|text| text == b"<tr>").count() < 50 {
                return Err(format!("page {page} of {board} has the status {status}").into());
            }
        }
        let figures = Figures::of(times);
        let ratio = figures.middle.as_micros() * 10 / bare.middle.as_micros().max(1);
        println!(
            "/n/mesh/{board} at any rank: {figures}; {}.{} times the bare reads",
            ratio / 10,
            ratio % 10
        );
        good &= figures.middle < MOST;
    }
    for sort in ["sort=-reward.block", "sort=participant", "q=0123"] {
        let mut times = Vec::new();
        let begun = Instant::now();
        client.get(&format!("/n/mesh/board?{sort}"))?;
        let first = begun.elapsed();
        for page in 2..50 {
            let begun = Instant::now();
            client.get(&format!("/n/mesh/board?{sort}&page={page}"))?;
            times.push(begun.elapsed());
        }
        println!("/n/mesh/board?{sort}: the first {first:.1?}, then {}", Figures::of(times));
    }
    good &= next_epoch(&store, &mut client).await?;
    println!("peak memory of the server: {} MiB", server.peak_kib()? >> 10);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A new epoch comes: until it is shown, the one before is, and no visitor waits.
async fn next_epoch(store: &SqliteStore, client: &mut Client) -> Result<bool, Failure> {
    let id: NetworkId = "mesh".parse()?;
    let before = store.cursor(&id).await?.ok_or("there is no cursor")?;
    let next = before.epoch.plus(1);
    let change =
        Change { series: series::SPACE_UNITS, subject: name(1)?, epoch: next, value: Some(Value(u128::MAX)) };
    let begun = Instant::now();
    apply(store, &id, Some(&before), next, vec![change]).await?;
    let (mut times, mut page) = (Vec::new(), 0);
    loop {
        page += 1;
        let asked = Instant::now();
        let (status, answer) = client.get(&format!("/n/mesh/board/space.units.json?limit=50&page={page}"))?;
        times.push(asked.elapsed());
        if status != 200 {
            return Err(format!("the status is {status}").into());
        }
        let shown = format!("\"epoch\":{next}");
        if answer.windows(shown.len()).any(|text| text == shown.as_bytes()) {
            break;
        }
        patience(begun)?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let figures = Figures::of(times);
    println!("a new epoch is shown {:.1?} after it is written; pages meanwhile: {figures}", begun.elapsed());
    Ok(figures.middle < MOST)
}

fn patience(begun: Instant) -> Result<(), Failure> {
    if begun.elapsed() > PATIENCE { Err("it takes too long".into()) } else { Ok(()) }
}

/// What a page of one series and one of ten read of the database, at random rows: values, and the curve of the first series.
async fn bare(store: &SqliteStore, random: &mut Random) -> Result<[Figures; 2], Failure> {
    let id: NetworkId = "mesh".parse()?;
    let at = store.cursor(&id).await?.ok_or("there is no cursor")?.epoch;
    let mut figures = Vec::new();
    for columns in [&COLUMNS[..0], &COLUMNS[..]] {
        let mut times = Vec::new();
        for _ in 0..PAGES {
            let subjects = (0..ROWS).map(|_| name(random.below(SMESHERS))).collect::<Result<Vec<_>, _>>()?;
            let page = Page { after: None, limit: 10_000 };
            let begun = Instant::now();
            let steps = store.recent(&id, &COLUMNS[0], &subjects, Epoch::GENESIS, at, page).await?;
            let held = store.held(&id, columns, &subjects, at).await?;
            times.push(begun.elapsed());
            if steps.len() < 50 || held.len() < columns.len() * 40 {
                return Err(format!("{} steps and {} values of a page", steps.len(), held.len()).into());
            }
        }
        figures.push(Figures::of(times));
    }
    figures.try_into().map_err(|_| "there are two boards".into())
}

/// Half of the times, and 99 of 100, are not longer.
#[derive(Clone, Copy, Debug)]
struct Figures {
    middle: Duration,
    p99: Duration,
}

impl Figures {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
        Self { middle: at(50), p99: at(99) }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:.2?}, p99 {:.2?}", self.middle, self.p99)
    }
}

/// Numbers that are spread evenly, the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The id of a smesher: 64 digits that have nothing to do with its number.
fn name(number: u64) -> Result<Subject, Failure> {
    let mut random = Random(number);
    let digits: String = (0..4).map(|_| format!("{:016x}", random.next())).collect();
    Ok(digits.parse()?)
}

/// Figures as a network of such size has them: units of a few, weights and rewards that are odd to the last digit.
fn figure(series: &SeriesName, number: u64) -> u128 {
    let spread = u128::from(Random(number ^ 0x5eed).next());
    match series.as_str() {
        "space.units" => 4 + spread % 400,
        "malfeasance" => u128::from(spread.is_multiple_of(3_000)),
        "atx.weight" => (4 + spread % 400) * 19_321,
        "atx.streak" | "slots.missed" | "reward.layers" => spread % 30,
        "reward.block" => spread % 1_000_000_000 * 1_000_000_000_000,
        _ => spread % 100_000,
    }
}

async fn fill(file: &Path) -> Result<(), Failure> {
    let store = SqliteStore::open(file).await?;
    let network = Network {
        id: "mesh".parse()?,
        kind: NetworkKind::Spacemesh,
        genesis: "bench".into(),
        genesis_time: Timestamp::from_seconds(1_600_000_000),
        epoch_seconds: 300,
        address_prefix: "sm".into(),
        finality: Finality { depth: 900, certificates: false },
    };
    let mut work = store.begin().await?;
    work.put_network(&network).await?;
    work.commit().await?;
    let mut at = Epoch::GENESIS;
    for first in (0..SMESHERS).step_by(usize::try_from(BATCH)?) {
        let mut changes = Vec::new();
        for number in first..first + BATCH {
            let subject = name(number)?;
            changes.extend(COLUMNS.iter().map(|series| Change {
                series: series.clone(),
                subject: subject.clone(),
                epoch: at,
                value: Some(Value(figure(series, number))),
            }));
        }
        let last = store.cursor(&network.id).await?;
        // Everybody's space has changed once, so that there is a curve to draw.
        for number in first.saturating_sub(BATCH)..first {
            let value = Some(Value(figure(&series::SPACE_UNITS, number) + 1));
            changes.push(Change { series: series::SPACE_UNITS, subject: name(number)?, epoch: at, value });
        }
        apply(&store, &network.id, last.as_ref(), at, changes).await?;
        at = at.plus(1);
    }
    Ok(())
}

async fn apply(
    store: &SqliteStore,
    id: &NetworkId,
    from: Option<&Cursor>,
    epoch: Epoch,
    changes: Vec<Change>,
) -> Result<(), Failure> {
    let mut digest = [7; 32];
    digest.iter_mut().zip(epoch.height().to_le_bytes()).for_each(|(byte, of)| *byte = of);
    let record = EpochRecord {
        epoch,
        kind: EpochKind::Tipset,
        key: format!("bench-{epoch}"),
        parent: epoch.minus(1),
        digest: Digest(digest),
        time: Timestamp::from_seconds(1_600_000_000 + 300 * epoch.height()),
        state_root: "bench".into(),
        weight: Value::ZERO,
        base_fee: Atto::ZERO,
        network_version: None,
        blocks: Vec::new(),
        checks: Vec::new(),
        reconciled: Vec::new(),
    };
    let to = Cursor {
        epoch,
        key: record.key.clone(),
        digest: record.digest,
        final_epoch: Some(epoch),
        views: 1,
        checks: Vec::new(),
    };
    let mut work = store.begin().await?;
    work.apply(id, from, &to, &[AppliedEpoch { record, changes }]).await?;
    Ok(work.commit().await?)
}

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(folder: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.current_dir(folder).args(["serve", "--listen", "127.0.0.1:0"]);
        command.env("APOGEE_STORE", "sqlite:bench.sqlite").env("APOGEE_LOG__FILTER", "warn");
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').parse()?;
        Ok(Self { process, address })
    }

    /// The most memory it has used.
    fn peak_kib(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak in /proc")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// One connection that stays open.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Status and body.
    fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>), Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\naccept: text/html\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the server hung up".into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if status.is_none() {
                status = Some(line.split(' ').nth(1).ok_or("no status")?.parse()?);
            }
            if let Some(bytes) = line.strip_prefix("content-length:") {
                length = bytes.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status.ok_or("no status")?, body))
    }
}
