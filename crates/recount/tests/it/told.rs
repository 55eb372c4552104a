//! What a node says decides nothing.

use apogee_recount::{Consequences, Report};
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh_state::{Limits, State};

use crate::recording::{begin, in_stages, recording, recount, settings};

/// A node's decisions are where counting begins, and not what it comes to: without them, and with false ones, votes
/// decide the same, in one window and in several.
#[test]
fn false_decisions_are_found_out() {
    let Some(recording) = recording() else { return };
    let honest = recount(&recording.open("state_a"), settings()).unwrap();
    assert_eq!((honest.differs, honest.stages[0].full), (None, false));
    for statements in [
        "UPDATE blocks SET validity = NULL",
        "UPDATE blocks SET validity = -1",
        "UPDATE blocks SET validity = 1",
        "UPDATE blocks SET validity = -validity",
        "UPDATE blocks SET validity = -1 WHERE layer = 70",
        "DELETE FROM certificates",
        "UPDATE blocks SET validity = NULL; DELETE FROM certificates",
    ] {
        for settings in [settings(), in_stages()] {
            let folder = tempfile::tempdir().unwrap();
            let copy = recording.changed("state_a", folder.path(), statements);
            let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
            let report = recount(&state, settings).unwrap();
            assert_eq!((report.verified, report.differs), (LayerId(93), None), "{statements}");
            assert_eq!(report.rewards, Consequences::default(), "{statements}");
            for (one, other) in report.layers.iter().zip(&honest.layers).filter(|(one, _)| one.verified) {
                assert_eq!(one.block, other.block, "{statements}");
                assert!(one.recent || one.opinion == other.opinion, "{statements}: {}", one.layer);
            }
        }
    }
}

#[test]
fn a_block_that_votes_do_not_have_is_found_out() {
    let Some(recording) = recording() else { return };
    let report = recording.after(
        "state_a",
        "UPDATE layers SET applied_block = x'0000000000000000000000000000000000000000' WHERE id = 70;
         DELETE FROM rewards WHERE layer = 70;",
    );
    assert_eq!(report.differs, Some(LayerId(70)));
    let owed = recording.open("state_a").rewards(&(LayerId(70)..=LayerId(70))).unwrap();
    assert_eq!(report.rewards.changes.len(), owed.len());
    for (change, owed) in report.rewards.changes.iter().zip(&owed) {
        assert_eq!((change.layer, change.smesher, change.before), (owed.layer, owed.smesher, None));
        let row = change.after.unwrap();
        assert_eq!(
            (row.total, row.subsidy, row.coinbase),
            (owed.amount.total, owed.amount.subsidy, owed.coinbase)
        );
    }
    // Two smeshers share a coinbase elsewhere, but each has its own line here.
    assert_eq!(report.rewards.smeshers.len(), owed.len());
}

/// Layer 57 has a transaction.
#[test]
fn fees_that_nobody_knows_are_not_made_up() {
    let Some(recording) = recording() else { return };
    let report = recording.after(
        "state_a",
        "UPDATE layers SET applied_block = x'0000000000000000000000000000000000000000' WHERE id = 57;
         UPDATE transactions SET result = NULL, layer = NULL, block = NULL WHERE layer = 57;
         DELETE FROM rewards WHERE layer = 57;",
    );
    let [unknown] = report.rewards.unknown.as_slice() else { panic!("{:?}", report.rewards.unknown) };
    assert_eq!((unknown.layer, unknown.held, unknown.transactions), (LayerId(57), true, 1));
    let truth = recording.open("state_a").rewards(&(LayerId(57)..=LayerId(57))).unwrap();
    assert!(!truth.is_empty());
    for (change, truth) in report.rewards.changes.iter().zip(&truth) {
        let row = change.after.unwrap();
        assert!(row.total < truth.amount.total && row.total == row.subsidy);
        assert_eq!(row.subsidy, truth.amount.subsidy);
    }
}

#[test]
fn a_block_that_is_not_in_the_copy_is_said() {
    let Some(recording) = recording() else { return };
    let report = recording.after(
        "state_a",
        "DELETE FROM blocks WHERE layer = 70; DELETE FROM rewards WHERE layer = 70;
         UPDATE layers SET applied_block = x'0000000000000000000000000000000000000000' WHERE id = 70;",
    );
    // Ballots name it, so that it is counted.
    let [unknown] = report.rewards.unknown.as_slice() else { panic!("{:?}", report.rewards.unknown) };
    assert_eq!((unknown.layer, unknown.held), (LayerId(70), false));
    assert!(report.rewards.changes.is_empty());
}

