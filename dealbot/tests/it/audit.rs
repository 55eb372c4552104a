//! Whoever has the log judges again, and whatever was done to the log is found.

use apogee_dealbot::archive::{Blocks, header, section};
use apogee_dealbot::audit::{Asked, Audit, Report};
use apogee_dealbot::canonical::{Bytes, name};
use apogee_dealbot::deals::Word;
use apogee_dealbot::desk::{Desk, Fate, Form};
use apogee_dealbot::entry::{Basis, Entry, Fact, Settings};
use apogee_dealbot::fault::Code;
use apogee_dealbot::log::{Batch, Head, Seal};
use apogee_dealbot::plan::{Plan, SuccessAt};
use apogee_dealbot::schedule::{Beacon, Kind, Seed};
use apogee_domain::{Epoch, Timestamp};
use apogee_store::{ProbeRest, SlotOutcome, Store};
use apogee_store_sqlite::SqliteStore;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::desk::{
    SECOND, at, audited, bot, canary, complete, counted, downloaded, epoch, log_key, pin, plan, record,
};

fn later(from: Timestamp, seconds: i64) -> Timestamp {
    Timestamp(from.0 + seconds * SECOND)
}

fn rest(miner: &str, (from, to): (i64, i64), why: &str, said: i64) -> ProbeRest {
    ProbeRest {
        miner: miner.into(),
        from: at(from),
        to: at(to),
        why: why.into(),
        said: at(said),
        statement: "so it is".into(),
        signature: String::new(),
        entry: 0,
    }
}

/// A short race with everything that a log can say.
async fn raced(store: &dyn Store) -> Plan {
    let plan = Plan { success_at: SuccessAt::Active, ..plan(3, 2) };
    let desk = Desk { store, plan: &plan };
    let (ada, bob) = (bot("ada", "eu"), bot("bob", "as"));
    pin(&desk, &[ada.clone(), bob.clone()], at(-100)).await;
    desk.enter(&["t01000".into(), "t01001".into()], at(0)).await.unwrap();
    desk.rest(&rest("t01001", (0, 600), "maintenance", -50), at(-50)).await.unwrap();
    let mut jobs = Vec::new();
    for second in (0..9_000).step_by(30) {
        let now = at(second);
        if second == 2_400 {
            desk.rest(&rest("", (2_390, 2_500), "chain_stall", 2_400), now).await.unwrap();
            desk.rest(&rest("", (2_390, 2_600), "chain_stall", 2_430), now).await.unwrap();
        }
        for bot in [&ada, &bob] {
            if second % 240 == 0 {
                let code = if bot.name == "bob" && second == 3_120 { "TCP_TIMEOUT" } else { "" };
                canary(store, &plan, bot, now, code).await;
            }
            for lane in desk.lease(bot, Kind::ALL, 2, now).await.unwrap() {
                let fails = lane.key.miner == "t01001" && lane.slot > 0;
                let finds = fails.then_some(if lane.slot == 1 { Code::TcpRefused } else { Code::Http404 });
                // One says nothing until it is too late.
                let lasts =
                    if lane.key.miner == "t01000" && lane.slot == 1 && lane.attempt == 1 { 150 } else { 30 };
                jobs.push((later(now, lasts), bot.clone(), lane, finds));
            }
        }
        for (ends, bot, lane, finds) in std::mem::take(&mut jobs) {
            if ends > now {
                jobs.push((ends, bot, lane, finds));
                continue;
            }
            let begun = lane.lease.as_ref().unwrap().since;
            complete(&desk, &lane, &bot, &record(&lane, &bot, (begun, ends), finds), now).await.unwrap();
        }
        desk.judge(now, epoch(now)).await.unwrap();
        desk.sweep(now, epoch(now)).await.unwrap();
        if second % 600 == 0 {
            desk.close_batch(&log_key(), now, epoch(now)).await.unwrap();
        }
    }
    let now = at(9_000);
    let key = plan.key(Kind::Storage, "t01000");
    for (slot, word) in [(0, Word::Active), (1, Word::Late { published: true }), (2, Word::Lost)] {
        let (made, start) = (at(2_000), at(6_000));
        let id = format!("deal-{slot}");
        let fate = Fate { id, deal: Some(slot), word, state: epoch(now), made, start, fetched: 1, size: 2 };
        assert!(desk.settle_followed(&key, slot, fate, (now, epoch(now))).await.unwrap());
    }
    desk.close_batch(&log_key(), now, epoch(now)).await.unwrap();
    plan
}

