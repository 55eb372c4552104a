//! The cases that every adapter passes, each on an empty database.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a case is a test: its name says what it shows, it fails by panicking"
)]

mod archives;
mod audit;
mod deals;
mod grants;
mod held;
mod history;
mod ledger;
mod money;
mod people;
mod probes;
mod recounts;
mod signins;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use apogee_domain::{
    Atto, Change, Digest, Epoch, Finality, Network, NetworkId, NetworkKind, SeriesName, Step, Subject,
    Timestamp, Value,
};

use crate::{
    AppliedEpoch, BlockRecord, CertificateRecord, ChangeRecord, CheckRecord, Cursor, EpochKind, EpochRecord,
    Page, Reconciliation, Store, StoreError, Unmade,
};

pub use archives::{
    a_competition_keeps_its_first_archive, an_archive_above_the_bound_is_refused,
    an_archive_is_read_back_byte_by_byte, an_archive_that_is_dropped_was_never_there, archive, keep,
    of_two_archives_one_is_kept,
};
pub use audit::{audit_events_are_a_chain, of_two_audit_events_one_follows_the_other};
pub use deals::{
    a_slot_has_one_deal_whoever_makes_another, deals_are_followed_until_they_are_closed,
    deals_of_slots_that_went_well_can_be_read_back, that_data_could_not_be_had_is_known_for_its_time,
    what_is_fetched_of_a_deal_grows_without_gaps,
};
pub use grants::{
    a_charge_that_is_given_back_no_longer_counts_and_can_be_taken_again,
    a_faucet_keeps_its_state_when_its_policy_changes, a_grant_is_read_back_whole_and_charged_under_each_key,
    a_key_of_an_identity_names_one_grant, a_message_is_claimed_once_whatever_happens_to_it,
    grants_are_settled_by_what_became_of_their_payments,
    messages_are_read_inside_a_unit_of_work_and_from_newest_to_oldest,
    what_is_put_down_about_somebody_is_found_replaced_and_struck,
    who_decides_what_a_faucet_grants_does_so_alone,
};
pub use held::{a_question_about_subjects_is_answered_for_each, what_is_asked_of_too_many_subjects_is_cut};
pub use history::{
    a_history_has_the_steps_of_every_subject_from_an_epoch_on, a_page_of_a_history_begins_anywhere,
};
pub use ledger::{
    a_ledger_is_read_back_in_order, an_entry_that_is_dropped_was_never_there,
    an_entry_that_is_not_next_is_a_conflict, entry, of_two_writers_one_gets_the_entry, write,
};
pub use money::{
    a_holder_that_was_replaced_meanwhile_does_not_write, a_message_is_stored_once_and_says_when_it_was_sent,
    a_payment_has_one_transfer_that_may_pay_it, a_payment_is_owed_once,
    a_wallet_has_one_holder_and_fences_grow, a_wallet_is_added_once,
    a_wallet_says_what_it_may_do_and_nonces_grow, marks_are_kept_from_the_first_on,
    of_two_transfers_of_a_payment_one_is_made, payments_are_paged_in_the_order_they_were_accepted,
    payments_of_a_source_are_paged_by_name, what_a_unit_of_work_wrote_it_sees,
    what_is_spent_on_a_day_adds_up,
};
pub use people::{
    a_block_stays_when_they_sign_in_again, a_passkey_counts_up, a_role_is_given_once_and_taken, account,
    an_account_is_one_identity_whatever_it_is_called, an_identity_has_few_keys_that_can_be_used, meet,
    of_two_uses_of_an_invite_with_one_left_one_gets_in, two_sign_ins_at_once_are_one_identity,
};
pub use probes::{
    a_batch_has_one_place, a_lane_is_held_by_who_has_its_fence, a_race_keeps_the_settings_that_it_began_with,
    a_slot_is_judged_once_and_counted_from_then_on, a_slot_is_looked_at_when_it_is_time,
    an_attempt_is_read_back_with_what_came_late, attempts_are_counted_as_they_are_added,
    canaries_are_kept_by_bot_and_moment, entries_are_numbered_without_gaps_and_know_their_records,
    lanes_are_given_to_whoever_may_have_them_and_never_twice, nothing_counts_at_an_epoch_that_is_indexed,
    of_two_who_ask_each_gets_other_lanes, rests_are_kept_as_they_were_said_first_and_those_of_the_chain_grow,
    what_miners_run_is_what_was_seen_last,
};
pub use recounts::{a_recount_is_kept_once_and_decided_once, a_report_above_the_bound_is_refused};
pub use signins::{
    a_challenge_is_taken_once, a_program_is_told_once_that_it_is_let_in,
    a_session_ends_when_it_is_idle_and_after_a_week, a_session_is_ended_by_its_owner,
    of_two_callbacks_with_one_state_one_gets_in, sign_ins_under_way_are_bounded,
};

