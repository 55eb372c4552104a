use std::collections::{BTreeMap, BTreeSet};

use apogee_dealbot::judge::{Correlation, Look, correlated};
use apogee_domain::Timestamp;
use proptest::prelude::*;

const MINUTE: u64 = 60_000_000;
const RULE: Correlation =
    Correlation { window: 10 * MINUTE, near: 30 * MINUTE, share: 300_000, least: 5, deviations: 0 };

const MINERS: [&str; 10] = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"];

fn look(miner: usize, worker: &'static str, minute: i64, good: bool) -> Look<'static> {
    Look { miner: MINERS[miner], worker, at: Timestamp(minute * 60_000_000), good }
}

/// Ten miners seen by `a` in ten minutes, of which so many fail; `b` finds all in order.
fn disputed(bad: usize) -> Vec<Look<'static>> {
    (0..10)
        .flat_map(|miner| {
            let minute = i64::try_from(miner).unwrap();
            [look(miner, "a", 100 + minute, miner >= bad), look(miner, "b", 95 + 2 * minute, true)]
        })
        .collect()
}

#[test]
fn a_bot_at_odds_with_the_others_is_set_aside_with_all_that_it_saw_then() {
    let all_of_a: BTreeSet<usize> = (0..20).step_by(2).collect();
    assert_eq!(correlated(&disputed(4), &RULE), all_of_a);
    assert_eq!(correlated(&disputed(10), &RULE), all_of_a);
    // Three of ten are not more than 30 %, and of the windows that begin later none has more.
    assert_eq!(correlated(&disputed(3), &RULE), BTreeSet::new());
}

#[test]
fn what_all_find_broken_is_broken() {
    let looks: Vec<_> =
        (0..10).flat_map(|miner| ["a", "b", "c"].map(|worker| look(miner, worker, 100, false))).collect();
    assert_eq!(correlated(&looks, &RULE), BTreeSet::new());
    // Nor is anybody set aside whom nobody contradicts.
    let alone: Vec<_> = (0..10).map(|miner| look(miner, "a", 100, false)).collect();
    assert_eq!(correlated(&alone, &RULE), BTreeSet::new());
}

#[test]
fn bad_luck_with_miners_that_come_and_go_is_not_set_aside() {
    // Each bot finds every other miner broken, never the same ones.
    let looks: Vec<_> = (0..10)
        .flat_map(|miner| {
            [
                look(miner, "a", 100, miner % 2 == 0),
                look(miner, "b", 101, miner % 2 == 1),
                look(miner, "c", 102, true),
            ]
        })
        .collect();
    assert_eq!(correlated(&looks, &Correlation { deviations: 4, ..RULE }), BTreeSet::new());
    // One that finds all of them broken stands out.
    let stands_out: Vec<_> =
        looks.into_iter().map(|look| Look { good: look.worker != "a", ..look }).collect();
    let marked = correlated(&stands_out, &Correlation { deviations: 4, ..RULE });
    assert_eq!(marked, (0..30).step_by(3).collect());
}

#[test]
fn few_miners_and_looks_of_another_time_say_nothing() {
    let few: Vec<_> = disputed(10).into_iter().take(8).collect();
    assert_eq!(correlated(&few, &RULE), BTreeSet::new());
    let mut long_ago = disputed(10);
    long_ago.iter_mut().filter(|look| look.worker == "b").for_each(|look| look.at.0 -= 60 * 60_000_000);
    assert_eq!(correlated(&long_ago, &RULE), BTreeSet::new());
    // The same failures over two hours.
    let mut slowly = disputed(10);
    for look in &mut slowly {
        look.at.0 = 100 * 60_000_000 + (look.at.0 - 100 * 60_000_000) * 12;
    }
    assert_eq!(correlated(&slowly, &RULE), BTreeSet::new());
}

/// The test of two proportions as it is written in books.
#[expect(clippy::cast_precision_loss, clippy::float_arithmetic, reason = "a second way to compute it")]
fn stands_out(odd: usize, miners: usize, bad: usize, others: usize, deviations: u32) -> bool {
    let [odd, miners, bad, others] = [odd, miners, bad, others].map(|count| count as f64);
    let pooled = (odd + bad) / (miners + others);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / miners + 1.0 / others)).sqrt();
    odd / miners - bad / others > deviation * f64::from(deviations) + 1e-12
}

/// The rule, word by word.
fn defined(looks: &[Look<'_>], rule: &Correlation) -> BTreeSet<usize> {
    let (window, near) = (i64::try_from(rule.window).unwrap(), i64::try_from(rule.near).unwrap());
    let disputed = |one: &Look<'_>| {
        let contradicts = |other: &&Look<'_>| {
            other.good
                && other.miner == one.miner
                && other.worker != one.worker
                && (other.at.0 - one.at.0).abs() <= near
        };
        !one.good && looks.iter().any(|other| contradicts(&other))
    };
    let mut marked = BTreeSet::new();
    for first in looks {
        let inside: Vec<_> = looks
            .iter()
            .enumerate()
            .filter(|(_, look)| look.worker == first.worker)
            .filter(|(_, look)| first.at <= look.at && look.at.0 < first.at.0 + window)
            .collect();
        let mut miners = BTreeMap::new();
        for (_, look) in &inside {
            *miners.entry(look.miner).or_insert(false) |= disputed(look);
        }
        let odd = miners.values().filter(|odd| **odd).count();
        let others = |bad: bool| {
            let near =
                |look: &&Look<'_>| first.at.0 - near <= look.at.0 && look.at.0 <= first.at.0 + window + near;
            let others = looks.iter().filter(near).filter(|look| look.worker != first.worker);
            others.filter(|look| !(bad && look.good)).count()
        };
        if miners.len() >= rule.least
            && odd * 1_000_000 > miners.len() * usize::try_from(rule.share).unwrap()
            && stands_out(odd, miners.len(), others(true), others(false), rule.deviations)
        {
            marked.extend(inside.iter().map(|(place, _)| *place));
        }
    }
    marked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn windows_come_out_as_the_rule_says(
        seen in prop::collection::vec((0_usize..10, 0_usize..3, 0_i64..60, any::<bool>()), 0..80),
        share in 0_u32..1_000_000, least in 1_usize..6, deviations in 0_u32..4,
    ) {
        let looks: Vec<_> =
            seen.into_iter().map(|(miner, by, minute, good)| look(miner, ["a", "b", "c"][by], minute, good)).collect();
        let rule = Correlation { share, least, deviations, near: 10 * MINUTE, ..RULE };
        prop_assert_eq!(correlated(&looks, &rule), defined(&looks, &rule));
    }
}
