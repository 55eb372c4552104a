//! Whole races in the database: bots that crash, are slow, say things twice or too late, a controller that is away, and canaries that fail.

use std::collections::{BTreeMap, BTreeSet};

use apogee_dealbot::audit::{Asked, Audit, Counts, Report};
use apogee_dealbot::canonical::{Bytes, Signed};
use apogee_dealbot::desk::{CanaryFound, Desk, DeskError, Done, Download, Form, NotKept};
use apogee_dealbot::entry::{BotKey, Settings};
use apogee_dealbot::fault::{Circumstances, Code};
use apogee_dealbot::plan::{Bot, Measures, Plan, SuccessAt};
use apogee_dealbot::record::{CANARY, Record, SlotId, VERSION};
use apogee_dealbot::schedule::{Cadence, Kind, Seed};
use apogee_domain::{Epoch, Timestamp};
use apogee_store::{
    Lane, LaneKey, Page, ProbeAttempts, ProbeLanes, ProbeRest, ProbeSlot, SlotOutcome, Store, StoreError,
};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;
use ed25519_dalek::SigningKey;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

pub(crate) const SECOND: i64 = 1_000_000;
const START: i64 = 1_790_000_000;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(START + second)
}

pub(crate) fn plan(slots: u64, fleet: u32) -> Plan {
    let cadence = |kind| Cadence { kind, start: at(0), interval: 1_200_000_000, slots };
    Plan {
        network: "devnet-a".parse().unwrap(),
        race: "sprint".into(),
        seed: Seed::new([5; 32]),
        beacon_epoch: None,
        beacon: Default::default(),
        cadences: vec![cadence(Kind::Storage), cadence(Kind::Retrieval)],
        regions: vec!["eu".into(), "as".into()],
        fleet,
        measures: Measures::default(),
        known: Circumstances { rate_kept: Some(true), ..Circumstances::default() },
        success_at: SuccessAt::Accepted,
    }
}

pub(crate) fn bot(name: &str, region: &str) -> Bot {
    Bot { name: name.into(), region: region.into() }
}

pub(crate) fn key_of(bot: &Bot) -> SigningKey {
    let mut seed = [0; 32];
    seed[..bot.name.len()].copy_from_slice(bot.name.as_bytes());
    SigningKey::from_bytes(&seed)
}

/// What a bot found under a lease, begun and ended at these seconds.
pub(crate) fn record(
    lane: &Lane,
    bot: &Bot,
    (started, ended): (Timestamp, Timestamp),
    failure: Option<Code>,
) -> Record {
    Record {
        version: VERSION,
        race: lane.key.race.clone(),
        slot: SlotId { miner: lane.key.miner.clone(), kind: lane.key.kind, number: lane.slot },
        attempt: lane.attempt,
        fence: lane.fence,
        bot: bot.name.clone(),
        region: bot.region.clone(),
        software: "apogee test".into(),
        started,
        ended,
        stages: vec![],
        failure,
        detail: String::new(),
        errors: vec![],
        circumstances: Circumstances::default(),
        target: "https://sp.example".into(),
        resolved: vec![],
        remote: None,
        agent: None,
        protocols: vec![],
        answer: None,
        received: 0,
        root: None,
        piece: None,
        deal: None,
        canaries: vec![],
    }
}

pub(crate) async fn complete(
    desk: &Desk<'_>,
    lane: &Lane,
    bot: &Bot,
    record: &Record,
    now: Timestamp,
) -> Result<bool, NotKept> {
    let key = key_of(bot);
    let signature = Signed::Record.sign(&record.cid(), &key);
    let bytes = record.encode();
    let done =
        Done { key: &lane.key, slot: lane.slot, fence: lane.fence, record: &bytes, signature: &signature };
    desk.complete(bot, key.verifying_key().as_bytes(), &done, now).await
}

