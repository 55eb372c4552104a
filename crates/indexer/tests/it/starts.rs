//! Where an index begins, and going over to another chain.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use apogee_domain::series::*;
use apogee_domain::{SeriesName, Step, StepSeries, Value};
use apogee_filecoin::source::{CarSource, Source};
use apogee_indexer::recording::Recording;
use apogee_indexer::{IndexError, Indexer, Options, Start, VIEWS};
use apogee_store::{Page, Store};
use apogee_store_sqlite::SqliteStore;

use crate::archive::without;
use crate::common::{at, indexed, indexer, options, recording};
use crate::forks::{Moving, facts};
use crate::memory::{Memory, Rows};

/// The steps of one series of one subject.
fn line(rows: &Rows, series: &SeriesName, who: &str) -> StepSeries {
    let of = rows.steps.iter().filter(|((name, subject, _), _)| name == series && subject.as_str() == who);
    StepSeries::new(of.map(|((.., epoch), value)| Step { epoch: *epoch, value: *value }))
}

fn starting(memory: &Memory, recording: &Recording, source: Arc<dyn Source>, start: Start) -> Indexer {
    let options = Options { start, ..options(32) };
    let (network, params) = (recording.network.clone(), recording.params.clone());
    Indexer::new(Arc::new(memory.clone()), source, network, params, options)
}

/// The chain without its first epochs: an archive whose oldest block is that of `from`.
fn cut(recording: &Recording, from: i64) -> CarSource {
    let gone: HashSet<_> = recording
        .source
        .chain()
        .filter(|tipset| tipset.epoch() < at(from))
        .flat_map(|tipset| tipset.key().0.clone())
        .collect();
    CarSource::snapshot("snapshot.car", vec![without(|cid| gone.contains(cid))]).unwrap()
}

#[tokio::test]
async fn a_trusted_checkpoint_gives_levels_at_once_and_sums_from_there_on() {
    let (recording, memory) = (recording(), Memory::new());
    let whole = indexed().await;
    let key = recording.source.chain().find(|tipset| tipset.epoch() == at(150)).unwrap().key().clone();
    let source = Arc::new(recording.source.clone());
    let start = Start::Checkpoint { epoch: at(150), key };
    let mut partial = starting(&memory, &recording, source, start);
    let cursor = partial.backfill_to_head().await.unwrap();
    assert_eq!((cursor.epoch, memory.all().epochs.len()), (at(313), 164));
    for (series, who) in [
        (POWER_RAW, "t01000"),
        (POWER_QA, "t01001"),
        (SECTORS_LIVE, "t01002"),
        (SECTORS_TERMINATED, "t01000"),
        (DEALS_ACTIVE, "t01000"),
        (BASE_FEE, "network"),
    ] {
        for epoch in [150, 151, 214, 313] {
            assert_eq!(memory.at(&series, who, epoch), whole.at(&series, who, epoch), "{series:?} {epoch}");
        }
    }
    // What the first tipset did counts, and nothing before it.
    for (series, who) in [
        (REWARD_BLOCK, "t01000"),
        (REWARD_GAS, "t01000"),
        (BLOCKS_WON, "t01001"),
        (WINCOUNT, "t01002"),
        (EXPECTED_WINS, "t01002"),
        (GAS_LIMIT, "network"),
        (NULL_ROUNDS, "network"),
        (BEACON_ROUNDS, "network"),
    ] {
        let sum = |memory: &Memory, epoch| memory.at(&series, who, epoch).unwrap_or(0);
        for epoch in [150, 200, 312] {
            assert_eq!(
                sum(&memory, epoch),
                sum(&whole, epoch) - sum(&whole, 149),
                "{series:?} {who} {epoch}"
            );
        }
    }
    // From when on they count is said: a window that begins earlier is unknown, not smaller.
    let rows = memory.all();
    let unknown = rows.steps.iter().filter(|(_, value)| value.is_none());
    assert!(unknown.clone().all(|((.., epoch), _)| *epoch == at(0)));
    assert_eq!(unknown.count(), 6 * 3 + 10, "each sum of three miners and of the network");
    for (series, who) in [(REWARD_BLOCK, "t01000"), (BLOCKS_WON, "t01001"), (EXPECTED_WINS, "t01002")] {
        let line = line(&rows, &series, who);
        assert_eq!(line.at(at(149)), Some(Value::ZERO));
        assert_eq!(line.window(at(149), at(200)), line.at(at(200)));
        assert_eq!(line.window(at(148), at(200)), None, "{series:?}");
    }
    let checked = partial.verify(at(150), at(313)).await.unwrap();
    assert_eq!((checked.difference, checked.from), (None, at(150)));
    assert!(matches!(partial.verify(at(149), at(200)).await, Err(IndexError::NotIndexed { .. })));
}

