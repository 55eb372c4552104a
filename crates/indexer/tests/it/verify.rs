//! What is in the database against what follows from the chain.

use std::sync::Arc;

use apogee_domain::series::*;
use apogee_domain::{SeriesName, Value};
use apogee_indexer::{IndexError, Indexer, Verification};

use crate::common::{at, indexed, indexer, recording};
use crate::memory::{Memory, Rows};

fn over(memory: &Memory, batch: u32) -> Indexer {
    let recording = recording();
    let source = Arc::new(recording.source.clone());
    indexer(memory, &recording, source, batch)
}

/// Verify `range` of a database that was changed by hand.
async fn changed(memory: &Memory, range: (i64, i64), change: impl FnOnce(&mut Rows)) -> Verification {
    let memory = memory.copy();
    change(&mut memory.rows.lock().unwrap());
    over(&memory, 16).verify(at(range.0), at(range.1)).await.unwrap()
}

fn step(rows: &mut Rows, series: SeriesName, subject: &str, epoch: i64, value: Option<u128>) {
    let at = (series, subject.parse().unwrap(), at(epoch));
    match value {
        Some(value) => rows.steps.insert(at, Some(Value(value))),
        None => rows.steps.remove(&at),
    };
}

fn named(found: &Verification) -> (i64, Option<&str>, Option<&str>, &str) {
    let difference = found.difference.as_ref().expect("a difference");
    let series = difference.series.as_ref().map(SeriesName::as_str);
    let subject = difference.subject.as_ref().map(|subject| subject.as_str());
    (difference.epoch.height(), series, subject, difference.field)
}

#[tokio::test]
async fn what_was_indexed_is_derived_again_digest_by_digest() {
    let memory = indexed().await;
    let before = memory.all();
    let digest = |epoch: i64| before.epochs[&at(epoch)].digest;
    // From genesis; over an upgrade; from the middle of null rounds; of one null round; the newest epoch.
    for (from, to) in [(0, 313), (45, 60), (98, 100), (217, 217), (99, 106), (313, 313)] {
        let found = over(&memory, 7).verify(at(from), at(to)).await.unwrap();
        assert_eq!(found.difference, None, "{from}..={to}");
        assert!(found.from <= at(from) && found.to >= at(to) && found.steps > 0);
        assert_eq!(found.digest, digest(found.to.height()));
        assert!(found.checks.iter().all(|record| record.failed == 0));
    }
    assert!(before == memory.all(), "the database is only read");
}

#[tokio::test]
async fn the_first_row_that_differs_is_named() {
    let memory = indexed().await;
    let power = changed(&memory, (40, 120), |rows| {
        step(rows, POWER_RAW, "t01000", 90, Some(1));
        step(rows, POWER_RAW, "t01001", 55, Some(7));
    });
    let power = power.await;
    assert_eq!(named(&power), (55, Some("power.raw"), Some("t01001"), "value"));
    let difference = power.difference.as_ref().unwrap();
    assert_eq!((difference.stored.as_deref(), difference.derived.as_deref()), (Some("7"), Some("10240")));
    assert_eq!(difference.to_string(), "epoch 55, power.raw of t01001: the value is 7, but 10240 follows");
    let lost = changed(&memory, (200, 230), |rows| step(rows, SECTORS_FAULTY, "t01001", 214, None)).await;
    assert_eq!(named(&lost), (214, Some("sectors.faulty"), Some("t01001"), "value"));
    assert_eq!(lost.difference.unwrap().stored, None);
    let made_up = changed(&memory, (200, 230), |rows| step(rows, REWARD_GAS, "t01002", 217, Some(9))).await;
    assert_eq!(named(&made_up), (217, Some("reward.gas"), Some("t01002"), "value"));
    assert_eq!(made_up.difference.unwrap().derived, None);
}

#[tokio::test]
async fn a_row_out_of_the_range_or_unchanged_is_not_named() {
    let memory = indexed().await;
    let outside = changed(&memory, (100, 120), |rows| {
        step(rows, POWER_RAW, "t01000", 164, Some(1));
        // What executing the last tipset did belongs to the epoch after it.
        step(rows, PENALTY, "t01001", 120, Some(1));
    });
    assert_eq!(outside.await.difference, None);
}

#[tokio::test]
async fn a_record_that_differs_is_named_by_its_field() {
    let memory = indexed().await;
    let digest = changed(&memory, (40, 60), |rows| {
        let other = rows.epochs[&at(3)].digest;
        rows.epochs.get_mut(&at(50)).unwrap().digest = other;
    });
    assert_eq!(named(&digest.await), (50, None, None, "digest"));
    let gone = changed(&memory, (40, 60), |rows| drop(rows.epochs.remove(&at(47))));
    assert_eq!(named(&gone.await), (47, None, None, "key"));
    let won =
        changed(&memory, (40, 60), |rows| rows.epochs.get_mut(&at(51)).unwrap().blocks[0].win_count += 1);
    assert_eq!(named(&won.await), (51, None, None, "blocks"));
}

#[tokio::test]
async fn another_branch_in_the_database_is_named_where_it_begins() {
    let (recording, memory) = (recording(), Memory::new());
    let fork = recording.source.clone().with_head(&recording.source.heads()[1]).unwrap();
    indexer(&memory, &recording, Arc::new(fork), 64).backfill_to_head().await.unwrap();
    let found = over(&memory, 16).verify(at(50), at(80)).await.unwrap();
    assert_eq!(named(&found), (61, None, None, "key"));
}

#[tokio::test]
async fn epochs_that_are_not_indexed_cannot_be_verified() {
    let memory = indexed().await;
    for (from, to) in [(300, 314), (1000, 1001), (20, 10)] {
        let error = over(&memory, 16).verify(at(from), at(to)).await.unwrap_err();
        assert!(matches!(error, IndexError::NotIndexed { .. }), "{error}");
        assert!(error.to_string().contains("the newest one is 313"), "{error}");
    }
}