pub(crate) async fn canary(store: &dyn Store, plan: &Plan, bot: &Bot, now: Timestamp, code: &str) {
    let record = Record {
        race: CANARY.into(),
        slot: SlotId { miner: CANARY.into(), kind: Kind::Retrieval, number: 0 },
        attempt: 1,
        fence: 0,
        bot: bot.name.clone(),
        region: bot.region.clone(),
        failure: Code::parse(code),
        ..record(&plan.lane(&plan.key(Kind::Retrieval, CANARY), 0, 0), bot, (now, now), None)
    };
    let (key, bytes) = (key_of(bot), record.encode());
    let signature = Signed::Canary.sign(&record.cid(), &key);
    let found = CanaryFound::read(bot, key.verifying_key().as_bytes(), &bytes, &signature).unwrap();
    let mut work = store.begin().await.unwrap();
    Desk { store, plan }.canary(&mut *work, &found, now).await.unwrap();
    work.commit().await.unwrap();
}

pub(crate) fn epoch(now: Timestamp) -> Epoch {
    Epoch::new((now.0 - START * SECOND) / (30 * SECOND)).unwrap()
}

pub(crate) async fn slots(store: &dyn Store, key: &LaneKey) -> Vec<ProbeSlot> {
    let mut slots = store.slots(key, Page { after: None, limit: 1_000 }).await.unwrap();
    slots.reverse();
    slots
}

/// An attempt that a bot makes.
struct Job {
    lane: Lane,
    bot: Bot,
    ends: Timestamp,
    /// When it last says that it lives.
    silent: Timestamp,
    finds: Option<Code>,
    twice: bool,
    crashes: bool,
}

struct Race<'a> {
    store: &'a dyn Store,
    plan: Plan,
    dice: ChaCha8Rng,
    bots: Vec<Bot>,
    jobs: Vec<Job>,
    /// What each miner really is: how often out of a hundred it fails, and how.
    truth: BTreeMap<&'static str, (u32, Code)>,
    kept: u64,
    late: u64,
}

impl<'a> Race<'a> {
    fn new(store: &'a dyn Store, seed: u64) -> Self {
        let truth = [
            ("t01000", (0, Code::Http404)),
            ("t01001", (100, Code::Http404)),
            ("t01002", (100, Code::TcpRefused)),
            ("t01003", (40, Code::HashMismatch)),
        ];
        Self {
            store,
            plan: plan(24, 3),
            dice: ChaCha8Rng::seed_from_u64(seed),
            bots: vec![bot("ada", "eu"), bot("bob", "as"), bot("eve", "as")],
            jobs: Vec::new(),
            truth: truth.into(),
            kept: 0,
            late: 0,
        }
    }

