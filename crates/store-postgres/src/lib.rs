#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[path = "../../store-sql/archives.rs"]
mod archives;
#[path = "../../store-sql/audit.rs"]
mod audit;
#[path = "../../store-sql/deals.rs"]
mod deals;
mod dialect;
#[path = "../../store-sql/grants.rs"]
mod grants;
#[path = "../../store-sql/ledger.rs"]
mod ledger;
#[path = "../../store-sql/money.rs"]
mod money;
#[path = "../../store-sql/people.rs"]
mod people;
#[path = "../../store-sql/probes/mod.rs"]
mod probes;
#[path = "../../store-sql/recounts.rs"]
mod recounts;
#[path = "../../store-sql/repositories.rs"]
mod repositories;
#[path = "../../store-sql/signins.rs"]
mod signins;
#[cfg(test)]
mod testing;
#[cfg(test)]
#[path = "../../store-sql/tests/mod.rs"]
mod tests;

use std::str::FromStr;
use std::time::Duration;

use apogee_store::Result;
use sqlx::ConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;

pub(crate) type Db = sqlx::Postgres;
pub(crate) type Connection = sqlx::PgConnection;
pub(crate) use PostgresStore as Adapter;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/postgres");

/// How long a caller waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections of one process: a page needs one for milliseconds.
const CONNECTIONS: u32 = 10;

/// A database on a server.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pub(crate) reads: sqlx::Pool<Db>,
    pub(crate) writes: sqlx::Pool<Db>,
}

impl PostgresStore {
    /// Connect to `url`, as in `postgres://user@host/database`, and bring the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](apogee_store::StoreError::Unavailable) where the address is none or the server does not let us in,
    /// [`StoreError::Schema`](apogee_store::StoreError::Schema) where a newer program has migrated the database.
    pub async fn connect(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url).map_err(dialect::error)?.disable_statement_logging();
        let pool = PoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(dialect::error)?;
        repositories::migrate(&pool).await?;
        Ok(Self { reads: pool.clone(), writes: pool })
    }
}
