//! The log of evidence: downloaded, held against a package, and refused once a byte of it is another.

use std::path::Path;

use apogee_dealbot::archive::Blocks;
use apogee_dealbot::canonical::{Bytes, Signed};
use apogee_dealbot::desk::{CanaryFound, Desk, Done, Download, Form};
use apogee_dealbot::entry::{BotKey, Settings};
use apogee_dealbot::fault::{Circumstances, Code};
use apogee_dealbot::plan::{Bot, Measures, Plan, SuccessAt};
use apogee_dealbot::record::{CANARY, Record, SlotId, VERSION};
use apogee_dealbot::schedule::{Cadence, Kind, Seed};
use apogee_domain::{Epoch, Timestamp};
use apogee_store::{ProbeLog, Store};
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::example;
use ed25519_dalek::SigningKey;
use serde_json::Value;

use crate::attempts::probing;
use crate::probed::RACE;
use crate::probing::apogee;

const SECOND: i64 = 1_000_000;
const SLOTS: u64 = 6;
const LASTS: i64 = 1_200;

fn at(second: i64) -> Timestamp {
    Timestamp((1_790_000_000 + second) * SECOND)
}

/// Below what the recording goes to: nothing of it is indexed when this counts.
fn epoch(now: Timestamp) -> Epoch {
    Epoch::new(10 + (now.0 - at(0).0) / (600 * SECOND)).unwrap()
}

/// Every slot is due early enough to be tried.
fn plan() -> Plan {
    let early = |plan: &Plan| {
        let due = |miner| (0..SLOTS).map(move |slot| plan.lane(&plan.key(Kind::Retrieval, miner), slot, 0));
        ["t01000", "t01001"].into_iter().flat_map(due).all(|lane| lane.due.0 + 120 * SECOND < lane.ends.0)
    };
    (0..=255).map(|byte| planned(Seed::new([byte; 32]))).find(early).unwrap()
}

