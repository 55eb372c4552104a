//! What holds of every slot, whatever was tried.

use std::collections::BTreeSet;

use apogee_dealbot::fault::{Circumstances, Code, Fault};
use apogee_dealbot::judge::{Attempt, Canaries, Canary, Outcome, Rest, Why};
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::judge::{DEADLINE, at, attempt, canaries, judged};

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let known = (any::<Option<bool>>(), any::<Option<bool>>(), prop::option::of(0_u8..4)).prop_map(
        |(one, other, resolvers_agreed)| Circumstances {
            resolvers_agreed,
            rate_kept: one,
            retried: other,
            chain_stalled: one,
            bytes_good: other,
            node_synced: one,
            ..Circumstances::default()
        },
    );
    let failure = prop_oneof![
        Just(None),
        prop::sample::select(Code::ALL).prop_map(Some),
        prop::sample::select(&[Code::TcpTimeout, Code::TtfbTimeout, Code::HashMismatch][..]).prop_map(Some),
    ];
    let set_aside = prop_oneof![9 => Just(None), 1 => Just(Some(Code::FleetCorrelated))];
    let worker = prop::sample::select(&["a", "b", "c", "d"][..]);
    (worker, 1_i64..40, failure, known, set_aside).prop_map(
        |(worker, minute, failure, circumstances, set_aside)| Attempt {
            circumstances,
            set_aside,
            ..attempt(worker, minute, failure)
        },
    )
}

/// Canaries of which some are bad or missing.
fn any_canaries() -> impl Strategy<Value = Canaries> {
    let one = (prop::sample::select(&["a", "b", "c"][..]), 0_i64..60, prop::bool::weighted(0.8));
    prop::collection::vec(one, 0..12).prop_map(|changes| {
        let mut canaries = canaries();
        for (worker, minute, good) in changes {
            canaries.add(worker, Canary { at: at(minute), good });
        }
        canaries
    })
}

fn any_rests() -> impl Strategy<Value = Vec<Rest>> {
    let one = (5_i64..50, 1_i64..4).prop_map(|(from, length)| Rest {
        from: at(from),
        to: at(from + length),
        why: Why::Maintenance,
    });
    prop::collection::vec(one, 0..2)
}

fn a_bots_fault(attempt: &Attempt) -> bool {
    attempt.set_aside.is_some() || attempt.fault() == Fault::Bot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_order_of_attempts_does_not_matter(
        (attempts, shuffled) in prop::collection::vec(any_attempt(), 0..7)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        canaries in any_canaries(), rests in any_rests(), fleet in 0_u32..5, now in 1_i64..80,
    ) {
        let one = judged(&attempts, &canaries, &rests, fleet, now);
        prop_assert_eq!(one, judged(&shuffled, &canaries, &rests, fleet, now));
    }

    #[test]
    fn what_is_the_bots_fault_moves_no_slot_that_counts(
        attempts in prop::collection::vec(any_attempt(), 0..7),
        canaries in any_canaries(), rests in any_rests(), fleet in 0_u32..5, now in 1_i64..80,
    ) {
        let with = judged(&attempts, &canaries, &rests, fleet, now);
        let without: Vec<_> = attempts.iter().filter(|attempt| !a_bots_fault(attempt)).cloned().collect();
        let without = judged(&without, &canaries, &rests, fleet, now);
        let counts = |outcome: &Outcome| matches!(outcome, Outcome::Success | Outcome::Failure(_));
        if counts(&with) || counts(&without) {
            prop_assert_eq!(with, without);
        }
    }

    #[test]
    fn what_is_final_stays_so(
        attempts in prop::collection::vec(any_attempt(), 0..7),
        canaries in any_canaries(), rests in any_rests(), fleet in 0_u32..5,
        now in 1_i64..80, more in 0_i64..80,
    ) {
        let one = judged(&attempts, &canaries, &rests, fleet, now);
        if one.is_final() {
            prop_assert_eq!(one, judged(&attempts, &canaries, &rests, fleet, now + more));
        }
        // An hour after the deadline nothing is open any more.
        prop_assert!(judged(&attempts, &canaries, &rests, fleet, DEADLINE + 60).is_final());
    }

    #[test]
    fn a_failure_stands_on_looks_that_failed_and_a_success_on_one_that_did_not(
        attempts in prop::collection::vec(any_attempt(), 0..7),
        canaries in any_canaries(), rests in any_rests(), fleet in 1_u32..5,
    ) {
        let looks = |fault: Fault| attempts.iter().filter(move |a| !a_bots_fault(a) && a.fault() == fault);
        match judged(&attempts, &canaries, &rests, fleet, DEADLINE + 60) {
            Outcome::Success => prop_assert!(looks(Fault::None).count() > 0),
            Outcome::Failure(code) => {
                let all = || looks(Fault::Miner).chain(looks(Fault::Ambiguous));
                prop_assert!(all().any(|attempt| attempt.failure == Some(code)));
                let bots: BTreeSet<_> = all().map(|attempt| &attempt.worker).collect();
                let sure = looks(Fault::Miner).count() > 0;
                prop_assert!(sure || bots.len() >= 2.min(usize::try_from(fleet).unwrap()));
                prop_assert!(sure || all().count() >= 2);
            }
            other => prop_assert!(other.is_final()),
        }
    }

    #[test]
    fn without_canaries_nothing_counts(attempts in prop::collection::vec(any_attempt(), 0..7)) {
        let outcome = judged(&attempts, &Canaries::default(), &[], 3, DEADLINE);
        prop_assert!(matches!(outcome, Outcome::Excluded(_)));
    }

    #[test]
    fn a_bad_canary_makes_no_failure(
        attempts in prop::collection::vec(any_attempt(), 1..5),
        bad in subsequence(vec!["a", "b", "c", "d"], 0..4),
    ) {
        // All that these bots found is void: the rest decides as if they had not been there.
        let mut canaries = canaries();
        for worker in &bad {
            (0..60).for_each(|minute| canaries.add(worker, Canary { at: at(minute), good: false }));
        }
        let others: Vec<_> =
            attempts.iter().filter(|a| !bad.contains(&a.worker.as_str())).cloned().collect();
        let with = judged(&attempts, &canaries, &[], 4, DEADLINE);
        let without = judged(&others, &canaries, &[], 4, DEADLINE);
        if let Outcome::Failure(_) | Outcome::Success = &with {
            prop_assert_eq!(with, without);
        }
    }
}
