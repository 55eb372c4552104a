//! Prints what processor time a new epoch costs a server that shows a competition of five thousand: facts added, standings worked out, every page of
//! the competition made and packed. Exits with 1 when the bar does not hold.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use apogee_competition::operator::{Approval, Operator, public_key, sign};
use apogee_competition::{Act, Competition, Entry, Rules, Signed};
use apogee_domain::{
    Atto, Change, Digest, Epoch, Finality, Network, NetworkKind, SeriesName, Timestamp, Value,
};
use apogee_rules::{Id, RuleSet};
use apogee_server::cli::{self, Cli};
use apogee_store::{AppliedEpoch, Cursor, EpochKind, EpochRecord, LedgerEntry, Store};
use apogee_store_sqlite::SqliteStore;
use clap::Parser;

const PARTICIPANTS: u32 = 5_000;
/// Epochs that are there before the first round; in each of them one participant in fifty changes.
const EPOCHS: i64 = 200;
const ROUNDS: i64 = 7;
/// The server looks once a second; it has noticed by then.
const NOTICE: Duration = Duration::from_millis(2_500);
const MOST: Duration = Duration::from_millis(250);

/// Every page of the competition; those of its entities are made when they are asked for.
const PAGES: &[&str] = &[
    "",
    "/board",
    "/board/earned",
    "/regions",
    "/payout",
    "/rules",
    "/timeline",
    "/decisions",
    "/simulate",
    "/claim",
    "/verify",
];

const RULES: &str = r#"
[competition]
id = "bench"
name = { en = "Bench", zh = "基准" }
network = "bench"
start = 0
end = 100000
regions = ["asia", "europe"]

[version]
number = 1
from = 0
reason = { en = "To measure.", zh = "用于测量。" }

[[metrics]]
id = "power"
kind = "level"
series = "power.raw"

[[metrics]]
id = "faulty"
kind = "level"
series = "sectors.faulty"

[[metrics]]
id = "blocks"
kind = "window"
series = "blocks.won"

[[metrics]]
id = "earned"
kind = "window"
series = "reward.block"

[[eligibility]]
id = "some-power"
kind = "at-least"
metric = "power"
value = "64GiB"

[[eligibility]]
id = "few-faults"
kind = "at-most"
metric = "faulty"
value = 2

[[boards]]
id = "global"
metric = "power"
population = "eligible"
top = 1000
cutoff = "include-all"

[[boards]]
id = "earned"
metric = "earned"
population = "all"

[[pools]]
id = "global"
board = "global"
amount = { kind = "tiers", mode = "highest", metric = "power", population = "all", tiers = [
    { at = "1PiB", amount = "100000FIL" },
    { at = "1024PiB", amount = "1000000FIL" },
] }
divide = { kind = "weight", metric = "power" }

[[pools]]
id = "earned"
board = "earned"
amount = { kind = "fixed", amount = "10000FIL" }
divide = { kind = "weight", metric = "earned" }
"#;

type Failure = Box<dyn Error + Send + Sync>;

/// The server is this program as well: a process of its own, so that its processor time can be told.
fn main() -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return Ok(runtime.block_on(cli::run(Cli::parse())));
    }
    runtime.block_on(bench())
}

