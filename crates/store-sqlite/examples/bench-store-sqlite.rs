//! Prints how long writing a chain and reading boards take on SQLite. Exits with 1 when a limit does not hold.

#[path = "../../store-sql/bare.rs"]
mod bare;
#[path = "../../store-sql/bench.rs"]
mod bench;

use std::process::ExitCode;

use apogee_store_sqlite::SqliteStore;

type Db = sqlx::Sqlite;

/// Move what is still in the write-ahead log into the file, as the next commit would.
const TIDY: &str = "PRAGMA wal_checkpoint";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    let store = SqliteStore::open(&path).await?;
    let bare = bare::Pool::connect(&path.display().to_string()).await?;
    let good = bench::run("SQLite", &store, &bare).await?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
