//! Every number can be worked out again from what is said about it.

use apogee_leaderboard::{Asked, PoolReason, Standings, State, Step, explain};
use apogee_rules::{Ineligible, Pool, Quantity, Rounding, RuleSet};
use num_bigint::BigUint;
use serde_json::json;

use crate::race::{TIB, board, empty, fil, join, pool, push, tiers};
use crate::stood::run;
use crate::{cases, generator};

/// Work a share out again from its steps, looking at nothing else.
fn again(reason: &PoolReason, pool: &Pool) -> u128 {
    let mut share = 0;
    for step in &reason.steps {
        share = match step {
            Step::Weigh { value, won, weight, total, .. } => {
                // weight / scale = value × won, where all weights are whole.
                assert_eq!(*won, reason.won);
                assert_eq!(weight * won.among % won.among.max(1), BigUint::ZERO);
                assert!(weight <= total);
                assert_eq!(*weight == BigUint::ZERO, value.0 == 0);
                share
            }
            Step::Cap { amount, weight, total, cap } => {
                assert!(weight * amount.0 > total * cap.0);
                let of = pool.cap.unwrap().share;
                assert_eq!(
                    BigUint::from(cap.0),
                    BigUint::from(reason.amount.0) * of.numerator() / of.denominator()
                );
                cap.0
            }
            Step::Divide { amount, weight, total, share, rest } => {
                assert_eq!(weight * amount.0, total * share.0 + rest);
                assert!(rest < total || *total == BigUint::ZERO);
                share.0
            }
            Step::Remainder => {
                assert_eq!(pool.rounding, Rounding::LargestRemainder);
                share + 1
            }
            Step::Plain { amount, won, share, .. } => {
                let part = BigUint::from(amount.0) * won.places / won.among;
                assert_eq!(part, BigUint::from(share.0));
                share.0
            }
            Step::BelowFloor { floor } => {
                assert!(share < floor.0);
                0
            }
            Step::Forfeit => {
                assert_eq!(pool.ineligible, Some(Ineligible::Forfeit));
                0
            }
        };
    }
    share
}

#[test]
fn every_share_can_be_worked_out_again_from_its_reasons() {
    let (mut shares, mut capped, mut split, mut units, mut forfeit) = (0, 0, 0, 0, 0);
    for seed in 0..800 {
        let case = generator::case(seed);
        let Ok(standings) = cases::standings(&case) else { continue };
        let rules = RuleSet::from_value(&case["rules"]).unwrap();
        for entity in &standings.entities {
            let reasons = explain(&standings, &rules, entity.id.as_str()).unwrap();
            assert_eq!(reasons.eligible, entity.eligible);
            let mut total: u128 = reasons.awards.iter().map(|(_, amount)| amount.0).sum();
            for reason in &reasons.pools {
                let pool = rules.pool(&reason.pool).unwrap();
                assert_eq!(again(reason, pool), reason.share.0, "seed {seed} {}", entity.id);
                total += reason.share.0;
                shares += usize::from(reason.share.0 > 0);
                capped += reason.steps.iter().filter(|step| matches!(step, Step::Cap { .. })).count();
                units += reason.steps.iter().filter(|step| matches!(step, Step::Remainder)).count();
                split += usize::from(reason.won.among > 1);
                let forfeits = reason.steps.contains(&Step::Forfeit);
                assert!(!forfeits || !entity.eligible && reason.share.0 == 0, "seed {seed} {}", entity.id);
                forfeit += usize::from(forfeits);
            }
            assert_eq!(total, reasons.total.0, "seed {seed} {}", entity.id);
            assert_eq!(total, standings.payout(entity.id.as_str()).map_or(0, |payout| payout.total.0));
        }
        weights_add_up(&standings, &rules);
    }
    assert!(shares > 1000, "{shares}");
    let rare = [capped, split, units, forfeit];
    assert!(rare.iter().all(|count| *count > 50), "{rare:?}");
}

/// The weights that winners of one list are said to have are all of the total.
fn weights_add_up(standings: &Standings, rules: &RuleSet) {
    for result in &standings.pools {
        let mut weights = BigUint::ZERO;
        let mut said = None;
        for entity in &standings.entities {
            let reasons = explain(standings, rules, entity.id.as_str()).unwrap();
            let reason =
                reasons.pools.into_iter().find(|r| r.pool == result.pool && r.region == result.region);
            for step in reason.into_iter().flat_map(|reason| reason.steps) {
                if let Step::Weigh { weight, total, .. } = step {
                    weights += weight;
                    assert!(said.is_none() || said == Some(total.clone()));
                    said = Some(total);
                }
            }
        }
        assert_eq!(said.unwrap_or_default(), weights);
    }
}