async fn bench() -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("bench.sqlite")).await?;
    let mut cursor = fill(&store).await?;
    let server = Server::start(folder.path())?;
    let mut bytes = 0;
    for page in PAGES {
        bytes += server.get(page)?;
    }
    println!("{PARTICIPANTS} participants, {} pages, {bytes} bytes", PAGES.len());
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        let before = server.processor()?;
        cursor = add(&store, Some(cursor), EPOCHS + round).await?;
        tokio::time::sleep(NOTICE).await;
        for page in PAGES {
            server.get(page)?;
        }
        let taken = server.processor()?.saturating_sub(before);
        println!("round {round}: {} ms of processor time", taken.as_millis());
        times.push(taken);
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let thousandths = median.as_micros() * 1_000 / MOST.as_micros();
    println!(
        "a new epoch: {} ms of processor time, {}.{:03} of the bar ({} ms)",
        median.as_millis(),
        thousandths / 1_000,
        thousandths % 1_000,
        MOST.as_millis()
    );
    Ok(if median <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A network with its history, and a competition on it that runs.
async fn fill(store: &SqliteStore) -> Result<Cursor, Failure> {
    let network = Network {
        id: "bench".parse()?,
        kind: NetworkKind::Filecoin,
        genesis: "bench".into(),
        genesis_time: Timestamp::from_seconds(1_600_000_000),
        epoch_seconds: 30,
        address_prefix: "t".into(),
        finality: Finality { depth: 900, certificates: false },
    };
    let mut work = store.begin().await?;
    work.put_network(&network).await?;
    work.commit().await?;
    let mut cursor = None;
    for height in 0..=EPOCHS {
        cursor = Some(add(store, cursor, height).await?);
    }
    let rules = RuleSet::from_toml(RULES)?;
    let operators = [("a", [1; 32]), ("b", [2; 32])];
    let mut competition = Competition::new(rules.competition.id.clone());
    let founded = operators
        .iter()
        .map(|(name, secret)| Ok::<_, Failure>(Operator { id: name.parse()?, key: public_key(secret) }));
    let founded = founded.collect::<Result<_, _>>()?;
    let acts = [
        Act::Found {
            network: network.id.clone(),
            domain: "localhost".into(),
            operators: founded,
            threshold: 2,
            notice: 10,
        },
        Act::PublishRules { rules: Rules(Box::new(rules)), simulation: None },
        Act::OpenRegistration,
        Act::Start,
    ];
    let mut work = store.begin().await?;
    for act in acts {
        let head = competition.head().map(|(moment, hash)| (moment.seq, hash));
        let entry = Entry {
            competition: competition.id().clone(),
            seq: competition.seq() + 1,
            time: network.genesis_time,
            epoch: Epoch::GENESIS,
            actor: "a".parse()?,
            approvers: operators.iter().map(|(name, _)| name.parse()).collect::<Result<Vec<Id>, _>>()?,
            act,
            reason: Some("to measure".into()),
            private: None,
            evidence: Vec::new(),
            preview: None,
            previous: head.map(|(_, hash)| hash),
        };
        let hash = entry.hash()?;
        let approvals = operators.iter().map(|(name, secret)| {
            Ok::<_, Failure>(Approval { operator: name.parse()?, signature: sign(secret, &hash) })
        });
        let signed: Signed = entry.signed(approvals.collect::<Result<_, _>>()?)?;
        competition.append(&signed)?;
        let document = signed.text()?;
        work.append("bench", head, &LedgerEntry { seq: signed.entry.seq, hash, document }).await?;
    }
    work.commit().await?;
    cursor.ok_or_else(|| "no epochs".into())
}

/// Append an epoch: everybody begins in the first, later one in fifty changes.
async fn add(store: &SqliteStore, from: Option<Cursor>, height: i64) -> Result<Cursor, Failure> {
    let epoch = Epoch::new(height).ok_or("an epoch below zero")?;
    let number = u128::try_from(height)?;
    let mut digest = [0_u8; 32];
    digest.iter_mut().zip(height.to_be_bytes()).for_each(|(slot, byte)| *slot = byte);
    let mut changes = Vec::new();
    for participant in 0..PARTICIPANTS {
        if height > 0 && i64::from(participant % 50) != height % 50 {
            continue;
        }
        let who = u128::from(participant);
        for (series, value) in [
            ("power.raw", (1 + who * 7 % 4_000 + number) << 35),
            ("sectors.faulty", (who + number) % 5),
            ("blocks.won", number / 50),
            ("reward.block", number * 1_000_000_007 * (who + 1)),
        ] {
            changes.push(Change {
                series: SeriesName::of(series),
                subject: format!("t0{}", 1_000 + participant).parse()?,
                epoch,
                value: Some(Value(value)),
            });
        }
    }
    let record = EpochRecord {
        epoch,
        kind: EpochKind::Tipset,
        key: format!("bench-{height}"),
        parent: Epoch::new((height - 1).max(0)).unwrap_or_default(),
        digest: Digest(digest),
        time: Timestamp::from_seconds(1_600_000_000 + 30 * height),
        state_root: "bench".into(),
        weight: Value::ZERO,
        base_fee: Atto::ZERO,
        network_version: Some(28),
        blocks: Vec::new(),
        checks: Vec::new(),
        reconciled: Vec::new(),
    };
    let to = Cursor {
        epoch,
        key: record.key.clone(),
        digest: record.digest,
        final_epoch: None,
        views: 1,
        checks: Vec::new(),
    };
    let mut work = store.begin().await?;
    work.apply(&"bench".parse()?, from.as_ref(), &to, &[AppliedEpoch { record, changes }]).await?;
    work.commit().await?;
    Ok(to)
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

    /// Ask for a page of the competition, and say how many bytes came.
    fn get(&self, page: &str) -> Result<usize, Failure> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "GET /c/bench{page} HTTP/1.1\r\nhost: {}\r\naccept: text/html\r\nconnection: close\r\n\r\n",
            self.address
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            let text: String = String::from_utf8_lossy(&answer).chars().take(500).collect();
            return Err(format!("{page}: {text}").into());
        }
        Ok(answer.len())
    }

    /// Processor time so far, of threads that have ended too; in hundredths of a second.
    fn processor(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // After the name, which may hold anything: state is the first field, utime the 12th and stime the 13th.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name in stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks =
            |place: usize| fields.get(place).ok_or("no time in stat")?.parse::<u64>().map_err(Failure::from);
        Ok(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
