use std::num::NonZeroU64;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::{LayerId, SmesherId};
use apogee_spacemesh::report::{Difference, Report};
use apogee_spacemesh::reward::{Amount, Reward, SplitError, split};
use apogee_spacemesh::weight::Weight;
use proptest::prelude::*;

fn weight(numerator: u64, denominator: u64) -> Weight {
    Weight { numerator, denominator: NonZeroU64::new(denominator).unwrap() }
}

#[test]
fn shares_are_rounded_down_once_each() {
    let thirds = [weight(1, 3), weight(2, 6), weight(3, 9)];
    let shares = split(100, 1, &thirds).unwrap();
    assert_eq!(shares, [Amount { total: 33, subsidy: 33 }; 3]);
    // The sum of subsidy and fees is rounded as one: 2/3 of 100 and 2/3 of 1 are 66 and 0, of 101 are 67.
    let shares = split(100, 1, &[weight(2, 1), weight(1, 1)]).unwrap();
    assert_eq!(shares, [Amount { total: 67, subsidy: 66 }, Amount { total: 33, subsidy: 33 }]);
}

#[test]
fn what_cannot_be_split_is_said() {
    assert_eq!(split(u64::MAX, 1, &[weight(1, 1)]), Err(SplitError::Overflow));
    assert_eq!(split(1, 1, &[weight(0, 1), weight(0, 7)]), Err(SplitError::NoWeight));
    assert_eq!(split(1, 1, &[]), Ok(Vec::new()));
}

/// Twenty times as many shares as a layer has, and long denominators with little in common.
#[test]
fn a_hostile_block_is_split_all_the_same() {
    let weights: Vec<Weight> = (0..1_000).map(|index| weight(1, u64::MAX - 2 * index)).collect();
    let shares = split(1 << 60, 0, &weights).unwrap();
    let all: u64 = shares.iter().map(|share| share.total).sum();
    assert!(all <= 1 << 60 && all > (1 << 60) - 1_000, "{all}");
}

#[test]
fn the_weight_of_a_ballot_is_in_lowest_terms() {
    let of = |weight, slots, here| Weight::of_ballot(weight, NonZeroU64::new(slots).unwrap(), here);
    assert_eq!(of(200, 3, 1), Some(weight(200, 3)));
    assert_eq!(of(200, 6, 3), Some(weight(100, 1)));
    assert_eq!(of(0, 5, 3), Some(weight(0, 1)));
    assert_eq!(of(u64::MAX, 7, 7), Some(weight(u64::MAX, 1)));
    assert_eq!(of(u64::MAX, 1, 2), None);
}

fn reward(layer: u32, smesher: u8, total: u64) -> Reward {
    Reward {
        layer: LayerId(layer),
        smesher: SmesherId([smesher; 32]),
        coinbase: Address([0; 24]),
        amount: Amount { total, subsidy: total },
    }
}

#[test]
fn a_report_names_every_difference() {
    let ours = [reward(1, 1, 10), reward(1, 2, 10), reward(2, 1, 10), reward(2, 2, 7)];
    let node = [reward(1, 1, 10), reward(1, 2, 11), reward(2, 2, 7), reward(3, 1, 5), reward(1, 1, 10)];
    let report = Report::compare(&ours, &node);
    let elsewhere = Reward { coinbase: Address([1; 24]), ..reward(2, 2, 7) };
    assert_eq!((report.equal, report.ours, report.node), (2, 37, 43));
    assert_eq!(
        report.differences,
        [
            Difference::Again(reward(1, 1, 10)),
            Difference::Other { ours: reward(1, 2, 10), node: reward(1, 2, 11) },
            Difference::Missing(reward(2, 1, 10)),
            Difference::Unexpected(reward(3, 1, 5)),
        ]
    );
    assert!(!report.agrees() && Report::compare(&ours, &ours).agrees());
    assert!(!Report::compare(&ours[3..], &[elsewhere]).agrees(), "the same amount to another account");
}

proptest! {
    /// The shares sum to what is paid, less than one smidge for each.
    #[test]
    fn nothing_is_made_and_little_is_burnt(
        subsidy in 0_u64..=u64::MAX / 2,
        fees in 0_u64..=u64::MAX / 2,
        weights in proptest::collection::vec((1_u64.., 1_u64..), 1..20),
    ) {
        let weights: Vec<Weight> = weights.into_iter().map(|(n, d)| weight(n, d)).collect();
        let shares = split(subsidy, fees, &weights).unwrap();
        for (whole, sum) in [
            (u128::from(subsidy) + u128::from(fees), shares.iter().map(|share| u128::from(share.total)).sum::<u128>()),
            (u128::from(subsidy), shares.iter().map(|share| u128::from(share.subsidy)).sum::<u128>()),
        ] {
            prop_assert!(sum <= whole && whole - sum < weights.len() as u128);
        }
    }

    /// A weight in other terms is the same weight.
    #[test]
    fn terms_do_not_matter(numerators in proptest::collection::vec(1_u64..1_000_000, 1..10), factor in 1_u64..1_000_000) {
        let plain: Vec<Weight> = numerators.iter().map(|n| weight(*n, 11)).collect();
        let other: Vec<Weight> = numerators.iter().map(|n| weight(n * factor, 11 * factor)).collect();
        prop_assert_eq!(split(1 << 40, 99, &plain), split(1 << 40, 99, &other));
    }
}
