use apogee_dealbot::fault::{Circumstances, Code};
use apogee_dealbot::judge::{Attempt, Canaries, Canary, Case, Outcome, Policy, Rest, Why};
use apogee_domain::Timestamp;

const MINUTE: u64 = 60_000_000;
pub(crate) const DEADLINE: i64 = 60;

pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + minute * 60)
}

fn policy(fleet: u32) -> Policy {
    Policy { interval: 10 * MINUTE, grace: MINUTE, apart: 2 * MINUTE, fleet, most: 6 }
}

/// What a bot found at a minute, in half of it.
pub(crate) fn attempt(worker: &str, minute: i64, failure: Option<Code>) -> Attempt {
    Attempt {
        number: u32::try_from(minute).unwrap(),
        worker: worker.into(),
        region: "eu".into(),
        started: at(minute),
        ended: Timestamp(at(minute).0 + 30_000_000),
        failure,
        circumstances: Circumstances::default(),
        set_aside: None,
    }
}

/// Good canaries of three bots, every five minutes from an hour before to an hour after.
pub(crate) fn canaries() -> Canaries {
    let mut canaries = Canaries::default();
    for worker in ["a", "b", "c"] {
        for turn in -12..24 {
            canaries.add(worker, Canary { at: at(turn * 5), good: true });
        }
    }
    canaries
}

pub(crate) fn judged(
    attempts: &[Attempt],
    canaries: &Canaries,
    rests: &[Rest],
    fleet: u32,
    now: i64,
) -> Outcome {
    let policy = policy(fleet);
    let (deadline, confirm) = (at(DEADLINE), at(DEADLINE));
    let case = Case { due: at(1), deadline, confirm, attempts, canaries, rests, policy: &policy };
    case.outcome(at(now))
}

/// What three bots' attempts come to, half way to the deadline.
fn of_three(attempts: &[Attempt]) -> Outcome {
    judged(attempts, &canaries(), &[], 3, 30)
}

fn confirm(after: &Attempt, wait: u64, not_by: &[&str]) -> Outcome {
    Outcome::Confirm {
        not_before: Timestamp(after.ended.0 + i64::try_from(wait).unwrap()),
        not_by: not_by.iter().map(|worker| (*worker).to_owned()).collect(),
    }
}

const UNSURE: Option<Code> = Some(Code::TcpTimeout);

#[test]
fn a_success_and_a_fault_of_the_miner_need_one_look() {
    assert_eq!(of_three(&[attempt("a", 1, None)]), Outcome::Success);
    let broken = attempt("a", 1, Some(Code::HashMismatch));
    assert_eq!(of_three(&[broken]), Outcome::Failure(Code::HashMismatch));
}

#[test]
fn what_may_be_either_is_looked_at_by_others_and_most_decide() {
    let first = attempt("a", 1, UNSURE);
    let second = |failure| attempt("b", 3, failure);
    let third = |failure| attempt("c", 4, failure);
    assert_eq!(of_three(std::slice::from_ref(&first)), confirm(&first, 0, &["a"]));
    assert_eq!(
        of_three(&[first.clone(), second(Some(Code::TcpRefused))]),
        Outcome::Failure(Code::TcpTimeout),
        "the first that was seen"
    );
    let hard = second(Some(Code::PeerIdMismatch));
    assert_eq!(
        of_three(&[first.clone(), hard]),
        Outcome::Failure(Code::PeerIdMismatch),
        "the one that is sure"
    );
    let one_all = [first, second(None)];
    assert_eq!(of_three(&one_all), confirm(&one_all[1], 0, &["a", "b"]));
    let [first, second] = one_all;
    assert_eq!(of_three(&[first.clone(), second.clone(), third(None)]), Outcome::Success);
    assert_eq!(of_three(&[first, second, third(UNSURE)]), Outcome::Failure(Code::TcpTimeout));
}

#[test]
fn the_same_bot_again_confirms_nothing_while_there_are_others() {
    let twice = [attempt("a", 1, UNSURE), attempt("a", 9, UNSURE)];
    assert_eq!(of_three(&twice), confirm(&twice[1], 0, &["a"]));
    assert_eq!(judged(&twice, &canaries(), &[], 2, 30), confirm(&twice[1], 0, &["a"]));
    // Nor does it outvote another one.
    let outvoted = [attempt("b", 1, UNSURE), attempt("a", 4, None), attempt("a", 9, None)];
    assert_eq!(of_three(&outvoted), confirm(&outvoted[2], 0, &["a", "b"]));
}