    fn desk(&self) -> Desk<'_> {
        Desk { store: self.store, plan: &self.plan }
    }

    /// Whether a bot sees nothing of the world then.
    fn is_out(bot: &Bot, now: Timestamp) -> bool {
        let minute = (now.0 / SECOND - START) / 60;
        (bot.name == "bob" && (100..150).contains(&minute)) || (200..230).contains(&minute)
    }

    /// What is said of times in which nothing counts: beforehand, afterwards, and once more with a later end.
    async fn rests(&self, now: Timestamp, second: i64) {
        let rest = |miner: &str, why: &str, from: i64, to: i64| ProbeRest {
            miner: miner.into(),
            from: at(from),
            to: at(to),
            why: why.into(),
            said: now,
            statement: format!("{why} at {second}"),
            signature: String::new(),
            entry: 0,
        };
        let found = match (second, second % 3_000) {
            (600, _) => rest("t01003", "maintenance", 1_200, 3_000),
            (_, 300) => rest("", "chain_stall", second - 250, second - 200),
            (_, 400) => rest("", "chain_stall", second - 350, second - 250),
            _ => return,
        };
        assert!(self.desk().rest(&found, now).await.unwrap());
        assert!(!self.desk().rest(&found, now).await.unwrap(), "once");
    }

    async fn step(&mut self, now: Timestamp) {
        let second = now.0 / SECOND - START;
        self.rests(now, second).await;
        for bot in self.bots.clone() {
            let out = Self::is_out(&bot, now);
            if second % 240 == 0 {
                canary(self.store, &self.plan, &bot, now, if out { "TCP_TIMEOUT" } else { "" }).await;
            }
            let busy = self.jobs.iter().filter(|job| job.bot == bot).count();
            let free = u32::try_from(3_usize.saturating_sub(busy)).unwrap();
            // Everybody is away for an hour.
            if free == 0 || (260 * 60..320 * 60).contains(&second) {
                continue;
            }
            for lane in self.desk().lease(&bot, Kind::ALL, free, now).await.unwrap() {
                if self.dice.random_ratio(1, 30) {
                    assert!(self.desk().release(&bot, &lane.key, lane.fence).await.unwrap());
                    continue;
                }
                let (share, code) = self.truth[lane.key.miner.as_str()];
                let fails = self.dice.random_range(0..100) < share;
                let finds = if out { Some(Code::TcpTimeout) } else { fails.then_some(code) };
                let lasts = self.dice.random_range(5..40) * SECOND;
                let slow = if self.dice.random_ratio(1, 15) { 150 * SECOND } else { 0 };
                let ends = Timestamp(now.0 + lasts + slow);
                let silent = if self.dice.random_ratio(1, 2) { ends } else { now };
                let (twice, crashes) = (self.dice.random_ratio(1, 6), self.dice.random_ratio(1, 25));
                self.jobs.push(Job { lane, bot: bot.clone(), ends, silent, finds, twice, crashes });
            }
        }
        for job in std::mem::take(&mut self.jobs) {
            self.go_on(job, now).await;
        }
        // The controller is away now and then.
        if second / 300 % 7 != 0 {
            let desk = self.desk();
            desk.sweep(now, epoch(now)).await.unwrap();
            desk.judge(now, epoch(now)).await.unwrap();
            if second % 60 == 0 {
                desk.close_batch(&log_key(), now, epoch(now)).await.unwrap();
            }
        }
    }

    async fn go_on(&mut self, job: Job, now: Timestamp) {
        if job.crashes {
            return;
        }
        if job.ends > now {
            if job.silent > now {
                let beat = u64::try_from(now.0).unwrap();
                let of = (&job.lane.key, job.lane.fence);
                let until = self.desk().beat(&job.bot, of, (beat, "http", b""), now).await.unwrap();
                assert!(until.is_none_or(|until| until > now));
            }
            self.jobs.push(job);
            return;
        }
        let lease = job.lane.lease.as_ref().unwrap();
        let record = record(&job.lane, &job.bot, (lease.since, job.ends), job.finds);
        let first = complete(&self.desk(), &job.lane, &job.bot, &record, now).await.unwrap();
        if job.twice {
            assert_eq!(complete(&self.desk(), &job.lane, &job.bot, &record, now).await.unwrap(), first);
        }
        if first { self.kept += 1 } else { self.late += 1 }
    }

    async fn run(&mut self) {
        let miners: Vec<String> = self.truth.keys().map(|&miner| miner.to_owned()).collect();
        pin(&self.desk(), &self.bots, at(0)).await;
        self.desk().enter(&miners, at(0)).await.unwrap();
        let end = i64::try_from(self.plan.cadences[0].slots).unwrap() * 1_200 + 3_600;
        for second in (0..end).step_by(10) {
            self.step(at(second)).await;
        }
    }

    async fn check(&self) {
        let mut tallies = BTreeMap::new();
        let (mut attempts, mut recorded, mut lapsed) = (0, BTreeSet::new(), 0);
        for lane in self
            .store
            .lanes(&self.plan.network, &self.plan.race, Page { after: None, limit: 100 })
            .await
            .unwrap()
        {
            let slots = slots(self.store, &lane.key).await;
            let numbers: Vec<u64> = slots.iter().map(|slot| slot.slot).collect();
            let all: Vec<u64> = (0..self.plan.cadences[0].slots).collect();
            assert_eq!(numbers, all, "{:?}: each slot is there once", lane.key);
            let mut tally = apogee_dealbot::verdict::Tally::default();
            for slot in &slots {
                let verdict = slot.verdict.as_ref().expect("every slot is judged");
                match verdict.outcome {
                    SlotOutcome::Ok => tally.sample.successes += 1,
                    SlotOutcome::Fail => tally.sample.failures += 1,
                    SlotOutcome::Excluded => *tally.excluded.entry(verdict.code.clone()).or_default() += 1,
                }
            }
            tallies.insert((lane.key.kind, lane.key.miner.clone()), tally);
            let rows =
                self.store.probe_attempts(&lane.key, Page { after: None, limit: 1_000 }).await.unwrap();
            let mut before: Option<(u64, Timestamp)> = None;
            for row in rows.iter().rev() {
                if let Some((fence, ended)) = before {
                    assert!(row.fence > fence && row.leased >= ended, "one attempt of a lane at a time");
                }
                before = Some((row.fence, row.ended));
                attempts += 1;
                lapsed += u64::from(row.code == "LEASE_EXPIRED");
                assert_eq!(row.evidence.is_none(), row.code == "LEASE_EXPIRED");
                if let Some(evidence) = &row.evidence {
                    recorded.insert(evidence.cid.clone());
                }
            }
        }
        assert_eq!(self.desk().tallies().await.unwrap(), tallies);
        assert_eq!(recorded.len() as u64, self.kept, "no result is lost");
        assert_eq!(attempts, self.kept + lapsed);
        assert!(self.late > 0 && lapsed > 0);
        for kind in [Kind::Storage, Kind::Retrieval] {
            let of = |miner: &str| &tallies[&(kind, miner.to_owned())].sample;
            assert_eq!(of("t01000").failures, 0, "no failure but the bots'");
            assert!(of("t01000").successes >= 8, "{tallies:?}");
            assert_eq!((of("t01001").successes, of("t01002").successes), (0, 0));
            assert!(of("t01001").failures >= 8 && of("t01002").failures >= 4, "{tallies:?}");
            assert!(of("t01003").successes > 0);
            let excluded = &tallies[&(kind, "t01000".to_owned())].excluded;
            assert!(excluded["MISSED_NO_WORKER"] >= 2 && excluded["CANARY_FAILED"] >= 1, "{excluded:?}");
        }
        // Whoever has the log comes to the same.
        let seed = Some(self.plan.seed.clone());
        let report =
            audited(&self.desk(), Asked { seed, key: Some(*log_key().verifying_key().as_bytes()) }).await;
        let defects: Vec<String> = report.defects.iter().map(ToString::to_string).collect();
        assert_eq!((defects, report.wrong, report.open), (vec![], 0, 0));
        assert!(report.derived);
        assert_eq!(
            report.verdicts,
            tallies.values().map(apogee_dealbot::verdict::Tally::planned).sum::<u64>()
        );
        assert_eq!(report.lapses, lapsed);
        assert!(report.records >= self.kept + self.late, "{report:?}");
        assert_eq!(report.counts, counted(self.store, &self.plan).await);
    }
}

