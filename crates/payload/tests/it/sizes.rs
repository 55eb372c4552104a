use std::collections::BTreeMap;

use apogee_payload::{Class, InvalidSizes, Key, Payload, Sizes};

fn key(slot: u32) -> Key {
    Key::derive(&[1; 32], &format!("slot-{slot}"))
}

fn classes(of: &[(u64, u32)]) -> Vec<Class> {
    of.iter().map(|&(bytes, weight)| Class { bytes, weight }).collect()
}

#[test]
fn classes_are_taken_as_often_as_they_weigh() {
    let sizes = Sizes::default();
    let mut taken = BTreeMap::new();
    for slot in 0..20_000 {
        *taken.entry(sizes.choose(&key(slot), 0).unwrap()).or_insert(0_u32) += 1;
    }
    for class in sizes.classes() {
        let expected = class.weight / 50;
        // Five standard deviations of a binomial law at its widest.
        assert!(taken[&class.bytes].abs_diff(expected) < 354, "{class:?}: {taken:?}");
    }
    assert_eq!(taken.len(), 3);
}

#[test]
fn a_choice_follows_from_the_key_and_the_classes_whatever_their_order() {
    let one = Sizes::new(classes(&[(10, 500_000), (20, 500_000)]), 100).unwrap();
    let other = Sizes::new(classes(&[(20, 500_000), (10, 500_000)]), 100).unwrap();
    let chosen: Vec<_> = (0..100).map(|slot| one.choose(&key(slot), 0)).collect();
    assert_eq!(chosen, (0..100).map(|slot| other.choose(&key(slot), 0)).collect::<Vec<_>>());
    assert!(chosen.contains(&Some(10)) && chosen.contains(&Some(20)));
}

#[test]
fn a_class_without_weight_is_never_drawn() {
    let sizes = Sizes::new(classes(&[(10, 0), (20, 1_000_000), (30, 0)]), 1_000).unwrap();
    assert!((0..1_000).all(|slot| sizes.choose(&key(slot), 0) == Some(20)));
}

#[test]
fn a_window_never_takes_more_than_its_budget() {
    let sizes = Sizes::new(classes(&[(10, 300_000), (100, 600_000), (1_000, 100_000)]), 1_234).unwrap();
    for day in 0..200 {
        let mut spent = 0;
        let mut over = false;
        for slot in 0..60 {
            match sizes.choose(&key(day * 100 + slot), spent) {
                Some(bytes) => {
                    assert!(!over, "nothing fits once nothing did");
                    spent += bytes;
                }
                None => over = true,
            }
            assert!(spent <= 1_234);
        }
        assert!(spent > 1_234 - 10, "what is left is less than the smallest class");
    }
    assert_eq!(sizes.choose(&key(0), u64::MAX), None);
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    let refused = |of: &[(u64, u32)], budget| Sizes::new(classes(of), budget).unwrap_err();
    assert_eq!(refused(&[], 1), InvalidSizes::Count { count: 0 });
    assert_eq!(refused(&[(1, 0); 17], 1), InvalidSizes::Count { count: 17 });
    assert_eq!(refused(&[(0, 1_000_000)], 1), InvalidSizes::Bytes { bytes: 0 });
    let bytes = Payload::MOST + 1;
    assert_eq!(refused(&[(bytes, 1_000_000)], bytes), InvalidSizes::Bytes { bytes });
    assert_eq!(refused(&[(5, 500_000), (5, 500_000)], 9), InvalidSizes::Twice { bytes: 5 });
    assert_eq!(refused(&[(5, 500_000)], 9), InvalidSizes::Weights { sum: 500_000 });
    assert_eq!(refused(&[(5, 1_000_000)], 4), InvalidSizes::Budget { budget: 4, smallest: 5 });
}