#[test]
fn a_bot_that_is_alone_looks_again_after_two_minutes() {
    let alone = |attempts: &[Attempt]| judged(attempts, &canaries(), &[], 1, 30);
    let first = attempt("a", 1, UNSURE);
    assert_eq!(alone(std::slice::from_ref(&first)), confirm(&first, 2 * MINUTE, &[]));
    let soon = attempt("a", 2, UNSURE);
    assert_eq!(alone(&[first.clone(), soon.clone()]), confirm(&soon, 2 * MINUTE, &[]));
    let again = attempt("a", 4, UNSURE);
    assert_eq!(alone(&[first.clone(), soon, again.clone()]), Outcome::Failure(Code::TcpTimeout));
    let good = attempt("a", 4, None);
    assert_eq!(alone(&[first.clone(), good.clone()]), confirm(&good, 2 * MINUTE, &[]));
    assert_eq!(alone(&[first.clone(), good, attempt("a", 7, None)]), Outcome::Success);
    assert_eq!(alone(&[first, again, attempt("a", 7, None)]), Outcome::Failure(Code::TcpTimeout));
}

#[test]
fn of_two_bots_that_disagree_the_one_that_found_it_in_order_looks_again() {
    let two = |attempts: &[Attempt]| judged(attempts, &canaries(), &[], 2, 30);
    let (first, second) = (attempt("a", 1, UNSURE), attempt("b", 2, None));
    let both = [first.clone(), second.clone()];
    assert_eq!(two(&both), confirm(&second, 2 * MINUTE, &["a"]));
    assert_eq!(two(&[first.clone(), second.clone(), attempt("b", 5, None)]), Outcome::Success);
    let third = attempt("b", 5, UNSURE);
    assert_eq!(two(&[first.clone(), second.clone(), third]), Outcome::Failure(Code::TcpTimeout));
    // If it was the other one after all, one bot alone says so.
    let third = attempt("a", 5, UNSURE);
    assert_eq!(two(&[first, second, third]), Outcome::Excluded(Code::Unconfirmed));
}

#[test]
fn who_is_refused_for_too_much_asks_once_more() {
    let refused = |worker, minute, retried| {
        let mut attempt = attempt(worker, minute, Some(Code::RejectRateLimit));
        attempt.circumstances.rate_kept = Some(true);
        attempt.circumstances.retried = Some(retried);
        attempt
    };
    let first = refused("a", 1, false);
    assert_eq!(of_three(std::slice::from_ref(&first)), confirm(&first, 0, &["a"]));
    assert_eq!(of_three(&[first.clone(), refused("b", 2, true)]), Outcome::Failure(Code::RejectRateLimit));
    let mut too_fast = first;
    too_fast.circumstances.rate_kept = Some(false);
    assert_eq!(of_three(&[too_fast]), Outcome::Excluded(Code::RejectRateLimit));
}

#[test]
fn an_attempt_counts_only_between_two_good_canaries() {
    let looked = |canaries: &[(i64, bool)], now| {
        let mut of_a = Canaries::default();
        for (minute, good) in canaries {
            of_a.add("a", Canary { at: at(*minute), good: *good });
        }
        judged(&[attempt("a", 20, Some(Code::HashMismatch))], &of_a, &[], 3, now)
    };
    let counts = Outcome::Failure(Code::HashMismatch);
    let void = confirm(&attempt("a", 20, None), 2 * MINUTE, &["a"]);
    let soon = Outcome::Open { until: Timestamp(attempt("a", 20, None).ended.0 + 11 * 60_000_000) };
    assert_eq!(looked(&[(15, true), (25, true)], 30), counts);
    assert_eq!(looked(&[(10, true), (30, true)], 30), counts, "as far away as may be");
    assert_eq!(looked(&[(9, true), (25, true)], 30), void, "too long before");
    assert_eq!(looked(&[(15, true), (31, true)], 31), void, "too long after");
    assert_eq!(looked(&[(15, false), (25, true)], 30), void);
    assert_eq!(looked(&[(15, true), (25, false)], 30), void);
    assert_eq!(looked(&[(12, true), (15, false), (25, true)], 30), void, "the last before it was bad");
    assert_eq!(looked(&[(15, true), (25, false), (28, true)], 30), void, "the first after it was bad");
    assert_eq!(looked(&[(15, true), (15, false), (25, true)], 30), void, "of two at once the worse stands");
    assert_eq!(looked(&[(25, true)], 30), void);
    assert_eq!(looked(&[], 30), void);
    assert_eq!(looked(&[(15, true)], 21), soon);
    assert_eq!(looked(&[(15, true)], 31), soon, "its result may be on its way");
    assert_eq!(looked(&[(15, true)], 32), void);
    assert_eq!(looked(&[(15, true)], DEADLINE), Outcome::Excluded(Code::CanaryFailed));
    // During a long attempt as well.
    let mut long = attempt("a", 4, None);
    long.ended = at(26);
    let mut canaries = canaries();
    assert_eq!(judged(std::slice::from_ref(&long), &canaries, &[], 3, 40), Outcome::Success);
    canaries.add("a", Canary { at: at(17), good: false });
    assert_eq!(judged(&[long], &canaries, &[], 3, DEADLINE), Outcome::Excluded(Code::CanaryFailed));
}

