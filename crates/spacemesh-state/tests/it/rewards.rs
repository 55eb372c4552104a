use apogee_spacemesh::id::LayerId;
use apogee_spacemesh::report::{Difference, Report};
use apogee_spacemesh_state::{Limits, RecomputeError, State};

use crate::recording::{FILES, all, recording};

#[test]
fn every_reward_is_worked_out_to_the_smidge() {
    let Some(recording) = recording() else { return };
    let mut rows = Vec::new();
    for name in FILES {
        let report = recording.open(name).check_rewards(&all(), recording.first).unwrap();
        assert!(report.agrees(), "{name}: {:?}", report.differences);
        assert_eq!(report.ours, report.node);
        rows.push(report.equal);
    }
    assert_eq!(rows, [202, 87, 100, 202, 85, 98]);
}

/// Both nodes are right by their own blocks in the split, and both tables change when it heals.
#[test]
fn what_was_paid_in_a_split_is_taken_back() {
    let Some(recording) = recording() else { return };
    let split = LayerId(0)..=LayerId(60);
    let healed = recording.open("state_a").recompute_rewards(&split, recording.first).unwrap();
    assert_eq!(healed, recording.open("state_b").recompute_rewards(&split, recording.first).unwrap());
    for (name, gone) in [("state_a_at_60", 8), ("state_b_at_60", 7)] {
        let before = recording.open(name).rewards(&split).unwrap();
        let report = Report::compare(&healed, &before);
        let lost = report.differences.iter().filter(|d| !matches!(d, Difference::Missing(_))).count();
        assert_eq!(lost, gone, "{name}");
        assert!(report.differences.iter().all(|d| (52..=60).contains(&d.place().0.0)), "{name}");
    }
}

#[test]
fn a_table_that_was_touched_is_found_out() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let statements = "
        UPDATE rewards SET total_reward = total_reward + 1 WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 40);
        DELETE FROM rewards WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 50);
        UPDATE rewards SET layer = 41 WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 70);
        UPDATE rewards SET coinbase = zeroblob(24) WHERE rowid = (SELECT min(rowid) FROM rewards WHERE layer = 80);
    ";
    let copy = recording.changed("state_a", folder.path(), statements);
    let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
    let report = state.check_rewards(&all(), recording.first).unwrap();
    let kinds: Vec<(u32, &str)> = report
        .differences
        .iter()
        .map(|difference| {
            let kind = match difference {
                Difference::Missing(_) => "missing",
                Difference::Unexpected(_) => "unexpected",
                Difference::Other { .. } => "other",
                Difference::Again(_) => "again",
            };
            (difference.place().0.0, kind)
        })
        .collect();
    assert_eq!(kinds, [(40, "other"), (41, "unexpected"), (50, "missing"), (70, "missing"), (80, "other")]);
    assert_eq!(report.equal, 198);
}

/// Without the fee of its transaction a layer pays less.
#[test]
fn fees_are_part_of_rewards() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let statements = "UPDATE transactions SET result = NULL, layer = NULL, block = NULL WHERE layer = 57";
    let copy = recording.changed("state_a", folder.path(), statements);
    let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
    let report = state.check_rewards(&all(), recording.first).unwrap();
    assert!(!report.agrees());
    for difference in &report.differences {
        let Difference::Other { ours, node } = difference else { panic!("{difference:?}") };
        assert_eq!(ours.layer, LayerId(57));
        assert_eq!(ours.amount.subsidy, node.amount.subsidy);
        assert!(ours.amount.total < node.amount.total && ours.amount.total == ours.amount.subsidy);
    }
}

#[test]
fn what_cannot_be_worked_out_says_why() {
    let Some(recording) = recording() else { return };
    let after = |statements: &str| {
        let folder = tempfile::tempdir().unwrap();
        let copy = recording.changed("state_a", folder.path(), statements);
        let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
        state.recompute_rewards(&all(), recording.first).unwrap_err()
    };
    assert!(matches!(
        after("DELETE FROM blocks WHERE layer = 40"),
        RecomputeError::Block { layer: LayerId(40), .. }
    ));
    assert!(matches!(after("DELETE FROM atxs"), RecomputeError::Activation { layer: LayerId(32), .. }));
    let state = recording.open("state_a");
    let late = state.recompute_rewards(&all(), LayerId(33)).unwrap_err();
    assert!(matches!(late, RecomputeError::BeforeGenesis { layer: LayerId(32), first: LayerId(33) }));
}