/// The key of the log.
pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

/// Begin a race with these bots.
pub(crate) async fn pin(desk: &Desk<'_>, bots: &[Bot], now: Timestamp) {
    let key = |bot: &Bot| BotKey {
        name: bot.name.clone(),
        region: bot.region.clone(),
        key: Bytes(key_of(bot).verifying_key().as_bytes().to_vec()),
    };
    let bots = bots.iter().map(key).collect();
    let settings = Settings::of(desk.plan, "{}".into(), bots, &log_key().verifying_key());
    desk.pin(&settings, now).await.unwrap();
}

/// The whole log in one form.
pub(crate) async fn downloaded(desk: &Desk<'_>, form: Form, from: u64) -> Vec<u8> {
    let newest = desk.store.newest_batch(&desk.plan.network, &desk.plan.race).await.unwrap().unwrap();
    let mut download = Download::new(form, from, &newest).unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = download.next(desk).await.unwrap() {
        bytes.extend(piece);
    }
    bytes
}

pub(crate) async fn audited(desk: &Desk<'_>, asked: Asked) -> Report {
    let car = downloaded(desk, Form::Car, 1).await;
    let mut audit = Audit::new(asked);
    audit.read(car.as_slice()).unwrap_or_else(|defect| panic!("{defect}"));
    audit.end().unwrap()
}

/// What the database counts, as an audit does.
pub(crate) async fn counted(store: &dyn Store, plan: &Plan) -> Counts {
    let rows =
        store.slot_counts(&plan.network, &plan.race, Page { after: None, limit: 100_000 }).await.unwrap();
    let (mut counts, mut before) = (Counts::new(), None);
    for row in rows {
        let of = (row.kind, row.miner, row.outcome, row.code);
        let known = before.take().filter(|(other, _)| *other == of).map_or(0, |(_, count)| count);
        let key = (of.0, of.1.clone(), of.2);
        *counts.entry(key).or_default().entry(row.epoch).or_default() += row.count - known;
        before = Some((of, row.count));
    }
    counts
}