const POWER: SeriesName = SeriesName::of("power.raw");
const REWARD: SeriesName = SeriesName::of("reward.block");

/// Hand the names of all cases to a macro of the adapter, which makes a test of each: `apogee_store::conformance!(cases);`.
#[macro_export]
macro_rules! conformance {
    ($cases:ident) => {
        $cases! {
            a_network_is_added_once,
            an_unknown_network_is_named,
            what_is_applied_is_read_back_whole,
            epochs_are_paged_from_the_newest,
            a_board_shows_what_held_at_each_epoch,
            a_subject_shows_all_its_series_at_an_epoch,
            values_keep_all_39_digits_and_unknown_is_not_zero,
            steps_are_paged_from_the_oldest,
            a_history_has_the_steps_of_every_subject_from_an_epoch_on,
            a_page_of_a_history_begins_anywhere,
            a_question_about_subjects_is_answered_for_each,
            what_is_asked_of_too_many_subjects_is_cut,
            changes_are_the_steps_of_one_epoch_with_what_held_before,
            dropping_a_unit_of_work_undoes_it,
            applying_twice_is_a_conflict,
            applying_from_an_older_cursor_is_a_conflict,
            epochs_out_of_order_are_a_conflict,
            the_same_step_twice_is_a_conflict,
            apply_and_unwind_leave_no_trace,
            late_steps_go_with_the_epoch_that_brought_them,
            an_unwind_below_finality_is_too_deep,
            finality_can_advance_without_an_epoch,
            networks_do_not_see_each_other,
            certificates_are_kept_once,
            objects_are_kept_by_cid,
            clear_leaves_the_network_and_its_objects,
            of_two_writers_one_gets_the_cursor,
            a_fresh_database_checks_out,
            a_ledger_is_read_back_in_order,
            an_entry_that_is_not_next_is_a_conflict,
            of_two_writers_one_gets_the_entry,
            an_entry_that_is_dropped_was_never_there,
            an_archive_is_read_back_byte_by_byte,
            a_competition_keeps_its_first_archive,
            of_two_archives_one_is_kept,
            an_archive_above_the_bound_is_refused,
            an_archive_that_is_dropped_was_never_there,
            audit_events_are_a_chain,
            of_two_audit_events_one_follows_the_other,
            a_wallet_is_added_once,
            a_wallet_has_one_holder_and_fences_grow,
            a_holder_that_was_replaced_meanwhile_does_not_write,
            a_wallet_says_what_it_may_do_and_nonces_grow,
            marks_are_kept_from_the_first_on,
            a_payment_is_owed_once,
            payments_of_a_source_are_paged_by_name,
            payments_are_paged_in_the_order_they_were_accepted,
            a_payment_has_one_transfer_that_may_pay_it,
            of_two_transfers_of_a_payment_one_is_made,
            a_message_is_stored_once_and_says_when_it_was_sent,
            what_is_spent_on_a_day_adds_up,
            what_a_unit_of_work_wrote_it_sees,
            lanes_are_given_to_whoever_may_have_them_and_never_twice,
            of_two_who_ask_each_gets_other_lanes,
            a_lane_is_held_by_who_has_its_fence,
            an_attempt_is_read_back_with_what_came_late,
            a_slot_is_judged_once_and_counted_from_then_on,
            a_batch_has_one_place,
            entries_are_numbered_without_gaps_and_know_their_records,
            canaries_are_kept_by_bot_and_moment,
            a_slot_is_looked_at_when_it_is_time,
            nothing_counts_at_an_epoch_that_is_indexed,
            attempts_are_counted_as_they_are_added,
            what_miners_run_is_what_was_seen_last,
            rests_are_kept_as_they_were_said_first_and_those_of_the_chain_grow,
            a_race_keeps_the_settings_that_it_began_with,
            a_slot_has_one_deal_whoever_makes_another,
            what_is_fetched_of_a_deal_grows_without_gaps,
            deals_are_followed_until_they_are_closed,
            deals_of_slots_that_went_well_can_be_read_back,
            that_data_could_not_be_had_is_known_for_its_time,
            a_recount_is_kept_once_and_decided_once,
            a_report_above_the_bound_is_refused,
            an_account_is_one_identity_whatever_it_is_called,
            two_sign_ins_at_once_are_one_identity,
            a_block_stays_when_they_sign_in_again,
            a_role_is_given_once_and_taken,
            an_identity_has_few_keys_that_can_be_used,
            a_passkey_counts_up,
            of_two_uses_of_an_invite_with_one_left_one_gets_in,
            a_session_ends_when_it_is_idle_and_after_a_week,
            a_session_is_ended_by_its_owner,
            of_two_callbacks_with_one_state_one_gets_in,
            sign_ins_under_way_are_bounded,
            a_program_is_told_once_that_it_is_let_in,
            a_challenge_is_taken_once,
            a_faucet_keeps_its_state_when_its_policy_changes,
            a_grant_is_read_back_whole_and_charged_under_each_key,
            a_key_of_an_identity_names_one_grant,
            a_charge_that_is_given_back_no_longer_counts_and_can_be_taken_again,
            grants_are_settled_by_what_became_of_their_payments,
            who_decides_what_a_faucet_grants_does_so_alone,
            what_is_put_down_about_somebody_is_found_replaced_and_struck,
            a_message_is_claimed_once_whatever_happens_to_it,
            messages_are_read_inside_a_unit_of_work_and_from_newest_to_oldest,
        }
    };
}

