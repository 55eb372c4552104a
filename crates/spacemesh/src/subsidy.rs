//! What the protocol pays for a layer.
//!
//! Source: `spacemeshos/economics`, `rewards/rewards.go` and `constants`. Issuance decays exponentially so that 450 of
//! 2,250 million SMH are out after ten years of 105,120 layers and one. The reference works in decimals of 34 digits,
//! and so does this: in layer 1,051,200 the rounding of the last digit decides about a smidge.

use crate::decimal::Decimal;
use crate::id::LayerId;

/// Smidge in a SMH.
pub const SMIDGE: u64 = 1_000_000_000;
/// All that is ever issued for layers, in smidge.
pub const TOTAL: u64 = 2_250_000_000 * SMIDGE;

/// The rate of decay for a layer, `ln 2 / half-life`, in 34 digits.
const LAMBDA_DIGITS: u128 = 2_122_748_659_050_074_683_778_792_926_470_147;
const LAMBDA_PLACES: u32 = 40;

/// What all layers up to the `n`th after the first effective genesis have issued together, in smidge.
#[must_use]
pub fn accumulated(n: u32) -> u64 {
    let exponent = Decimal::new(LAMBDA_DIGITS, LAMBDA_PLACES).times(&Decimal::new(u128::from(n) + 1, 0));
    // The share is below one or one, so that the product fits.
    Decimal::new(TOTAL.into(), 0).times(&exponent.decayed()).whole().unwrap_or(TOTAL)
}

/// What the `n`th layer after the first effective genesis issues, in smidge.
#[must_use]
pub fn after_genesis(n: u32) -> u64 {
    accumulated(n).saturating_sub(n.checked_sub(1).map_or(0, accumulated))
}

/// What `layer` issues, in smidge, on a network that pays from `first_effective_genesis` on; `None` before that layer.
///
/// After a restart from a checkpoint it is still the network's first one that counts.
#[must_use]
pub fn of(layer: LayerId, first_effective_genesis: LayerId) -> Option<u64> {
    layer.0.checked_sub(first_effective_genesis.0).map(after_genesis)
}
