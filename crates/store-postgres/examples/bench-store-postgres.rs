//! Prints how long writing a chain and reading boards take on a throw-away PostgreSQL. Exits with 1 when a limit does not hold.

#[path = "../../store-sql/bare.rs"]
mod bare;
#[path = "../../store-sql/bench.rs"]
mod bench;

use std::process::ExitCode;

use apogee_store_postgres::PostgresStore;
use apogee_testkit::postgres::Server;

type Db = sqlx::Postgres;

/// What autovacuum does by itself within minutes.
const TIDY: &str = "VACUUM ANALYZE";

/// The usual quarter of a small machine's memory; PostgreSQL comes with a size from another age.
const SETTINGS: &[&str] = &["shared_buffers=1GB"];

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let Some(server) = Server::start_with(SETTINGS)? else { return Ok(ExitCode::FAILURE) };
    let url = server.database()?;
    let store = PostgresStore::connect(&url).await?;
    let bare = bare::Pool::connect(&url).await?;
    let good = bench::run("PostgreSQL", &store, &bare).await?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