fn at(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

fn subject(name: &str) -> Subject {
    name.parse().unwrap()
}

/// A network with this short name.
#[must_use]
pub fn network(name: &str) -> Network {
    Network {
        id: name.parse().unwrap(),
        kind: NetworkKind::Filecoin,
        genesis: format!("bafy-genesis-of-{name}"),
        genesis_time: Timestamp::from_seconds(1_790_000_000),
        epoch_seconds: 30,
        address_prefix: "t".to_owned(),
        finality: Finality { depth: 900, certificates: true },
    }
}

fn digest(height: i64) -> Digest {
    let mut bytes = [0x5a; 32];
    bytes.iter_mut().zip(height.to_be_bytes()).for_each(|(byte, h)| *byte = h);
    Digest(bytes)
}

fn checks(height: i64) -> Vec<CheckRecord> {
    vec![CheckRecord {
        check: "election_vrf".to_owned(),
        passed: u64::try_from(height).unwrap(),
        failed: 1,
        not_made: vec![Unmade { reason: "missing_state".to_owned(), count: 2 }],
        failures: vec!["block \u{201c}x\u{201d} \\ \"y\" 区块".to_owned()],
    }]
}

/// A cursor at an epoch.
#[must_use]
pub fn cursor(height: i64, final_epoch: Option<i64>) -> Cursor {
    Cursor {
        epoch: at(height),
        key: format!("bafy-{height}"),
        digest: digest(height),
        final_epoch: final_epoch.map(at),
        views: 1,
        checks: checks(height),
    }
}

/// A step of a series.
#[must_use]
pub fn change(series: SeriesName, of: &str, height: i64, value: Option<u128>) -> Change {
    Change { series, subject: subject(of), epoch: at(height), value: value.map(Value) }
}

/// An epoch with a tipset and these steps.
#[must_use]
pub fn applied(height: i64, changes: Vec<Change>) -> AppliedEpoch {
    let record = EpochRecord {
        epoch: at(height),
        kind: EpochKind::Tipset,
        key: format!("bafy-{height}"),
        parent: at((height - 1).max(0)),
        digest: digest(height),
        time: Timestamp::from_seconds(1_790_000_000 + 30 * height),
        state_root: format!("bafy-state-{height}"),
        weight: Value(u128::MAX),
        base_fee: Atto(100),
        network_version: Some(27),
        blocks: vec![BlockRecord {
            cid: "bafy-block".to_owned(),
            miner: "t01000".to_owned(),
            win_count: 2,
            messages: 3,
        }],
        checks: checks(height),
        reconciled: vec![Reconciliation { what: "awards".to_owned(), derived: Some(Value(7)), state: None }],
    };
    AppliedEpoch { record, changes }
}

/// Add networks and commit.
pub async fn add(store: &dyn Store, names: &[&str]) -> Vec<NetworkId> {
    let mut work = store.begin().await.unwrap();
    let mut ids = Vec::new();
    for name in names {
        work.put_network(&network(name)).await.unwrap();
        ids.push(name.parse().unwrap());
    }
    work.commit().await.unwrap();
    ids
}

async fn one(store: &dyn Store) -> NetworkId {
    add(store, &["devnet-a"]).await.remove(0)
}

/// Apply and commit.
pub async fn apply(
    store: &dyn Store,
    id: &NetworkId,
    from: Option<&Cursor>,
    to: &Cursor,
    epochs: &[AppliedEpoch],
) -> crate::Result<()> {
    let mut work = store.begin().await?;
    work.apply(id, from, to, epochs).await?;
    work.commit().await
}

async fn unwind(store: &dyn Store, id: &NetworkId, from: &Cursor, to: &Cursor) -> crate::Result<u64> {
    let mut work = store.begin().await?;
    let gone = work.unwind(id, from, to).await?;
    work.commit().await?;
    Ok(gone)
}

async fn board(
    store: &dyn Store,
    id: &NetworkId,
    series: &SeriesName,
    height: i64,
) -> Vec<(String, Option<u128>)> {
    let rows = store.board(id, series, at(height)).await.unwrap();
    rows.into_iter().map(|(subject, value)| (subject.into(), value.map(|v| v.0))).collect()
}

fn rows(expected: &[(&str, Option<u128>)]) -> Vec<(String, Option<u128>)> {
    expected.iter().map(|&(subject, value)| (subject.to_owned(), value)).collect()
}

/// Run two futures at the same time.
async fn both<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    poll_fn(|cx| {
        if b.is_none()
            && let Poll::Ready(done) = second.as_mut().poll(cx)
        {
            b = Some(done);
        }
        if a.is_none()
            && let Poll::Ready(done) = first.as_mut().poll(cx)
        {
            a = Some(done);
        }
        if a.is_some() && b.is_some() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (a.unwrap(), b.unwrap())
}

fn all<K>() -> Page<K> {
    Page { after: None, limit: 10_000 }
}

/// Everything that can be read of a network, in words.
async fn everything(store: &dyn Store, id: &NetworkId) -> String {
    let mut text =
        format!("{:?}\n{:?}\n", store.cursor(id).await.unwrap(), store.epochs(id, all()).await.unwrap());
    for height in 0..40 {
        for series in [POWER, REWARD] {
            text += &format!("{height} {:?}\n", store.board(id, &series, at(height)).await.unwrap());
        }
        text += &format!("{:?}\n", store.journal(id, at(height)).await.unwrap());
    }
    text += &format!("{:?}", store.certificates(id, 0, 100).await.unwrap());
    text
}

pub async fn a_network_is_added_once(store: &dyn Store) {
    assert!(store.networks().await.unwrap().is_empty());
    add(store, &["zeta", "devnet-a"]).await;
    add(store, &["zeta"]).await;
    assert_eq!(store.networks().await.unwrap(), [network("devnet-a"), network("zeta")]);

    let mut work = store.begin().await.unwrap();
    let other = Network { genesis: "another".to_owned(), ..network("zeta") };
    assert!(matches!(work.put_network(&other).await, Err(StoreError::Conflict { .. })));
}

pub async fn an_unknown_network_is_named(store: &dyn Store) {
    let nowhere: NetworkId = "nowhere".parse().unwrap();
    let unknown =
        |error: StoreError| matches!(error, StoreError::UnknownNetwork(id) if id.as_str() == "nowhere");
    assert!(unknown(store.cursor(&nowhere).await.unwrap_err()));
    assert!(unknown(store.board(&nowhere, &POWER, at(1)).await.unwrap_err()));
    assert!(unknown(apply(store, &nowhere, None, &cursor(0, None), &[]).await.unwrap_err()));
}

pub async fn what_is_applied_is_read_back_whole(store: &dyn Store) {
    let id = one(store).await;
    assert_eq!(store.cursor(&id).await.unwrap(), None);
    let null = AppliedEpoch {
        record: EpochRecord {
            kind: EpochKind::Null,
            key: String::new(),
            network_version: None,
            ..applied(1, vec![]).record
        },
        changes: vec![],
    };
    let epochs = [applied(0, vec![change(POWER, "t01000", 0, Some(5))]), null, applied(2, vec![])];
    apply(store, &id, None, &cursor(2, None), &epochs).await.unwrap();
    assert_eq!(store.cursor(&id).await.unwrap(), Some(cursor(2, None)));
    for epoch in &epochs {
        assert_eq!(store.epoch(&id, epoch.record.epoch).await.unwrap().as_ref(), Some(&epoch.record));
    }
    assert_eq!(store.epoch(&id, at(3)).await.unwrap(), None);
    assert_eq!(store.journal(&id, at(0)).await.unwrap(), [change(POWER, "t01000", 0, Some(5))]);
}

pub async fn epochs_are_paged_from_the_newest(store: &dyn Store) {
    let id = one(store).await;
    let epochs: Vec<_> = (0..7).map(|height| applied(height, vec![])).collect();
    apply(store, &id, None, &cursor(6, None), &epochs).await.unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = store.epochs(&id, Page { after, limit: 3 }).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(last.epoch);
        seen.extend(page.iter().map(|record| record.epoch.height()));
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(store.epochs(&id, Page { after: None, limit: 0 }).await.unwrap().len(), 1, "a page has a row");
}

pub async fn a_board_shows_what_held_at_each_epoch(store: &dyn Store) {
    let id = one(store).await;
    let epochs = [
        applied(10, vec![change(POWER, "t01001", 10, Some(1)), change(POWER, "network", 10, Some(9))]),
        applied(11, vec![change(POWER, "t01000", 11, Some(2)), change(REWARD, "t0999", 11, Some(3))]),
        applied(15, vec![change(POWER, "t01001", 15, None)]),
        applied(16, vec![change(POWER, "t01001", 16, Some(0))]),
    ];
    apply(store, &id, None, &cursor(16, None), &epochs).await.unwrap();
    assert_eq!(board(store, &id, &POWER, 9).await, rows(&[]));
    assert_eq!(board(store, &id, &POWER, 10).await, rows(&[("network", Some(9)), ("t01001", Some(1))]));
    assert_eq!(
        board(store, &id, &POWER, 14).await,
        rows(&[("network", Some(9)), ("t01000", Some(2)), ("t01001", Some(1))]),
    );
    assert_eq!(
        board(store, &id, &POWER, 15).await,
        rows(&[("network", Some(9)), ("t01000", Some(2)), ("t01001", None)])
    );
    assert_eq!(
        board(store, &id, &POWER, i64::MAX).await,
        rows(&[("network", Some(9)), ("t01000", Some(2)), ("t01001", Some(0))]),
    );
    assert_eq!(board(store, &id, &REWARD, 20).await, rows(&[("t0999", Some(3))]));
    assert_eq!(board(store, &id, &SeriesName::of("never.seen"), 20).await, rows(&[]));
}

pub async fn a_subject_shows_all_its_series_at_an_epoch(store: &dyn Store) {
    let id = one(store).await;
    let epochs = [
        applied(1, vec![change(REWARD, "t01000", 1, Some(4)), change(POWER, "t01001", 1, Some(5))]),
        applied(2, vec![change(POWER, "t01000", 2, None)]),
        applied(3, vec![change(REWARD, "t01000", 3, Some(6))]),
    ];
    apply(store, &id, None, &cursor(3, None), &epochs).await.unwrap();
    let step = |height, value: Option<u128>| Step { epoch: at(height), value: value.map(Value) };
    let read = async |of: &str, height| store.subject(&id, &subject(of), at(height)).await.unwrap();
    assert_eq!(read("t01000", 0).await, []);
    assert_eq!(read("t01000", 2).await, [(POWER, step(2, None)), (REWARD, step(1, Some(4)))]);
    assert_eq!(read("t01000", 99).await, [(POWER, step(2, None)), (REWARD, step(3, Some(6)))]);
    assert_eq!(read("t09", 99).await, []);
}

pub async fn values_keep_all_39_digits_and_unknown_is_not_zero(store: &dyn Store) {
    let id = one(store).await;
    let values = [Some(0), Some(1), None, Some(u128::from(u64::MAX)), Some(10_u128.pow(38)), Some(u128::MAX)];
    let changes = (1..).zip(values).map(|(height, value)| change(POWER, "t01000", height, value)).collect();
    apply(store, &id, None, &cursor(9, None), &[applied(9, changes)]).await.unwrap();
    let steps = store.steps(&id, &POWER, &subject("t01000"), all()).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.value.map(|v| v.0)).collect::<Vec<_>>(), values);
}

