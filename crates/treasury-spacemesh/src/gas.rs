//! What is offered for the gas of a wallet's transactions.

use apogee_domain::Atto;
use apogee_spacemesh::address::Address;
pub(crate) use apogee_spacemesh::gas::of;
use apogee_spacemesh::transaction::{Body, Call, Payment};
use apogee_treasury::chain::Gas;

use crate::money::SMIDGE;

/// What a unit costs where nothing else waits: the least that a node takes, in smidge.
pub(crate) const LEAST_PRICE: u64 = 1;
/// Two transactions of one nonce differ by less than this part of their gas, one in so many: the shorter one has to offer as much more for a unit,
/// or it would pay less in all.
const SLACK: u64 = 64;

/// The most that a payment of this amount uses, whatever its nonce and price.
pub(crate) fn most(amount: u64) -> u64 {
    let any = Address([0; 24]);
    let call = Call::Spend(Payment { destination: any, amount });
    of(&Body { principal: any, call, nonce: u64::MAX, gas_price: u64::MAX })
}

/// An offer of so many smidge for each of so many units.
pub(crate) const fn offer(limit: u64, price: u64) -> Gas {
    let price = crate::money::atto(price);
    Gas { limit, fee_cap: price, premium: price }
}

/// What an offer comes to for a unit, in whole smidge: what is beyond them is kept.
pub(crate) fn price(gas: &Gas) -> u64 {
    let most = gas.fee_cap.min(gas.premium).0.checked_div(SMIDGE).unwrap_or(0);
    u64::try_from(most).unwrap_or(u64::MAX)
}

/// The next offer for a nonce: `percent` of the old price or the least that a node prefers, and `floor` at the least.
pub(crate) fn bump(old: &Gas, floor: Atto, percent: u32) -> Gas {
    let old_price = old.fee_cap.max(old.premium).0.div_ceil(SMIDGE);
    let least = old_price.saturating_add(old_price.div_ceil(SLACK.into())).max(1);
    let scaled = old_price.saturating_mul(percent.into()).checked_div(100).unwrap_or(0);
    let price = least.max(scaled).max(floor.0.div_ceil(SMIDGE));
    offer(old.limit, u64::try_from(price).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spend(amount: u64, nonce: u64, gas_price: u64) -> Body {
        let call = Call::Spend(Payment { destination: Address([1; 24]), amount });
        Body { principal: Address([2; 24]), call, nonce, gas_price }
    }

    proptest! {
        #[test]
        fn no_payment_uses_more_than_the_most(amount: u64, nonce: u64, price: u64) {
            prop_assert!(of(&spend(amount, nonce, price)) <= most(amount));
        }

        /// A transaction that pays nobody is shorter, and must still be preferred.
        #[test]
        fn what_replaces_pays_more_in_all(amount: u64, nonce: u64, price in 1_u64..1 << 40, percent in 0_u32..200) {
            let old = offer(most(amount), price);
            let new = bump(&old, Atto::ZERO, percent);
            let fee = |body: &Body| u128::from(of(body)) * u128::from(body.gas_price);
            let (before, after) = (spend(amount, nonce, price), spend(0, nonce, self::price(&new)));
            prop_assert!(fee(&after) > fee(&before));
            let least = bump(&old, Atto::ZERO, 0);
            prop_assert!(least.fee_cap <= new.fee_cap && least.fee_cap > old.fee_cap);
        }
    }

    #[test]
    fn offers_are_whole_smidge() {
        assert_eq!(price(&offer(5, 7)), 7);
        let cut = offer(1_000, 3).within(Atto(1_000 * 5 * SMIDGE / 2));
        assert_eq!((cut.fee_cap, price(&cut)), (Atto(5 * SMIDGE / 2), 2));
        // What replaces an offer that was cut outbids what it came to.
        assert_eq!(price(&bump(&cut, Atto::ZERO, 0)), 4);
        assert_eq!(price(&bump(&offer(1, 4), Atto::ZERO, 200)), 8);
        assert_eq!(price(&bump(&offer(1, 4), Atto(9 * SMIDGE + 1), 125)), 10);
    }
}
