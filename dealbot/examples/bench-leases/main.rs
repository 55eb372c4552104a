//! Prints how many attempts a controller gives away in a second, against bare claims of the same rows, and how much of a core it needs to schedule and
//! judge the slots of 4,000 miners. Exits with 1 when a limit does not hold.

mod day;
mod leases;
mod slice;

use std::process::ExitCode;

use apogee_dealbot::fault::{Circumstances, Code};
use apogee_dealbot::plan::{Bot, Measures, Plan, SuccessAt};
use apogee_dealbot::record::{Record, SlotId, VERSION};
use apogee_dealbot::schedule::{Cadence, Kind, Seed};
use apogee_domain::Timestamp;
use apogee_store::Lane;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome<T> = Result<T, Failure>;

const MINERS: u64 = 4_000;
/// Of each kind, in a day: with two kinds 72 of each miner.
const SLOTS: u64 = 36;
const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;
const START: Timestamp = Timestamp::from_seconds(1_790_000_000);
const REGIONS: [&str; 5] = ["africa", "asia", "europe", "north-america", "south-america"];

fn plan(fleet: u32) -> Outcome<Plan> {
    let interval = DAY.unsigned_abs() / SLOTS;
    let cadence = |kind: &Kind| Cadence { kind: *kind, start: START, interval, slots: SLOTS };
    Ok(Plan {
        network: "devnet-a".parse()?,
        race: "sprint".to_owned(),
        seed: Seed::new([5; 32]),
        beacon_epoch: None,
        beacon: Default::default(),
        cadences: Kind::ALL.iter().map(cadence).collect(),
        regions: REGIONS.iter().map(|&region| region.to_owned()).collect(),
        fleet,
        measures: Measures::default(),
        known: Circumstances { rate_kept: Some(true), ..Circumstances::default() },
        success_at: SuccessAt::Accepted,
    })
}

fn miners() -> Vec<String> {
    (0..MINERS).map(|number| format!("t0{}", 1_000 + number)).collect()
}

fn fleet(size: usize) -> Vec<Bot> {
    let bot = |(number, region): (usize, &&str)| Bot {
        name: format!("bot-{number}"),
        region: (*region).to_owned(),
    };
    REGIONS.iter().cycle().take(size).enumerate().map(bot).collect()
}

/// What a bot says of an attempt.
fn record(lane: &Lane, bot: &Bot, (started, ended): (Timestamp, Timestamp), failure: Option<Code>) -> Record {
    Record {
        version: VERSION,
        race: lane.key.race.clone(),
        slot: SlotId { miner: lane.key.miner.clone(), kind: lane.key.kind, number: lane.slot },
        attempt: lane.attempt,
        fence: lane.fence,
        bot: bot.name.clone(),
        region: bot.region.clone(),
        software: "apogee bench".to_owned(),
        started,
        ended,
        stages: Vec::new(),
        failure,
        detail: String::new(),
        errors: Vec::new(),
        circumstances: Circumstances::default(),
        target: "https://sp.example".to_owned(),
        resolved: Vec::new(),
        remote: None,
        agent: None,
        protocols: Vec::new(),
        answer: None,
        received: 1 << 20,
        root: None,
        piece: None,
        deal: None,
        canaries: Vec::new(),
    }
}

/// What a program costs is what it makes the processor do, whoever else is running. Microseconds, of all threads that there are.
fn cpu() -> Outcome<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
        sum += stat.split_whitespace().next().ok_or("schedstat is empty")?.parse::<u64>()?;
    }
    Ok(sum / 1_000)
}

/// Microseconds as seconds.
fn seconds(micros: u64) -> String {
    format!("{}.{:02} s", micros / 1_000_000, micros / 10_000 % 100)
}

#[tokio::main]
async fn main() -> Outcome<ExitCode> {
    let leases = leases::measure().await?;
    let pure = day::measure()?;
    let slice = slice::measure().await?;
    Ok(if pure && slice && leases { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