async fn open() -> (SqliteStore, TempDir) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
    (store, folder)
}

fn asked(plan: &Plan) -> Asked {
    Asked { seed: Some(plan.seed.clone()), key: Some(*log_key().verifying_key().as_bytes()) }
}

/// What is wrong with some files, the first thing; `None` where nothing is.
fn wrong(files: &[&[u8]], asked: Asked) -> Option<String> {
    let mut audit = Audit::new(asked);
    for file in files {
        if let Err(defect) = audit.read(*file) {
            return Some(defect.to_string());
        }
    }
    match audit.end() {
        Err(defect) => Some(defect.to_string()),
        Ok(report) => report.defects.first().map(ToString::to_string),
    }
}

#[tokio::test]
async fn an_audit_comes_to_what_the_desk_came_to() {
    let (store, _folder) = open().await;
    let plan = raced(&store).await;
    let desk = Desk { store: &store, plan: &plan };
    let report: Report = audited(&desk, asked(&plan)).await;
    let defects: Vec<String> = report.defects.iter().map(ToString::to_string).collect();
    assert_eq!(defects, Vec::<String>::new());
    assert_eq!(report.counts, counted(&store, &plan).await);
    assert_eq!((report.verdicts, report.open), (11, 1), "one deal is followed still");
    assert!(report.by_chain >= 2 && report.lapses >= 1 && report.records > report.verdicts, "{report:?}");
    let outcomes: Vec<SlotOutcome> = report.counts.keys().map(|(_, _, outcome)| *outcome).collect();
    assert!(SlotOutcome::ALL.iter().all(|outcome| outcomes.contains(outcome)), "{outcomes:?}");
    assert_eq!((report.network.as_str(), report.race.as_str()), ("devnet-a", "sprint"));
    // Without the seed it says less.
    assert!(!audited(&desk, Asked::default()).await.derived);
    // In parts it is the same, in their order.
    let half = report.head.unwrap().seq / 2;
    let whole = downloaded(&desk, Form::Car, 1).await;
    let mut parts = Vec::new();
    for batch in batches(&whole) {
        parts.push(file(std::slice::from_ref(&batch)));
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    assert_eq!(wrong(&parts, asked(&plan)), None);
    let rest = downloaded(&desk, Form::Car, half + 1).await;
    let first: Vec<u8> = file(&batches(&whole)[..usize::try_from(half).unwrap()]);
    assert_eq!(wrong(&[&first, &rest], asked(&plan)), None);
    let misplaced = wrong(&[&rest], asked(&plan)).unwrap();
    assert!(misplaced.contains("stands where batch 1 is wanted"), "{misplaced}");
    // Lines say the same.
    let lines = String::from_utf8(downloaded(&desk, Form::Lines, 1).await).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() as u64, report.entries);
    let recorded = lines.iter().filter(|line| line.get("record").is_some()).count();
    assert_eq!(recorded as u64, report.records);
    assert_eq!(lines[0]["entry"]["fact"]["settings"]["race"], "sprint");
}

