use apogee_spacemesh::id::{EpochId, LayerId, TransactionId};
use apogee_spacemesh_state::{Heads, Limits, State};

use crate::recording::{all, recording};

#[test]
fn parts_reach_as_far_as_they_do() {
    let Some(recording) = recording() else { return };
    let heads = |ballots, valid, published| Heads {
        ballots: Some(LayerId(ballots)),
        valid: Some(LayerId(valid)),
        applied: Some(LayerId(ballots)),
        published: Some(EpochId(published)),
    };
    assert_eq!(recording.open("state_a").heads().unwrap(), heads(95, 93, 5));
    assert_eq!(recording.open("state_a_at_60").heads().unwrap(), heads(60, 55, 3));
    assert_eq!(recording.open("state_b_at_60").heads().unwrap(), heads(60, 57, 3));
    assert_eq!(recording.open("state_a").version(), 25);
}

#[test]
fn an_empty_file_reaches_nowhere() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let statements = "DELETE FROM ballots; DELETE FROM blocks; DELETE FROM layers; DELETE FROM atxs";
    let copy = recording.changed("state_a", folder.path(), statements);
    let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
    assert_eq!(state.heads().unwrap(), Heads::default());
}

/// Two certificates that are valid say that committees were dishonest, and neither counts.
#[test]
fn the_hare_agreed_on_one_block_or_none() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let outputs = state.hare_outputs(&all()).unwrap();
    assert!(outputs.iter().all(|o| state.hare_output(o.layer).unwrap() == Some(o.block)));
    assert_eq!(state.hare_output(LayerId(41)).unwrap(), None);
    assert_eq!(state.hare_output(LayerId(43)).unwrap(), Some(None));
    let folder = tempfile::tempdir().unwrap();
    let statements = "
        INSERT INTO certificates (layer, block, valid) VALUES (40, x'0101010101010101010101010101010101010101', 1);
        INSERT INTO certificates (layer, block, valid) VALUES (42, x'0101010101010101010101010101010101010101', 0);
    ";
    let copy = recording.changed("state_a", folder.path(), statements);
    let changed = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
    assert_eq!(changed.hare_output(LayerId(40)).unwrap(), Some(None));
    assert_eq!(changed.hare_output(LayerId(42)).unwrap(), state.hare_output(LayerId(42)).unwrap());
}

#[test]
fn executions_are_found_by_name() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let executed = state.executed(&all()).unwrap();
    assert!(!executed.is_empty());
    for executed in executed {
        assert_eq!(state.execution(&executed.row.id).unwrap(), Some(executed));
    }
    assert_eq!(state.execution(&TransactionId([7; 32])).unwrap(), None);
}
