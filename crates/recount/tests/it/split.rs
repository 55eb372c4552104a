use std::collections::BTreeSet;

use apogee_recount::Change;
use apogee_spacemesh::id::{Hash, LayerId};
use apogee_spacemesh::report;

use crate::recording::{never, recording, recount, settings};

/// Both nodes were right by their own blocks. What the votes come to in the end takes rows from both.
#[test]
fn what_was_paid_in_a_split_is_not_what_is_owed() {
    let Some(recording) = recording() else { return };
    let split = LayerId(0)..=LayerId(60);
    for counted in ["state_a", "state_b"] {
        let state = recording.open(counted);
        let report = recount(&state, settings()).unwrap();
        assert_eq!(report.verified, LayerId(93));
        for (name, rows, gone) in [("state_a_at_60", 87, 8), ("state_b_at_60", 85, 7)] {
            let paid = recording.open(name).rewards(&split).unwrap();
            assert_eq!(paid.len(), rows);
            let found = report.consequences(&state, &split, &paid, &never()).unwrap();
            assert_eq!((found.gone(), found.same as usize + found.gone()), (gone, rows), "{name}");
            assert_eq!(found.unknown, []);

            // The very rows that are not in the healed table, found another way.
            let healed = recording.open("state_b").rewards(&split).unwrap();
            let expected: BTreeSet<_> = report::Report::compare(&healed, &paid)
                .differences
                .iter()
                .filter(|difference| !matches!(difference, report::Difference::Missing(_)))
                .map(report::Difference::place)
                .collect();
            let lost = found.changes.iter().filter(|change| change.before.is_some());
            assert_eq!(lost.map(|change| (change.layer, change.smesher)).collect::<BTreeSet<_>>(), expected);

            // Per smesher: nothing is lost on the way.
            let sum = |side: fn(&Change) -> u64| -> u128 {
                found.changes.iter().map(|change| u128::from(side(change))).sum()
            };
            let before = sum(|change| change.before.map_or(0, |row| row.total));
            let after = sum(|change| change.after.map_or(0, |row| row.total));
            let lost: i128 = found.smeshers.iter().map(|all| all.before as i128 - all.after as i128).sum();
            assert_eq!(lost, before as i128 - after as i128, "{name}");
        }
    }
}

/// While the network heals, votes say of the split no more than that nothing is decided: `verified` went down.
#[test]
fn while_it_heals_nothing_of_the_split_is_decided() {
    let Some(recording) = recording() else { return };
    let split = LayerId(0)..=LayerId(60);
    for (name, before) in [("state_a", 55), ("state_b", 56)] {
        let at_60 = recount(&recording.open(&format!("{name}_at_60")), settings()).unwrap();
        assert_eq!((at_60.verified, at_60.differs), (LayerId(before), None));
        let state = recording.open(&format!("{name}_at_64"));
        let healing = recount(&state, settings()).unwrap();
        assert_eq!((healing.verified, healing.differs), (LayerId(51), None), "{name}");
        assert!(healing.stages[0].full);
        assert_eq!((healing.rewards.changes.len(), healing.rewards.same), (0, 0));
        // What was paid up to there stays; above it nothing is said.
        let paid = recording.open(&format!("{name}_at_60")).rewards(&split).unwrap();
        let found = healing.consequences(&state, &split, &paid, &never()).unwrap();
        let decided = paid.iter().filter(|reward| reward.layer <= LayerId(51)).count();
        assert_eq!((found.same as usize, found.gone(), found.changes.len()), (decided, 0, 0));
    }
}

/// Opinions tell an index what to look at.
#[test]
fn an_index_of_the_split_is_told_where_it_parts() {
    let Some(recording) = recording() else { return };
    let report = recount(&recording.open("state_a"), settings()).unwrap();
    let held = |name: &str| -> Vec<(LayerId, Hash)> {
        let rows = recording.open(name).layers(&(LayerId(32)..=LayerId(95))).unwrap();
        rows.iter().map(|row| (row.layer, row.opinion.unwrap())).collect()
    };
    let healed = report.compare(&held("state_b"));
    assert_eq!((healed.same, healed.differing.len(), healed.open), (62, 0, 2));
    let against = report.compare(&held("state_a_at_60"));
    // Opinions build on those below: from the first difference on all differ.
    let differing: Vec<u32> = against.differing.iter().map(|layer| layer.layer.0).collect();
    assert_eq!(differing, (52..=60).collect::<Vec<_>>());
    assert_eq!((against.same, against.open), (20, 0));
    assert_eq!(report.compare(&[(LayerId(10), Hash([1; 32])), (LayerId(95), Hash([1; 32]))]).open, 2);
    let last = (LayerId(40), Hash([1; 32]));
    assert_eq!(report.compare(&[last, last]).differing.len(), 1);
}