#[tokio::test]
async fn a_schedule_that_is_bound_to_a_beacon_follows_from_both_and_the_log_says_so() {
    let (store, _folder) = open().await;
    let plan = Plan { beacon_epoch: Some(Epoch::new(40).unwrap()), ..plan(1, 1) };
    let desk = Desk { store: &store, plan: &plan };
    let ada = bot("ada", "eu");
    assert!(plan.is_open());
    pin(&desk, std::slice::from_ref(&ada), at(-100)).await;
    let entry = Bytes(vec![9; 48]);
    let beacon = Beacon { epoch: Epoch::new(41).unwrap(), tipset: "bafy".into(), round: 7, entry };
    plan.beacon.set(beacon.clone()).unwrap();
    assert_ne!(plan.moments(), plan.seed);
    pin(&desk, std::slice::from_ref(&ada), at(-50)).await;
    // Whatever a later look at the chain finds, that one stays.
    assert_eq!(desk.pinned_beacon().await.unwrap(), Some(beacon.clone()));
    let other = Beacon { round: 8, ..beacon.clone() };
    let again = Plan { beacon: other.into(), ..plan.clone() };
    let settings = Settings::of(&again, "{}".into(), Vec::new(), &log_key().verifying_key());
    let changed = Desk { store: &store, plan: &again }.pin(&settings, at(-40)).await.unwrap_err();
    assert!(changed.to_string().contains("beacon"), "{changed}");
    desk.enter(&["t01000".into()], at(0)).await.unwrap();
    for second in (0..3_000).step_by(60) {
        let now = at(second);
        canary(&store, &plan, &ada, now, "").await;
        for lane in desk.lease(&ada, Kind::ALL, 2, now).await.unwrap() {
            complete(&desk, &lane, &ada, &record(&lane, &ada, (now, now), None), now).await.unwrap();
        }
        desk.judge(now, epoch(now)).await.unwrap();
        desk.sweep(now, epoch(now)).await.unwrap();
    }
    desk.close_batch(&log_key(), at(3_000), epoch(at(3_000))).await.unwrap();
    let report = audited(&desk, asked(&plan)).await;
    assert_eq!((report.verdicts, report.wrong, report.derived), (2, 0, true));
    assert_eq!((report.beacon, report.committed), (Some(beacon), at(-100)));
    // Whoever lets the seed decide alone, knows the beacon before, or changes it, is found out.
    let batches = batches(&downloaded(&desk, Form::Car, 1).await);
    let tells = |change: &dyn Fn(&mut Entries)| {
        wrong(&[&forged(&batches, &log_key(), change)], asked(&plan)).unwrap_or_default()
    };
    fn set(entries: &mut Entries, place: usize, change: impl FnOnce(&mut Settings)) {
        let Fact::Settings(settings) = &mut entries[place].0.fact else { panic!("entry {place}") };
        change(settings);
    }
    assert_eq!(tells(&|_| {}), "");
    let alone = |settings: &mut Settings| settings.beacon = None;
    let found = tells(&|entries| set(entries, 1, alone));
    assert!(found.contains("before the beacon that the seed is bound to"), "{found}");
    let found = tells(&|entries| drop(entries.remove(0)));
    assert!(found.contains("together with the beacon"), "{found}");
    let other = |settings: &mut Settings| settings.beacon.as_mut().unwrap().entry.0[0] ^= 1;
    let found = tells(&|entries| set(entries, 1, other));
    assert!(found.contains("another moment than the seed says"), "{found}");
    let early = |settings: &mut Settings| settings.beacon.as_mut().unwrap().epoch = Epoch::new(39).unwrap();
    let found = tells(&|entries| set(entries, 1, early));
    assert!(found.contains("beacon's epoch"), "{found}");
    let found = tells(&|entries| {
        for place in [0, 1] {
            set(entries, place, |settings| (settings.beacon_epoch, settings.beacon) = (None, None));
        }
    });
    assert!(found.contains("another moment than the seed says"), "{found}");
}

#[tokio::test]
async fn nothing_in_the_log_tells_the_seed_or_a_moment_to_come() {
    let (store, _folder) = open().await;
    let plan = Plan { seed: Seed::new([0xa7; 32]), ..plan(1_000, 2) };
    let desk = Desk { store: &store, plan: &plan };
    let (ada, bob) = (bot("ada", "eu"), bot("bob", "as"));
    pin(&desk, &[ada.clone(), bob], at(-100)).await;
    desk.enter(&["t01000".into()], at(0)).await.unwrap();
    canary(&store, &plan, &ada, at(100), "").await;
    desk.sweep(at(3_600), epoch(at(3_600))).await.unwrap();
    desk.close_batch(&log_key(), at(3_600), epoch(at(3_600))).await.unwrap();
    let (car, lines) = (downloaded(&desk, Form::Car, 1).await, downloaded(&desk, Form::Lines, 1).await);
    let secrets = [vec![0xa7; 32], "a7".repeat(32).into_bytes(), log_key().to_bytes().to_vec()];
    for form in [&car, &lines] {
        for secret in &secrets {
            assert!(!form.windows(secret.len()).any(|window| window == *secret));
        }
    }
    let text = String::from_utf8(lines).unwrap();
    let cadence = plan.cadence(Kind::Retrieval).unwrap();
    let due = |slot| cadence.due(&plan.seed, "t01000", slot).unwrap().0.to_string();
    assert!(text.contains(&due(0)) && !(3..1_000).any(|slot| text.contains(&due(slot))));
}

