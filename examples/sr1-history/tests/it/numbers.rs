//! The numbers that the README tells.

use std::collections::BTreeMap;

use apogee_competition::{Competition, fold};
use apogee_leaderboard::{Comparison, EntityRow, Measure, Standings, State, compare};
use apogee_rules::{Aggregation, CheckKind, MetricKind, PoolAmount, Quantity, RuleSet};

use crate::shared::{at, contents, finally, history, id, standings};

const FIL: u128 = 1_000_000_000_000_000_000;
const TIB: u128 = 1 << 40;

/// Amount in FIL and level in TiB of a pool.
fn pool(standings: &Standings, pool: &str, region: Option<&str>) -> (u128, u128) {
    let found = standings
        .pools
        .iter()
        .find(|found| found.pool.as_str() == pool && found.region.as_ref().map(|id| id.as_str()) == region)
        .unwrap();
    (found.amount.0 / FIL, found.reached.map_or(0, |reached| reached.0 / TIB))
}

fn rules(number: usize) -> &'static RuleSet {
    &contents().rules[number - 1]
}

fn changed(comparison: &Comparison) -> usize {
    comparison.entities.iter().filter(|entity| entity.is_any()).count()
}

fn paid(standings: &Standings) -> u128 {
    standings.payouts.iter().map(|payout| payout.total.0).sum()
}

