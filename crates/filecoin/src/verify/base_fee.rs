//! How the base fee follows from a tipset (Lotus `chain/store/basefee.go`).

use std::collections::HashSet;

use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use num_integer::Integer;
use num_traits::Zero;

use super::check::{Reason, Unknown};
use super::params::NetworkParams;
use crate::types::{BlockMessages, Message, Tipset};

/// Gas that a block may hold.
pub(super) const BLOCK_GAS_LIMIT: u64 = 10_000_000_000;
/// Gas that leaves the base fee as it is.
const BLOCK_GAS_TARGET: u64 = BLOCK_GAS_LIMIT / 2;
/// The fee changes by an eighth at most.
const MAX_CHANGE_DENOMINATOR: u32 = 8;
/// attoFIL a gas unit.
const MINIMUM: u32 = 100;
/// Before Smoke, gas limits counted 5/4.
const PACKING_EFFICIENCY: (u64, u64) = (5, 4);
/// How much of the dearest gas of a tipset the premium rule passes over: 80 % of a block.
const PREMIUM_INDEX: u64 = BLOCK_GAS_LIMIT / 5 * 4 - 1;
/// Epochs after Breeze with the minimal fee.
const BREEZE_TAMPING: i64 = 120;

/// Network versions whose upgrades changed the rule: Breeze, Smoke, `FireHorse`.
const BREEZE: u32 = 1;
const SMOKE: u32 = 2;
const FIRE_HORSE: u32 = 28;

/// The base fee that blocks on `parent` must carry. `messages` are those of its blocks in ticket order.
pub(super) fn next(
    params: &NetworkParams,
    parent: &Tipset,
    messages: &[BlockMessages],
) -> Result<TokenAmount, Unknown> {
    let height = parent.epoch().height();
    if let Some(breeze) = params.upgrade_height(BREEZE).filter(|breeze| *breeze >= 0)
        && height > breeze
        && height < breeze + BREEZE_TAMPING
    {
        return Ok(TokenAmount::from_atto(MINIMUM));
    }
    let fee = &parent.first().parent_base_fee;
    if params.upgrade_height(FIRE_HORSE).is_some_and(|fire_horse| height >= fire_horse) {
        return Ok(from_premiums(fee, messages));
    }
    let after_smoke = params.upgrade_height(SMOKE).is_some_and(|smoke| height > smoke);
    from_utilization(fee, messages, after_smoke)
        .ok_or_else(|| Unknown::new(Reason::UnknownRule, "a tipset without blocks has no base fee"))
}

/// The rule up to network version 27: the fee follows the gas limits of the tipset's messages, up to an eighth either way.
///
/// `None` when there is no block.
#[must_use]
pub fn from_utilization(
    fee: &TokenAmount,
    messages: &[BlockMessages],
    after_smoke: bool,
) -> Option<TokenAmount> {
    let mut seen = HashSet::new();
    let limit: u128 = messages
        .iter()
        .flat_map(BlockMessages::iter)
        .filter(|(cid, _)| seen.insert(**cid))
        .map(|(_, message)| u128::from(message.gas_limit))
        .sum();
    let (numerator, denominator) = if after_smoke { (1, 1) } else { PACKING_EFFICIENCY };
    let blocks = u128::try_from(messages.len()).ok()?;
    let used = (limit * u128::from(numerator)).checked_div(blocks * u128::from(denominator))?;
    let target = i128::from(BLOCK_GAS_TARGET);
    let delta = (i128::try_from(used).ok()? - target).clamp(-target, target);
    // Go's big.Int.Div is Euclidean, which rounds down for a positive divisor.
    let change =
        (fee.atto() * delta).div_floor(&BigInt::from(target)).div_floor(&MAX_CHANGE_DENOMINATOR.into());
    Some(TokenAmount::from_atto((fee.atto() + change).max(MINIMUM.into())))
}

/// The rule from network version 28 on (FIP-0115): the fee rises while the premium at the 80th percentile of a block's gas
/// exceeds an eighth of it, and falls by an eighth without messages.
#[must_use]
pub fn from_premiums(fee: &TokenAmount, messages: &[BlockMessages]) -> TokenAmount {
    let mut seen: HashSet<(Address, u64)> = HashSet::new();
    let mut offers: Vec<(BigInt, u64)> = messages
        .iter()
        .flat_map(BlockMessages::iter)
        .filter(|(_, message)| seen.insert((message.from, message.sequence)))
        .map(|(_, message)| (effective_premium(message, fee), message.gas_limit))
        .collect();
    offers.sort_by(|a, b| b.0.cmp(&a.0));
    let mut passed = 0_u64;
    let premium = offers.into_iter().find_map(|(premium, limit)| {
        passed = passed.saturating_add(limit);
        (passed > PREMIUM_INDEX).then_some(premium)
    });
    let most = fee.atto().div_ceil(&MAX_CHANGE_DENOMINATOR.into());
    let change = (premium.unwrap_or_default() - &most).min(most);
    TokenAmount::from_atto((fee.atto() + change).max(MINIMUM.into()))
}

