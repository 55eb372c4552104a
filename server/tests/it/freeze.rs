//! While standings are frozen, nothing newer than the freeze is told anywhere.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

use apogee_competition::operator::{Approval, sign};
use apogee_competition::{Act, Competition, Entry, Pin, Signed, Words};
use apogee_domain::{Digest, Epoch};
use apogee_rules::Id;
use apogee_store::{LedgerEntry, Page, Store};
use apogee_store_sqlite::SqliteStore;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::served::{Served, copy};

const FROZEN: i64 = 250;
const HEAD: i64 = 313;
/// The epoch before which the competition ends.
const END: i64 = 311;
/// Pages that are looked at.
const PAGES: usize = 700;
/// What is announced after the freeze.
const SECRET: &str = "Afterwards-7c1d";

fn serve(file: &Path) -> Served {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.args(["serve"]).env("APOGEE_STORE", format!("sqlite:{}", file.display()));
    Served::start(command.env("APOGEE_LOG__FILTER", "warn"))
}

/// Let acts follow in a ledger of the demo, whose operators' keys anybody knows.
fn act(file: &Path, acts: Vec<Act>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(file).await.unwrap();
        let id: Id = "devnet-sprint".parse().unwrap();
        let mut competition = Competition::new(id.clone());
        for entry in store.entries(id.as_str(), Page { after: None, limit: 10_000 }).await.unwrap() {
            competition.append(&Signed::read(entry.document.as_bytes()).unwrap()).unwrap();
        }
        let mut work = store.begin().await.unwrap();
        for act in acts {
            let (moment, previous) = competition.head().unwrap();
            let operators: Vec<Id> = competition.operators().keys().cloned().collect();
            let entry = Entry {
                competition: id.clone(),
                seq: moment.seq + 1,
                time: moment.time,
                epoch: Epoch::new(HEAD).unwrap(),
                actor: operators[0].clone(),
                approvers: operators.clone(),
                act,
                reason: Some("To see what shows.".into()),
                private: None,
                evidence: Vec::new(),
                preview: None,
                previous: Some(previous),
            };
            let hash = entry.hash().unwrap();
            let approve = |operator: Id| {
                let secret = Sha256::new()
                    .chain_update("apogee demo key, known to everybody: ")
                    .chain_update(operator.as_str())
                    .finalize()
                    .into();
                Approval { signature: sign(&secret, &hash), operator }
            };
            let signed = entry.signed(operators.into_iter().map(approve).collect()).unwrap();
            competition.append(&signed).unwrap();
            let row = LedgerEntry { seq: signed.entry.seq, hash, document: signed.text().unwrap() };
            work.append(id.as_str(), Some((moment.seq, previous)), &row).await.unwrap();
        }
        work.commit().await.unwrap();
    });
}

/// What only later epochs have: their digests, blocks and times.
fn later(served: &Served) -> Vec<String> {
    let mut marks = vec![SECRET.to_owned()];
    for height in FROZEN + 1..=HEAD {
        let epoch = served.get(&format!("/n/devnet-a/e/{height}.json")).json();
        marks.push(epoch["meta"]["digest"].as_str().unwrap().to_owned());
        // When it ends has been known all along.
        if height != END {
            marks.push(epoch["meta"]["time"].as_str().unwrap().to_owned());
        }
        let tipset = epoch["meta"]["tipset"].as_str().unwrap();
        marks.extend(tipset.split(',').filter(|cid| !cid.is_empty()).map(str::to_owned));
    }
    assert!(marks.len() > 100);
    marks
}

