//! A process that writes to SQLite is killed at any moment: nothing is lost, nothing is double.

#![cfg(test)]

#[path = "../../../store-sql/kill/mod.rs"]
mod kill;

use std::path::Path;

use apogee_store::Result;
use apogee_store_sqlite::SqliteStore;
use tempfile::TempDir;

type Adapter = SqliteStore;
type Db = sqlx::Sqlite;

/// Network, series, subject, epoch, 39 digits.
const UPSERT_STEP: &str = "
    INSERT INTO steps (network_id, series_id, subject_id, epoch, value)
    SELECT n.network_id, r.series_id, u.subject_id, $4, $5
    FROM networks n JOIN series r ON r.name = $2 JOIN subjects u ON u.network_id = n.network_id AND u.name = $3
    WHERE n.name = $1
    ON CONFLICT (network_id, series_id, subject_id, epoch) DO UPDATE SET value = excluded.value";

async fn open(address: &str) -> Result<Adapter> {
    SqliteStore::open(Path::new(address)).await
}

/// Wait for what a killed process has left behind: its locks went with it.
async fn settle(_address: &str) {}

fn address(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

#[tokio::test]
#[ignore = "the process that the other tests start and kill"]
async fn the_process_that_is_killed() {
    kill::write().await;
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_and_doubles_nothing() {
    let folder = TempDir::new().unwrap();
    let kills = kill::share(100, 6);
    kill::survive(&address(&folder, "killed.db"), &address(&folder, "straight.db"), kills, || ()).await;
}

#[tokio::test]
async fn a_cursor_that_is_committed_before_its_rows_is_caught() {
    kill::a_cursor_first_is_caught(&address(&TempDir::new().unwrap(), "wrong.db")).await;
}

#[tokio::test]
async fn rows_that_are_committed_before_their_cursor_are_caught() {
    kill::rows_first_are_caught(&address(&TempDir::new().unwrap(), "wrong.db")).await;
}
