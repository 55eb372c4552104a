use apogee_domain::{Digest, Epoch, Subject, Value, series};
use apogee_leaderboard::{Scope, Snapshot, rank};
use proptest::prelude::*;

type Rows = Vec<(Subject, Option<Value>)>;

fn rows(rows: &[(&str, Option<u128>)]) -> Rows {
    rows.iter().map(|(subject, value)| (subject.parse().unwrap(), value.map(Value))).collect()
}

fn scope() -> Scope {
    Scope {
        network: "devnet-a".parse().unwrap(),
        genesis: "bafy".into(),
        series: series::POWER_RAW,
        since: None,
        at: Epoch::new(300).unwrap(),
        chain: Digest([7; 32]),
    }
}

fn labels(rows: &Rows) -> Vec<String> {
    rank(rows).iter().map(|standing| format!("{} {}", standing.label(), standing.subject)).collect()
}

#[test]
fn equal_values_share_a_rank_and_the_next_rank_counts_them() {
    let rows = rows(&[
        ("t01", Some(5)),
        ("t02", Some(9)),
        ("t03", Some(5)),
        ("t04", Some(4)),
        ("t05", None),
        ("t06", Some(0)),
    ]);
    assert_eq!(labels(&rows), ["1 t02", "=2 t01", "=2 t03", "4 t04", "5 t06", "– t05"]);
}

#[test]
fn two_unknown_values_are_no_tie() {
    assert_eq!(labels(&rows(&[("b", None), ("a", None)])), ["– a", "– b"]);
}

#[test]
fn no_rows_have_standings() {
    assert!(rank(&[]).is_empty());
    assert_eq!(Snapshot::new(scope(), &[]).rows, []);
}

#[test]
fn the_name_of_a_snapshot_is_the_documented_hash() {
    // Computed with coreutils: printf '…' | sha256sum.
    let snapshot = Snapshot::new(scope(), &rows(&[("t01", Some(5)), ("t02", None)]));
    let hashes: Vec<_> = snapshot.rows.iter().map(|row| row.hash.to_string()).collect();
    assert_eq!(hashes, [ROW_1, ROW_2]);
    assert_eq!(snapshot.id.to_string(), SNAPSHOT);
}

const ROW_1: &str = "86e4502a11351025442cf909e30475b446bc5186c05f28a07d3998c7d496c86d";
const ROW_2: &str = "7d99bd50d9e3e92ed9bbd16b95f2090246b49d76b63f9b96017984cecef0196b";
const SNAPSHOT: &str = "81004b1fdc30130314af887bb5b6466759cf4760791dcb3cda28f8eb965fc6e8";

#[test]
fn whatever_changes_changes_the_name() {
    let base = rows(&[("t01", Some(5)), ("t02", Some(4))]);
    let id = |scope: Scope, rows: &Rows| Snapshot::new(scope, rows).id;
    let mut ids = vec![
        id(scope(), &base),
        id(scope(), &rows(&[("t01", Some(5)), ("t02", Some(3))])),
        id(scope(), &rows(&[("t01", Some(5)), ("t03", Some(4))])),
        id(scope(), &rows(&[("t01", Some(5)), ("t02", None)])),
        id(scope(), &rows(&[("t01", Some(5))])),
        id(Scope { at: Epoch::GENESIS, ..scope() }, &base),
        id(Scope { since: Some(Epoch::GENESIS), ..scope() }, &base),
        id(Scope { series: series::POWER_QA, ..scope() }, &base),
        id(Scope { chain: Digest([8; 32]), ..scope() }, &base),
        id(Scope { genesis: "other".into(), ..scope() }, &base),
        id(Scope { network: "devnet-b".parse().unwrap(), ..scope() }, &base),
    ];
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

proptest! {
    #[test]
    fn standings_do_not_depend_on_the_order_of_rows(
        values in proptest::collection::vec(proptest::option::of(0_u128..6), 0..40), seed in any::<u64>(),
    ) {
        let rows: Rows = values.iter().enumerate().map(|(i, value)| (format!("t0{i}").parse().unwrap(), value.map(Value))).collect();
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|(subject, _)| subject.as_str().bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)));
        prop_assert_eq!(Snapshot::new(scope(), &rows), Snapshot::new(scope(), &shuffled));
    }

    #[test]
    fn a_rank_is_one_more_than_the_number_of_better_rows(
        values in proptest::collection::vec(proptest::option::of(0_u128..6), 0..40),
    ) {
        let rows: Rows = values.iter().enumerate().map(|(i, value)| (format!("t0{i}").parse().unwrap(), value.map(Value))).collect();
        let standings = rank(&rows);
        prop_assert_eq!(standings.len(), rows.len());
        for standing in standings {
            let better = values.iter().flatten().filter(|value| Some(Value(**value)) > standing.value).count();
            let equal = values.iter().filter(|value| value.map(Value) == standing.value).count();
            prop_assert_eq!(standing.rank, standing.value.map(|_| better + 1));
            prop_assert_eq!(standing.tied, standing.value.is_some() && equal > 1);
        }
    }
}