pub async fn steps_are_paged_from_the_oldest(store: &dyn Store) {
    let id = one(store).await;
    let changes = (0..5).map(|height| change(POWER, "t01000", height, Some(7))).collect();
    apply(store, &id, None, &cursor(9, None), &[applied(9, changes)]).await.unwrap();
    let page = async |after, limit| {
        let steps = store.steps(&id, &POWER, &subject("t01000"), Page { after, limit }).await.unwrap();
        steps.iter().map(|step| step.epoch.height()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [0, 1]);
    assert_eq!(page(Some(at(1)), 2).await, [2, 3]);
    assert_eq!(page(Some(at(3)), 2).await, [4]);
    assert_eq!(page(Some(at(4)), 2).await, [] as [i64; 0]);
}

pub async fn changes_are_the_steps_of_one_epoch_with_what_held_before(store: &dyn Store) {
    let ids = add(store, &["devnet-a", "elsewhere"]).await;
    let (id, elsewhere) = (ids.first().unwrap(), ids.last().unwrap());
    // A late step of epoch 2 comes with epoch 3; the other network has its own.
    let epochs = [
        applied(1, vec![change(POWER, "t01", 1, Some(5)), change(REWARD, "t02", 1, None)]),
        applied(2, vec![change(POWER, "t01", 2, Some(7)), change(POWER, "t010", 2, Some(0))]),
        applied(3, vec![change(REWARD, "t02", 2, Some(u128::MAX)), change(REWARD, "t01", 2, None)]),
        applied(4, vec![change(POWER, "t01", 4, None)]),
    ];
    apply(store, id, None, &cursor(4, Some(3)), &epochs).await.unwrap();
    let other = [applied(2, vec![change(POWER, "t01", 2, Some(9))])];
    apply(store, elsewhere, None, &cursor(2, None), &other).await.unwrap();
    let record = |change: Change, before: Option<u128>| ChangeRecord { change, before: before.map(Value) };
    let second = [
        record(change(POWER, "t01", 2, Some(7)), Some(5)),
        record(change(POWER, "t010", 2, Some(0)), None),
        record(change(REWARD, "t01", 2, None), None),
        record(change(REWARD, "t02", 2, Some(u128::MAX)), None),
    ];
    assert_eq!(store.changes(id, at(2), all()).await.unwrap(), second);
    assert_eq!(
        store.changes(id, at(4), all()).await.unwrap(),
        [record(change(POWER, "t01", 4, None), Some(7))]
    );
    for height in [0, 3, 5] {
        assert_eq!(store.changes(id, at(height), all()).await.unwrap(), [], "{height}");
    }
    // Page by page it is the same list.
    let (mut after, mut paged) = (None, Vec::new());
    loop {
        let page = store.changes(id, at(2), Page { after, limit: 3 }).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some((last.change.series.clone(), last.change.subject.clone()));
        paged.extend(page);
    }
    assert_eq!(paged, second);
}

pub async fn dropping_a_unit_of_work_undoes_it(store: &dyn Store) {
    let id = one(store).await;
    let mut work = store.begin().await.unwrap();
    work.apply(&id, None, &cursor(1, None), &[applied(1, vec![change(POWER, "t01000", 1, Some(1))])])
        .await
        .unwrap();
    assert_eq!(store.cursor(&id).await.unwrap(), None, "reads see what is committed");
    drop(work);
    assert_eq!(store.cursor(&id).await.unwrap(), None);
    assert_eq!(store.epoch(&id, at(1)).await.unwrap(), None);
    apply(store, &id, None, &cursor(1, None), &[applied(1, vec![])]).await.unwrap();
    assert_eq!(board(store, &id, &POWER, 1).await, []);
}

pub async fn applying_twice_is_a_conflict(store: &dyn Store) {
    let id = one(store).await;
    let epochs = [applied(1, vec![change(POWER, "t01000", 1, Some(1))])];
    apply(store, &id, None, &cursor(1, None), &epochs).await.unwrap();
    let again = apply(store, &id, None, &cursor(1, None), &epochs).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

pub async fn applying_from_an_older_cursor_is_a_conflict(store: &dyn Store) {
    let id = one(store).await;
    apply(store, &id, None, &cursor(1, None), &[applied(1, vec![])]).await.unwrap();
    apply(store, &id, Some(&cursor(1, None)), &cursor(2, None), &[applied(2, vec![])]).await.unwrap();
    let before = everything(store, &id).await;
    for stale in [Some(cursor(1, None)), Some(Cursor { key: "a fork".to_owned(), ..cursor(2, None) }), None] {
        let result = apply(store, &id, stale.as_ref(), &cursor(3, None), &[applied(3, vec![])]).await;
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
    }
    assert_eq!(everything(store, &id).await, before);
}

pub async fn epochs_out_of_order_are_a_conflict(store: &dyn Store) {
    let id = one(store).await;
    apply(store, &id, None, &cursor(5, None), &[applied(5, vec![])]).await.unwrap();
    for heights in [&[5][..], &[4, 6], &[7, 6], &[6, 6], &[6, 9]] {
        let epochs: Vec<_> = heights.iter().map(|&height| applied(height, vec![])).collect();
        let result = apply(store, &id, Some(&cursor(5, None)), &cursor(8, None), &epochs).await;
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{heights:?}: {result:?}");
    }
    let back = apply(store, &id, Some(&cursor(5, None)), &cursor(4, None), &[]).await;
    assert!(matches!(back, Err(StoreError::Conflict { .. })), "only unwind goes back");
}

pub async fn the_same_step_twice_is_a_conflict(store: &dyn Store) {
    let id = one(store).await;
    apply(store, &id, None, &cursor(1, None), &[applied(1, vec![change(POWER, "t01000", 1, Some(1))])])
        .await
        .unwrap();
    let again = [applied(2, vec![change(POWER, "t01000", 1, Some(2))])];
    let result = apply(store, &id, Some(&cursor(1, None)), &cursor(2, None), &again).await;
    assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
    assert_eq!(board(store, &id, &POWER, 9).await, rows(&[("t01000", Some(1))]));
}

pub async fn apply_and_unwind_leave_no_trace(store: &dyn Store) {
    let id = one(store).await;
    let (first, second) = (cursor(3, Some(0)), cursor(6, Some(0)));
    let early = [
        applied(1, vec![change(POWER, "t01000", 1, Some(1))]),
        applied(3, vec![change(POWER, "t01000", 3, Some(3))]),
    ];
    apply(store, &id, None, &first, &early).await.unwrap();
    let before = everything(store, &id).await;
    let late = [
        applied(4, vec![change(POWER, "t01000", 4, Some(4)), change(REWARD, "t01000", 4, None)]),
        applied(6, vec![change(POWER, "t01002", 6, Some(6))]),
    ];
    apply(store, &id, Some(&first), &second, &late).await.unwrap();
    let after = everything(store, &id).await;
    assert_ne!(before, after);
    assert_eq!(unwind(store, &id, &second, &first).await.unwrap(), 3);
    assert_eq!(everything(store, &id).await, before);
    apply(store, &id, Some(&first), &second, &late).await.unwrap();
    assert_eq!(everything(store, &id).await, after, "and it can be applied again");
    let wrong = unwind(store, &id, &first, &cursor(1, Some(0))).await;
    assert!(matches!(wrong, Err(StoreError::Conflict { .. })), "{wrong:?}");
}

pub async fn late_steps_go_with_the_epoch_that_brought_them(store: &dyn Store) {
    let id = one(store).await;
    apply(store, &id, None, &cursor(3, None), &[applied(3, vec![change(POWER, "t01000", 3, Some(3))])])
        .await
        .unwrap();
    let late = [applied(5, vec![change(REWARD, "t01000", 3, Some(8)), change(POWER, "t01000", 2, Some(2))])];
    apply(store, &id, Some(&cursor(3, None)), &cursor(5, None), &late).await.unwrap();
    assert_eq!(
        store.journal(&id, at(5)).await.unwrap(),
        [change(POWER, "t01000", 2, Some(2)), change(REWARD, "t01000", 3, Some(8))],
    );
    assert_eq!(board(store, &id, &POWER, 2).await, rows(&[("t01000", Some(2))]));
    assert_eq!(unwind(store, &id, &cursor(5, None), &cursor(3, None)).await.unwrap(), 2);
    assert_eq!(board(store, &id, &POWER, 2).await, []);
    assert_eq!(board(store, &id, &POWER, 3).await, rows(&[("t01000", Some(3))]));
    assert_eq!(board(store, &id, &REWARD, 9).await, []);
}

pub async fn an_unwind_below_finality_is_too_deep(store: &dyn Store) {
    let id = one(store).await;
    let step = |height: i64| applied(height, vec![change(POWER, "t01000", height, Some(1))]);
    apply(store, &id, None, &cursor(4, Some(1)), &[step(1), step(2), step(3), step(4)]).await.unwrap();
    apply(store, &id, Some(&cursor(4, Some(1))), &cursor(5, Some(3)), &[step(5)]).await.unwrap();
    let journal = async |height| store.journal(&id, at(height)).await.unwrap().len();
    assert_eq!([journal(1).await, journal(3).await, journal(4).await, journal(5).await], [0, 0, 1, 1]);
    let before = everything(store, &id).await;
    let deep = unwind(store, &id, &cursor(5, Some(3)), &cursor(2, Some(1))).await;
    assert!(
        matches!(deep, Err(StoreError::TooDeep { to, kept }) if to == at(2) && kept == at(4)),
        "{deep:?}"
    );
    assert_eq!(everything(store, &id).await, before, "nothing is unwound");
    assert_eq!(unwind(store, &id, &cursor(5, Some(3)), &cursor(3, Some(3))).await.unwrap(), 2);
    assert_eq!(board(store, &id, &POWER, 9).await.len(), 1);
    let forgotten = unwind(store, &id, &cursor(3, Some(3)), &cursor(2, None)).await;
    assert!(
        matches!(forgotten, Err(StoreError::TooDeep { .. })),
        "a cursor that forgets finality brings no journal back"
    );
}

pub async fn finality_can_advance_without_an_epoch(store: &dyn Store) {
    let id = one(store).await;
    let step = |height: i64| applied(height, vec![change(POWER, "t01000", height, Some(1))]);
    apply(store, &id, None, &cursor(2, None), &[step(1), step(2)]).await.unwrap();
    apply(store, &id, Some(&cursor(2, None)), &cursor(2, Some(1)), &[]).await.unwrap();
    assert_eq!(store.cursor(&id).await.unwrap(), Some(cursor(2, Some(1))));
    assert_eq!(store.journal(&id, at(1)).await.unwrap(), []);
    assert_eq!(store.journal(&id, at(2)).await.unwrap().len(), 1);
}

pub async fn networks_do_not_see_each_other(store: &dyn Store) {
    let ids = add(store, &["alpha", "beta"]).await;
    let (alpha, beta) = (ids.first().unwrap(), ids.last().unwrap());
    apply(store, alpha, None, &cursor(1, None), &[applied(1, vec![change(POWER, "t01000", 1, Some(1))])])
        .await
        .unwrap();
    apply(store, beta, None, &cursor(1, None), &[applied(1, vec![change(POWER, "t01000", 1, Some(2))])])
        .await
        .unwrap();
    let mut work = store.begin().await.unwrap();
    work.put_objects(alpha, &[(vec![1], vec![2])]).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.objects(beta, &[vec![1]]).await.unwrap(), []);
    let kept = everything(store, beta).await;
    let mut work = store.begin().await.unwrap();
    work.clear(alpha).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(everything(store, beta).await, kept);
    assert_eq!(board(store, alpha, &POWER, 1).await, []);
    assert_eq!(store.subject(alpha, &subject("t01000"), at(1)).await.unwrap(), []);
}

pub async fn certificates_are_kept_once(store: &dyn Store) {
    let id = one(store).await;
    let certificate = |instance: u64, document: &str| CertificateRecord {
        instance,
        epoch: at(10),
        key: "bafy-1,bafy-2".to_owned(),
        document: document.to_owned(),
    };
    let mut work = store.begin().await.unwrap();
    work.put_certificates(
        &id,
        &[certificate(2, "{}"), certificate(0, "{\"a\":\"区\"}"), certificate(1, "1")],
    )
    .await
    .unwrap();
    work.put_certificates(&id, &[certificate(1, "other"), certificate(3, "3")]).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(
        store.certificates(&id, 0, 100).await.unwrap(),
        [certificate(0, "{\"a\":\"区\"}"), certificate(1, "1"), certificate(2, "{}"), certificate(3, "3")],
    );
    assert_eq!(store.certificates(&id, 1, 2).await.unwrap(), [certificate(1, "1"), certificate(2, "{}")]);
    assert_eq!(store.certificates(&id, u64::MAX, 2).await.unwrap(), []);
}

pub async fn objects_are_kept_by_cid(store: &dyn Store) {
    let id = one(store).await;
    let object = |n: u8| (vec![0x01, 0x71, 0, n], vec![n; usize::from(n) * 100]);
    let mut work = store.begin().await.unwrap();
    work.put_objects(&id, &[object(0), object(1), object(255)]).await.unwrap();
    work.put_objects(&id, &[object(1), object(2)]).await.unwrap();
    work.commit().await.unwrap();
    let wanted = [object(255).0, object(7).0, object(0).0, object(2).0];
    let mut found = store.objects(&id, &wanted).await.unwrap();
    found.sort();
    assert_eq!(found, [object(0), object(2), object(255)]);
    assert_eq!(store.objects(&id, &[]).await.unwrap(), []);
}

pub async fn clear_leaves_the_network_and_its_objects(store: &dyn Store) {
    let id = one(store).await;
    let empty = everything(store, &id).await;
    let epochs = [applied(1, vec![change(POWER, "t01000", 1, Some(1))])];
    apply(store, &id, None, &cursor(1, Some(0)), &epochs).await.unwrap();
    let mut work = store.begin().await.unwrap();
    work.put_objects(&id, &[(vec![1], vec![2])]).await.unwrap();
    let document = String::new();
    work.put_certificates(
        &id,
        &[CertificateRecord { instance: 0, epoch: at(1), key: String::new(), document }],
    )
    .await
    .unwrap();
    work.commit().await.unwrap();
    let mut work = store.begin().await.unwrap();
    work.clear(&id).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(everything(store, &id).await, empty);
    assert_eq!(store.networks().await.unwrap(), [network("devnet-a")]);
    assert_eq!(store.objects(&id, &[vec![1]]).await.unwrap(), [(vec![1], vec![2])]);
    apply(store, &id, None, &cursor(1, None), &epochs).await.unwrap();
    assert_eq!(board(store, &id, &POWER, 1).await, rows(&[("t01000", Some(1))]));
}

pub async fn of_two_writers_one_gets_the_cursor(store: &dyn Store) {
    let id = one(store).await;
    let mut from = None;
    for height in 0..10 {
        let to = cursor(height, None);
        let epochs = [applied(height, vec![change(POWER, "t01000", height, Some(1))])];
        let mut work = store.begin().await.unwrap();
        work.apply(&id, from.as_ref(), &to, &epochs).await.unwrap();
        let (first, second) = both(work.commit(), apply(store, &id, from.as_ref(), &to, &epochs)).await;
        first.unwrap();
        assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
        from = Some(to);
    }
    assert_eq!(store.steps(&id, &POWER, &subject("t01000"), all()).await.unwrap().len(), 10);
}

pub async fn a_fresh_database_checks_out(store: &dyn Store) {
    store.check().await.unwrap();
}
