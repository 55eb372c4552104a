//! Two nodes disagree from layer 52 on, and are of one mind after layer 66.

use std::sync::Arc;

use apogee_domain::{Epoch, Finality};
use apogee_spacemesh_index::{Ballots, IndexError};
use apogee_store::Store;

use crate::recording::{Database, Recording, epoch, recording, said};

/// What is left where copies are indexed one after the other is what the last one alone comes to.
async fn one_after_the_other(recording: &Recording, names: &[&str]) {
    let database = Database::new().await;
    for name in names {
        recording.index(&database, recording.source(name)).await.unwrap();
    }
    let fresh = recording.fresh(names.last().unwrap()).await;
    let (one, other) =
        (database.everything(&recording.network).await, fresh.everything(&recording.network).await);
    assert!(one.steps.len() > 500, "{}", one.steps.len());
    assert_eq!(one, other, "{names:?}");
}

#[tokio::test]
async fn what_a_split_brought_is_taken_back_when_it_heals() {
    let Some(mut recording) = recording() else { return };
    // The split is 15 layers deep when it heals.
    recording.network.finality = Finality { depth: 16, certificates: false };
    for names in [
        &["state_a_at_60", "state_a"][..],
        &["state_b_at_60", "state_b"],
        &["state_a_at_60", "state_a_at_64", "state_a"],
        &["state_a_at_60", "state_b"],
        &["state_b_at_60", "state_a_at_64"],
    ] {
        one_after_the_other(&recording, names).await;
    }
}

/// Estimates that differ from declarations, taken back in the middle of an epoch together with what corrected them.
#[tokio::test]
async fn estimates_are_the_same_after_a_split_as_without_it() {
    let Some(mut recording) = recording() else { return };
    recording.params.committee.size = std::num::NonZeroU32::new(11).unwrap();
    for names in [&["state_a_at_60", "state_a"][..], &["state_b_at_60", "state_a"]] {
        one_after_the_other(&recording, names).await;
    }
}

#[tokio::test]
async fn only_layers_of_the_split_are_derived_again() {
    let Some(recording) = recording() else { return };
    let database = recording.fresh("state_a_at_60").await;
    let before = database.everything(&recording.network).await;
    assert_eq!(before.cursor.as_ref().unwrap().final_epoch, Some(epoch(50)));
    recording.index(&database, recording.source("state_a")).await.unwrap();
    let after = database.everything(&recording.network).await;
    let row = |everything: &crate::recording::Everything, at: Epoch| {
        everything.epochs.iter().find(|row| row.epoch == at).cloned().unwrap()
    };
    assert_eq!(row(&before, epoch(51)), row(&after, epoch(51)));
    for layer in 52..=60 {
        assert_ne!(row(&before, epoch(layer)).key, row(&after, epoch(layer)).key, "{layer}");
    }
}

#[tokio::test]
async fn both_nodes_come_to_the_same_in_the_end() {
    let Some(recording) = recording() else { return };
    let (a, b) = (recording.fresh("state_a").await, recording.fresh("state_b").await);
    assert_eq!(a.everything(&recording.network).await, b.everything(&recording.network).await);
    let (a, b) = (recording.fresh("state_a_at_60").await, recording.fresh("state_b_at_60").await);
    let digest = async |database: &Database| {
        database.store.cursor(&recording.network.id).await.unwrap().unwrap().digest
    };
    assert_ne!(digest(&a).await, digest(&b).await);
}

#[tokio::test]
async fn an_old_copy_takes_nothing_back() {
    let Some(mut recording) = recording() else { return };
    recording.network.finality = Finality { depth: 90, certificates: false };
    let database = recording.fresh("state_a").await;
    let before = database.everything(&recording.network).await;
    let error = recording.index(&database, recording.source("state_a_at_60")).await.unwrap_err();
    assert!(matches!(error, IndexError::Older { .. }) && error.may_pass(), "{}", said(&error));
    // One that agrees as far as it goes is only late.
    let folder = tempfile::tempdir().unwrap();
    let late = recording.changed("state_a", folder.path(), "DELETE FROM layers WHERE id > 90");
    let cursor = recording.index(&database, recording.at(&late, Ballots::Taken)).await.unwrap();
    assert_eq!(Some(cursor), before.cursor);
    assert_eq!(database.everything(&recording.network).await, before);
}

#[tokio::test]
async fn nothing_final_is_taken_back() {
    let Some(mut recording) = recording() else { return };
    recording.network.finality = Finality { depth: 5, certificates: false };
    let database = recording.fresh("state_a_at_60").await;
    let before = database.everything(&recording.network).await;
    let error = recording.index(&database, recording.source("state_a")).await.unwrap_err();
    assert!(
        matches!(error, IndexError::BelowFinal { final_epoch, .. } if final_epoch == epoch(55)),
        "{}",
        said(&error)
    );
    assert!(!error.may_pass());
    assert_eq!(database.everything(&recording.network).await, before);
}

/// Final is what is deep enough and recounted. A recount of the copy at 60 says 51.
#[tokio::test]
async fn what_is_not_recounted_is_not_final() {
    let Some(mut recording) = recording() else { return };
    recording.network.finality = Finality { depth: 5, certificates: false };
    let database = Database::new().await;
    let counted = |verified| {
        let (path, limits) = (recording.path("state_a_at_60"), apogee_spacemesh_state::Limits::default());
        let copy = apogee_spacemesh_index::CopySource::open(&path, &recording.params, limits, Ballots::Taken);
        Arc::new(copy.unwrap().with_verified(Some(apogee_spacemesh::id::LayerId(verified))))
    };
    // A recount that goes further makes more final, though no layer is new; one that does not takes nothing back.
    for (verified, settled) in [(49, 49), (51, 51), (50, 51)] {
        let cursor = recording.index(&database, counted(verified)).await.unwrap();
        assert_eq!(cursor.final_epoch, Some(epoch(settled)));
        assert_eq!(database.store.cursor(&recording.network.id).await.unwrap(), Some(cursor));
    }
    recording.index(&database, recording.source("state_a")).await.unwrap();
    assert_eq!(
        database.everything(&recording.network).await,
        recording.fresh("state_a").await.everything(&recording.network).await
    );
}

/// Opinions on layers do not say how many ballots there are.
#[tokio::test]
async fn ballots_that_come_late_are_counted() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let some = "DELETE FROM ballots WHERE rowid IN (SELECT max(rowid) FROM ballots WHERE layer IN (88, 91) GROUP BY layer)";
    let early = recording.changed("state_a", folder.path(), some);
    let database = Database::new().await;
    let cursor = recording.index(&database, recording.at(&early, Ballots::Taken)).await.unwrap();
    assert_eq!(cursor.epoch, epoch(95));
    let fresh = recording.fresh("state_a").await.everything(&recording.network).await;
    assert_ne!(database.everything(&recording.network).await, fresh);
    recording.index(&database, recording.source("state_a")).await.unwrap();
    assert_eq!(database.everything(&recording.network).await, fresh);
    // Fewer of them, as after a node has dropped some, take nothing back.
    recording.index(&database, recording.at(&early, Ballots::Taken)).await.unwrap();
    assert_eq!(database.everything(&recording.network).await, fresh);
}
