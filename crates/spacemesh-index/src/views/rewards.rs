//! What layers paid, and what a smesher could expect of them.

use std::collections::BTreeMap;

use apogee_domain::Subject;
use apogee_domain::series::{
    BURN_ROUNDING, EMPTY_LAYERS, EXPECTED_REWARD, REWARD_BLOCK, REWARD_GAS, REWARD_LAYERS, SUBSIDY,
};
use apogee_spacemesh::id::{EpochId, LayerId};
use apogee_spacemesh::subsidy;

use super::{At, atto};
use crate::Params;
use crate::fold::Known;
use crate::params;

/// What the layer paid to whom, and what of it nobody got.
pub(crate) fn paid(at: &mut At<'_>) {
    // A smesher has one row in a layer. Where a source tells more of them, which is a failed check, it is one layer all the same.
    let mut paid: BTreeMap<Subject, (Known, Known)> = BTreeMap::new();
    for reward in &at.facts.rewards {
        let Some(subject) = params::subject(&reward.smesher) else { continue };
        let fees = reward.amount.total.checked_sub(reward.amount.subsidy);
        let sum = paid.entry(subject).or_insert((Some(0), Some(0)));
        let more = |sum: Known, by: Option<u64>| sum?.checked_add(by?.into());
        *sum = (more(sum.0, Some(reward.amount.subsidy)), more(sum.1, fees));
    }
    for (subject, (subsidy, fees)) in paid {
        at.add(REWARD_BLOCK, &subject, subsidy.and_then(atto));
        at.add(REWARD_GAS, &subject, fees.and_then(atto));
        if (subsidy, fees) != (Some(0), Some(0)) {
            at.add(REWARD_LAYERS, &subject, Some(1));
        }
    }
    let network = Subject::network();
    let Some(block) = &at.facts.block else {
        at.add(EMPTY_LAYERS, &network, Some(1));
        return;
    };
    let issued = subsidy::of(at.facts.name.layer, at.params.first);
    at.add(SUBSIDY, &network, issued.and_then(|issued| atto(issued.into())));
    let told: u128 = at.facts.rewards.iter().map(|reward| u128::from(reward.amount.total)).sum();
    let whole = issued.zip(block.fees).map(|(issued, fees)| u128::from(issued) + u128::from(fees));
    at.add(BURN_ROUNDING, &network, whole.and_then(|whole| whole.checked_sub(told)).and_then(atto));
}

/// The part of an epoch's subsidies that everybody's part of the weight comes to, as far as the first order goes: a slot in a crowded layer
/// pays less, and an empty layer pays nobody.
pub(crate) fn expected(at: &mut At<'_>, epoch: EpochId) {
    let subsidies = of_epoch(at.params, epoch);
    let all = at.activations.values().map(|activation| u128::from(activation.weight)).sum();
    for (subject, activation) in at.activations {
        let share = subsidies.and_then(|subsidies| share(subsidies, activation.weight, all));
        at.in_epoch(EXPECTED_REWARD, subject, share);
    }
}

/// What all layers of an epoch issue together, in smidge; `None` beyond the last epoch there can be.
pub(crate) fn of_epoch(params: &Params, epoch: EpochId) -> Option<u64> {
    let first = params.epochs().first(epoch)?;
    let last = LayerId(first.0.checked_add(params.epochs().layers.get() - 1)?);
    let until = |layer: LayerId| layer.0.checked_sub(params.first.0).map_or(0, subsidy::accumulated);
    let before = first.0.checked_sub(1).map_or(0, |layer| until(LayerId(layer)));
    until(last).checked_sub(before)
}

/// `smidge · weight / all` in 10⁻¹⁸ of a coin, rounded down. `None` where nothing weighs anything or the weight is not a part of all.
pub(crate) fn share(smidge: u64, weight: u64, all: u128) -> Known {
    if u128::from(weight) > all {
        return None;
    }
    // Two factors of 64 bits; and what remains is below the sum of as many weights as fit in memory, which has far less than 98.
    let product = u128::from(smidge) * u128::from(weight);
    let (whole, rest) = (product.checked_div(all)?, product.checked_rem(all)?);
    atto(whole)?.checked_add(atto(rest)?.checked_div(all)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::ATTO;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_part_of_nothing() {
        assert_eq!(share(5, 0, 0), None);
        assert_eq!(share(5, 2, 1), None);
        assert_eq!(share(5, 0, 7), Some(0));
        assert_eq!(share(u64::MAX, u64::MAX, u64::MAX.into()), atto(u64::MAX.into()));
    }

    proptest! {
        /// A network of a million smeshers has a weight of some 2⁶⁴ at most.
        #[test]
        fn a_part_is_as_by_long_division(smidge: u64, weight: u64, others in 0..1_u128 << 96) {
            let all = u128::from(weight) + others;
            prop_assume!(all > 0);
            let exact: BigUint = BigUint::from(smidge) * weight * ATTO / all;
            prop_assert_eq!(share(smidge, weight, all), Some(exact.try_into().unwrap()));
        }
    }
}
