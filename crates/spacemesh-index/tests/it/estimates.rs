//! Slots that are not declared yet, or never, and beginnings that are not the network's.

use std::num::NonZeroU32;

use apogee_domain::series::{
    ATX_STREAK, BURN_ROUNDING, EXPECTED_LAYERS, EXPECTED_REWARD, REWARD_BLOCK, SLOTS_ASSIGNED, SLOTS_FILLED,
    SLOTS_MISSED, SPACE_UNITS,
};
use apogee_domain::{SeriesName, Subject, Value};
use apogee_spacemesh_index::{Ballots, IndexError};
use apogee_store::{Page, Store};

use crate::recording::{Database, epoch, recording, said};
use crate::wrapped::{Fault, Wrapped};

#[tokio::test]
async fn a_declaration_that_differs_from_the_estimate_is_a_step_at_its_own_layer() {
    let Some(mut recording) = recording() else { return };
    let fresh = recording.fresh("state_a").await;
    // Twice the slots in each layer, so that everybody who has more than one has too many by estimate.
    recording.params.committee.size = NonZeroU32::new(10).unwrap();
    let database = Database::new().await;
    let cursor = recording.index(&database, recording.source("state_a")).await.unwrap();
    let estimates = cursor.checks.iter().find(|check| check.check == "slots_estimated").unwrap();
    let differed = estimates.not_made.iter().find(|unmade| unmade.reason == "estimate_differed").unwrap();
    assert!(differed.count > 10, "{estimates:?}");

    // Six units of 103: four slots in 38, 40 and twice in 44, and nine by estimate.
    let smeshers = recording.expected["smeshers"].as_array().unwrap();
    let six = smeshers.iter().find(|smesher| smesher["units"] == 6).unwrap();
    let subject: Subject = six["smesher"].as_str().unwrap().parse().unwrap();
    let network = &recording.network;
    let page = || Page { after: None, limit: 100 };
    let steps = database.store.steps(&network.id, &SLOTS_ASSIGNED, &subject, page()).await.unwrap();
    let steps: Vec<_> = steps.iter().map(|step| (step.epoch.height(), step.value)).collect();
    let value = |slots| Some(Value(slots));
    assert_eq!(&steps[..3], [(32, value(9)), (38, value(4)), (48, value(13))]);
    // In the end it is what was declared, and nothing of it depends on how it began.
    for series in [SLOTS_ASSIGNED, SLOTS_FILLED, SLOTS_MISSED, EXPECTED_LAYERS, EXPECTED_REWARD] {
        let of = async |database: &Database| {
            database.board(network, &series, 47).await.get(subject.as_str()).copied()
        };
        assert_eq!(of(&database).await, of(&fresh).await, "{series}");
    }
}

#[tokio::test]
async fn what_a_source_does_not_know_is_unknown() {
    let Some(recording) = recording() else { return };
    let database = Database::new().await;
    let source = Wrapped::new(recording.source("state_a"), Fault::Blind);
    let cursor = recording.index(&database, source).await.unwrap();
    let reasons: Vec<_> = cursor
        .checks
        .iter()
        .map(|check| (check.check.as_str(), check.passed, check.not_made[0].reason.as_str()))
        .collect();
    let expected =
        [("ballots", 0, "no_ballots"), ("rewards", 0, "no_block"), ("slots_estimated", 0, "no_ballots")];
    assert_eq!(reasons, expected);
    let network = &recording.network;
    for series in [SLOTS_ASSIGNED, SLOTS_FILLED, SLOTS_MISSED, EXPECTED_LAYERS, BURN_ROUNDING] {
        let board = database.board(network, &series, 95).await;
        assert!(!board.is_empty() && board.values().all(Option::is_none), "{series}: {board:?}");
    }
    let fresh = recording.fresh("state_a").await;
    for series in [REWARD_BLOCK, SPACE_UNITS, EXPECTED_REWARD] {
        assert_eq!(database.board(network, &series, 95).await, fresh.board(network, &series, 95).await);
    }
    let records = database.store.epochs(&network.id, Page { after: None, limit: 100 }).await.unwrap();
    let compared: Vec<_> = records.iter().flat_map(|row| &row.reconciled).map(|sum| sum.agrees()).collect();
    assert!(compared.len() == 62 && compared.iter().all(Option::is_none));
    // A copy that knows more goes on from there; what is unknown stays so.
    let cursor = recording.index(&database, recording.source("state_a")).await.unwrap();
    assert_eq!(cursor.epoch, epoch(95));
}

/// As after a node has started from a checkpoint.
#[tokio::test]
async fn what_begins_later_counts_from_the_next_whole_epoch_on() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let late = recording.changed("state_a", folder.path(), "DELETE FROM layers WHERE id < 60");
    let database = Database::new().await;
    let source = recording.at(&late, Ballots::Taken);
    recording.index(&database, source.clone()).await.unwrap();
    let network = &recording.network;
    let rows = database.store.epochs(&network.id, Page { after: None, limit: 100 }).await.unwrap();
    assert_eq!((rows.len(), rows.last().unwrap().epoch), (33, epoch(63)));
    let whole = recording.fresh("state_a").await;
    let subject = recording.expected["smeshers"][0]["smesher"].as_str().unwrap();
    for series in [SLOTS_ASSIGNED, SLOTS_FILLED, REWARD_BLOCK, EXPECTED_REWARD] {
        let at = async |layer| database.board(network, &series, layer).await.get(subject).copied();
        assert_eq!((at(62).await, at(63).await), (Some(None), Some(Some(0))), "{series}");
        let of = async |database: &Database, layer| {
            database.board(network, &series, layer).await.get(subject).copied().flatten().unwrap_or(0)
        };
        let grown = of(&whole, 95).await - of(&whole, 63).await;
        assert_eq!(of(&database, 95).await, grown, "{series}");
    }
    assert_eq!(database.board(network, &ATX_STREAK, 95).await[subject], None, "who knows since when");
    // Somebody without an activation in between begins anew.
    let third = recording.expected["smeshers"][3]["smesher"].as_str().unwrap();
    assert_eq!(database.board(network, &ATX_STREAK, 95).await[third], Some(1));
    // Cut off in the first epoch, it comes to the same.
    let other = Database::new().await;
    let cut = Wrapped::new(source.clone(), Fault::After(1));
    recording.indexer(&other, cut).with_batch(5).reach_head().await.unwrap_err();
    recording.index(&other, source).await.unwrap();
    assert_eq!(other.everything(network).await, database.everything(network).await);

    let short = recording.changed("state_a", folder.path(), "DELETE FROM layers WHERE id < 82");
    let error =
        recording.index(&Database::new().await, recording.at(&short, Ballots::Taken)).await.unwrap_err();
    assert!(matches!(error, IndexError::NoEpoch { .. }), "{}", said(&error));
}

#[tokio::test]
async fn a_smesher_with_two_activations_has_one_and_is_told() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let twice = "DROP INDEX atxs_id; INSERT INTO atxs SELECT * FROM atxs WHERE epoch = 1 ORDER BY id LIMIT 1";
    let copy = recording.changed("state_a", folder.path(), twice);
    let database = Database::new().await;
    let cursor = recording.index(&database, recording.at(&copy, Ballots::Taken)).await.unwrap();
    let single = cursor.checks.iter().find(|check| check.check == "one_activation").unwrap();
    assert_eq!((single.failed, single.passed), (1, 0));
    let fresh = recording.fresh("state_a").await;
    let name: SeriesName = SPACE_UNITS;
    let network = &recording.network;
    assert_eq!(database.board(network, &name, 32).await, fresh.board(network, &name, 32).await);
}