/// Every number under one of these names, however deep.
fn numbers(value: &Value, names: &[&str], found: &mut Vec<i64>) {
    match value {
        // Another network has epochs of its own.
        Value::Object(fields) if fields.get("network").is_some_and(|network| network != "devnet-a") => {}
        Value::Object(fields) if fields.get("meta").is_some_and(|meta| meta["network"] == "sr1-history") => {}
        Value::Object(fields) => {
            for (name, field) in fields {
                if names.contains(&name.as_str()) {
                    found.extend(field.as_i64());
                }
                numbers(field, names, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| numbers(item, names, found)),
        _ => {}
    }
}

fn links(page: &str) -> Vec<String> {
    let hrefs = page.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = hrefs.filter(|href| href.starts_with('/')).map(|href| href.replace("&#38;", "&"));
    own.map(|href| href.split('#').next().unwrap().to_owned()).collect()
}

#[test]
fn nothing_newer_than_a_freeze_is_told_on_any_page_until_it_is_thawed() {
    let folder = tempfile::tempdir().unwrap();
    let file = copy(folder.path());
    let (marks, pin) = {
        let served = serve(&file);
        let held = served.get(&format!("/c/devnet-sprint.json?at=e:{FROZEN}")).json();
        let digest = |value: &Value| value.as_str().unwrap().parse::<Digest>().unwrap();
        let meta = &held["meta"];
        let pin = Pin {
            at: Epoch::new(FROZEN).unwrap(),
            root: digest(&meta["snapshot"]),
            rules: digest(&meta["rules"]["hash"]),
            seq: meta["seq"].as_u64().unwrap(),
        };
        (later(&served), pin)
    };
    let said = || Words { en: SECRET.into(), zh: SECRET.into() };
    act(&file, vec![Act::Freeze { pin: pin.clone() }, Act::Announce { title: said(), text: said() }]);
    let served = serve(&file);

    let frozen = served.get("/c/devnet-sprint.json").json();
    assert_eq!(frozen["meta"]["frozen"], true, "{frozen}");
    assert_eq!(frozen["meta"]["epoch"], FROZEN);
    assert_eq!(frozen["meta"]["snapshot"], pin.root.to_string());
    let refused = served.get(&format!("/c/devnet-sprint.json?at=e:{}", FROZEN + 1));
    assert_eq!((refused.status, &refused.json()["type"]), (403, &"/problems/frozen".into()));
    for beyond in [
        format!("/c/devnet-sprint.json?seq={}", pin.seq + 2),
        format!("/c/devnet-sprint/decisions/{}", pin.seq + 2),
        format!("/n/devnet-a/e/{}", FROZEN + 1),
        format!("/n/devnet-a/board.json?at=e:{}", FROZEN + 1),
        format!("/n/devnet-a/m/t01000?at=e:{HEAD}"),
        format!("/find?n=devnet-a&q={HEAD}"),
    ] {
        let answer = served.get(&beyond);
        let text = answer.text();
        assert!(answer.status >= 300, "{beyond}: {}", answer.status);
        assert!(!marks.iter().any(|mark| text.contains(mark)), "{beyond}: {text}");
    }

    let first =
        ["/", "/zh", "/index.json", "/status.json", "/metrics", "/openapi.json", "/n/devnet-a/epochs.csv"];
    let mut known: BTreeSet<String> = first.map(Into::into).into();
    let mut waiting: VecDeque<String> = known.iter().cloned().collect();
    let mut seen = 0;
    while let Some(address) = waiting.pop_front().filter(|_| seen < PAGES) {
        seen += 1;
        let answer = served.ask("GET", &address, &[("accept", "text/html")]);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let told = marks.iter().find(|mark| text.contains(*mark));
        assert_eq!(told, None, "{address} tells of what came after the freeze");
        if answer.header("content-type") == Some("application/json") {
            let mut epochs = Vec::new();
            numbers(&answer.json(), &["epoch", "head", "final_epoch"], &mut epochs);
            // The end is planned.
            let told = epochs.iter().find(|epoch| **epoch > FROZEN && **epoch != END);
            assert_eq!(told, None, "{address}: {epochs:?}");
        }
        for link in links(&text) {
            if known.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    }
    assert!(seen > 200, "{seen} pages");
    drop(served);

    act(&file, vec![Act::Thaw]);
    let thawed = serve(&file).get("/c/devnet-sprint.json").json();
    assert_eq!((&thawed["meta"]["frozen"], &thawed["meta"]["head"]), (&false.into(), &HEAD.into()));
}
