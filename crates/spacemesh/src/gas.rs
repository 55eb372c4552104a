//! What a transaction of a wallet costs. The chain has no limit of gas in a transaction: it follows from what is done
//! and from the length of the bytes, and all of it is paid for.
//!
//! Source: go-spacemesh `genvm/core/gas.go`, `genvm/templates/wallet/gas.go`.

use crate::scale::encode;
use crate::signature::SIGNATURE_BYTES;
use crate::transaction::{Body, Call};

/// For eight bytes, begun ones counted whole.
const DATA: u64 = 128;
/// For a payment, bytes aside.
const SPEND: u64 = 34_170;
/// For making an account, bytes aside.
const SPAWN: u64 = 98_000;

/// The units that a wallet's transaction uses, signed by its one key.
#[must_use]
pub fn of(body: &Body) -> u64 {
    let fixed = if matches!(body.call, Call::Spawn(_)) { SPAWN } else { SPEND };
    let length = encode(body).len().saturating_add(SIGNATURE_BYTES);
    let words = u64::try_from(length.div_ceil(8)).unwrap_or(u64::MAX);
    fixed.saturating_add(words.saturating_mul(DATA))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::id::PublicKey;
    use crate::template::Spawn;
    use crate::transaction::Payment;

    fn spend(amount: u64, nonce: u64) -> Body {
        let call = Call::Spend(Payment { destination: Address([1; 24]), amount });
        Body { principal: Address([2; 24]), call, nonce, gas_price: 1 }
    }

    /// Figures of nodes.
    #[test]
    fn gas_is_that_of_a_node() {
        let spawn = Spawn::Wallet(PublicKey([3; 32]));
        let call = Call::Spawn(spawn.clone());
        assert_eq!(of(&Body { principal: spawn.address(), call, nonce: 0, gas_price: 1 }), 100_432);
        assert_eq!(of(&spend(1, 0)), 36_090);
        assert_eq!(of(&spend(1 << 40, 1)), 36_218);
    }
}