/// The rate of storage deals.
fn rate(entity: &EntityRow) -> String {
    match entity.metric("storage").unwrap() {
        Measure::Rate(Some(rate)) => rate.value.as_ref().map(ToString::to_string).unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

/// 31 August, when the change was published.
const CHANGE: i64 = 19_452;

#[test]
fn the_tiers_of_31_august_open_two_regions_at_once() {
    let entries = &history().entries;
    let before: Vec<_> =
        entries.iter().take_while(|signed| signed.entry.epoch < at(CHANGE)).cloned().collect();
    let competition = fold(id("sr1-history"), &before).unwrap();
    let (old, new) =
        (standings(&competition, at(CHANGE), rules(3)), standings(&competition, at(CHANGE), rules(4)));
    assert_eq!((pool(&old, "region", Some("AF")), pool(&new, "region", Some("AF"))), ((0, 59), (25_000, 59)));
    assert_eq!(
        (pool(&old, "region", Some("OC")), pool(&new, "region", Some("OC"))),
        ((25_000, 299), (50_000, 299))
    );
    assert_eq!(paid(&new) / FIL - paid(&old) / FIL, 50_000);
    eprintln!(
        "31 August: {} of {} change",
        changed(&compare(&old, &new)),
        compare(&old, &new).entities.len()
    );
}

#[test]
fn without_that_change_two_regions_would_end_with_50_000_fil_less() {
    let last = rules(6);
    let mut without = last.clone();
    let PoolAmount::Tiers { tiers, .. } = &mut without.pools[1].amount else { unreachable!() };
    let PoolAmount::Tiers { tiers: old, .. } = &rules(3).pools[1].amount else { unreachable!() };
    tiers.clone_from(old);
    let (old, new) = (finally(&without), finally(last));
    assert_eq!((pool(&old, "region", Some("AF")), pool(&new, "region", Some("AF"))), ((0, 71), (25_000, 71)));
    assert_eq!(
        (pool(&old, "region", Some("OC")), pool(&new, "region", Some("OC"))),
        ((25_000, 359), (50_000, 359))
    );
    assert_eq!(changed(&compare(&old, &new)), 18);
}

#[test]
fn the_gate_of_one_pebibyte_in_every_region_keeps_a_million_shut() {
    let end = finally(rules(6));
    assert_eq!(pool(&end, "global", None), (500_000, 229_315));
    let mut open = rules(6).clone();
    let PoolAmount::Tiers { tiers, .. } = &mut open.pools[0].amount else { unreachable!() };
    tiers.iter_mut().for_each(|tier| tier.gate = None);
    assert_eq!(pool(&finally(&open), "global", None).0, 1_500_000);
    assert_eq!(
        paid(&end) / FIL,
        2_275_249,
        "pools of 2,275,000 and an award of 250, less what rounding leaves"
    );
}

#[test]
fn sum_and_average_of_the_deals_of_combined_miners_part_on_2_september() {
    let mut mean = rules(6).clone();
    for metric in &mut mean.metrics {
        if let MetricKind::Rate { aggregation, .. } = &mut metric.kind {
            *aggregation = Aggregation::Mean;
        }
    }
    let comparison = compare(&finally(&mean), &finally(rules(6)));
    let newly: Vec<&str> = comparison
        .entities
        .iter()
        .filter(|entity| entity.eligible == (Some(false), Some(true)))
        .map(|entity| entity.entity.as_str())
        .collect();
    assert_eq!(newly.len(), 1);
    let end = finally(rules(6));
    let entity = end.entity(newly[0]).unwrap();
    assert_eq!(rate(entity), "19/22", "95 of 110");
}

#[test]
fn everybody_who_is_not_eligible_has_a_reason_of_its_own() {
    let end = finally(rules(6));
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for entity in end.entities.iter().filter(|entity| !entity.eligible) {
        let failed: Vec<&str> =
            entity.checks().filter(|check| check.state() == State::Fail).map(|check| check.id()).collect();
        let reason = if entity.disqualified { "disqualified".to_owned() } else { failed.join(" ") };
        *reasons.entry(reason).or_default() += 1;
    }
    let expected = [
        ("claimed registered", 38),
        ("disqualified", 1),
        ("registered", 3),
        ("retrieval", 4),
        ("storage", 1),
        ("storage retrieval", 3),
        ("upgrade", 3),
    ];
    assert_eq!(reasons, expected.map(|(reason, count)| (reason.to_owned(), count)).into());
    let short = end.entities.iter().find(|entity| rate(entity) == "63/82").unwrap();
    let check = short.checks().find(|check| check.id() == "storage").unwrap();
    // 76.8 %: thirteen more good deals would have been enough.
    assert_eq!((check.state(), check.need()), (State::Fail, Some(Quantity(13))));
}

#[test]
fn there_are_groups_ties_at_a_last_place_and_rules_with_a_history() {
    let end = finally(rules(6));
    let mut sizes: Vec<usize> = contents().entities.iter().map(|entity| entity.members.len()).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(sizes[..3], [16, 5, 3]);
    assert_eq!((contents().facts.participants.len(), sizes.len()), (300, 230));
    let asia = end
        .boards
        .iter()
        .find(|list| list.region.as_ref().is_some_and(|region| region.as_str() == "AS"))
        .unwrap();
    let last: Vec<(Option<u64>, bool)> =
        asia.rows[49..51].iter().map(|row| (row.rank, row.wins.places == 1)).collect();
    assert_eq!(last, [(Some(50), true), (Some(50), false)]);
    let from: Vec<i64> = contents().rules.iter().map(|rules| rules.version.from.height()).collect();
    assert_eq!(from, [0, 1_680, 4_560, CHANGE, 21_840, 24_956]);
    let registered = |rules: &RuleSet| {
        rules.eligibility.iter().any(|check| matches!(check.kind, CheckKind::Registered { .. }))
    };
    assert!(!registered(rules(1)) && registered(rules(2)));
}

#[test]
fn a_decision_moves_those_it_is_about() {
    let mut before = Competition::new(id("sr1-history"));
    let mut moved = Vec::new();
    for signed in &history().entries {
        let (epoch, act) = (signed.entry.epoch, &signed.entry.act);
        let mut after = before.clone();
        after.append(signed).unwrap();
        if act.is_decision() {
            let holds = before.rules_at(epoch).unwrap().rules.clone();
            let (old, new) = (standings(&before, epoch, &holds), standings(&after, epoch, &holds));
            let comparison = compare(&old, &new);
            let became = |now: bool| {
                let eligible = (Some(!now), Some(now));
                comparison.entities.iter().filter(|entity| entity.eligible == eligible).count()
            };
            moved.push((act.kind(), became(true), became(false)));
        }
        before = after;
    }
    let expected = [
        ("set-region", 0, 0),
        // For a morning the failures of a day were taken out everywhere, not in Asia alone.
        ("remove-interval", 19, 0),
        ("revert", 0, 17),
        ("remove-interval", 17, 0),
        ("disqualify", 0, 1),
        ("adjust", 1, 0),
        ("award", 0, 0),
    ];
    assert_eq!(moved, expected);
}