/// Entries, each with its record.
type Entries = Vec<(Entry, Option<Vec<u8>>)>;

/// A batch with its entries.
#[derive(Clone)]
struct Read {
    batch: Batch,
    entries: Entries,
}

fn batches(car: &[u8]) -> Vec<Read> {
    let mut blocks = Blocks::open(car).unwrap().map(Result::unwrap);
    let mut all = Vec::new();
    while let Some(block) = blocks.next() {
        let batch = Batch::decode(&block.bytes).unwrap();
        blocks.next().unwrap();
        let mut entries = Vec::new();
        for _ in &batch.entries {
            let entry = Entry::decode(&blocks.next().unwrap().bytes).unwrap();
            let record = entry.told().map(|_| blocks.next().unwrap().bytes);
            entries.push((entry, record));
        }
        all.push(Read { batch, entries });
    }
    all
}

/// These batches as they are, signed again.
fn file(batches: &[Read]) -> Vec<u8> {
    let mut file = header(batches.last().unwrap().batch.cid());
    for Read { batch, entries } in batches {
        file.extend(section(&batch.encode()));
        file.extend(section(&Seal::of(batch.cid(), &log_key()).encode()));
        for (entry, record) in entries {
            file.extend(section(&entry.encode()));
            file.extend(record.as_ref().map(|record| section(record)).unwrap_or_default());
        }
    }
    file
}

/// The log that a controller would have written who had changed some entries, with everything in its order and signed.
fn forged(batches: &[Read], key: &SigningKey, change: &dyn Fn(&mut Entries)) -> Vec<u8> {
    let mut entries: Vec<_> = batches.iter().flat_map(|read| read.entries.clone()).collect();
    change(&mut entries);
    let mut blocks = Vec::new();
    let (mut head, mut newest): (Option<Head>, _) = (None, name(b""));
    for (number, (entry, _)) in (1..).zip(&mut entries) {
        entry.number = number;
    }
    for part in entries.chunks(20) {
        let names = part.iter().map(|(entry, _)| entry.cid()).collect();
        let last = &batches.last().unwrap().batch;
        let batch = Batch::new(head.as_ref(), names, last.epoch, last.at).unwrap();
        blocks.extend(section(&batch.encode()));
        blocks.extend(section(&Seal::of(batch.cid(), key).encode()));
        for (entry, record) in part {
            blocks.extend(section(&entry.encode()));
            blocks.extend(record.as_ref().map(|record| section(record)).unwrap_or_default());
        }
        (head, newest) = (Some(batch.head()), batch.cid());
    }
    [header(newest), blocks].concat()
}

