//! The database that an address names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apogee_store::{Store, StoreError};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;

use crate::config::Secret;

/// Where a database lies.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Secret),
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDatabase {
    #[error("a database is written sqlite:FILE or postgres://USER@HOST/NAME")]
    Address,
    #[error("there is no database at {}", .0.display())]
    Absent(PathBuf),
    #[error("{place} cannot be used as the database")]
    Store {
        place: String,
        #[source]
        cause: StoreError,
    },
}

impl NoDatabase {
    /// Whether what was given is wrong, rather than the world.
    pub(crate) const fn is_input(&self) -> bool {
        matches!(self, Self::Address | Self::Absent(_))
    }
}

impl Place {
    pub(crate) fn of(address: &Secret) -> Result<Self, NoDatabase> {
        let text = address.reveal();
        if let Some(file) = text.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            return if file.is_empty() { Err(NoDatabase::Address) } else { Ok(Self::Sqlite(file.into())) };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(address.clone()));
        }
        Err(NoDatabase::Address)
    }

    /// Open it; a file that is not there is made.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, NoDatabase> {
        let failed = |cause| NoDatabase::Store { place: self.to_string(), cause };
        Ok(match self {
            Self::Sqlite(file) => Arc::new(SqliteStore::open(file).await.map_err(failed)?),
            Self::Postgres(url) => Arc::new(PostgresStore::connect(url.reveal()).await.map_err(failed)?),
        })
    }

    /// Open it to read; a file that is not there is not made.
    pub(crate) async fn existing(&self) -> Result<Arc<dyn Store>, NoDatabase> {
        self.file().map_or(Ok(()), present)?;
        self.open().await
    }

    /// The file of an SQLite database.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }
}

fn present(file: &Path) -> Result<(), NoDatabase> {
    if file.is_file() { Ok(()) } else { Err(NoDatabase::Absent(file.to_owned())) }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "{}", file.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}
