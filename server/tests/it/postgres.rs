//! The service over PostgreSQL. Skipped, and said so, where PostgreSQL is not installed.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use apogee_store::{LedgerHead, Page, Store};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;
use apogee_testkit::{example, postgres};
use serde_json::Value;

use crate::served::{Served, database};

fn apogee(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(folder).args(arguments).output().unwrap()
}

/// `apogee serve` that indexes the recording by itself, until it is as far as `until`: certificates come after the epochs that they make final.
fn serving(folder: &Path, store: &str, until: Option<&Value>) -> Served {
    let settings = folder.join("apogee.toml");
    let recording = example("devnet-a");
    let text = format!("store = \"{store}\"\n[networks.devnet-a]\nrecording = \"{}\"\n", recording.display());
    std::fs::write(&settings, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.arg("serve").arg("--config").arg(&settings).env("APOGEE_LOG__FILTER", "warn");
    let served = Served::start(&mut command);
    let begun = Instant::now();
    loop {
        let board = served.get("/n/devnet-a/board.json");
        if board.status == 200 && until.is_none_or(|meta| board.json()["meta"] == *meta) {
            return served;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{board:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Let a database have the competitions of another one.
fn copy_competitions(url: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let from = SqliteStore::open(database()).await.unwrap();
        let to = PostgresStore::connect(url).await.unwrap();
        let mut work = to.begin().await.unwrap();
        for LedgerHead { competition, .. } in from.competitions().await.unwrap() {
            let mut head = None;
            for entry in from.entries(&competition, Page { after: None, limit: 10_000 }).await.unwrap() {
                work.append(&competition, head, &entry).await.unwrap();
                head = Some((entry.seq, entry.hash));
            }
            if let Some(archive) = from.archive(&competition).await.unwrap() {
                work.put_archive(&competition, &archive).await.unwrap();
            }
        }
        work.commit().await.unwrap();
    });
}

#[test]
fn pages_over_postgres_are_those_over_sqlite_byte_for_byte() {
    let Some(url) = postgres::database() else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sqlite = serving(here.path(), &format!("sqlite:{}", database().display()), None);
    let meta = sqlite.get("/n/devnet-a/board.json").json()["meta"].clone();
    assert_eq!(meta["head"], 313);
    copy_competitions(&url);
    let postgres = serving(there.path(), &url, Some(&meta));
    let mut compared = 0;
    for page in [
        "/",
        "/zh",
        "/index.json",
        "/n/devnet-a/board",
        "/zh/n/devnet-a/board",
        "/n/devnet-a/board.csv",
        "/n/devnet-a/board.json?at=e:100",
        "/n/devnet-a/board/power.raw?at=e:250",
        "/n/devnet-a/board/sectors.faulty?sort=participant&limit=2",
        "/n/devnet-a/board/reward.gas.json",
        "/n/devnet-a/board?q=1001",
        "/n/devnet-a/m/t01000",
        "/n/devnet-a/m/t01001.json?at=e:200",
        "/n/devnet-a/m/t01002.csv",
        "/n/devnet-a/epochs",
        "/n/devnet-a/epochs.json?before=e:120",
        "/n/devnet-a/e/0",
        "/n/devnet-a/e/29",
        "/n/devnet-a/e/60",
        "/n/devnet-a/e/100.json",
        "/n/devnet-a/e/100.csv",
        "/n/devnet-a/e/313",
        "/c/devnet-sprint",
        "/zh/c/devnet-sprint/board",
        "/c/devnet-sprint/e/t01000.json",
        "/c/devnet-sprint/package",
        "/c/sr1-history",
        "/c/sr1-history/board.csv",
        "/c/sr1-history/payout.json",
        "/zh/c/sr1-history/timeline",
        "/n/devnet-a/m/t09.json",
        "/n/devnet-a/e/99999.json",
    ] {
        let (one, other) = (sqlite.get(page), postgres.get(page));
        assert_eq!(one.status, other.status, "{page}");
        assert!(one.body == other.body, "{page}:\n{}\n{}", one.text(), other.text());
        assert_eq!(one.header("etag"), other.header("etag"), "{page}");
        compared += usize::from(one.status == 200);
    }
    assert_eq!(compared, 30);
}

#[test]
fn a_database_in_postgres_is_backed_up_whole_by_its_own_program() {
    let (Some(url), Some(new)) = (postgres::database(), postgres::database()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recording = example("devnet-a").display().to_string();
    let said = |output: Output| {
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    said(apogee(folder, &["index", "--car", &recording, "--store", &url]));
    let backup = ["db", "backup", "--store", &url, "copy.dump"];
    assert!(said(apogee(folder, &backup)).contains("pg_restore"));
    let restored = Command::new("pg_restore")
        .current_dir(folder)
        .args(["--no-owner", "--exit-on-error", "--dbname", &new, "copy.dump"])
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let told =
        |url: &str| said(apogee(folder, &["db", "check", "--store", url])).lines().nth(1).map(str::to_owned);
    assert_eq!(told(&new), told(&url));
    assert!(told(&new).unwrap().starts_with("devnet-a: epoch 313, digest "));

    let again = apogee(folder, &backup);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("copy.dump exists already"));
    let without = Command::new(env!("CARGO_BIN_EXE_apogee"))
        .current_dir(folder)
        .args(["db", "backup", "--store", &url, "other.dump"])
        .env("PATH", "")
        .output()
        .unwrap();
    let message = String::from_utf8(without.stderr).unwrap();
    assert_eq!((without.status.code(), message.lines().count()), (Some(3), 1), "{message}");
    assert!(message.starts_with("apogee: pg_dump, which copies this database, cannot be run"), "{message}");
    let nobody = apogee(folder, &["db", "backup", "--store", &format!("{new}-not-there"), "none.dump"]);
    let message = String::from_utf8(nobody.stderr).unwrap();
    assert_eq!((nobody.status.code(), message.lines().count()), (Some(3), 1), "{message}");
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["copy.dump"]);
}
