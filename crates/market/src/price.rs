//! What a deal costs, in attoFIL, and how long it lasts, in epochs.

use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;

/// Bytes that an ask's price is for.
pub const PRICED_BYTES: u64 = 1 << 30;
/// Epochs from the chain's head to a deal's start, as clients propose: two days.
pub const START_DELAY: ChainEpoch = 5_760;
/// Epochs of the shortest deal: 180 days (`MIN_DEAL_DURATION` of the market actor).
pub const SHORTEST: ChainEpoch = 518_400;
/// Epochs of the longest deal: 1,278 days (`MAX_DEAL_DURATION` of the market actor).
pub const LONGEST: ChainEpoch = 3_680_640;

/// Of a deal, by epoch: the ask's price for its padded bytes, rounded up.
///
/// Providers compare it with the same product rounded down (`validateAsk` of Boost and Curio), and take it.
#[must_use]
pub fn per_epoch(ask: &TokenAmount, size: PaddedPieceSize) -> TokenAmount {
    (ask * size.0).div_ceil(PRICED_BYTES)
}

/// Of a deal that lasts so many epochs; nothing, where it lasts none.
#[must_use]
pub fn total(per_epoch: &TokenAmount, duration: ChainEpoch) -> TokenAmount {
    per_epoch * duration.max(0)
}

/// A provider's collateral with room for the bounds to move while the proposal travels: six fifths of the least
/// (`StateDealProviderCollateralBounds`), rounded up.
#[must_use]
pub fn provider_collateral(least: &TokenAmount) -> TokenAmount {
    (least * 6u8).div_ceil(5u8)
}
