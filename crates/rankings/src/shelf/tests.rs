use std::time::Duration;

use apogee_domain::{Digest, Epoch, Subject, Value, series};
use apogee_leaderboard::Scope;

use super::*;
use crate::Column;

const LIMITS: Limits = Limits { bytes: 1 << 20, count: 100, many: 2, patience: Duration::from_secs(60) };

fn key(network: &str, series: &SeriesName, at: i64, seen: u8) -> Key {
    let scope = Scope {
        network: network.parse().unwrap(),
        genesis: "bafy".into(),
        series: series.clone(),
        since: None,
        at: Epoch::new(at).unwrap(),
        chain: Digest([u8::try_from(at).unwrap(); 32]),
    };
    Key { scope, seen: Some(Digest([seen; 32])), is_past: false }
}

/// Of the newest epoch, which is the one that was seen.
fn newest(series: &SeriesName, at: i64) -> Key {
    key("mesh", series, at, u8::try_from(at).unwrap())
}

fn ranking(key: &Key, participants: u32, known: Option<&Arc<Names>>) -> Arc<Ranking> {
    let row =
        |number: u32| (format!("{number:064x}").parse::<Subject>().unwrap(), Some(Value(number.into())));
    let rows: Vec<_> = (0..participants).map(row).collect();
    Arc::new(Ranking::new(key.scope.clone(), &rows, known).unwrap())
}

fn put(shelf: &mut Shelf, key: &Key, participants: u32) {
    let known = shelf.names(key);
    shelf.put(key.clone(), ranking(key, participants, known.as_ref()));
}

const UNITS: SeriesName = series::SPACE_UNITS;
const WEIGHT: SeriesName = series::ATX_WEIGHT;

#[test]
fn what_was_not_used_for_longest_goes_and_names_count_once() {
    let mut shelf = Shelf::new(Limits { bytes: 0, ..LIMITS });
    put(&mut shelf, &newest(&UNITS, 1), 100);
    assert!(shelf.get(&newest(&UNITS, 1)).is_some(), "one is kept however little room there is");
    let one = shelf.bytes();
    assert!(one > 100 * (64 + 4 + 20), "{one}");
    let rows = ranking(&newest(&UNITS, 1), 100, None).bytes();
    shelf.limits.bytes = one + 2 * rows;
    for at in 2..=3 {
        put(&mut shelf, &newest(&UNITS, at), 100);
    }
    assert!(shelf.get(&newest(&UNITS, 1)).is_some());
    put(&mut shelf, &newest(&UNITS, 4), 100);
    let here = [1, 2, 3, 4].map(|at| shelf.get(&newest(&UNITS, at)).is_some());
    assert_eq!(here, [true, false, true, true]);
    // Names of its own, of more bytes than three rankings.
    put(&mut shelf, &key("other", &UNITS, 9, 9), 120);
    assert_eq!(shelf.kept.len(), 1);
    shelf.limits = Limits { count: 2, ..LIMITS };
    put(&mut shelf, &newest(&UNITS, 5), 1);
    put(&mut shelf, &newest(&UNITS, 6), 1);
    assert_eq!(shelf.kept.len(), 2);
}

#[test]
fn orders_stay_with_their_ranking_and_go_first() {
    let mut shelf = Shelf::new(LIMITS);
    let key = newest(&UNITS, 1);
    put(&mut shelf, &key, 100);
    let by = |descending| By { column: Column::Name, descending };
    let ranking = shelf.get(&key).unwrap();
    shelf.limits.bytes = shelf.bytes() + ranking.ordered_by_name(true).bytes();
    for descending in [true, false] {
        assert!(shelf.order(&key, &by(descending)).is_none());
        shelf.put_order(&key, by(descending), Arc::new(ranking.ordered_by_name(descending)));
        assert!(shelf.order(&key, &by(descending)).is_some());
    }
    assert!(shelf.order(&key, &by(true)).is_none(), "there is room for one");
    shelf.put_order(&newest(&UNITS, 2), by(true), Arc::new(ranking.ordered_by_name(true)));
    assert!(shelf.get(&newest(&UNITS, 2)).is_none());
}

#[test]
fn an_older_one_is_shown_of_many_participants_and_not_for_ever() {
    let mut shelf = Shelf::new(LIMITS);
    let now = Instant::now();
    let found = |shelf: &mut Shelf, key: &Key, pinned, after| {
        shelf.older(key, pinned, now + Duration::from_secs(after)).map(|(key, _)| key.scope.at.height())
    };
    put(&mut shelf, &newest(&UNITS, 3), 2);
    assert_eq!(found(&mut shelf, &newest(&UNITS, 9), false, 0), None, "few participants");
    put(&mut shelf, &newest(&UNITS, 3), 3);
    put(&mut shelf, &newest(&UNITS, 5), 3);
    put(&mut shelf, &newest(&WEIGHT, 6), 3);
    put(&mut shelf, &key("other", &UNITS, 6, 6), 3);
    assert_eq!(found(&mut shelf, &newest(&UNITS, 4), false, 0), Some(3), "not one of a later epoch");
    assert_eq!(found(&mut shelf, &newest(&UNITS, 9), false, 0), Some(5));
    assert_eq!(found(&mut shelf, &newest(&UNITS, 9), false, 60), Some(5));
    assert_eq!(found(&mut shelf, &newest(&UNITS, 9), false, 61), None, "for too long");
    // Of the epoch itself, as it was a moment ago, and of no other.
    assert_eq!(found(&mut shelf, &key("mesh", &UNITS, 3, 9), true, 1), Some(3));
    assert_eq!(found(&mut shelf, &key("mesh", &UNITS, 4, 9), true, 1), None);
    let scope = Scope { chain: Digest([77; 32]), ..newest(&UNITS, 3).scope };
    let replaced = Key { scope, ..newest(&UNITS, 3) };
    assert_eq!(found(&mut shelf, &replaced, true, 1), None);
}

#[test]
fn what_was_looked_at_is_made_again_and_what_is_ranked_first_always() {
    let mut shelf = Shelf::new(LIMITS);
    let now = Instant::now();
    assert_eq!(shelf.behind(&newest(&UNITS, 1), now), [UNITS], "nothing is there");
    put(&mut shelf, &newest(&UNITS, 1), 3);
    assert_eq!(shelf.behind(&newest(&UNITS, 1), now), []);
    for series in [&WEIGHT, &series::SLOTS_FILLED] {
        put(&mut shelf, &newest(series, 1), 3);
    }
    put(&mut shelf, &newest(&series::MALFEASANCE, 1), 2);
    assert!(shelf.get(&newest(&series::MALFEASANCE, 1)).is_some());
    assert!(shelf.get(&newest(&WEIGHT, 1)).is_some());
    assert_eq!(
        shelf.behind(&newest(&UNITS, 2), now),
        [UNITS, WEIGHT],
        "few are malfeasant, and nobody looked at slots"
    );
    // It is behind from then on, whoever comes when.
    let late = now + LIMITS.patience + Duration::from_secs(1);
    assert!(shelf.older(&newest(&WEIGHT, 3), false, late).is_none());
    put(&mut shelf, &newest(&UNITS, 2), 3);
    assert_eq!(shelf.behind(&newest(&UNITS, 2), now), [WEIGHT]);
    let mut small = Shelf::new(LIMITS);
    put(&mut small, &newest(&UNITS, 1), 2);
    assert_eq!(small.behind(&newest(&UNITS, 2), now), [], "what takes no time is made when somebody asks");
}