#[tokio::test]
async fn whatever_bots_and_controllers_do_every_slot_is_judged_once_and_no_result_is_lost() {
    for seed in 0..3 {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
        let mut race = Race::new(&store, seed);
        race.run().await;
        race.check().await;
    }
}

#[tokio::test]
async fn the_same_holds_on_postgresql() {
    let Some(url) = apogee_testkit::postgres::database() else { return };
    let store = PostgresStore::connect(&url).await.unwrap();
    let mut race = Race::new(&store, 7);
    race.run().await;
    race.check().await;
}

/// One miner, its first retrieval at hand.
pub(crate) async fn one(store: &dyn Store, plan: &Plan, bot: &Bot) -> (Lane, Timestamp) {
    let desk = Desk { store, plan };
    desk.enter(&["t01000".to_owned()], at(0)).await.unwrap();
    let key = plan.key(Kind::Retrieval, "t01000");
    let lane = store.lane(&key).await.unwrap().unwrap();
    let now = Timestamp(lane.anywhere.0.min(lane.ends.0 - 1));
    let given = desk.lease(bot, &[Kind::Retrieval], 5, now).await.unwrap();
    (given.into_iter().next().unwrap(), now)
}

#[tokio::test]
async fn a_result_is_kept_once_and_only_from_who_has_the_lease() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
    let plan = plan(3, 2);
    let desk = Desk { store: &store, plan: &plan };
    let (ada, bob) = (bot("ada", "eu"), bot("bob", "as"));
    let (lane, now) = one(&store, &plan, &ada).await;
    let good = record(&lane, &ada, (now, now), None);

    let other = Record { bot: "bob".into(), ..good.clone() };
    assert!(matches!(complete(&desk, &lane, &ada, &other, now).await, Err(NotKept::Other("bot"))));
    let other = Record { fence: 9, ..good.clone() };
    assert!(matches!(complete(&desk, &lane, &ada, &other, now).await, Err(NotKept::Other("lease"))));
    let future = Timestamp(now.0 + 31 * SECOND);
    let early = Record { ended: future, ..good.clone() };
    assert!(matches!(complete(&desk, &lane, &ada, &early, now).await, Err(NotKept::Other("time"))));
    let bytes = good.encode();
    let forged = Signed::Record.sign(&good.cid(), &key_of(&bob));
    let done =
        Done { key: &lane.key, slot: lane.slot, fence: lane.fence, record: &bytes, signature: &forged };
    let own = key_of(&ada).verifying_key();
    assert!(matches!(desk.complete(&ada, own.as_bytes(), &done, now).await, Err(NotKept::Signature)));
    let short = Done { signature: &[1, 2], ..done.clone() };
    assert!(matches!(desk.complete(&ada, own.as_bytes(), &short, now).await, Err(NotKept::Signature)));
    let junk = Done { record: b"\xa1", ..done };
    assert!(matches!(desk.complete(&ada, own.as_bytes(), &junk, now).await, Err(NotKept::Record(_))));
    let stranger = Lane { slot: 2, ..lane.clone() };
    let of_stranger = record(&stranger, &ada, (now, now), None);
    assert!(matches!(complete(&desk, &stranger, &ada, &of_stranger, now).await, Err(NotKept::Unknown)));
    assert_eq!(store.lane(&lane.key).await.unwrap().unwrap(), lane, "nothing was written");

    assert!(complete(&desk, &lane, &ada, &good, now).await.unwrap());
    assert!(complete(&desk, &lane, &ada, &good, now).await.unwrap(), "sent again it is answered as it was");
    let changed = Record { detail: "another".into(), ..good.clone() };
    assert!(matches!(complete(&desk, &lane, &ada, &changed, now).await, Err(NotKept::Twice)));
    assert_eq!(desk.lease(&bob, Kind::ALL, 5, now).await.unwrap().len(), 0, "it waits to be judged");
}

