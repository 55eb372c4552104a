//! Prints how many requests a second the service answers: a board of 500 rows from memory beside a plain-text hello of the same process.
//! Exits with 1 when a bar does not hold.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apogee_domain::{
    Atto, Change, Digest, Epoch, Finality, Network, NetworkKind, SeriesName, Timestamp, Value, series,
};
use apogee_server::cli::{self, Cli};
use apogee_store::{AppliedEpoch, Cursor, EpochKind, EpochRecord, Store};
use apogee_store_sqlite::SqliteStore;
use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PARTICIPANTS: u32 = 500;
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1_000);

const HELLO: &str = "/healthz";
const BOARD: &str = "/n/bench/board/power.raw?limit=500";
/// Ten columns of amounts that are odd to the last digit: what it costs is its bytes.
const GLOBAL: &str = "/n/bench/board?limit=500";

/// Of a hello's requests a second, in thousandths.
const LEAST_RATE: u128 = 800;
/// Of a hello's 99th percentile, in thousandths.
const MOST_P99: u128 = 2_000;
const MOST_MEMORY_KIB: u64 = 300 * 1024;

type Failure = Box<dyn Error + Send + Sync>;

/// The server is this program as well: a process of its own, so that its memory can be told.
fn main() -> Result<ExitCode, Failure> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return Ok(runtime.block_on(cli::run(Cli::parse())));
    }
    // One thread asks: a machine of two cores has one left for answers.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench())
}

async fn bench() -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir()?;
    fill(&folder.path().join("bench.sqlite")).await?;
    let server = Server::start(folder.path())?;
    let hello = Question::new(server.address, HELLO, "identity").await?;
    let board = Question::new(server.address, BOARD, "br").await?;
    let global = Question::new(server.address, GLOBAL, "br").await?;
    let page = Question::new(server.address, BOARD, "identity").await?;
    println!("board: {} bytes, {} as brotli; global board: {} as brotli", page.size, board.size, global.size);
    println!("hello: {} bytes", hello.size);
    if board.size * 3 > page.size {
        return Err("the board is not packed".into());
    }
    let (mut rates, mut tails, mut globals) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        // Each goes first as often as the other.
        let (hellos, boards) = if round % 2 == 0 {
            let hellos = load(&hello).await?;
            (hellos, load(&board).await?)
        } else {
            let boards = load(&board).await?;
            (load(&hello).await?, boards)
        };
        let all = load(&global).await?;
        rates.push(boards.rate * 1_000 / hellos.rate.max(1));
        globals.push(all.rate * 1_000 / hellos.rate.max(1));
        tails.push(boards.p99.as_micros() * 1_000 / hellos.p99.as_micros().max(1));
        println!(
            "round {round}: hello {} a second, p99 {} µs; board {}, p99 {} µs; global board {}, p99 {} µs",
            hellos.rate,
            hellos.p99.as_micros(),
            boards.rate,
            boards.p99.as_micros(),
            all.rate,
            all.p99.as_micros()
        );
    }
    let (rate, global_rate) = (median(rates), median(globals));
    let (tail, memory) = (median(tails), server.peak_kib()?);
    let ratio = |thousandths: u128| format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    println!("board / hello, requests a second: {} (at least {})", ratio(rate), ratio(LEAST_RATE));
    println!(
        "global board / hello, requests a second: {} (at least {})",
        ratio(global_rate),
        ratio(LEAST_RATE)
    );
    println!("board / hello, p99: {} (at most {})", ratio(tail), ratio(MOST_P99));
    println!("peak memory: {memory} KiB (at most {MOST_MEMORY_KIB})");
    let good = rate.min(global_rate) >= LEAST_RATE && tail <= MOST_P99 && memory <= MOST_MEMORY_KIB;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn median(mut figures: Vec<u128>) -> u128 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// A network of one epoch, in which everybody has a value in every series.
