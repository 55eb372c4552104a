use std::collections::BTreeMap;

use apogee_competition::detect::{EpochFacts, Sign, Thresholds, detect};

use crate::world::{at, id};

/// 600 quiet epochs, as a network of a thousand sectors has them.
fn quiet() -> Vec<EpochFacts> {
    (0..600)
        .map(|height| EpochFacts {
            epoch: at(height),
            null: height % 150 == 7,
            base_fee: Some(100 + u128::try_from(height % 20).unwrap()),
            gas: Some((3_000_000_000, 10_000_000_000)),
            beacon: Some(true),
            network_version: Some(24),
            power: BTreeMap::from([(id("asia"), 1 << 50), (id("europe"), 1 << 40)]),
            sectors: Some((10, 1_000)),
        })
        .collect()
}

fn found(facts: &[EpochFacts]) -> Vec<(Sign, i64, i64)> {
    let found = detect(facts, &Thresholds::default());
    assert!(found.iter().all(|incident| incident.from < incident.until && !incident.title.zh.is_empty()));
    found
        .into_iter()
        .map(|incident| (incident.sign, incident.from.height(), incident.until.height()))
        .collect()
}

#[test]
fn a_quiet_network_shows_nothing() {
    assert_eq!(found(&quiet()), []);
    assert_eq!(found(&[]), []);
    // What is not known shows nothing either.
    let dark: Vec<EpochFacts> =
        (0..600).map(|height| EpochFacts { epoch: at(height), ..EpochFacts::default() }).collect();
    assert_eq!(found(&dark), []);
}

#[test]
fn null_rounds_gaps_and_beacon_gaps_are_bounded_to_the_epoch() {
    let mut facts = quiet();
    facts[200..205].iter_mut().for_each(|fact| fact.null = true);
    facts[210..214].iter_mut().for_each(|fact| fact.null = true);
    facts[300..303].iter_mut().for_each(|fact| fact.beacon = Some(false));
    facts.drain(400..410);
    assert_eq!(
        found(&facts),
        [(Sign::NullRounds, 200, 205), (Sign::BeaconGap, 300, 303), (Sign::TipsetGap, 400, 410)]
    );
}

#[test]
fn fees_and_full_blocks_are_seen() {
    let mut facts = quiet();
    facts[300..310].iter_mut().for_each(|fact| fact.base_fee = Some(5_000));
    facts[305].base_fee = Some(u128::MAX);
    facts[400..420].iter_mut().for_each(|fact| fact.gas = Some((9_500_000_000, 10_000_000_000)));
    facts[450..469].iter_mut().for_each(|fact| fact.gas = Some((u64::MAX, u64::MAX)));
    assert_eq!(
        found(&facts),
        [(Sign::BaseFeeSpike { highest: u128::MAX }, 300, 310), (Sign::FullBlocks, 400, 420)]
    );
}

#[test]
fn an_upgrade_takes_no_epochs_away() {
    let mut facts = quiet();
    facts[350..].iter_mut().for_each(|fact| fact.network_version = Some(25));
    facts[349].network_version = None;
    let incidents = detect(&facts, &Thresholds::default());
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].sign, Sign::NetworkVersion { before: 24, after: 25 });
    assert!(!incidents[0].removes);
}

#[test]
fn a_region_that_collapses_is_named_and_no_other() {
    let mut facts = quiet();
    facts[300..].iter_mut().for_each(|fact| {
        fact.power.insert(id("asia"), (1_u128 << 50) / 100 * 60);
        fact.power.insert(id("europe"), (1_u128 << 40) / 100 * 80);
    });
    let incidents = detect(&facts, &Thresholds::default());
    assert_eq!(incidents.len(), 1);
    let incident = &incidents[0];
    assert!(
        matches!(&incident.sign, Sign::PowerCollapse { before, least, .. } if *before == 1 << 50 && *least == (1 << 50) / 100 * 60)
    );
    // From the fall on, until what it is compared with is as low.
    assert_eq!((incident.from, incident.until, &*incident.regions), (at(300), at(420), &[id("asia")][..]));
    assert!(incident.removes);
}

#[test]
fn many_faults_at_once_are_seen_and_slow_ones_are_not() {
    let mut facts = quiet();
    facts[300..].iter_mut().for_each(|fact| fact.sectors = Some((110, 1_000)));
    assert_eq!(found(&facts), [(Sign::MassFault { before: 10, most: 110 }, 300, 420)]);
    let mut facts = quiet();
    facts
        .iter_mut()
        .enumerate()
        .for_each(|(index, fact)| fact.sectors = Some((u64::try_from(index).unwrap() / 2, 1_000)));
    assert_eq!(found(&facts), []);
}

#[test]
fn facts_out_of_order_and_extremes_do_no_harm() {
    let mut facts = quiet();
    facts.swap(100, 300);
    let _ = detect(&facts, &Thresholds::default());
    let mut facts = quiet();
    facts.iter_mut().for_each(|fact| {
        fact.base_fee = Some(u128::MAX);
        fact.power = BTreeMap::from([(id("asia"), u128::MAX)]);
        fact.sectors = Some((u64::MAX, u64::MAX));
        fact.gas = Some((u64::MAX, 0));
    });
    facts[599].power = BTreeMap::from([(id("asia"), 0)]);
    let least = Thresholds {
        null_rounds: 0,
        gap: 0,
        base_fee_factor: 0,
        full_percent: 0,
        full_blocks: 0,
        beacon: 0,
        collapse_percent: 0,
        fault_percent: 0,
        window: 0,
    };
    for thresholds in
        [Thresholds::default(), least, Thresholds { window: u32::MAX, base_fee_factor: u32::MAX, ..least }]
    {
        let _ = detect(&facts, &thresholds);
    }
}
