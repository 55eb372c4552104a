//! Wherever it ends, it goes on from there to the same.

use apogee_spacemesh_index::IndexError;
use apogee_store::Store;

use crate::recording::{Database, epoch, recording, said};
use crate::wrapped::{Fault, Wrapped};

#[tokio::test]
async fn rows_and_digests_do_not_depend_on_batches() {
    let Some(recording) = recording() else { return };
    let whole = recording.fresh("state_a").await.everything(&recording.network).await;
    for batch in [1, 3, 16, 10_000] {
        let database = Database::new().await;
        let mut indexer = recording.indexer(&database, recording.source("state_a")).with_batch(batch);
        indexer.reach_head().await.unwrap();
        assert_eq!(database.everything(&recording.network).await, whole, "{batch}");
    }
}

#[tokio::test]
async fn an_index_that_was_cut_off_goes_on_from_its_cursor() {
    let Some(recording) = recording() else { return };
    let whole = recording.fresh("state_a").await.everything(&recording.network).await;
    let database = Database::new().await;
    let mut stops = Vec::new();
    // Each time another process, which gets a little further.
    for _ in 0..100 {
        let source = Wrapped::new(recording.source("state_a"), Fault::After(2));
        let mut indexer = recording.indexer(&database, source).with_batch(3);
        let status = indexer.status();
        let done = indexer.reach_head().await;
        let cursor = database.store.cursor(&recording.network.id).await.unwrap().unwrap();
        stops.push(cursor.epoch.height());
        match done {
            Ok(_) => break,
            Err(error) => {
                assert!(error.may_pass());
                assert_eq!(
                    said(&error),
                    "the layers could not be read: state_a.sql could not be read: the line is dead"
                );
                let status = status.borrow();
                assert_eq!(status.error.as_deref(), Some(said(&error).as_str()));
                assert_eq!((status.head, status.indexed), (Some(epoch(95)), Some(cursor.epoch)));
            }
        }
    }
    // In the middle of epochs as well as at their ends.
    assert_eq!(stops, [37, 43, 47, 53, 59, 63, 69, 75, 79, 85, 91, 95]);
    assert_eq!(database.everything(&recording.network).await, whole);
}

#[tokio::test]
async fn a_layer_that_is_left_out_is_not_passed_over() {
    let Some(recording) = recording() else { return };
    let database = Database::new().await;
    let source = Wrapped::new(recording.source("state_a"), Fault::Without(apogee_spacemesh::id::LayerId(50)));
    let error = recording.indexer(&database, source).with_batch(4).reach_head().await.unwrap_err();
    assert!(matches!(error, IndexError::Gap { .. }), "{}", said(&error));
    let cursor = database.store.cursor(&recording.network.id).await.unwrap().unwrap();
    assert_eq!(cursor.epoch, epoch(47));
}

#[tokio::test]
async fn following_ends_when_it_is_told_and_where_asking_again_does_not_help() {
    let Some(recording) = recording() else { return };
    let database = Database::new().await;
    let pause = std::time::Duration::from_millis(5);
    let mut indexer = recording.indexer(&database, recording.source("state_a"));
    let mut status = indexer.status();
    let reached = async move {
        while status.borrow_and_update().indexed != Some(epoch(95)) {
            status.changed().await.unwrap();
        }
    };
    indexer.follow(pause, reached).await.unwrap();
    // Cleared, it begins anew.
    indexer.clear().await.unwrap();
    assert_eq!(database.store.cursor(&recording.network.id).await.unwrap(), None);
    recording.index(&database, recording.source("state_a_at_60")).await.unwrap();
    let mut other = recording.network.clone();
    other.finality.depth = 0;
    let deep = Database::new().await;
    let source = recording.source("state_a_at_60");
    let indexer =
        apogee_spacemesh_index::Indexer::new(deep.store.clone(), source, other.clone(), recording.params);
    indexer.unwrap().reach_head().await.unwrap();
    let source = recording.source("state_a");
    let indexer = apogee_spacemesh_index::Indexer::new(deep.store.clone(), source, other, recording.params);
    let error = indexer.unwrap().follow(pause, std::future::pending()).await.unwrap_err();
    assert!(matches!(error, IndexError::BelowFinal { .. }), "{}", said(&error));
}
