//! Two nodes, each at the end of the split (layer 60), while it heals (64), and at the end (95).

use std::path::{Path, PathBuf};

use apogee_recount::{Config, Interrupt, Recount, RecountError, Report, Settings};
use apogee_spacemesh::id::{GenesisId, LayerId};
use apogee_spacemesh_state::{Limits, State};
use serde_json::Value;

pub(crate) struct Recording {
    folder: PathBuf,
    pub(crate) genesis: GenesisId,
}

/// `None` where it is absent, which is said.
pub(crate) fn recording() -> Option<Recording> {
    let folder = apogee_testkit::data("spacemesh/devnet208")?;
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let genesis = expected["genesis_id"].as_str().unwrap().parse().unwrap();
    Some(Recording { folder, genesis })
}

impl Recording {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("sql")
    }

    pub(crate) fn open(&self, name: &str) -> State {
        State::open(&self.path(name), &self.genesis, Limits::default()).unwrap()
    }

    /// A copy of a file, changed by `statements`.
    pub(crate) fn changed(&self, name: &str, folder: &Path, statements: &str) -> PathBuf {
        let copy = folder.join("copy.sql");
        std::fs::write(&copy, std::fs::read(self.path(name)).unwrap()).unwrap();
        rusqlite::Connection::open(&copy).unwrap().execute_batch(statements).unwrap();
        copy
    }

    /// Recount a file that was changed.
    pub(crate) fn after(&self, name: &str, statements: &str) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let copy = self.changed(name, folder.path(), statements);
        let state = State::open(&copy, &self.genesis, Limits::default()).unwrap();
        recount(&state, settings()).unwrap()
    }
}

/// The recorded network's.
pub(crate) fn settings() -> Settings {
    let config = Config {
        hdist: 5,
        zdist: 2,
        window: 200,
        exceptions: 5_000,
        delay: 16,
        layer_size: 5,
        epoch: 16,
        genesis: apogee_tortoise::Layer(31),
    };
    Settings {
        config,
        first_genesis: LayerId(31),
        from: None,
        check: false,
        limits: apogee_recount::Limits::default(),
    }
}

/// With a window of an epoch, from the beginning.
pub(crate) fn in_stages() -> Settings {
    let mut settings = Settings { from: Some(LayerId(0)), ..settings() };
    settings.config.window = 16;
    settings
}

pub(crate) fn never() -> Interrupt {
    Interrupt::new(|| false)
}

pub(crate) fn begin(state: &State, settings: Settings) -> Result<Recount<'_>, RecountError> {
    Recount::begin(state, settings, never(), &mut |_| ())
}

pub(crate) fn recount(state: &State, settings: Settings) -> Result<Report, RecountError> {
    let mut recount = begin(state, settings)?;
    while recount.step(&mut |_| ())? {}
    Ok(recount.report()?.unwrap())
}