#[test]
fn a_check_says_what_it_asked_what_it_found_and_what_is_missing() {
    let mut case = empty();
    case["rules"]["metrics"] = json!([
        {"id": "deals", "kind": "rate", "passed": "probe.ok", "failed": "probe.failed", "aggregation": "pooled", "min_samples": "20"},
        {"id": "power", "kind": "level", "series": "power.raw"},
    ]);
    case["rules"]["eligibility"] = json!([
        {"id": "good", "kind": "any", "checks": [
            {"id": "rate", "kind": "at-least", "metric": "deals", "value": "4/5", "per": "entity"},
            {"id": "kyc", "kind": "attested", "what": "kyc"},
        ]},
        {"id": "size", "kind": "at-least", "metric": "power", "value": "1000", "per": "entity"},
        {"id": "registered", "kind": "registered", "deadline": 60, "late": {"deadline": 80}},
    ]);
    join(&mut case, "f01", None, &[("power.raw", 400), ("probe.ok", 7), ("probe.failed", 3)]);
    let standings = run(&case);
    let rules = RuleSet::from_value(&case["rules"]).unwrap();
    let reasons = explain(&standings, &rules, "f01").unwrap();
    let [good, size, registered] = &reasons.checks[..] else { panic!("three checks") };
    let rate = &good.below[0];
    assert_eq!((good.state, rate.state), (State::Pending, State::Pending));
    // 7 of 10; with ten more 17 of 20, which is above 4/5.
    assert_eq!(rate.need, Some(Quantity(10)));
    let Asked::Metric { value, min_samples, .. } = &rate.asked else { panic!("a metric") };
    assert_eq!((value.samples(), *min_samples), (Some(10), Some(Quantity(20))));
    assert_eq!((size.state, size.need), (State::Fail, Some(Quantity(600))));
    assert_eq!((registered.state, registered.before.height()), (State::Pending, 80));
    assert_eq!(explain(&standings, &rules, "nobody"), None);
}

#[test]
fn the_next_tier_is_named_with_what_is_missing() {
    let mut case = empty();
    case["rules"]["competition"]["regions"] = json!(["asia", "europe"]);
    let mut amount = tiers("highest", "power", "all", 0, &[(10 * TIB, 1), (100 * TIB, 2), (200 * TIB, 3)]);
    amount["tiers"][1]["gate"] = json!({"metric": "power", "population": "all", "each_region": "1"});
    case["rules"]["boards"] = json!([board("all", "power", None, "by-id")]);
    case["rules"]["pools"] = json!([pool("prize", "all", amount, "power")]);
    let next = |case: &serde_json::Value| {
        let standings = run(case);
        let rules = RuleSet::from_value(&case["rules"]).unwrap();
        apogee_leaderboard::next_tier(&rules.pools[0], &standings.pools[0])
            .map(|next| (next.tier, next.amount.0, next.missing.0, next.gate.is_some()))
    };
    join(&mut case, "a", Some("asia"), &[("power.raw", 4 * TIB)]);
    assert_eq!(next(&case), Some((0, fil(1), 6 * TIB, false)));
    join(&mut case, "b", Some("asia"), &[("power.raw", 150 * TIB)]);
    assert_eq!(next(&case), Some((1, fil(2), 0, true)));
    join(&mut case, "c", Some("europe"), &[("power.raw", TIB)]);
    assert_eq!(next(&case), Some((2, fil(3), 45 * TIB, false)));
    join(&mut case, "d", Some("europe"), &[("power.raw", 45 * TIB)]);
    assert_eq!(next(&case), None);
}

#[test]
fn who_is_disqualified_has_no_place_and_no_steps() {
    let mut case = empty();
    case["rules"]["boards"] = json!([board("all", "power", None, "by-id")]);
    case["rules"]["boards"][0]["population"] = json!("all");
    case["rules"]["pools"] = json!([pool("prize", "all", crate::race::fixed(100), "power")]);
    join(&mut case, "a", None, &[("power.raw", 10)]);
    join(&mut case, "b", None, &[("power.raw", 20)]);
    push(&mut case["decisions"], json!({"seq": 1, "effect": {"kind": "disqualify", "entities": ["b"]}}));
    case["seq"] = json!(1);
    let standings = run(&case);
    let rules = RuleSet::from_value(&case["rules"]).unwrap();
    let reason = explain(&standings, &rules, "b").unwrap();
    assert_eq!((reason.pools[0].won.places, reason.pools[0].steps.len(), reason.total.0), (0, 0, 0));
    assert_eq!(explain(&standings, &rules, "a").unwrap().total.0, 100);
}
