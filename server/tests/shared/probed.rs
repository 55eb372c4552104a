//! A competition whose miners were probed: some are honest, one tells its bots lies that would like to be markup.

use std::path::{Path, PathBuf};
use std::process::Command;

use apogee_dealbot::canonical::{Bytes, Written};
use apogee_dealbot::entry::{Entry, Fact, Rested};
use apogee_dealbot::fault::{Circumstances, Code, Stage};
use apogee_dealbot::log::Batch;
use apogee_dealbot::record::{Answer, Passage, Record, SlotId, VERSION};
use apogee_domain::{Epoch, NetworkId, ProbeKind, Timestamp};
use apogee_store::{
    Canary, Evidence, Lane, LaneKey, LaneLease, MAINTENANCE, ProbeAgent, ProbeAttempt, ProbeBatch, ProbeRest,
    ProbeSlot, SlotOutcome, SlotVerdict, Store,
};
use apogee_store_sqlite::SqliteStore;
use sqlx::{Connection, SqliteConnection};

/// The competition of the demo.
pub(crate) const RACE: &str = "devnet-sprint";
/// What would be run.
pub(crate) const SCRIPT: &str = "<script>alert(1)</script>";
/// What would turn around what stands behind it.
const AROUND: char = '\u{202e}';
/// Above what is indexed of the recording: nothing counts below.
const EARLIER: i64 = 320;
const LATER: i64 = 330;
/// Length of an interval, microseconds.
const INTERVAL: i64 = 600_000_000;
/// The interval that runs.
pub(crate) const RUNNING: u64 = 40;

/// Moments that nobody is to know, and what is around them.
pub(crate) struct Probed {
    pub(crate) settings: PathBuf,
    /// As they would be written, in any form.
    pub(crate) secrets: Vec<String>,
    pub(crate) commitment: String,
}

#[expect(clippy::disallowed_methods, reason = "the process that is tested has no other clock")]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_micros()).unwrap())
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn key(miner: &str) -> LaneKey {
    let network: NetworkId = "devnet-a".parse().unwrap();
    LaneKey { network, race: RACE.into(), kind: ProbeKind::Retrieval, miner: miner.into() }
}

/// What a bot tells of an attempt that ended by a code.
fn record(miner: &str, slot: u64, attempt: u32, bot: &str, begun: Timestamp, code: Option<Code>) -> Record {
    let stage = |stage, from: i64, to: i64| Passage {
        stage,
        started: Timestamp(begun.0 + from * 1000),
        ended: Timestamp(begun.0 + to * 1000),
    };
    let hostile = miner == "t01001";
    let told = |text: &str| if hostile { format!("{SCRIPT}{AROUND}{text}") } else { text.to_owned() };
    Record {
        version: VERSION,
        race: RACE.into(),
        slot: SlotId { miner: miner.into(), kind: ProbeKind::Retrieval, number: slot },
        attempt,
        fence: slot * 8 + u64::from(attempt),
        bot: bot.into(),
        region: "eu".into(),
        software: "apogee 0.1.0".into(),
        started: begun,
        ended: Timestamp(begun.0 + 5_000_000),
        stages: vec![stage(Stage::L4, 1, 31), stage(Stage::Handshake, 31, 95), stage(Stage::Http, 95, 1_204)],
        failure: code,
        detail: code.map(|_| told(&"A".repeat(if hostile { 4_000 } else { 40 }))).unwrap_or_default(),
        errors: code.map_or_else(Vec::new, |_| {
            let error = told(&"e".repeat(900));
            vec![error; if hostile { 12 } else { 1 }]
        }),
        circumstances: Circumstances::default(),
        target: format!("https://sp.example/{}", if hostile { "x".repeat(1_500) } else { String::new() }),
        resolved: vec![Written("192.0.2.7".parse().unwrap())],
        remote: Some(Written("192.0.2.7:443".parse().unwrap())),
        agent: Some(if hostile { format!("=1+1;{SCRIPT}") } else { "boost-2.4.8".into() }),
        protocols: vec!["http/1.1".into(), told("h2")],
        answer: code.map(|_| Answer {
            status: 404,
            headers: vec![
                ("content-type".into(), told("text/html")),
                ("server".into(), "\"><img src=x>".into()),
            ],
            body: Bytes(told("not \u{7}here").into_bytes()),
        }),
        received: 1_048_576,
        root: None,
        piece: None,
        deal: None,
        canaries: vec![],
    }
}