#[tokio::test]
async fn an_index_that_begins_later_keeps_its_beginning_on_a_database_and_through_resync() {
    let recording = recording();
    let key =
        |epoch| recording.source.chain().find(|tipset| tipset.epoch() == at(epoch)).unwrap().key().clone();
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
    let stores: [Arc<dyn Store>; 2] = [Arc::new(store), Arc::new(Memory::new())];
    for store in stores.clone() {
        let moving = Moving::new(recording.source.clone());
        let options = Options { start: Start::Checkpoint { epoch: at(150), key: key(150) }, ..options(32) };
        let (network, params) = (recording.network.clone(), recording.params.clone());
        let mut over = Indexer::new(store, Arc::new(moving.clone()), network, params, options);
        let cursor = over.backfill_to_head().await.unwrap();
        assert_eq!(over.verify(at(150), at(313)).await.unwrap().difference, None);
        assert_eq!(over.verify(at(151), at(160)).await.unwrap().difference, None);
        for epoch in [200, 150] {
            moving.to(&key(epoch));
            assert_eq!(over.resync().await.unwrap().epoch, at(epoch));
            moving.to(&recording.source.heads()[0]);
            assert_eq!(over.backfill_to_head().await.unwrap().digest, cursor.digest);
            assert_eq!(over.verify(at(150), at(313)).await.unwrap().difference, None, "back to {epoch}");
        }
    }
    let who = "t01000".parse().unwrap();
    let page = Page { after: None, limit: 3 };
    let steps = stores[0].steps(&recording.network.id, &BLOCKS_WON, &who, page).await.unwrap();
    assert_eq!((steps[0].epoch, steps[0].value), (at(0), None));
    assert_eq!((steps[1].epoch, steps[1].value), (at(149), Some(Value::ZERO)));
}

#[tokio::test]
async fn a_checkpoint_that_is_not_on_the_chain_is_refused() {
    let (recording, memory) = (recording(), Memory::new());
    let fork = recording.source.clone().with_head(&recording.source.heads()[1]).unwrap();
    let source: Arc<dyn Source> = Arc::new(recording.source.clone());
    let key = fork.head().await.unwrap().key().clone();
    let start = Start::Checkpoint { epoch: at(82), key };
    let error =
        starting(&memory, &recording, Arc::clone(&source), start).backfill_to_head().await.unwrap_err();
    assert!(matches!(error, IndexError::Checkpoint { found: Some(_), .. }), "{error}");
    // A null round.
    let key = recording.source.heads()[0].clone();
    let start = Start::Checkpoint { epoch: at(217), key };
    let error = starting(&memory, &recording, source, start).backfill_to_head().await.unwrap_err();
    assert!(error.to_string().contains("has nothing at epoch 217 where the checkpoint says"), "{error}");
    assert_eq!(memory.all().cursor, None);
}

#[tokio::test]
async fn an_archive_without_genesis_is_refused_unless_it_is_taken_as_a_snapshot() {
    let (recording, memory) = (recording(), Memory::new());
    let source: Arc<dyn Source> = Arc::new(cut(&recording, 200));
    let genesis = starting(&memory, &recording, Arc::clone(&source), Start::Genesis).backfill_to_head().await;
    let error = genesis.unwrap_err();
    assert!(matches!(error, IndexError::NoGenesis { .. }), "{error}");
    assert!(error.to_string().contains("begins at epoch 200, not at genesis"), "{error}");

    let mut snapshot = starting(&memory, &recording, Arc::clone(&source), Start::Snapshot);
    assert_eq!(snapshot.backfill_to_head().await.unwrap().epoch, at(313));
    let rows = memory.all();
    assert_eq!(rows.epochs.keys().next(), Some(&at(200)));
    let whole = indexed().await;
    for epoch in [200, 214, 313] {
        assert_eq!(memory.at(&POWER_RAW, "t01001", epoch), whole.at(&POWER_RAW, "t01001", epoch));
    }
    // The look-back state of every election is that after genesis, which is not there: unknown, not zero, and not checked.
    assert_eq!(memory.at(&EXPECTED_WINS, "t01000", 313), None);
    let unknown: BTreeSet<_> = rows
        .steps
        .iter()
        .filter(|((.., epoch), value)| value.is_none() && *epoch >= at(200))
        .map(|((series, ..), _)| series.as_str())
        .collect();
    // How many null rounds came before the first tipset, and so what it was paid, is not there either.
    assert_eq!(unknown.into_iter().collect::<Vec<_>>(), ["expected.wins", "reward.block"]);
    let elections = rows.cursor.unwrap().checks.into_iter().find(|one| one.check == "election_vrf").unwrap();
    assert_eq!((elections.passed, elections.failed), (0, 0));
    assert!(elections.not_made.iter().map(|one| one.count).sum::<u64>() > 200);
}

