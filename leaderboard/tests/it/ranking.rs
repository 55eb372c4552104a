//! The compact ranking against the plain snapshot, on random rows.

use std::sync::Arc;

use apogee_domain::{Digest, Epoch, Subject, Value, series};
use apogee_leaderboard::{Order, Ranking, Scope, Snapshot, SnapshotRow};
use proptest::prelude::*;

type Rows = Vec<(Subject, Option<Value>)>;

fn scope() -> Scope {
    Scope {
        network: "devnet-a".parse().unwrap(),
        genesis: "two\nlines".into(),
        series: series::SPACE_UNITS,
        since: None,
        at: Epoch::new(300).unwrap(),
        chain: Digest([7; 32]),
    }
}

/// Few values, so that many are tied; names of every length, in no order.
fn some_rows() -> impl Strategy<Value = Rows> {
    let value = prop_oneof![
        2 => Just(None),
        6 => (0_u128..5).prop_map(|value| Some(Value(value))),
        1 => Just(Some(Value(u128::MAX))),
    ];
    let name = "[a-c]{1,4}".prop_map(|name| name.parse::<Subject>().unwrap());
    proptest::collection::hash_map(name, value, 0..40).prop_map(|rows| rows.into_iter().collect())
}

fn all(ranking: &Ranking) -> Vec<SnapshotRow> {
    (0..ranking.len()).map(|position| ranking.row(position).unwrap()).collect()
}

/// Names and values of rows in an order, in words.
fn ordered(ranking: &Ranking, order: &Order) -> Vec<String> {
    let picked = ranking.pick(Some(order), None, 0, usize::MAX);
    let subject = |position: &usize| ranking.row(*position).unwrap().standing.subject.to_string();
    picked.positions.iter().map(subject).collect()
}

proptest! {
    #[test]
    fn it_says_what_the_snapshot_says(rows in some_rows(), others in some_rows()) {
        let snapshot = Snapshot::new(scope(), &rows);
        let ranking = Ranking::new(scope(), &rows, None).unwrap();
        prop_assert_eq!(ranking.id(), snapshot.id);
        prop_assert_eq!(all(&ranking), snapshot.rows.clone());
        prop_assert_eq!(ranking.row(ranking.len()), None);
        prop_assert_eq!(ranking.largest(), rows.iter().filter_map(|(_, value)| *value).max());
        for (position, row) in snapshot.rows.iter().enumerate() {
            prop_assert_eq!(ranking.position(&row.standing.subject), Some(position));
        }
        // Whosever names are at hand.
        let known = Ranking::new(scope(), &others, None).unwrap();
        let again = Ranking::new(scope(), &rows, Some(known.names())).unwrap();
        prop_assert_eq!(again.id(), snapshot.id);
        prop_assert_eq!(all(&again), snapshot.rows);
        let subset = rows.iter().all(|(subject, _)| others.iter().any(|(other, _)| other == subject));
        prop_assert_eq!(Arc::ptr_eq(again.names(), known.names()), subset);
        prop_assert!(others.iter().all(|(other, _)| again.position(other).is_some() == rows.iter().any(|(subject, _)| subject == other)));
    }

    #[test]
    fn rows_are_picked_as_from_a_list(
        rows in some_rows(), by in some_rows(), search in "[a-c]{1,2}", skip in 0_usize..6, take in 0_usize..6, descending in any::<bool>(), shared in any::<bool>(),
    ) {
        let ranking = Ranking::new(scope(), &rows, None).unwrap();
        let by: Rows = if shared { by.into_iter().filter(|(name, _)| ranking.position(name).is_some()).collect() } else { by };
        let other = Ranking::new(scope(), &by, Some(ranking.names())).unwrap();
        let value = |row: &SnapshotRow| {
            by.iter().find(|(subject, _)| *subject == row.standing.subject).map_or(Some(Value::ZERO), |(_, value)| *value)
        };
        let mut list = all(&ranking);
        list.sort_by(|a, b| match (value(a), value(b)) {
            (Some(a), Some(b)) if descending => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
        let names = |list: &[SnapshotRow]| list.iter().map(|row| row.standing.subject.to_string()).collect::<Vec<_>>();
        let order = ranking.ordered_by(&other, descending);
        prop_assert_eq!(ordered(&ranking, &order), names(&list));

        let found: Vec<_> = list.into_iter().filter(|row| row.standing.subject.as_str().contains(&search)).collect();
        let picked = ranking.pick(Some(&order), Some(&search), skip, take);
        prop_assert_eq!(picked.found, found.len());
        let page: Vec<_> = found.into_iter().skip(skip).take(take).collect();
        let rows: Vec<_> = picked.positions.iter().map(|position| ranking.row(*position).unwrap()).collect();
        prop_assert_eq!(rows, page);

        let mut by_name = names(&all(&ranking));
        by_name.sort_unstable();
        if descending {
            by_name.reverse();
        }
        prop_assert_eq!(ordered(&ranking, &ranking.ordered_by_name(descending)), by_name);
        let whole = ranking.pick(None, None, skip, take);
        prop_assert_eq!(whole.found, ranking.len());
        prop_assert_eq!(whole.positions, (0..ranking.len()).skip(skip).take(take).collect::<Vec<_>>());
    }
}
