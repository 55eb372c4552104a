//! Two nodes, each at the end of the split (layer 60), while it heals (64), and at the end (95).

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apogee_domain::{
    Change, Epoch, Finality, Network, NetworkKind, SeriesName, Subject, Timestamp, Value, series,
};
use apogee_spacemesh::eligibility::Committee;
use apogee_spacemesh::id::{Epochs, LayerId};
use apogee_spacemesh_index::source::Source;
use apogee_spacemesh_index::{Ballots, CopySource, IndexError, Indexer, Params};
use apogee_spacemesh_state::Limits;
use apogee_store::{Cursor, EpochRecord, Page, Store};
use apogee_store_sqlite::SqliteStore;
use tempfile::TempDir;

/// Seconds of a layer. The recording has no clock; its one malfeasance is known from layer 84 on.
const LAYER: u32 = 300;
const RECEIVED: i64 = 1_636_296_750;

pub(crate) struct Recording {
    pub(crate) folder: PathBuf,
    pub(crate) expected: serde_json::Value,
    pub(crate) network: Network,
    pub(crate) params: Params,
}

/// `None` where it is absent, which is said.
pub(crate) fn recording() -> Option<Recording> {
    let folder = apogee_testkit::data("spacemesh/devnet208")?;
    let expected: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let number = |name: &str| NonZeroU32::new(expected[name].as_u64().unwrap() as u32).unwrap();
    let epochs = Epochs { layers: number("layers_per_epoch") };
    let committee = Committee { size: number("committee"), least_weight: 0, epochs };
    let genesis = expected["genesis_id"].as_str().unwrap();
    let first = LayerId(number("effective_genesis").get());
    let params = Params { genesis: genesis.parse().unwrap(), committee, first };
    let network = Network {
        id: "devnet-208".parse().unwrap(),
        kind: NetworkKind::Spacemesh,
        genesis: genesis.to_owned(),
        genesis_time: Timestamp::from_seconds(RECEIVED - 84 * i64::from(LAYER)),
        epoch_seconds: LAYER,
        address_prefix: "stest".to_owned(),
        finality: Finality { depth: 10, certificates: false },
    };
    Some(Recording { folder, expected, network, params })
}

impl Recording {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("sql")
    }

    /// A copy whose ballots are not checked, which takes most of the time and changes nothing else: see `facts`.
    pub(crate) fn source(&self, name: &str) -> Arc<CopySource> {
        self.at(&self.path(name), Ballots::Taken)
    }

    pub(crate) fn at(&self, path: &Path, ballots: Ballots) -> Arc<CopySource> {
        Arc::new(CopySource::open(path, &self.params, Limits::default(), ballots).unwrap())
    }

    /// A copy of a file, changed by `statements`.
    pub(crate) fn changed(&self, name: &str, folder: &Path, statements: &str) -> PathBuf {
        let copy = folder.join("copy.sql");
        std::fs::write(&copy, std::fs::read(self.path(name)).unwrap()).unwrap();
        let connection = rusqlite::Connection::open(&copy).unwrap();
        connection.execute_batch(statements).unwrap();
        copy
    }

    pub(crate) fn indexer(&self, database: &Database, source: Arc<dyn Source>) -> Indexer {
        Indexer::new(database.store.clone(), source, self.network.clone(), self.params).unwrap()
    }

    pub(crate) async fn index(
        &self,
        database: &Database,
        source: Arc<dyn Source>,
    ) -> Result<Cursor, IndexError> {
        self.indexer(database, source).reach_head().await
    }

    /// A new database with one copy in it.
    pub(crate) async fn fresh(&self, name: &str) -> Database {
        let database = Database::new().await;
        self.index(&database, self.source(name)).await.unwrap();
        database
    }
}

pub(crate) struct Database {
    pub(crate) store: Arc<SqliteStore>,
    _folder: TempDir,
}

/// All that a database holds of a network.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) epochs: Vec<EpochRecord>,
    pub(crate) steps: Vec<Change>,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("apogee.db")).await.unwrap());
        Self { store, _folder: folder }
    }

    pub(crate) async fn everything(&self, network: &Network) -> Everything {
        let id = &network.id;
        let mut steps = Vec::new();
        for spec in series::ALL {
            let name = SeriesName::of(spec.name);
            let rows =
                self.store.history(id, &name, Epoch::GENESIS, Page { after: None, limit: 10_000 }).await;
            let row = |(subject, step): (Subject, apogee_domain::Step)| Change {
                series: name.clone(),
                subject,
                epoch: step.epoch,
                value: step.value,
            };
            steps.extend(rows.unwrap().into_iter().map(row));
        }
        Everything {
            cursor: self.store.cursor(id).await.unwrap(),
            epochs: self.store.epochs(id, Page { after: None, limit: 10_000 }).await.unwrap(),
            steps,
        }
    }

    /// A series at a layer, by subject.
    pub(crate) async fn board(
        &self,
        network: &Network,
        series: &SeriesName,
        at: i64,
    ) -> BTreeMap<String, Option<u128>> {
        let rows = self.store.board(&network.id, series, epoch(at)).await.unwrap();
        let value = |value: Option<Value>| value.map(|value| value.0);
        rows.into_iter().map(|(subject, known)| (subject.to_string(), value(known))).collect()
    }
}

pub(crate) fn epoch(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

/// An error with its causes.
pub(crate) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
