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

use std::path::Path;
use std::time::Duration;

use apogee_store::Result;
use sqlx::ConnectOptions;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

pub(crate) type Db = sqlx::Sqlite;
pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) use SqliteStore as Adapter;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// How long a connection waits for a lock, and a caller for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that only read.
const READERS: u32 = 8;

// Page cache, in KiB (SQLite counts them below zero). A batch of a backfill touches a page of every subject, and what does not fit is written
// more than once; a reader keeps the inner pages of the tree.
const WRITER_CACHE: &str = "-65536";
const READER_CACHE: &str = "-8192";

/// A database in one file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pub(crate) reads: sqlx::Pool<Db>,
    pub(crate) writes: sqlx::Pool<Db>,
}

impl SqliteStore {
    /// Open the file at `path`, create it where it is absent, and bring its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](apogee_store::StoreError::Unavailable) where the file cannot be opened or written,
    /// [`StoreError::Schema`](apogee_store::StoreError::Schema) where a newer program has migrated it.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            .disable_statement_logging();
        let writer = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", WRITER_CACHE);
        let writes = PoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_with(writer)
            .await
            .map_err(dialect::error)?;
        repositories::migrate(&writes).await?;
        let reads = PoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .connect_with(options.read_only(true).pragma("cache_size", READER_CACHE))
            .await
            .map_err(dialect::error)?;
        Ok(Self { reads, writes })
    }

    /// Copy the database into a new file at `to`, as it is at this moment; writers go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](apogee_store::StoreError::Unavailable) where the file exists or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        let copy = sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy());
        copy.execute(&self.reads).await.map_err(dialect::error)?;
        Ok(())
    }
}
