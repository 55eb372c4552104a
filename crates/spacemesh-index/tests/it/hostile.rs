//! What is not a copy of this network's state is refused, and nothing is written.

use std::sync::Arc;

use apogee_domain::NetworkKind;
use apogee_spacemesh_index::{Ballots, CopySource, IndexError, Indexer, import};
use apogee_spacemesh_state::Limits;
use apogee_store::{Cursor, Store};

use crate::recording::{Database, recording, said};

#[tokio::test]
async fn what_is_no_copy_of_this_network_leaves_the_database_as_it_is() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(recording.path("state_a")).unwrap();
    let database = Database::new().await;
    let mut told = Vec::new();
    let mut refused = async |bytes: &[u8], expected: &str| {
        let path = folder.path().join("state.sql");
        std::fs::write(&path, bytes).unwrap();
        let done = import(database.store.clone(), &path, recording.network.clone(), recording.params).await;
        let error = done.unwrap_err();
        let text = said(&error);
        assert!(text.contains(expected), "{text}");
        assert!(!error.may_pass(), "{text}");
        assert!(database.store.networks().await.unwrap().is_empty(), "{text}");
        told.push(text);
    };
    refused(b"", "no SQLite database").await;
    refused(&[0x5a; 4096], "no SQLite database").await;
    refused(&whole[..whole.len() / 2], "not copied whole").await;
    let changed = |statements: &str| {
        let other = tempfile::tempdir().unwrap();
        std::fs::read(recording.changed("state_a", other.path(), statements)).unwrap()
    };
    refused(&changed("PRAGMA user_version = 26"), "version 26").await;
    refused(&changed("DROP TABLE rewards"), "lacks the column").await;
    refused(&changed("DELETE FROM ballots"), "no ballot").await;
    assert_eq!(told.len(), 6);

    let mut other = recording.params;
    other.genesis.0[0] ^= 1;
    let mut network = recording.network.clone();
    network.genesis = other.genesis.to_string();
    let copy = recording.path("state_a");
    let error = import(database.store.clone(), &copy, network.clone(), other).await.unwrap_err();
    assert!(said(&error).contains("of another network"), "{}", said(&error));
    let error = import(database.store.clone(), &copy, network, recording.params).await.unwrap_err();
    assert!(matches!(error, IndexError::Genesis { .. }));
    let mut network = recording.network.clone();
    network.kind = NetworkKind::Filecoin;
    let error = Indexer::new(database.store.clone(), recording.source("state_a"), network, recording.params);
    assert!(matches!(error.unwrap_err(), IndexError::Kind(_)));
    let mut params = recording.params;
    params.first.0 += 1;
    let error = import(database.store.clone(), &copy, recording.network.clone(), params).await.unwrap_err();
    assert!(matches!(error, IndexError::BeforeBeginning { .. }), "{}", said(&error));
    assert!(database.store.networks().await.unwrap().is_empty());
}

/// Two networks of one name share the layer before the first, on which the opinion is nobody's.
#[tokio::test]
async fn a_database_of_another_network_of_that_name_is_left_as_it_is() {
    let Some(recording) = recording() else { return };
    let database = recording.fresh("state_a_at_60").await;
    let before = database.everything(&recording.network).await;
    let renamed = Database::new().await;
    let mut other = recording.network.clone();
    other.genesis = "00".repeat(20);
    let mut work = renamed.store.begin().await.unwrap();
    work.put_network(&other).await.unwrap();
    let cursor = Cursor { final_epoch: None, ..before.cursor.clone().unwrap() };
    work.apply(&other.id, None, &cursor, &[]).await.unwrap();
    work.commit().await.unwrap();
    let error = recording.index(&renamed, recording.source("state_a")).await.unwrap_err();
    assert!(matches!(error, IndexError::Genesis { .. }), "{}", said(&error));
    assert_eq!(renamed.store.cursor(&other.id).await.unwrap(), Some(cursor));
}

/// A copy may come from anybody, and have any number of rows.
#[tokio::test]
async fn more_activations_than_may_be_held_are_refused() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let twice = "DROP INDEX atxs_id; INSERT INTO atxs SELECT * FROM atxs WHERE epoch = 1";
    let copy = recording.changed("state_a", folder.path(), twice);
    let database = Database::new().await;
    let index = async |path: &std::path::Path| {
        let limits = Limits { rows: 20, ..Limits::default() };
        let source = CopySource::open(path, &recording.params, limits, Ballots::Taken).unwrap();
        recording.indexer(&database, Arc::new(source)).with_batch(1).reach_head().await
    };
    let error = index(&copy).await.unwrap_err();
    assert!(said(&error).contains("atxs has more than 20 rows"), "{}", said(&error));
    assert!(database.store.networks().await.unwrap().is_empty());
    index(&recording.path("state_a")).await.unwrap();
}

#[tokio::test]
async fn rows_that_cannot_be_stop_with_whole_batches_written() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let broken = "UPDATE rewards SET layer_reward = 'much' WHERE layer = 70";
    let copy = recording.changed("state_a", folder.path(), broken);
    let database = Database::new().await;
    let error = recording.index(&database, recording.at(&copy, Ballots::Taken)).await.unwrap_err();
    assert!(said(&error).contains("rewards.layer_reward is no integer"), "{}", said(&error));
    let cursor = database.store.cursor(&recording.network.id).await.unwrap().unwrap();
    assert_eq!(cursor.epoch.height(), 63);
    // A whole copy goes on from there.
    recording.index(&database, recording.source("state_a")).await.unwrap();
    let fresh = recording.fresh("state_a").await.everything(&recording.network).await;
    assert_eq!(database.everything(&recording.network).await, fresh);
}

/// Rewards that were touched, a ballot with a draw of somebody else's, and money beyond all bounds.
#[tokio::test]
async fn what_was_touched_fails_its_check_and_is_named() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let touched = "
        UPDATE rewards SET total_reward = total_reward + 1 WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 40);
        UPDATE rewards SET layer = 41 WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 42);
        UPDATE rewards SET total_reward = -1, layer_reward = -1 WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 50);
        UPDATE rewards SET total_reward = 1 WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 55);
        DELETE FROM atxs WHERE epoch = 4 AND pubkey = (SELECT pubkey FROM ballots WHERE layer = 81 LIMIT 1);
    ";
    let copy = recording.changed("state_a", folder.path(), touched);
    let database = Database::new().await;
    let cursor = recording.index(&database, recording.at(&copy, Ballots::Checked)).await.unwrap();
    let check = |name: &str| cursor.checks.iter().find(|check| check.check == name).unwrap();
    let rewards = check("rewards");
    // One more, one in an empty layer and missing in its own, one far too much, one less than its part of the subsidy.
    assert_eq!(rewards.failed, 5, "{rewards:?}");
    assert!(rewards.failures.iter().any(|words| words.contains("without a block")));
    assert!(rewards.not_made.iter().any(|unmade| unmade.reason == "no_activation"), "{rewards:?}");
    assert!(check("ballots").not_made.iter().any(|unmade| unmade.reason == "no_activation"));
    let all = database.everything(&recording.network).await;
    let unequal: Vec<i64> = all
        .epochs
        .iter()
        .filter(|row| row.reconciled.iter().any(|sum| sum.agrees() == Some(false)))
        .map(|row| row.epoch.height())
        .collect();
    assert_eq!(unequal, [55, 50, 42, 41, 40]);
}