fn planned(seed: Seed) -> Plan {
    let interval = u64::try_from(LASTS * SECOND).unwrap();
    Plan {
        network: "devnet-a".parse().unwrap(),
        race: "read-back".into(),
        seed,
        beacon_epoch: None,
        beacon: Default::default(),
        cadences: vec![Cadence { kind: Kind::Retrieval, start: at(0), interval, slots: SLOTS }],
        regions: vec!["eu".into()],
        fleet: 1,
        measures: Measures::default(),
        known: Circumstances::default(),
        success_at: SuccessAt::Accepted,
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn log_key() -> SigningKey {
    SigningKey::from_bytes(&[4; 32])
}

fn record(
    race: &str,
    slot: SlotId,
    (attempt, fence): (u32, u64),
    now: Timestamp,
    failure: Option<Code>,
) -> Record {
    Record {
        version: VERSION,
        race: race.into(),
        slot,
        attempt,
        fence,
        bot: "ada".into(),
        region: "eu".into(),
        software: "apogee test".into(),
        started: now,
        ended: now,
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

/// A race of two miners, of whom one has lost what it is asked for. Answers its log.
async fn raced(database: &Path) -> Vec<u8> {
    let (store, plan) = (SqliteStore::open(database).await.unwrap(), plan());
    let desk = Desk { store: &store, plan: &plan };
    let ada = Bot { name: "ada".into(), region: "eu".into() };
    let public = *key().verifying_key().as_bytes();
    let bots = vec![BotKey { name: "ada".into(), region: "eu".into(), key: Bytes(public.to_vec()) }];
    let settings = Settings::of(&plan, "{}".into(), bots, &log_key().verifying_key());
    desk.pin(&settings, at(-10)).await.unwrap();
    desk.enter(&["t01000".into(), "t01001".into()], at(0)).await.unwrap();
    let end = i64::try_from(SLOTS).unwrap() * LASTS + 1_200;
    for second in (0..end).step_by(60) {
        let now = at(second);
        if second % 240 == 0 {
            let slot = SlotId { miner: CANARY.into(), kind: Kind::Retrieval, number: 0 };
            let record = record(CANARY, slot, (1, 0), now, None);
            let signature = Signed::Canary.sign(&record.cid(), &key());
            let found = CanaryFound::read(&ada, &public, &record.encode(), &signature).unwrap();
            let mut work = store.begin().await.unwrap();
            assert!(desk.canary(&mut *work, &found, now).await.unwrap());
            work.commit().await.unwrap();
        }
        for lane in desk.lease(&ada, &[Kind::Retrieval], 5, now).await.unwrap() {
            let lost = (lane.key.miner == "t01001" && lane.slot % 2 == 0).then_some(Code::HashMismatch);
            let slot = SlotId { miner: lane.key.miner.clone(), kind: Kind::Retrieval, number: lane.slot };
            let record = record(&plan.race, slot, (lane.attempt, lane.fence), now, lost);
            let (bytes, signature) = (record.encode(), Signed::Record.sign(&record.cid(), &key()));
            let (slot, fence) = (lane.slot, lane.fence);
            let done = Done { key: &lane.key, slot, fence, record: &bytes, signature: &signature };
            assert!(desk.complete(&ada, &public, &done, now).await.unwrap());
        }
        desk.judge(now, epoch(now)).await.unwrap();
        desk.sweep(now, epoch(now)).await.unwrap();
        if second % 1_200 == 0 {
            desk.close_batch(&log_key(), now, epoch(now)).await.unwrap();
        }
    }
    let newest = desk.close_batch(&log_key(), at(end), epoch(at(end))).await.unwrap().map(|batch| batch.seq);
    let last = store.newest_batch(&plan.network, &plan.race).await.unwrap().unwrap();
    assert!(newest.is_none_or(|newest| newest == last.seq));
    let mut download = Download::new(Form::Car, 1, &last).unwrap();
    let mut car = Vec::new();
    while let Some(piece) = download.next(&desk).await.unwrap() {
        car.extend(piece);
    }
    car
}

/// Rules of the demo that read what bots find, for this network and race.
fn rules() -> String {
    let rules = std::fs::read_to_string(example("rules/simnet-retrieval.toml")).unwrap();
    let rules = rules.replace("id = \"simnet-retrieval\"", "id = \"read-back\"");
    rules.replace("network = \"simnet\"", "network = \"devnet-a\"")
}

fn ran(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = apogee().current_dir(folder).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_package_is_held_against_the_evidence_and_one_byte_makes_it_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let car = runtime.block_on(raced(&here.join("race.sqlite")));
    std::fs::write(here.join("evidence.car"), &car).unwrap();
    std::fs::write(here.join("rules.toml"), rules()).unwrap();
    let (store, recording) = ("sqlite:race.sqlite", example("devnet-a"));
    let good = |arguments: &[&str]| {
        let (code, text) = ran(here, arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {text}");
        text
    };
    good(&["index", "--car", recording.to_str().unwrap(), "--store", store]);
    good(&["package", "export", "--rules", "rules.toml", "--store", store, "race.package"]);
    let package = std::fs::read_to_string(here.join("race.package")).unwrap();
    assert!(package.contains("\nsection observations 12\n"), "each slot was tried once");

    let found = good(&["package", "verify", "race.package"]);
    assert!(found.contains("L2 made: 12 records are signed by their bots"), "{found}");
    let seed = hex::encode(plan().seed.reveal());
    let log = hex::encode(log_key().verifying_key().as_bytes());
    let verify = ["package", "verify", "race.package", "--evidence", "evidence.car"];
    let found = good(&[&verify[..], &["--seed", &seed, "--log-key", &log]].concat());
    assert!(found.contains("12 verdicts judged again") && found.contains("3 series agree"), "{found}");
    assert!(found.contains("every moment follows from the seed"), "{found}");

    let wrong = |arguments: &[&str]| {
        let (code, text) = ran(here, arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {text}");
        text
    };
    assert!(wrong(&[&verify[..], &["--log-key", &seed]].concat()).contains("another key"));
    for place in [0, car.len() / 3, car.len() / 2, car.len() - 1] {
        let mut changed = car.clone();
        changed[place] ^= 4;
        std::fs::write(here.join("changed.car"), changed).unwrap();
        let found = wrong(&["package", "verify", "race.package", "--evidence", "changed.car"]);
        assert!(found.contains("WRONG changed.car: batch "), "{found}");
    }
    // An observation that was changed is found without the log.
    let line = package
        .lines()
        .find(|line| line.contains("\"signature\":\"") && line.contains("\"record\""))
        .unwrap();
    let json = &line[65..];
    let signature = json.split("\"signature\":\"").nth(1).unwrap().get(..2).unwrap();
    let other = json.replacen(&format!("\"signature\":\"{signature}"), "\"signature\":\"00", 1);
    assert_ne!(other, json);
    let row = format!("{} {other}", hex::encode(sha(other.as_bytes())));
    let body = package.replacen(line, &row, 1);
    let body = &body[..body.rfind("root ").unwrap()];
    std::fs::write(
        here.join("changed.package"),
        format!("{body}root {}\n", hex::encode(sha(body.as_bytes()))),
    )
    .unwrap();
    let found = wrong(&["package", "verify", "changed.package"]);
    assert!(found.contains("the record is not signed by the bot"), "{found}");
}

fn sha(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[test]
fn the_log_is_downloaded_up_to_what_may_be_told() {
    let (served, _probed, _folder) = probing();
    let path = format!("/c/{RACE}/evidence");
    let car = served.ask("GET", &format!("{path}.car"), &[]);
    assert_eq!((car.status, car.header("content-type")), (200, Some("application/vnd.ipld.car")));
    assert_eq!(car.header("cache-control"), Some("no-store"));
    // The second batch was closed just now, and could tell of an interval that runs.
    let blocks = Blocks::open(car.body.as_slice()).unwrap().map(Result::unwrap).count();
    assert_eq!(blocks, 3, "a batch, its seal, and its entry");
    let lines = served.ask("GET", &format!("/zh{path}.ndjson?from=1"), &[]);
    assert_eq!((lines.status, lines.header("content-type")), (200, Some("application/x-ndjson")));
    let line: Value = serde_json::from_str(lines.text().trim()).unwrap();
    assert_eq!((&line["batch"], &line["entry"]["number"]), (&1.into(), &1.into()));
    let head = served.ask("HEAD", &format!("{path}.car"), &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    for (address, status) in [
        (format!("{path}.car?from=2"), 404),
        (format!("{path}.car?from=x"), 400),
        (format!("{path}.ndjson?to=1"), 400),
        ("/c/sr1-history/evidence.car".to_owned(), 404),
        ("/c/nobody/evidence.ndjson".to_owned(), 404),
    ] {
        assert_eq!(served.ask("GET", &address, &[]).status, status, "{address}");
    }
    assert_eq!(served.ask("POST", &format!("{path}.car"), &[]).status, 405);
}
