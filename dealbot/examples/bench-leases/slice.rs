//! The controller against SQLite, for a slice of a day with all miners.

use apogee_dealbot::canonical::Signed;
use apogee_dealbot::desk::{Desk, Done};
use apogee_dealbot::fault::Code;
use apogee_dealbot::plan::{Bot, Plan};
use apogee_dealbot::schedule::Kind;
use apogee_domain::{Epoch, Timestamp};
use apogee_store::{Canary, Store};
use apogee_store_sqlite::SqliteStore;
use ed25519_dalek::SigningKey;

use super::{DAY, MICROS, MINERS, Outcome, START, cpu, fleet, miners, plan, record, seconds};

const BOTS: usize = 10;
/// Before the slice, seconds.
const BEFORE: i64 = 900;
/// How long the slice is, seconds.
const SLICE: i64 = 300;
/// How often the controller looks, seconds; before the slice less often.
const ROUND: i64 = 15;
const SELDOM: i64 = 60;
/// How often every bot probes the organiser's own provider, seconds.
const CANARY: i64 = 240;

/// CPU, microseconds, and what was done by it.
#[derive(Default)]
struct Costs {
    /// Leases and results, with what bots do: writing and signing records.
    bots: u64,
    sweep: u64,
    judge: u64,
    settled: u64,
    again: u64,
    attempts: u64,
}

async fn canaries(store: &dyn Store, plan: &Plan, bots: &[Bot], now: Timestamp) -> Outcome<()> {
    let mut work = store.begin().await?;
    for bot in bots {
        let canary = Canary { bot: bot.name.clone(), at: now, code: String::new(), entry: 0 };
        work.put_canary(&plan.network, &plan.race, &canary, b"").await?;
    }
    Ok(work.commit().await?)
}

/// All that is due is tried. One of twenty miners fails, one cannot be reached by one bot in three.
async fn probe(desk: &Desk<'_>, bots: &[Bot], now: Timestamp) -> Outcome<u64> {
    let mut made = 0;
    for (place, bot) in bots.iter().enumerate() {
        let signer = SigningKey::from_bytes(&[7; 32]);
        for lane in desk.lease(bot, Kind::ALL, 16, now).await? {
            let miner: usize = lane.key.miner.get(2..).unwrap_or_default().parse()?;
            let finds = match miner % 20 {
                0 => Some(Code::Http404),
                1 if place % 3 == 0 => Some(Code::TcpTimeout),
                _ => None,
            };
            let record = record(&lane, bot, (now, now), finds);
            let signature = Signed::Record.sign(&record.cid(), &signer);
            let (slot, fence, record) = (lane.slot, lane.fence, record.encode());
            let done = Done { key: &lane.key, slot, fence, record: &record, signature: &signature };
            made += u64::from(desk.complete(bot, signer.verifying_key().as_bytes(), &done, now).await?);
        }
    }
    Ok(made)
}

/// Let controller and bots work for a while.
async fn run(desk: &Desk<'_>, bots: &[Bot], (from, to): (i64, i64), round: i64) -> Outcome<Costs> {
    let mut costs = Costs::default();
    for second in (from..to).step_by(round.unsigned_abs().try_into()?) {
        let now = Timestamp(START.0 + second * MICROS);
        let epoch = Epoch::new(second / 30).ok_or("no epoch")?;
        if second % CANARY == 0 {
            canaries(desk.store, desk.plan, bots, now).await?;
        }
        let start = cpu()?;
        costs.attempts += probe(desk, bots, now).await?;
        let probed = cpu()?;
        desk.sweep(now, epoch).await?;
        let swept = cpu()?;
        let judged = desk.judge(now, epoch).await?;
        costs.bots += probed.saturating_sub(start);
        costs.sweep += swept.saturating_sub(probed);
        costs.judge += cpu()?.saturating_sub(swept);
        costs.settled += judged.settled;
        costs.again += judged.again;
    }
    Ok(costs)
}

pub(crate) async fn measure() -> Outcome<bool> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("apogee.sqlite")).await?;
    let (plan, bots) = (plan(u32::try_from(BOTS)?)?, fleet(BOTS));
    let desk = Desk { store: &store, plan: &plan };
    desk.enter(&miners(), START).await?;
    run(&desk, &bots, (0, BEFORE), SELDOM).await?;
    let costs = run(&desk, &bots, (BEFORE, BEFORE + SLICE), ROUND).await?;
    let (settled, again, attempts) = (costs.settled, costs.again, costs.attempts);
    println!(
        "SQLite, {SLICE} s of {MINERS} miners: {attempts} attempts, {settled} slots settled, {again} tried again"
    );
    let (given, swept, judged) = (seconds(costs.bots), seconds(costs.sweep), seconds(costs.judge));
    println!("CPU: leases and results, with the bots' records {given}; sweeping {swept}; judging {judged}");
    let day = (costs.bots + costs.sweep + costs.judge) * DAY.unsigned_abs() / (SLICE * MICROS).unsigned_abs();
    let share = day * 100 / DAY.unsigned_abs();
    println!("a day of that is {} of CPU, {share} % of a core", seconds(day));
    Ok(share < 100 && settled > 0)
}
