//! `apogee demo` as somebody meets it who has only just got it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use apogee_domain::{NetworkId, ProbeKind};
use apogee_store::{LaneKey, Page, ProbeAttempts, ProbeSlots, SlotOutcome};
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::example;
use serde_json::Value;

use crate::served::Served;

/// Slots of a miner, as its public page counts them: that went well, that failed, that count for nobody.
fn slots(served: &Served, miner: &str) -> [u64; 3] {
    let page = served.get(&format!("/c/simnet-retrieval/e/{miner}.json"));
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.json();
    let metrics = page["metrics"].as_array().unwrap();
    ["ok", "fail", "excluded"].map(|id| {
        let metric = metrics.iter().find(|metric| metric["metric"] == id).unwrap();
        metric["value"]["value"].as_str().map_or(0, |count| count.parse().unwrap())
    })
}

/// The database of the demo, in its temporary folder.
fn database(folder: &Path) -> PathBuf {
    let mut folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.find_map(|folder| Some(folder.join("demo.sqlite")).filter(|file| file.is_file())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_providers_as_they_are_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.args(["demo", "--recording", example("devnet-a").to_str().unwrap()]);
    let mut served = Served::start(command.env("TMPDIR", folder.path()));
    let begun = Instant::now();
    let found = loop {
        let found = ["t01000", "t01001", "t01002", "t01003", "t01004"].map(|miner| slots(&served, miner));
        let [honest, forgetful, liar, gone, roots] = found;
        if honest[0] > 1 && forgetful[0] + forgetful[1] > 1 && liar[1] > 1 && gone[1] > 0 && roots[1] > 0 {
            break found;
        }
        assert!(begun.elapsed() < Duration::from_secs(300), "{found:?}");
        std::thread::sleep(Duration::from_secs(1));
    };
    let [honest, _, liar, gone, roots] = found;
    assert_eq!([honest[1], liar[0], gone[0], roots[0]], [0; 4], "{found:?}");

    let board = served.get("/c/simnet-retrieval/board/retrieval.json").json();
    let rate = |miner: &str| {
        let rows = board["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["entity"] == miner);
        row.map(|row| row["value"]["value"].clone()).unwrap()
    };
    assert_eq!([rate("t01000"), rate("t01002")], ["1/1", "0/1"].map(Value::from), "{board}");

    // A connection that is refused may be the bot's fault: it counts where both met it.
    let store = SqliteStore::open(&database(folder.path())).await.unwrap();
    let network: NetworkId = "simnet".parse().unwrap();
    let (race, miner) = ("simnet-retrieval".to_owned(), "t01003".to_owned());
    let key = LaneKey { network, race, kind: ProbeKind::Retrieval, miner };
    let all = Page { after: None, limit: 10_000 };
    let slots = store.slots(&key, all).await.unwrap();
    let attempts = store.probe_attempts(&key, Page { after: None, limit: 10_000 }).await.unwrap();
    let mut failed = 0;
    for slot in slots {
        let Some(verdict) = slot.verdict.filter(|verdict| verdict.outcome == SlotOutcome::Fail) else {
            continue;
        };
        let of = attempts.iter().filter(|attempt| attempt.slot == slot.slot);
        let refused: BTreeSet<&str> =
            of.filter(|attempt| attempt.code == "TCP_REFUSED").map(|attempt| attempt.bot.as_str()).collect();
        assert_eq!(verdict.code, "TCP_REFUSED");
        assert_eq!(refused, BTreeSet::from(["asia-1", "eu-1"]));
        failed += 1;
    }
    assert!(failed > 0);
    drop(store);

    let asked = Command::new("kill").args(["-TERM", &served.process.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let asked = Instant::now();
    while served.process.try_wait().unwrap().is_none() {
        assert!(asked.elapsed() < Duration::from_secs(60), "the demo ends when it is asked to");
        std::thread::sleep(Duration::from_millis(50));
    }
    let left: Vec<PathBuf> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}
