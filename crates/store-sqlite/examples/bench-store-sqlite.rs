//! Prints how long writing a chain and reading boards take on SQLite. Exits with 1 when a limit does not hold.

#[path = "../../store-sql/bench.rs"]
mod bench;

use std::process::ExitCode;

use apogee_store_sqlite::SqliteStore;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("bench.db")).await?;
    let good = bench::run("SQLite", &store).await?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