#[tokio::test]
async fn a_controller_that_lies_is_found_out() {
    let (store, _folder) = open().await;
    let plan = raced(&store).await;
    let car = downloaded(&Desk { store: &store, plan: &plan }, Form::Car, 1).await;
    let batches = batches(&car);
    let tells = |change: &dyn Fn(&mut Entries)| {
        wrong(&[&forged(&batches, &log_key(), change)], asked(&plan)).unwrap_or_default()
    };
    assert_eq!(tells(&|_| {}), "", "the forger writes what the desk would");
    fn each(entries: &mut Entries, mut change: impl FnMut(&mut Fact) -> bool) {
        assert!(entries.iter_mut().any(|(entry, _)| change(&mut entry.fact)));
    }
    let failed = |fact: &mut Fact| -> bool {
        let Fact::Verdict(of) = fact else { return false };
        let fails = of.outcome == SlotOutcome::Fail && of.deal.is_none();
        if fails {
            (of.outcome, of.code) = (SlotOutcome::Ok, None);
        }
        fails
    };
    let found = tells(&|entries| each(entries, failed));
    assert!(found.contains("the verdict is ok, but the evidence comes to fail"), "{found}");
    let found = tells(&|entries| {
        each(entries, |fact| {
            let Fact::Attempt(of) = fact else { return false };
            let fails = of.code == Some(Code::Http404);
            if fails {
                of.code = None;
            }
            fails
        });
    });
    assert!(found.contains("the record is of another end than the entry says"), "{found}");
    let found = tells(&|entries| {
        each(entries, |fact| {
            let Fact::Attempt(of) = fact else { return false };
            of.told.as_mut().is_some_and(|told| {
                told.signature.0[5] ^= 1;
                true
            })
        });
    });
    assert!(found.contains("the record is not signed by the bot"), "{found}");
    let found = tells(&|entries| {
        each(entries, |fact| {
            let Fact::Settings(of) = fact else { return false };
            of.bots.retain(|bot| bot.name != "bob");
            true
        });
    });
    assert!(found.contains("no settings name the bot bob"), "{found}");
    let found = tells(&|entries| {
        each(entries, |fact| {
            let Fact::Verdict(of) = fact else { return false };
            of.due = Timestamp(of.due.0 + 1);
            true
        });
    });
    assert!(found.contains("due"), "{found}");
    // A verdict that looks away from a canary, or from an attempt.
    let found = tells(&|entries| {
        each(entries, |fact| {
            let Fact::Verdict(of) = fact else { return false };
            let tried = of.outcome == SlotOutcome::Fail && of.deal.is_none();
            if tried {
                of.basis = Basis { seen: 1, ..of.basis };
            }
            tried
        });
    });
    assert!(found.contains("an attempt that was over was not looked at"), "{found}");
    let found = tells(&|entries| {
        each(entries, |fact| {
            let Fact::Verdict(of) = fact else { return false };
            let tried = of.outcome == SlotOutcome::Fail && of.deal.is_none();
            if tried {
                of.basis = Basis { last: of.basis.first, ..of.basis };
            }
            tried
        });
    });
    assert!(found.contains("what was around its attempts was not looked at"), "{found}");
    let found = tells(&|entries| {
        each(entries, |fact| {
            let Fact::Verdict(of) = fact else { return false };
            of.deal.as_mut().is_some_and(|deal| {
                deal.word = Word::Lost;
                of.outcome == SlotOutcome::Ok
            })
        });
    });
    assert!(found.contains("DEAL_SLASHED"), "{found}");
    // Somebody else's log is none.
    let other = SigningKey::from_bytes(&[77; 32]);
    let found = wrong(&[&forged(&batches, &other, &|_| {})], Asked::default()).unwrap();
    assert_eq!(found, "batch 1: the batch is not signed by the key of the log");
    let asked = Asked { key: Some([1; 32]), ..Asked::default() };
    assert!(wrong(&[&car], asked).unwrap().contains("another key"));
    let asked = Asked { seed: Some(Seed::new([1; 32])), ..Asked::default() };
    assert!(wrong(&[&car], asked).unwrap().contains("the seed is not the one"));
    assert_eq!(wrong(&[], Asked::default()).unwrap(), "batch 1: it ends before the first batch");
    assert!(epoch(at(9_000)) > Epoch::GENESIS);
}

#[tokio::test]
async fn whatever_byte_is_changed_is_found_and_so_is_whatever_is_missing() {
    let (store, _folder) = open().await;
    let plan = raced(&store).await;
    let car = downloaded(&Desk { store: &store, plan: &plan }, Form::Car, 1).await;
    // To read all of it for every byte would take long: a beginning has every kind of block.
    let few = file(&batches(&car)[..2]);
    assert_eq!(wrong(&[&few], Asked::default()), None);
    for place in (0..few.len()).step_by(61).chain(0..120) {
        let mut changed = few.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(wrong(&[&changed], Asked::default()).is_some(), "byte {place}");
    }
    for end in (0..few.len()).step_by(401) {
        assert!(wrong(&[&few[..end]], Asked::default()).is_some(), "the first {end} bytes");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..600), keep in 0_usize..80) {
        prop_assert!(wrong(&[&bytes], Asked::default()).is_some());
        let begun = [&header(name(b"x"))[..], &bytes].concat();
        let end = begun.len().min(keep + 40);
        prop_assert!(wrong(&[&begun], Asked::default()).is_some());
        prop_assert!(wrong(&[&begun[..end]], Asked::default()).is_some());
        prop_assert!(Entry::decode(&bytes).is_err());
    }
}
