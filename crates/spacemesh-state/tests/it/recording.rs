//! Two nodes, each at the end of the split (layer 60), while it heals (64), and at the end (95).

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use apogee_spacemesh::id::{Epochs, GenesisId, LayerId};
use apogee_spacemesh_state::{GenesisCheck, Layers, Limits, State};
use rusqlite::Connection;
use serde_json::Value;

pub(crate) const FILES: [&str; 6] =
    ["state_a", "state_a_at_60", "state_a_at_64", "state_b", "state_b_at_60", "state_b_at_64"];

pub(crate) struct Recording {
    folder: PathBuf,
    pub(crate) expected: Value,
    pub(crate) genesis: GenesisId,
    pub(crate) first: LayerId,
    pub(crate) epochs: Epochs,
}

/// `None` where it is absent, which is said.
pub(crate) fn recording() -> Option<Recording> {
    let folder = apogee_testkit::data("spacemesh/devnet208")?;
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let number = |name: &str| u32::try_from(expected[name].as_u64().unwrap()).unwrap();
    let epochs = Epochs { layers: NonZeroU32::new(number("layers_per_epoch")).unwrap() };
    let first = LayerId(number("effective_genesis"));
    assert_eq!(epochs.first_effective_genesis(), first);
    let genesis = expected["genesis_id"].as_str().unwrap().parse().unwrap();
    Some(Recording { folder, genesis, first, epochs, expected })
}

impl Recording {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("sql")
    }

    pub(crate) fn open(&self, name: &str) -> State {
        let state = State::open(&self.path(name), &self.genesis, Limits::default()).unwrap();
        assert_eq!(state.genesis_check(), GenesisCheck::Passed, "{name}");
        state
    }

    /// A copy of a file, changed by `statements`.
    pub(crate) fn changed(&self, name: &str, folder: &Path, statements: &str) -> PathBuf {
        let copy = folder.join("copy.sql");
        std::fs::write(&copy, std::fs::read(self.path(name)).unwrap()).unwrap();
        let connection = Connection::open(&copy).unwrap();
        connection.execute_batch(statements).unwrap();
        copy
    }
}

pub(crate) fn all() -> Layers {
    LayerId(0)..=LayerId(u32::MAX)
}

/// Column `column` of every row of `table`, past our own reading.
pub(crate) fn raw(path: &Path, table: &str, column: &str) -> Vec<Vec<u8>> {
    let connection = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let query = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
    let mut statement = connection.prepare(&query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
