use std::collections::BTreeMap;

use apogee_dealbot::schedule::{Cadence, Kind, Seed};
use apogee_domain::Timestamp;
use proptest::prelude::*;

const HOUR: u64 = 3_600_000_000;

fn cadence(kind: Kind) -> Cadence {
    Cadence { kind, start: Timestamp::from_seconds(1_780_000_000), interval: HOUR, slots: 24 * 21 }
}

#[test]
fn a_slot_is_due_in_its_interval_and_everybody_has_as_many() {
    let (cadence, seed) = (cadence(Kind::Storage), Seed::new([7; 32]));
    for miner in ["f01000", "f01001"] {
        for slot in 0..cadence.slots {
            let (from, to) = cadence.window(slot).unwrap();
            let due = cadence.due(&seed, miner, slot).unwrap();
            assert!(from <= due && due < to, "{slot}");
        }
        assert_eq!(cadence.due(&seed, miner, cadence.slots), None);
    }
}

#[test]
fn moments_fill_the_interval_evenly() {
    let (cadence, seed) = (cadence(Kind::Retrieval), Seed::new([1; 32]));
    let mut quarters = [0_u32; 4];
    for miner in 0..200 {
        for slot in 0..100 {
            let miner = format!("f0{miner}");
            let into = cadence.due(&seed, &miner, slot).unwrap().0 - cadence.window(slot).unwrap().0.0;
            quarters[usize::try_from(into * 4 / i64::try_from(HOUR).unwrap()).unwrap()] += 1;
        }
    }
    // 5,000 each are expected; six standard deviations are 367.
    assert!(quarters.iter().all(|count| count.abs_diff(5_000) < 367), "{quarters:?}");
}

#[test]
fn miner_kind_number_seed_and_beacon_each_move_the_moment() {
    let seed = Seed::new([9; 32]);
    let into = |kind, seed: &Seed, miner: &str, slot| {
        let cadence = cadence(kind);
        cadence.due(seed, miner, slot).unwrap().0 - cadence.window(slot).unwrap().0.0
    };
    let first = into(Kind::Storage, &seed, "f01", 3);
    assert_ne!(first, into(Kind::Retrieval, &seed, "f01", 3));
    assert_ne!(first, into(Kind::Storage, &Seed::new([8; 32]), "f01", 3));
    assert_ne!(first, into(Kind::Storage, &seed.with_beacon(b"entry"), "f01", 3));
    assert_ne!(first, into(Kind::Storage, &seed, "f02", 3));
    assert_ne!(first, into(Kind::Storage, &seed, "f01", 4));
}

#[test]
fn the_commitment_tells_nothing_and_binds_the_seed() {
    let (one, other) = (Seed::new([1; 32]), Seed::new([2; 32]));
    assert_ne!(one.commitment(), other.commitment());
    assert!(!format!("{one:?}").contains("0101"));
    // sha256sum of the prefix and 32 bytes of 1.
    assert_eq!(
        one.commitment().to_string(),
        "8ab78fbe64f9331bc3aa3f15dc2b3685ddfbcdb9a5431aee325be1043082ea40"
    );
}

#[test]
fn every_miner_sees_every_place_as_often() {
    let (cadence, seed) = (cadence(Kind::Storage), Seed::new([3; 32]));
    let mut firsts = BTreeMap::new();
    for miner in 0..60 {
        let miner = format!("f0{miner}");
        for round in 0..10 {
            let mut places: Vec<_> =
                (0..5).map(|turn| cadence.place(&seed, &miner, round * 5 + turn, 5)).collect();
            *firsts.entry(places[0]).or_insert(0_u32) += 1;
            places.sort_unstable();
            assert_eq!(places, [0, 1, 2, 3, 4]);
        }
    }
    // 120 each are expected.
    assert!(firsts.len() == 5 && firsts.values().all(|count| count.abs_diff(120) < 60), "{firsts:?}");
}

proptest! {
    #[test]
    fn what_begins_in_a_stretch_is_what_the_windows_say(from in -5_i64..600, length in 0_i64..600) {
        let cadence = cadence(Kind::Storage);
        let half = i64::try_from(HOUR).unwrap() / 2;
        let at = |halves: i64| Timestamp(cadence.start.0 + halves * half);
        let found = cadence.beginning(at(from), at(from + length));
        let expected: Vec<_> = (0..cadence.slots)
            .filter(|slot| {
                let begins = cadence.window(*slot).unwrap().0;
                at(from) <= begins && begins < at(from + length)
            })
            .collect();
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