#[tokio::test]
async fn the_snapshot_begins_with_the_oldest_state() {
    let (recording, memory) = (recording(), Memory::new());
    let roots: HashSet<_> = recording
        .source
        .chain()
        .filter(|tipset| tipset.epoch() < at(120))
        .map(|tipset| tipset.first().parent_state_root)
        .collect();
    let source = Arc::new(CarSource::new("light.car", vec![without(|cid| roots.contains(cid))]).unwrap());
    starting(&memory, &recording, source, Start::Snapshot).backfill_to_head().await.unwrap();
    assert_eq!(memory.all().epochs.keys().next(), Some(&at(120)));
}

#[tokio::test]
async fn rows_of_other_views_are_refused_until_they_are_cleared() {
    let recording = recording();
    let memory = indexed().await;
    let straight = memory.all();
    memory.rows.lock().unwrap().cursor.as_mut().unwrap().views = VIEWS + 1;
    let source = Arc::new(recording.source.clone());
    let mut again = indexer(&memory, &recording, source, 64);
    let error = again.backfill_to_head().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the database was indexed by views {}, this program has views {VIEWS}; clear the network and index again",
            VIEWS + 1
        )
    );
    assert!(!error.may_pass());
    assert!(matches!(again.verify(at(0), at(9)).await, Err(IndexError::Views { .. })));
    again.clear().await.unwrap();
    assert!(memory.all().epochs.is_empty() && memory.all().cursor.is_none());
    assert_eq!(memory.networks().await.unwrap().len(), 1, "the network stays");
    again.backfill_to_head().await.unwrap();
    assert!(memory.all() == straight);
}

#[tokio::test]
async fn a_fork_below_what_is_final_stops_until_a_person_decides_for_it() {
    let mut recording = recording();
    let (main, fork) = (recording.source.heads()[0].clone(), recording.source.heads()[1].clone());
    // Final after five epochs, whatever certificates say: the fork begins 21 epochs back.
    recording.network.finality = apogee_domain::Finality { depth: 5, certificates: false };
    let (memory, moving) = (Memory::new(), Moving::new(recording.source.clone()));
    moving.to(&fork);
    let mut over = indexer(&memory, &recording, Arc::new(moving.clone()), 16);
    let forked = over.backfill_to_head().await.unwrap();
    assert_eq!(forked.final_epoch, Some(at(77)));
    let before = memory.all();

    moving.to(&main);
    let error = over.backfill_to_head().await.unwrap_err();
    assert!(matches!(&error, IndexError::BelowFinal { common, .. } if *common <= at(60)), "{error}");
    assert!(error.to_string().ends_with("below the final epoch 77"), "{error}");
    assert!(!error.may_pass(), "asking again does not cure it");
    assert!(before == memory.all(), "nothing was written");

    let mut restarted = indexer(&memory, &recording, Arc::new(moving.clone()), 16);
    let cursor = restarted.resync().await.unwrap();
    assert_eq!(cursor.epoch, at(313));
    let direct = Memory::new();
    let straight = indexer(&direct, &recording, Arc::new(recording.source.clone()), 16);
    let straight = { straight }.backfill_to_head().await.unwrap();
    assert_eq!(cursor.digest, straight.digest);
    let (resynced, direct) = (facts(&memory), facts(&direct));
    assert!(resynced.steps == direct.steps && resynced.epochs == direct.epochs);
    assert_eq!(resynced.cursor, direct.cursor);
}

#[tokio::test]
async fn resync_keeps_certificates_about_what_it_keeps() {
    let recording = recording();
    let memory = indexed().await;
    let older = recording.source.chain().find(|tipset| tipset.epoch() == at(200)).unwrap().key().clone();
    let moving = Moving::new(recording.source.clone());
    moving.to(&older);
    let mut over = indexer(&memory, &recording, Arc::new(moving.clone()), 64);
    // A chain that ends at 200 leaves the indexed one there.
    let cursor = over.resync().await.unwrap();
    let rows = memory.all();
    assert_eq!((cursor.epoch, rows.epochs.len()), (at(200), 201));
    assert!(!rows.certificates.is_empty() && rows.certificates.values().all(|one| one.epoch <= at(200)));
    moving.to(&recording.source.heads()[0]);
    over.backfill_to_head().await.unwrap();
    let (again, whole) = (facts(&memory), facts(&indexed().await));
    assert!(again.steps == whole.steps && again.certificates == whole.certificates);
    assert_eq!(again.cursor, whole.cursor);
}
