//! Who gets how much of what a layer pays.
//!
//! Source: go-spacemesh `genvm/rewards.go`.

use std::num::NonZeroU64;

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use crate::address::Address;
use crate::id::{LayerId, SmesherId};
use crate::weight::Weight;

/// A reward of one smesher in one layer, as nodes keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reward {
    /// The layer.
    pub layer: LayerId,
    /// Who earned it.
    pub smesher: SmesherId,
    /// Where it went.
    pub coinbase: Address,
    /// What it comes to.
    pub amount: Amount,
}

/// What a share comes to, in smidge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Amount {
    /// Of subsidy and fees.
    pub total: u64,
    /// Of the subsidy alone.
    pub subsidy: u64,
}

/// What is paid cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Nobody has a weight.
    #[error("the weights of all shares are zero")]
    NoWeight,
    /// More than there are coins.
    #[error("subsidy and fees together do not fit 64 bits")]
    Overflow,
}

/// Split `subsidy` and `fees` among `weights`. Each share is rounded down on its own; what remains is burnt. The total
/// is rounded as one, not as the sum of two parts. Takes time and room with the number of different denominators: at
/// worst its square, for those that have nothing in common.
///
/// # Errors
/// See [`SplitError`].
pub fn split(subsidy: u64, fees: u64, weights: &[Weight]) -> Result<Vec<Amount>, SplitError> {
    let total = subsidy.checked_add(fees).ok_or(SplitError::Overflow)?;
    let common = common_denominator(weights);
    let over_common: Vec<BigUint> =
        weights.iter().map(|weight| &common / weight.denominator.get() * weight.numerator).collect();
    let all: BigUint = over_common.iter().sum();
    if all.is_zero() && !weights.is_empty() {
        return Err(SplitError::NoWeight);
    }
    // A share is not more than the whole, so that it fits.
    let part = |whole: u64, weight: &BigUint| (weight * whole / &all).to_u64().ok_or(SplitError::Overflow);
    over_common
        .iter()
        .map(|weight| Ok(Amount { total: part(total, weight)?, subsidy: part(subsidy, weight)? }))
        .collect()
}

/// The least common multiple of all denominators.
fn common_denominator(weights: &[Weight]) -> BigUint {
    let mut denominators: Vec<NonZeroU64> = weights.iter().map(|weight| weight.denominator).collect();
    denominators.sort_unstable();
    denominators.dedup();
    denominators.iter().fold(BigUint::one(), |common, denominator| {
        // Of a number that may be long, only its remainder is of use.
        let rest = (&common % denominator.get()).to_u64().unwrap_or_default();
        common * (denominator.get() / rest.gcd(&denominator.get()))
    })
}
