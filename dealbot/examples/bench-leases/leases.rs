//! Leases on PostgreSQL.

use std::sync::Arc;
use std::time::Instant;

use apogee_dealbot::canonical::Signed;
use apogee_dealbot::desk::{Desk, Done};
use apogee_dealbot::plan::{Bot, Plan};
use apogee_dealbot::schedule::Kind;
use apogee_domain::Timestamp;
use apogee_store_postgres::PostgresStore;
use apogee_testkit::postgres::Server;
use ed25519_dalek::SigningKey;
use sqlx::{Connection as _, PgConnection};

use super::{DAY, Failure, MICROS, MINERS, Outcome, SLOTS, START, fleet, miners, plan, record};

const CLIENTS: usize = 8;
/// What bots ask for: as many as they have hands free.
const ASKED: u32 = 4;
/// Leases a second, at least.
const RATE: u64 = 1_000;
/// Of what bare claims come to, at least, hundredths.
const SHARE: u64 = 80;

/// The claim of a queue that knows neither regions nor who has tried before.
const BARE: &str = "WITH chosen AS MATERIALIZED (
        SELECT network, race, kind, miner FROM probe_lanes
        WHERE network = $1 AND race = $2 AND bot IS NULL AND due <= $4
        ORDER BY due, kind, miner LIMIT $6
        FOR UPDATE SKIP LOCKED)
     UPDATE probe_lanes AS lane
     SET bot = $3, fence = fence + 1, since = $4, expires = $5, beat = 0, stage = ''
     FROM chosen
     WHERE lane.network = chosen.network AND lane.race = chosen.race AND lane.kind = chosen.kind
        AND lane.miner = chosen.miner
     RETURNING lane.*";

/// The same lanes for every run: all of them due, most of them for everybody.
#[derive(Clone)]
struct Queue {
    url: String,
    store: Arc<PostgresStore>,
    plan: Arc<Plan>,
    now: Timestamp,
}

impl Queue {
    async fn fill(server: &Server) -> Outcome<Self> {
        let url = server.database()?;
        let store = Arc::new(PostgresStore::connect(&url).await?);
        let plan = Arc::new(plan(u32::try_from(CLIENTS)?)?);
        Desk { store: &*store, plan: &plan }.enter(&miners(), START).await?;
        let mut db = PgConnection::connect(&url).await?;
        sqlx::query("CREATE TABLE filled AS TABLE probe_lanes").execute(&mut db).await?;
        let now = Timestamp(START.0 + DAY / i64::try_from(SLOTS)? - 1);
        Ok(Self { url, store, plan, now })
    }

    async fn refill(&self) -> Outcome<()> {
        let mut db = PgConnection::connect(&self.url).await?;
        for statement in [
            "TRUNCATE probe_lanes, probe_attempts, probe_slots",
            "INSERT INTO probe_lanes SELECT * FROM filled",
            "VACUUM ANALYZE probe_lanes",
            "CHECKPOINT",
        ] {
            sqlx::query(statement).execute(&mut db).await?;
        }
        Ok(db.close().await?)
    }

    /// Take all lanes by bare claims.
    async fn bare(self, bot: Bot, batch: u32) -> Outcome<u64> {
        let mut db = PgConnection::connect(&self.url).await?;
        let mut taken = 0;
        loop {
            let mut work = db.begin().await?;
            let rows = sqlx::query(BARE)
                .bind(self.plan.network.as_str())
                .bind(&self.plan.race)
                .bind(&bot.name)
                .bind(self.now.0)
                .bind(self.plan.measures.expires(self.now).0)
                .bind(i64::from(batch))
                .fetch_all(&mut *work)
                .await?;
            work.commit().await?;
            if rows.is_empty() {
                return Ok(taken);
            }
            taken += rows.len() as u64;
        }
    }

    /// Take all lanes as bots do.
    async fn lease(self, bot: Bot, batch: u32) -> Outcome<u64> {
        let desk = Desk { store: &*self.store, plan: &self.plan };
        let mut taken = 0;
        loop {
            let lanes = desk.lease(&bot, Kind::ALL, batch, self.now).await?;
            if lanes.is_empty() {
                return Ok(taken);
            }
            if lanes.len() > usize::try_from(batch)? {
                return Err("more leases are given than were asked for".into());
            }
            taken += lanes.len() as u64;
        }
    }

    /// Take all lanes, and tell what each attempt came to. Writing and signing the records is counted too.
    async fn cycle(self, bot: Bot, batch: u32) -> Outcome<u64> {
        let desk = Desk { store: &*self.store, plan: &self.plan };
        let signer = SigningKey::from_bytes(&[7; 32]);
        let key = signer.verifying_key().to_bytes();
        let later = Timestamp(self.now.0 + 5 * MICROS);
        let mut taken = 0;
        loop {
            let lanes = desk.lease(&bot, Kind::ALL, batch, self.now).await?;
            if lanes.is_empty() {
                return Ok(taken);
            }
            for lane in &lanes {
                let record = record(lane, &bot, (self.now, later), None);
                let signature = Signed::Record.sign(&record.cid(), &signer);
                let (slot, fence, record) = (lane.slot, lane.fence, record.encode());
                let done = Done { key: &lane.key, slot, fence, record: &record, signature: &signature };
                if !desk.complete(&bot, &key, &done, later).await? {
                    return Err("a result is not kept".into());
                }
            }
            taken += lanes.len() as u64;
        }
    }

    /// Let all bots take what there is, each on its own. How many a second.
    async fn run<R>(&self, batch: u32, way: fn(Self, Bot, u32) -> R) -> Outcome<u64>
    where
        R: Future<Output = Outcome<u64>> + Send + 'static,
    {
        self.refill().await?;
        let start = Instant::now();
        let clients: Vec<_> =
            fleet(CLIENTS).into_iter().map(|bot| tokio::spawn(way(self.clone(), bot, batch))).collect();
        let mut taken = 0;
        for client in clients {
            taken += client.await??;
        }
        let micros = u64::try_from(start.elapsed().as_micros())?.max(1);
        if taken == 2 * MINERS {
            Ok(taken * 1_000_000 / micros)
        } else {
            Err(Failure::from(format!("{taken} leases of {} lanes", 2 * MINERS)))
        }
    }
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

pub(crate) async fn measure() -> Outcome<bool> {
    let Some(server) = Server::start_with(&["shared_buffers=1GB"])? else { return Ok(false) };
    let queue = Queue::fill(&server).await?;
    let mut good = true;
    for (batch, rounds) in [(1, 3), (ASKED, 5), (16, 3)] {
        let (mut rates, mut shares) = (Vec::new(), Vec::new());
        let mut before = queue.run(batch, Queue::bare).await?;
        for _ in 0..rounds {
            let rate = queue.run(batch, Queue::lease).await?;
            let behind = queue.run(batch, Queue::bare).await?;
            let bare = before.midpoint(behind);
            rates.push(rate);
            shares.push(rate * 100 / bare.max(1));
            println!("{batch} at a time: {rate} leases a second; bare claims {bare}");
            before = behind;
        }
        let cycle = queue.run(batch, Queue::cycle).await?;
        let (rate, share) = (median(rates), median(shares));
        println!(
            "PostgreSQL, {CLIENTS} clients, {batch} at a time, median of {rounds}: {rate} leases a second, {share} % of bare claims; \
             with results {cycle}"
        );
        good &= batch != ASKED || (rate >= RATE && share >= SHARE);
    }
    Ok(good)
}