#[test]
fn whether_to_look_again_does_not_wait_for_canaries() {
    let mut of_a = Canaries::default();
    of_a.add("a", Canary { at: at(0), good: true });
    let first = attempt("a", 1, UNSURE);
    let attempts = [first.clone()];
    let policy = policy(3);
    let case = Case {
        due: at(1),
        deadline: at(DEADLINE),
        confirm: at(DEADLINE),
        attempts: &attempts,
        canaries: &of_a,
        rests: &[],
        policy: &policy,
    };
    assert!(matches!(case.outcome(at(2)), Outcome::Open { .. }));
    assert_eq!(case.provisional(at(2)), confirm(&first, 0, &["a"]));
}

#[test]
fn nothing_counts_while_it_was_agreed_that_nothing_does() {
    let cases = [
        (Why::Maintenance, Code::MinerMaintenance),
        (Why::Pause, Code::CompetitionPaused),
        (Why::ChainStall, Code::ChainStall),
        (Why::BasefeeSpike, Code::BasefeeSpike),
        (Why::ChainReset, Code::ChainReset),
    ];
    for (why, code) in cases {
        let rest = |from, to| [Rest { from: at(from), to: at(to), why }];
        let looked = |rests: &[Rest], failure| judged(&[attempt("a", 4, failure)], &canaries(), rests, 3, 30);
        for failure in [None, Some(Code::HashMismatch)] {
            // The slot is due at minute 1, and was tried at minute 4.
            assert_eq!(looked(&rest(0, 2), failure), Outcome::Excluded(code), "due in it");
            assert_eq!(looked(&rest(4, 9), failure), Outcome::Excluded(code), "tried in it");
            assert!(!matches!(looked(&rest(2, 4), failure), Outcome::Excluded(_)), "between them");
            assert!(!matches!(looked(&rest(0, 1), failure), Outcome::Excluded(_)), "it was over");
        }
    }
}

#[test]
fn faults_of_bots_are_tried_again_and_at_last_excluded() {
    let lost = attempt("a", 1, Some(Code::WorkerLost));
    assert_eq!(of_three(std::slice::from_ref(&lost)), confirm(&lost, 2 * MINUTE, &["a"]));
    let odd = attempt("b", 5, Some(Code::Unclassified));
    let both = [lost, odd];
    assert_eq!(
        judged(&both, &canaries(), &[], 3, DEADLINE),
        Outcome::Excluded(Code::Unclassified),
        "the last one"
    );
    let many: Vec<_> = (1..=6).map(|minute| attempt("a", minute, Some(Code::BotPanic))).collect();
    assert_eq!(of_three(&many), Outcome::Excluded(Code::BotPanic), "as often as may be");
    let [lost, odd] = both;
    assert_eq!(of_three(&[lost, odd, attempt("c", 8, None)]), Outcome::Success);
}

#[test]
fn a_slot_that_nobody_tried_was_missed() {
    assert_eq!(judged(&[], &canaries(), &[], 3, 30), Outcome::Open { until: at(DEADLINE) });
    assert_eq!(judged(&[], &canaries(), &[], 3, DEADLINE), Outcome::Excluded(Code::MissedNoWorker));
}

#[test]
fn what_cannot_be_confirmed_in_time_is_excluded() {
    let first = [attempt("a", 1, UNSURE)];
    assert!(matches!(judged(&first, &canaries(), &[], 3, 59), Outcome::Confirm { .. }));
    assert_eq!(judged(&first, &canaries(), &[], 3, DEADLINE), Outcome::Excluded(Code::Unconfirmed));
    // Alone, the second attempt would begin too late.
    let late = [attempt("a", 58, UNSURE)];
    assert_eq!(judged(&late, &canaries(), &[], 1, 59), Outcome::Excluded(Code::Unconfirmed));
}

#[test]
fn what_the_chain_is_to_blame_for_is_excluded_at_once() {
    let mut late = attempt("a", 1, Some(Code::NotPublishedByDeadline));
    late.circumstances.chain_stalled = Some(true);
    assert_eq!(of_three(std::slice::from_ref(&late)), Outcome::Excluded(Code::NotPublishedByDeadline));
    late.circumstances.chain_stalled = Some(false);
    assert_eq!(of_three(&[late]), Outcome::Failure(Code::NotPublishedByDeadline));
}

#[test]
fn what_was_set_aside_does_not_count_whatever_it_found() {
    let mut odd = attempt("a", 1, Some(Code::HashMismatch));
    odd.set_aside = Some(Code::FleetCorrelated);
    let odd = [odd];
    assert!(matches!(of_three(&odd), Outcome::Confirm { .. }));
    assert_eq!(judged(&odd, &canaries(), &[], 3, DEADLINE), Outcome::Excluded(Code::FleetCorrelated));
}