#[tokio::test]
async fn a_bot_that_was_silent_for_too_long_is_late_and_its_record_is_kept_beside() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
    let plan = plan(3, 2);
    let desk = Desk { store: &store, plan: &plan };
    let ada = bot("ada", "eu");
    let (lane, now) = one(&store, &plan, &ada).await;
    let after = |seconds: i64| Timestamp(now.0 + seconds * SECOND);
    let of = (&lane.key, lane.fence);
    let until = desk.beat(&ada, of, (1, "l4", b"uuid"), after(30)).await.unwrap();
    assert_eq!(until, Some(after(90)));
    let large = vec![0; apogee_store::MAX_CHECKPOINT + 1];
    let refused = desk.beat(&ada, of, (2, "l4", &large), after(31)).await;
    assert!(matches!(refused, Err(DeskError::Store(StoreError::TooLarge { .. }))));
    assert_eq!(desk.sweep(after(89), epoch(now)).await.unwrap().lapsed, 0);
    assert_eq!(desk.sweep(after(90), epoch(now)).await.unwrap().lapsed, 1);
    assert_eq!(desk.beat(&ada, of, (3, "http", b""), after(91)).await.unwrap(), None, "it must stop");
    assert!(!desk.release(&ada, &lane.key, lane.fence).await.unwrap());
    let told = record(&lane, &ada, (now, after(40)), None);
    assert!(!complete(&desk, &lane, &ada, &told, after(91)).await.unwrap());
    assert!(!complete(&desk, &lane, &ada, &told, after(92)).await.unwrap());
    let row = store.probe_attempts(&lane.key, Page { after: None, limit: 5 }).await.unwrap().remove(0);
    assert_eq!((row.code.as_str(), row.evidence), ("LEASE_EXPIRED", None));
    assert_eq!(row.late.unwrap().cid, told.cid().to_string());
    let parked = store.lane(&lane.key).await.unwrap().unwrap();
    assert_eq!((parked.attempt, parked.checkpoint.as_slice()), (2, &b"uuid"[..]), "the next one knows");
}

#[tokio::test]
async fn an_ambiguous_failure_is_tried_again_by_another_bot_and_waits_for_what_others_see() {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
    let plan = plan(3, 2);
    let desk = Desk { store: &store, plan: &plan };
    let (ada, bob) = (bot("ada", "eu"), bot("bob", "as"));
    let (lane, now) = one(&store, &plan, &ada).await;
    for bot in [&ada, &bob] {
        canary(&store, &plan, bot, Timestamp(now.0 - SECOND), "").await;
    }
    let refused = record(&lane, &ada, (now, now), Some(Code::TcpRefused));
    complete(&desk, &lane, &ada, &refused, now).await.unwrap();
    let again = desk.judge(now, epoch(now)).await.unwrap().again;
    assert_eq!(again, 1, "who else looks does not wait for a canary");
    let after = |seconds: i64| Timestamp(now.0 + seconds * SECOND);
    canary(&store, &plan, &ada, after(2), "").await;
    assert_eq!(desk.lease(&ada, Kind::ALL, 5, after(4)).await.unwrap(), [], "somebody else has to look");
    let again = desk.lease(&bob, Kind::ALL, 5, after(4)).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].attempt, again[0].slot), (2, lane.slot));
    let refused = record(&again[0], &bob, (after(4), after(5)), Some(Code::TcpRefused));
    complete(&desk, &again[0], &bob, &refused, after(5)).await.unwrap();
    canary(&store, &plan, &bob, after(6), "").await;
    assert_eq!(desk.judge(after(7), epoch(now)).await.unwrap().open, 1, "others may see it otherwise");
    assert_eq!(desk.judge(after(5 + plan.measures.around() / SECOND), epoch(now)).await.unwrap().settled, 1);
    let slot = slots(&store, &lane.key).await.remove(0);
    let verdict = slot.verdict.unwrap();
    assert_eq!(
        (verdict.outcome, verdict.code.as_str(), slot.attempts),
        (SlotOutcome::Fail, "TCP_REFUSED", 2)
    );
    let next = store.lane(&lane.key).await.unwrap().unwrap();
    assert!(next.slot > lane.slot && next.attempt == 1);
}
