use std::ops::RangeInclusive;
use std::path::Path;

use apogee_spacemesh::id::{GenesisId, LayerId};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, Params};

use crate::cells::Cells;
use crate::error::{OpenError, ReadError};
use crate::{file, schema};

/// Layers, both ends among them.
pub type Layers = RangeInclusive<LayerId>;

/// What reading may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows that one call gives.
    pub rows: usize,
    /// Bytes of blobs and texts in the rows of one query.
    pub bytes: usize,
    /// Bytes of one blob or text.
    pub cell_bytes: u32,
    /// Steps of SQLite's machine in thousands, for all that is ever read through one [`State`]: tens of thousands
    /// pass in a second.
    pub kilosteps: u64,
}

impl Default for Limits {
    /// Of a network with a million identities, an epoch at a time; some minutes.
    fn default() -> Self {
        Self { rows: 2_000_000, bytes: 256 << 20, cell_bytes: 16 << 20, kilosteps: 4_000_000 }
    }
}

/// Whether a file was seen to be of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenesisCheck {
    /// A ballot in it is signed for the network.
    Passed,
    /// There are no ballots in it.
    NotMade,
}

/// A copy of a node's `state.sql`.
#[derive(Debug)]
pub struct State {
    connection: Connection,
    limits: Limits,
    genesis: GenesisId,
    checked: GenesisCheck,
    version: u32,
}

/// How many ballots are tried before a file is said to be of another network. One that is signed is enough.
const BALLOTS: usize = 16;
/// Steps between two looks at the count.
const STEPS: i32 = 1_000;

impl State {
    /// Open the copy at `path`, of the network of `genesis`.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing is written in any case.
    pub fn open(path: &Path, genesis: &GenesisId, limits: Limits) -> Result<Self, OpenError> {
        let (path, version) = file::check(path)?;
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file::uri(&path), flags)?;
        let cell_bytes = i32::try_from(limits.cell_bytes).unwrap_or(i32::MAX);
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, cell_bytes)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        let mut left = limits.kilosteps;
        let count = move || {
            left = left.saturating_sub(1);
            left == 0
        };
        connection.progress_handler(STEPS, Some(count))?;
        schema::check(&connection)?;

        let mut state =
            Self { connection, limits, genesis: *genesis, checked: GenesisCheck::NotMade, version };
        let ballots = state.first_ballots(BALLOTS)?;
        if ballots.iter().any(|ballot| ballot.verify(genesis).is_ok()) {
            state.checked = GenesisCheck::Passed;
        } else if !ballots.is_empty() {
            return Err(OpenError::Genesis { genesis: *genesis, ballots: ballots.len() });
        }
        Ok(state)
    }

    /// Whether the file was seen to be of its network.
    #[must_use]
    pub const fn genesis_check(&self) -> GenesisCheck {
        self.checked
    }

    /// The network that the file was opened as one of.
    #[must_use]
    pub const fn genesis(&self) -> &GenesisId {
        &self.genesis
    }

    /// The version of its schema, one of [`VERSIONS`](crate::VERSIONS).
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Look at every page of the file: whether tables and indexes are whole and say the same. Gives the first thing that
    /// is wrong, in SQLite's words.
    ///
    /// Reading finds most damage by itself, but not rows that an index does not name. This takes as long as reading the
    /// whole file several times.
    ///
    /// # Errors
    /// When the steps that reading may take are used up, or the file cannot be read at all.
    pub fn damage(&self) -> Result<Option<String>, ReadError> {
        let table = "sqlite_schema";
        let found = self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
        let found = found.map_err(|source| self.failed(table, source))?;
        // An interruption is told as if it were damage.
        if found.contains("interrupted") {
            return Err(ReadError::Steps { table });
        }
        Ok((found != "ok").then_some(found))
    }

    fn failed(&self, table: &'static str, source: rusqlite::Error) -> ReadError {
        match source.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => ReadError::Steps { table },
            Some(ErrorCode::TooBig) => ReadError::Size { table, most: self.limits.cell_bytes as usize },
            _ => ReadError::Sqlite { table, source },
        }
    }

    /// That a call may give so many rows.
    pub(crate) const fn room(&self, table: &'static str, rows: usize) -> Result<(), ReadError> {
        let most = self.limits.rows;
        if rows > most { Err(ReadError::Rows { table, most }) } else { Ok(()) }
    }

    /// The rows of `table` that `rest` of the query picks, each as `read` gives it.
    pub(crate) fn rows<T>(
        &self,
        table: &'static str,
        columns: &'static [&'static str],
        rest: &str,
        parameters: impl Params,
        read: impl Fn(&Cells<'_>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let (mut rows, mut bytes) = (Vec::new(), 0_usize);
        self.visit(table, columns, rest, parameters, |cells| {
            bytes = bytes.saturating_add(cells.size()?);
            self.room(table, rows.len() + 1)?;
            if bytes > self.limits.bytes {
                return Err(ReadError::Size { table, most: self.limits.bytes });
            }
            rows.push(read(cells)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Show each of these rows. None is kept, so that only the steps of SQLite's machine are counted.
    pub(crate) fn visit(
        &self,
        table: &'static str,
        columns: &'static [&'static str],
        rest: &str,
        parameters: impl Params,
        mut see: impl FnMut(&Cells<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let failed = |source| self.failed(table, source);
        let query = format!("SELECT {} FROM {table} {rest}", columns.join(", "));
        let mut statement = self.connection.prepare(&query).map_err(failed)?;
        let mut found = statement.query(parameters).map_err(failed)?;
        while let Some(row) = found.next().map_err(failed)? {
            see(&Cells { row, table, columns })?;
        }
        Ok(())
    }
}
