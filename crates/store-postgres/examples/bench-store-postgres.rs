//! Prints how long writing a chain and reading boards take on a throw-away PostgreSQL with the settings it comes with. Exits with 1 when a
//! limit does not hold.

#[path = "../../store-sql/bench.rs"]
mod bench;

use std::process::ExitCode;

use apogee_store_postgres::PostgresStore;
use apogee_testkit::postgres::Server;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let Some(server) = Server::start()? else { return Ok(ExitCode::FAILURE) };
    let store = PostgresStore::connect(&server.database()?).await?;
    let good = bench::run("PostgreSQL", &store).await?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