/// What the miner gets of each gas unit: the premium, as far as the fee cap leaves room for it.
fn effective_premium(message: &Message, fee: &TokenAmount) -> BigInt {
    let room = (message.gas_fee_cap.atto() - fee.atto()).max(BigInt::zero());
    message.gas_premium.atto().clone().min(room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::message_cid;

    fn atto(amount: u64) -> TokenAmount {
        TokenAmount::from_atto(amount)
    }

    /// One block with messages of these premiums and gas limits, under an unlimited fee cap.
    fn block(offers: &[(u64, u64)]) -> BlockMessages {
        let message = |(i, (premium, limit)): (usize, &(u64, u64))| {
            let message = Message {
                version: 0,
                from: Address::new_id(i as u64 + 100),
                to: Address::new_id(1),
                sequence: 0,
                value: TokenAmount::zero(),
                method_num: 0,
                params: fvm_ipld_encoding::RawBytes::default(),
                gas_limit: *limit,
                gas_fee_cap: atto(u64::MAX),
                gas_premium: atto(*premium),
            };
            (message_cid(&message), message)
        };
        BlockMessages { bls: offers.iter().enumerate().map(message).collect(), secp: Vec::new() }
    }

    /// Lotus `chain/store/basefee_test.go`, `TestBaseFee`.
    #[test]
    fn utilization_gives_lotus_examples() {
        let (target, limit) = (BLOCK_GAS_TARGET, BLOCK_GAS_LIMIT);
        for (used, blocks, before_smoke, after_smoke) in [
            (0, 1, 87_500_000, 87_500_000),
            (0, 5, 87_500_000, 87_500_000),
            (target, 1, 103_125_000, 100_000_000),
            (target * 2, 2, 103_125_000, 100_000_000),
            (limit * 2, 2, 112_500_000, 112_500_000),
            (limit * 15 / 10, 2, 110_937_500, 106_250_000),
        ] {
            let mut messages = vec![block(&[(0, used)])];
            messages.resize(blocks, BlockMessages::default());
            let fee = |after| from_utilization(&atto(100_000_000), &messages, after);
            assert_eq!((fee(false), fee(true)), (Some(atto(before_smoke)), Some(atto(after_smoke))));
        }
        assert_eq!(from_utilization(&atto(1), &[], true), None);
        assert_eq!(from_utilization(&atto(0), &[block(&[])], true), Some(atto(100)));
    }

    /// Lotus `chain/store/basefee_test.go`, `TestNextBaseFeeFromPremium` and `TestWeightedQuickSelect`.
    #[test]
    fn premiums_give_lotus_examples() {
        for (fee, premium, next) in [
            (100, 0, 100),
            (100, 13, 100),
            (100, 14, 101),
            (100, 26, 113),
            (801, 0, 700),
            (801, 20, 720),
            (801, 200, 900),
            (801, 201, 901),
            (808, 0, 707),
            (808, 201, 908),
            (808, 202, 909),
            (808, 203, 909),
        ] {
            assert_eq!(from_premiums(&atto(fee), &[block(&[(premium, BLOCK_GAS_LIMIT)])]), atto(next));
        }
        for (offers, premium) in [
            (vec![], 0),
            (vec![(123, 5_999_999_999), (100, 2_000_000_000)], 0),
            (vec![(123, 5_999_999_999), (0, 2_000_000_001)], 0),
            (vec![(100, 2_000_000_001), (123, 5_999_999_999)], 100),
            (vec![(123, 7_999_999_999), (100, 2_000_000_001)], 100),
            (vec![(123, 8_000_000_000), (100, 2_000_000_000)], 123),
            (vec![(123, 8_000_000_000), (100, 9_000_000_000)], 123),
        ] {
            let fee = 8_000;
            let wanted = fee - 1_000 + premium;
            assert_eq!(from_premiums(&atto(fee), &[block(&offers)]), atto(wanted), "{offers:?}");
        }
    }

    #[test]
    fn the_premium_counts_only_as_far_as_the_fee_cap_leaves_room() {
        let mut messages = block(&[(500, BLOCK_GAS_LIMIT)]);
        messages.bls[0].1.gas_fee_cap = atto(8_300);
        assert_eq!(from_premiums(&atto(8_000), &[messages.clone()]), atto(7_300));
        messages.bls[0].1.gas_fee_cap = atto(7_000);
        assert_eq!(from_premiums(&atto(8_000), &[messages]), atto(7_000));
    }
}
