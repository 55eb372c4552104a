use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apogee_recount::{Interrupt, Limits, Recount, RecountError, Settings};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_state::State;

use crate::recording::{begin, recording, recount, settings};

#[test]
fn what_costs_too_much_is_refused_before_it_is_counted() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let estimate = *begin(&state, settings()).unwrap().estimate();
    assert_eq!((estimate.layers, estimate.ballots), (64, 221));
    let all = Limits::default();
    for (limits, expected) in [
        (Limits { layers: 63, ..all }, "layers"),
        (Limits { ballots: 220, ..all }, "ballots"),
        (Limits { work: estimate.steps - 1, ..all }, "steps"),
        (Limits { bytes: estimate.bytes - 1, ..all }, "bytes"),
    ] {
        match begin(&state, Settings { limits, ..settings() }) {
            Err(RecountError::TooMuch { what, needed, most }) => {
                assert_eq!((what, needed > most), (expected, true));
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
    let exact = Limits { layers: 64, ballots: 221, work: estimate.steps, bytes: estimate.bytes, ..all };
    // What was estimated is more than what it takes.
    let mut recount = begin(&state, Settings { limits: exact, ..settings() }).unwrap();
    while recount.step(&mut |_| ()).unwrap() {}
    assert!(recount.work() <= estimate.steps, "{} of {}", recount.work(), estimate.steps);
}

#[test]
fn votes_are_bounded_while_they_are_held() {
    let Some(recording) = recording() else { return };
    let limits = Limits { votes: 20, ..Limits::default() };
    let result = recount(&recording.open("state_a"), Settings { limits, ..settings() });
    assert!(matches!(result, Err(RecountError::Count(_))), "{result:?}");
}

/// At every question that it asks it can be ended.
#[test]
fn it_ends_wherever_it_is_asked_to() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a_at_64");
    let asked = Arc::new(AtomicU64::new(0));
    let run = |most: u64| -> Result<(), RecountError> {
        asked.store(0, Ordering::Relaxed);
        let counter = Arc::clone(&asked);
        let interrupt = Interrupt::new(move || counter.fetch_add(1, Ordering::Relaxed) >= most);
        let mut recount = Recount::begin(&state, settings(), interrupt, &mut |_| ())?;
        while recount.step(&mut |_| ())? {}
        Ok(())
    };
    run(u64::MAX).unwrap();
    let all = asked.load(Ordering::Relaxed);
    // A question for each layer that is looked at and read, and one at least while votes are counted.
    assert!(all > 2 * 33, "{all}");
    for most in 0..all {
        assert!(matches!(run(most), Err(RecountError::Interrupted)), "question {most} of {all}");
    }
}

#[test]
fn there_has_to_be_something_to_count() {
    let Some(recording) = recording() else { return };
    let folder = tempfile::tempdir().unwrap();
    let copy = recording.changed("state_a", folder.path(), "DELETE FROM ballots");
    let state = State::open(&copy, &recording.genesis, apogee_spacemesh_state::Limits::default()).unwrap();
    assert!(matches!(recount(&state, settings()), Err(RecountError::Nothing(31))));
    let mut none = settings();
    none.config.epoch = 0;
    assert!(matches!(recount(&recording.open("state_a"), none), Err(RecountError::Config(_))));
}

/// Whatever a row says, the recount ends with an answer or an error.
#[test]
fn rows_of_strangers_end_in_order() {
    let Some(recording) = recording() else { return };
    let mut answers = 0;
    for statements in [
        "UPDATE atxs SET weight = -1",
        "UPDATE atxs SET weight = 9223372036854775807",
        "UPDATE atxs SET base_tick_height = -1",
        "UPDATE atxs SET weight = 0",
        "DELETE FROM atxs",
        "DELETE FROM beacons",
        "DELETE FROM blocks",
        "DELETE FROM certificates",
        "UPDATE layers SET weak_coin = NULL",
        "DELETE FROM layers WHERE id > 60",
        "DELETE FROM layers",
        "DELETE FROM ballots WHERE layer < 80",
        "UPDATE layers SET applied_block = x'0100000000000000000000000000000000000000'",
        "INSERT INTO layers (id, applied_block) VALUES (4294967295, zeroblob(20))",
        "UPDATE beacons SET beacon = x'01020304'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let copy = recording.changed("state_a", folder.path(), statements);
        let Ok(state) = State::open(&copy, &recording.genesis, apogee_spacemesh_state::Limits::default())
        else {
            continue;
        };
        let mut small = settings();
        for window in [200, 16] {
            small.config.window = window;
            small.from = (window == 16).then_some(LayerId(0));
            answers += u32::from(recount(&state, small.clone()).is_ok());
        }
    }
    assert!(answers > 15, "{answers}");
}