async fn fill(file: &Path) -> Result<(), Failure> {
    let store = SqliteStore::open(file).await?;
    let network = Network {
        id: "bench".parse()?,
        kind: NetworkKind::Filecoin,
        genesis: "bench".into(),
        genesis_time: Timestamp::from_seconds(1_600_000_000),
        epoch_seconds: 30,
        address_prefix: "t".into(),
        finality: Finality { depth: 900, certificates: false },
    };
    let mut changes = Vec::new();
    for spec in series::ALL.iter().filter(|spec| spec.per_participant) {
        for participant in 0..PARTICIPANTS {
            let value = figure(spec.name, participant);
            changes.push(Change {
                series: SeriesName::of(spec.name),
                subject: format!("t0{}", 1_000 + participant).parse()?,
                epoch: Epoch::GENESIS,
                value: Some(Value(value)),
            });
        }
    }
    let record = EpochRecord {
        epoch: Epoch::GENESIS,
        kind: EpochKind::Tipset,
        key: "bench".into(),
        parent: Epoch::GENESIS,
        digest: Digest([7; 32]),
        time: network.genesis_time,
        state_root: "bench".into(),
        weight: Value::ZERO,
        base_fee: Atto::ZERO,
        network_version: Some(28),
        blocks: Vec::new(),
        checks: Vec::new(),
        reconciled: Vec::new(),
    };
    let cursor = Cursor {
        epoch: Epoch::GENESIS,
        key: "bench".into(),
        digest: record.digest,
        final_epoch: None,
        views: 1,
        checks: Vec::new(),
    };
    let mut work = store.begin().await?;
    work.put_network(&network).await?;
    work.apply(&network.id, None, &cursor, &[AppliedEpoch { record, changes }]).await?;
    work.commit().await?;
    Ok(())
}

/// A figure as a network of such size has them: power of whole sectors, few faults, amounts that are odd to the last digit.
fn figure(series: &str, participant: u32) -> u128 {
    const SECTOR: u128 = 32 << 30;
    let spread = u128::from(participant + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834) >> 20;
    let sectors = 1 + spread % 20_000;
    match series {
        "power.raw" | "sectors.active_bytes" => sectors * SECTOR,
        "power.qa" => sectors * SECTOR * if participant.is_multiple_of(4) { 10 } else { 1 },
        "sectors.live" => sectors,
        "sectors.faulty" | "sectors.recovering" | "sectors.terminated" => spread % 97 / 80,
        "blocks.won" | "wincount" | "deals.active" => sectors / 7,
        "deals.bytes" => sectors / 7 * SECTOR,
        "penalty" if !participant.is_multiple_of(20) => 0,
        "expected.wins" => sectors * 1_000_000_007 / 7,
        _ => spread % 1_000_000_000_000_000_000_000,
    }
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

/// A request, and how many bytes the answer has: every one has the same, its time and id are of one length.
struct Question {
    address: SocketAddr,
    request: Arc<[u8]>,
    size: usize,
}

impl Question {
    async fn new(address: SocketAddr, path: &str, encoding: &str) -> Result<Self, Failure> {
        let request = |end: &str| {
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept-encoding: {encoding}\r\n{end}\r\n")
        };
        let mut answer = Vec::new();
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request("connection: close\r\n").as_bytes()).await?;
        stream.read_to_end(&mut answer).await?;
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("{path}: {}", String::from_utf8_lossy(&answer)).into());
        }
        // Without what the server adds to the last answer of a connection.
        let size = answer.len() - "connection: close\r\n".len();
        Ok(Self { address, request: request("").into_bytes().into(), size })
    }
}

struct Figures {
    rate: u128,
    p99: Duration,
}

/// Ask over and over, on many connections at a time.
async fn load(question: &Question) -> Result<Figures, Failure> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(question.address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let begun = Instant::now();
    let asking: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::spawn(ask(stream, Arc::clone(&question.request), question.size, begun + ROUND)))
        .collect();
    let mut times = Vec::new();
    for one in asking {
        times.extend(one.await??);
    }
    let taken = begun.elapsed();
    let rate = u128::try_from(times.len())? * 1_000_000 / taken.as_micros().max(1);
    times.sort_unstable();
    let p99 = times.get(times.len() * 99 / 100).copied().ok_or("no answer came")?;
    Ok(Figures { rate, p99 })
}

async fn ask(
    mut stream: TcpStream,
    request: Arc<[u8]>,
    size: usize,
    until: Instant,
) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let begun = Instant::now();
        if begun >= until {
            return Ok(times);
        }
        stream.write_all(&request).await?;
        let mut read = 0;
        while read < size {
            let some = stream.read(&mut buffer).await?;
            if some == 0 {
                return Err("the server hung up".into());
            }
            read += some;
        }
        if read > size {
            return Err(format!("an answer of {read} bytes in place of {size}").into());
        }
        times.push(begun.elapsed());
    }
}
