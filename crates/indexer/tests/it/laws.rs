//! Any sequence of heads, forks, crashes, restarts and backfills ends in the rows of a straight replay, on every database.

use std::sync::Arc;

use apogee_domain::{Change, Epoch};
use apogee_filecoin::types::TipsetKey;
use apogee_indexer::{Indexer, Options, recording::Recording};
use apogee_store::{Cursor, EpochRecord, Page, Store};
use apogee_store_postgres::PostgresStore;
use apogee_store_sqlite::SqliteStore;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::common::{at, full, head_of, options, recording, recording_to, straight};
use crate::flaky::Flaky;
use crate::forks::Moving;
use crate::memory::Memory;

/// Everything that the database says about the network: the cursor without the counts of checks, epochs, all boards' histories.
async fn rows(store: &dyn Store, recording: &Recording) -> (Cursor, Vec<EpochRecord>, Vec<Change>) {
    let network = &recording.network.id;
    let mut cursor = store.cursor(network).await.unwrap().unwrap();
    // How many nodes a check reads depends on what is in memory.
    cursor.checks.clear();
    let mut epochs = store.epochs(network, Page { after: None, limit: 10_000 }).await.unwrap();
    epochs.iter_mut().for_each(|epoch| epoch.checks.clear());
    let mut changes = Vec::new();
    for spec in apogee_domain::series::ALL {
        let series = apogee_domain::SeriesName::of(spec.name);
        for (subject, _) in store.board(network, &series, Epoch::MAX).await.unwrap() {
            let page = Page { after: None, limit: 10_000 };
            for step in store.steps(network, &series, &subject, page).await.unwrap() {
                let (series, subject) = (series.clone(), subject.clone());
                changes.push(Change { series, subject, epoch: step.epoch, value: step.value });
            }
        }
    }
    (cursor, epochs, changes)
}

/// The heads that a random walk chooses from: both sides of the partition around its beginning, and where both end.
fn heads(recording: &Recording) -> (Vec<TipsetKey>, TipsetKey) {
    let fork = recording.source.clone().with_head(&recording.source.heads()[1]).unwrap();
    let mut heads = Vec::new();
    for epoch in [52, 57, 60, 61, 63, 66, 68] {
        for side in [&recording.source, &fork] {
            let head = side.chain().rfind(|tipset| tipset.epoch() <= at(epoch)).unwrap();
            heads.push(head.key().clone());
        }
    }
    (heads, head_of(&recording_to(68)))
}

/// One random walk over an empty database.
async fn walk(store: Arc<dyn Store>, seed: u64) -> Cursor {
    let mut random = StdRng::seed_from_u64(seed);
    let mut recording = recording();
    recording.network.finality.certificates = false;
    let (heads, last) = heads(&recording);
    let moving = Moving::new(recording.source.clone());
    let source = Flaky::new(Arc::new(moving.clone()));
    let new = |random: &mut StdRng| {
        let options = Options { batch: random.random_range(1..20), ..options(1) };
        let (network, params) = (recording.network.clone(), recording.params.clone());
        Indexer::new(Arc::clone(&store), Arc::new(source.clone()), network, params, options)
    };
    let mut indexer = new(&mut random);
    for _ in 0..random.random_range(3..8) {
        moving.to(&heads[random.random_range(0..heads.len())]);
        match random.random_range(0..4) {
            // A crash: the process goes at any moment, what it was about to write is lost.
            0 => {
                source.calls.set(random.random_range(0..8));
                drop(indexer.backfill_to_head().await);
                indexer = new(&mut random);
            }
            1 => {
                source.blocks.set(random.random_range(0..3_000));
                drop(indexer.backfill_to_head().await);
            }
            2 => {
                indexer = new(&mut random);
                indexer.backfill_to_head().await.unwrap();
            }
            _ => drop(indexer.backfill_to_head().await),
        }
        source.calls.set(-1);
        source.blocks.set(-1);
    }
    moving.to(&last);
    indexer.backfill_to_head().await.unwrap()
}

/// Walk `walks` times over new databases, and compare with the straight replay in memory.
async fn holds<F, A>(name: &str, walks: u64, mut open: F)
where
    F: FnMut() -> A,
    A: Future<Output = Arc<dyn Store>>,
{
    let mut reference = recording_to(68);
    reference.network.finality.certificates = false;
    let direct = straight(reference.clone(), 64).await;
    let expected = rows(&direct, &reference).await;
    for seed in 0..walks {
        let store = open().await;
        walk(Arc::clone(&store), seed).await;
        let found = rows(&*store, &reference).await;
        assert!(found.0 == expected.0, "{name}, seed {seed}: {:?} instead of {:?}", found.0, expected.0);
        assert!(found == expected, "{name}, seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_walk_of_heads_and_crashes_equals_a_straight_replay_in_memory() {
    holds("memory", if full() { 500 } else { 12 }, || async { Arc::new(Memory::new()) as Arc<dyn Store> })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_walk_of_heads_and_crashes_equals_a_straight_replay_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    holds("SQLite", if full() { 100 } else { 5 }, || {
        count += 1;
        let path = folder.path().join(format!("{count}.sqlite"));
        async move { Arc::new(SqliteStore::open(&path).await.unwrap()) as Arc<dyn Store> }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_walk_of_heads_and_crashes_equals_a_straight_replay_on_postgresql() {
    if apogee_testkit::postgres::database().is_none() {
        return;
    }
    holds("PostgreSQL", if full() { 100 } else { 5 }, || async {
        let url = apogee_testkit::postgres::database().unwrap();
        Arc::new(PostgresStore::connect(&url).await.unwrap()) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_hold_the_same_digests_and_rows_of_run_a() {
    let recording = recording();
    let folder = tempfile::tempdir().unwrap();
    let mut stores: Vec<Arc<dyn Store>> =
        vec![Arc::new(SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap())];
    if let Some(url) = apogee_testkit::postgres::database() {
        stores.push(Arc::new(PostgresStore::connect(&url).await.unwrap()));
    }
    let direct = crate::common::indexed().await;
    let expected = rows(&direct, &recording).await;
    for store in stores {
        let (network, params) = (recording.network.clone(), recording.params.clone());
        let source = Arc::new(recording.source.clone());
        let mut indexer = Indexer::new(Arc::clone(&store), source, network, params, options(64));
        indexer.backfill_to_head().await.unwrap();
        assert!(rows(&*store, &recording).await == expected, "{store:?}");
        let checked = indexer.verify(at(200), at(260)).await.unwrap();
        assert_eq!(checked.difference, None);
    }
}