#[test]
fn the_digest_names_all_that_is_counted() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let input = *begin(&state, settings()).unwrap().input();
    assert_eq!(*begin(&recording.open("state_a"), settings()).unwrap().input(), input);
    assert_eq!((input.from, input.to, input.version), (LayerId(32), LayerId(95), 25));
    assert_eq!(input.opinion, state.layers(&(LayerId(95)..=LayerId(95))).unwrap()[0].opinion);
    for statements in [
        "DELETE FROM ballots WHERE id = (SELECT min(id) FROM ballots WHERE layer = 70)",
        "DELETE FROM blocks WHERE layer = 70",
        "UPDATE blocks SET validity = -1 WHERE layer = 70",
        "DELETE FROM certificates WHERE layer = 95",
        "UPDATE certificates SET valid = 0 WHERE layer = 95",
        "UPDATE layers SET weak_coin = 1 - weak_coin WHERE id = 70",
        "UPDATE layers SET aggregated_hash = zeroblob(32) WHERE id = 70",
        "UPDATE layers SET applied_block = NULL WHERE id = 70",
        "UPDATE atxs SET weight = weight + 1 WHERE id = (SELECT min(id) FROM atxs WHERE epoch = 4)",
        "UPDATE atxs SET coinbase = zeroblob(24) WHERE id = (SELECT min(id) FROM atxs WHERE epoch = 4)",
        "UPDATE beacons SET beacon = x'01020304' WHERE epoch = 4",
        "UPDATE rewards SET total_reward = total_reward + 1 WHERE rowid = (SELECT min(rowid) FROM rewards)",
        "DELETE FROM identities; DELETE FROM malfeasance",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let copy = recording.changed("state_a", folder.path(), statements);
        let changed = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
        assert_ne!(begin(&changed, settings()).unwrap().input().digest, input.digest, "{statements}");
    }
}

#[test]
fn ballots_are_checked_where_that_is_asked_for() {
    let Some(recording) = recording() else { return };
    let checked = apogee_recount::Settings { check: true, ..settings() };
    let report = recount(&recording.open("state_a_at_60"), checked.clone()).unwrap();
    let checks = report.checks.clone().unwrap();
    assert_eq!((checks.passed, checks.failed, checks.not_made), (91, 0, 0));
    // The beacons of others' ballots are theirs, and draws follow from them.
    let folder = tempfile::tempdir().unwrap();
    let copy = recording.changed(
        "state_a_at_60",
        folder.path(),
        "UPDATE atxs SET nonce = nonce + 1 WHERE epoch = 2",
    );
    let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
    let checks = recount(&state, checked).unwrap().checks.unwrap();
    assert!(checks.failed > 0 && checks.passed > 0 && checks.passed + checks.failed == 91);
    assert_eq!(checks.examples.len() as u64, checks.failed.min(100));
}

#[test]
fn a_report_is_one_document() {
    let Some(recording) = recording() else { return };
    let one = recount(&recording.open("state_a"), settings()).unwrap();
    let other = recount(&recording.open("state_a"), settings()).unwrap();
    assert_eq!(one.to_json(), other.to_json());
    assert_eq!(Report::from_json(&one.to_json()).unwrap(), one);
    assert_eq!(one.digest(), other.digest());
    let text = String::from_utf8(one.to_json()).unwrap();
    assert!(!text.contains('.') && !text.contains(": "), "integers only, one form");
    let more = text.replacen("{\"input\"", "{\"more\":1,\"input\"", 1);
    assert!(Report::from_json(more.as_bytes()).is_err());
}

/// Ballots that others build on cannot be kept out of a copy in silence, nor can their votes be changed.
#[test]
fn votes_that_were_taken_away_show() {
    let Some(recording) = recording() else { return };
    assert!(recount(&recording.open("state_a"), settings()).unwrap().is_sound());
    let state = recording.open("state_a");
    let ballots = state.ballots(&(LayerId(48)..=LayerId(60))).unwrap();
    let base = ballots.iter().map(|ballot| ballot.votes.base).find(|base| {
        // One that no ballot of its epoch refers to.
        ballots.iter().any(|ballot| ballot.id() == *base && ballot.inner.epoch.is_none())
    });
    let statement = format!("DELETE FROM ballots WHERE id = x'{}000000000000000000000000'", base.unwrap());
    let report = recording.after("state_a", &statement);
    assert!(report.stages[0].missing > 0 && report.stages[0].whole < 220, "{:?}", report.stages);
    assert!(!report.is_sound());

    let mut changed = ballots.iter().find(|ballot| !ballot.votes.support.is_empty()).unwrap().clone();
    changed.votes.support[0].height += 1;
    let bytes: String =
        apogee_spacemesh::scale::encode(&changed).iter().map(|byte| format!("{byte:02x}")).collect();
    let id = changed.id();
    let statement =
        format!("UPDATE ballots SET ballot = x'{bytes}' WHERE id = x'{id}000000000000000000000000'");
    let report = recording.after("state_a", &statement);
    assert!(report.stages[0].differing > 0 && !report.is_sound());
}