/// Fill the database of the demo, and write the settings that it is served with.
pub(crate) async fn probed(folder: &Path, database: &Path) -> Probed {
    let network: NetworkId = "devnet-a".parse().unwrap();
    let start = Timestamp((now().0 / INTERVAL - i64::try_from(RUNNING).unwrap()) * INTERVAL);
    let at = |slot: u64| Timestamp(start.0 + i64::try_from(slot).unwrap() * INTERVAL + 61_000_000);
    let store = SqliteStore::open(database).await.unwrap();
    let mut work = store.begin().await.unwrap();
    let (mut secrets, mut head) = (Vec::new(), None);
    for miner in ["t01000", "t01001", "t01002"] {
        // The next slot is due at a moment that no page may tell, and somebody has it.
        let due = Timestamp(now().0 + 7_777_000_000);
        let ends = Timestamp(due.0 + INTERVAL);
        let lane = Lane {
            key: key(miner),
            slot: RUNNING + 13,
            due,
            ends,
            region: "eu".into(),
            anywhere: Timestamp(due.0 + 17_000_000),
            attempt: 1,
            avoid: Default::default(),
            fence: 9,
            lease: Some(LaneLease {
                bot: "ada".into(),
                since: Timestamp(due.0 + 1_000_000),
                expires: ends,
                beat: 1,
                stage: "http".into(),
            }),
            checkpoint: Vec::new(),
        };
        for moment in [due, lane.anywhere, Timestamp(due.0 + 1_000_000)] {
            let text = moment.to_string();
            secrets.extend([text[11..19].to_owned(), moment.0.to_string()]);
        }
        work.put_lane(&lane).await.unwrap();
        for slot in 0..=RUNNING {
            let fails = match miner {
                "t01000" => slot % 9 == 4,
                "t01001" => true,
                _ => slot < 3,
            };
            let outcome = match slot {
                _ if slot % 13 == 7 => SlotOutcome::Excluded,
                _ if fails => SlotOutcome::Fail,
                _ => SlotOutcome::Ok,
            };
            let code = match (outcome, miner) {
                (SlotOutcome::Ok, _) => None,
                (SlotOutcome::Excluded, _) => Some(Code::MissedNoWorker),
                (SlotOutcome::Fail, "t01001") => Some(Code::Http404),
                (SlotOutcome::Fail, _) => Some(Code::TcpRefused),
            };
            let attempts = if outcome == SlotOutcome::Excluded {
                0
            } else {
                1 + u32::from(code == Some(Code::TcpRefused))
            };
            let mut ended = at(slot);
            for attempt in 1..=attempts {
                let bot = if attempt == 1 { "ada" } else { "bob" };
                let begun = Timestamp(at(slot).0 + i64::from(attempt) * 30_000_000);
                let record = record(miner, slot, attempt, bot, begun, code);
                ended = record.ended;
                let bytes = record.encode();
                let evidence =
                    Evidence { cid: record.cid().to_string(), record: bytes, signature: vec![7; 64] };
                let row = ProbeAttempt {
                    key: key(miner),
                    slot,
                    attempt,
                    fence: record.fence,
                    bot: bot.into(),
                    region: "eu".into(),
                    leased: begun,
                    ended: record.ended,
                    code: code.map_or("", Code::as_str).into(),
                    evidence: (slot % 5 != 3).then_some(evidence),
                    late: None,
                    entry: 0,
                };
                work.put_attempt_made(&row).await.unwrap();
            }
            let due = at(slot);
            let row = ProbeSlot { key: key(miner), slot, due, ended, attempts, look: ended, verdict: None };
            work.put_slot(&row).await.unwrap();
            // The slot of the interval that runs may be judged already: it is a secret all the same.
            let judged = slot != RUNNING - 2;
            if judged {
                let verdict = SlotVerdict {
                    outcome,
                    code: code.map_or("", Code::as_str).into(),
                    at: ended,
                    epoch: Epoch::new(if slot < 20 { EARLIER } else { LATER }).unwrap(),
                };
                work.judge_slot(&key(miner), slot, &verdict).await.unwrap();
            }
        }
    }
    let text = at(RUNNING).to_string();
    secrets.push(text[11..19].to_owned());
    for minute in 0..(10 * i64::try_from(RUNNING).unwrap()) {
        for bot in ["ada", "bob"] {
            let bad = bot == "bob" && (100..140).contains(&minute);
            let canary = Canary {
                bot: bot.into(),
                at: Timestamp(start.0 + minute * 60_000_000),
                code: if bad { "TCP_TIMEOUT".into() } else { String::new() },
                entry: 0,
            };
            work.put_canary(&network, RACE, &canary, b"").await.unwrap();
        }
    }
    // The log of all that is elsewhere: here it is enough that there is one, and that some of it may not be told yet.
    for (closed, height) in [(start, 200), (now(), 321)] {
        let number = work.next_log_entry(&network, RACE).await.unwrap();
        let rest = Rested {
            miner: "t01002".into(),
            from: start,
            to: Timestamp(start.0 + 1),
            why: "pause".into(),
            said: start,
            statement: format!("{number}"),
            signature: String::new(),
        };
        let entry = Entry { number, at: closed, fact: Fact::Rest(rest) };
        work.put_log_entry(&network, RACE, number, &entry.encode()).await.unwrap();
        let epoch = Epoch::new(height).unwrap();
        let batch = Batch::new(head.as_ref(), vec![entry.cid()], epoch, closed).unwrap();
        let row = ProbeBatch {
            seq: batch.seq,
            hash: batch.hash(),
            epoch,
            at: closed,
            last: batch.last(),
            document: batch.encode(),
            signature: vec![7; 64],
        };
        work.put_batch(&network, RACE, &row).await.unwrap();
        head = Some(batch.head());
    }
    for (miner, agent) in [("t01000", "boost-2.4.8"), ("t01001", &*format!("=1+1;{SCRIPT}")), ("t01002", "")]
    {
        let agent = ProbeAgent {
            miner: miner.into(),
            kind: ProbeKind::Retrieval,
            agent: agent.into(),
            protocols: vec!["http/1.1".into(), format!("h2{AROUND}")],
            seen: start,
        };
        work.put_agent(&network, RACE, &agent).await.unwrap();
    }
    let rest = ProbeRest {
        miner: "t01002".into(),
        from: Timestamp(start.0 - 7_200_000_000),
        to: Timestamp(start.0 - 6_000_000_000),
        why: MAINTENANCE.into(),
        said: Timestamp(start.0 - 9_000_000_000),
        statement: format!("by {SCRIPT}"),
        signature: "01".into(),
        entry: 0,
    };
    work.put_rest(&network, RACE, &rest).await.unwrap();
    work.commit().await.unwrap();
    // Some counted long ago.
    let mut behind = SqliteConnection::connect(&format!("sqlite:{}", database.display())).await.unwrap();
    for table in ["probe_slots", "probe_counts"] {
        let statement = format!("UPDATE {table} SET epoch = 200 WHERE epoch = {EARLIER}");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut behind).await.unwrap();
    }
    drop(behind);

    let keys: Vec<String> =
        ["ada", "bob"].iter().map(|name| said(folder, &["dealbot", "new", &format!("{name}.key")])).collect();
    let commitment = said(folder, &["dealbot", "seed", "sprint.seed"]);
    said(folder, &["dealbot", "log-key", "sprint.log-key"]);
    let settings = format!(
        r#"
        store = "sqlite:{}"
        log.filter = "warn"
        [bots.ada]
        key = "{}"
        region = "eu"
        [bots.bob]
        key = "{}"
        region = "eu"
        [probes.{RACE}]
        network = "devnet-a"
        seed = "sprint.seed"
        log_key = "sprint.log-key"
        start = "{start}"
        retrieval_seconds = 600
        retrieval_slots = 2000
        [probes.{RACE}.gateways]
        t01000 = "https://sp.example"
        t01001 = "https://sp.example"
        t01002 = "https://sp.example"
        [[probes.{RACE}.data]]
        root = "bafkqaaa"
        size = 100
        "#,
        database.display(),
        keys[0],
        keys[1],
    );
    std::fs::write(folder.join("apogee.toml"), settings).unwrap();
    Probed { settings: folder.join("apogee.toml"), secrets, commitment }
}
