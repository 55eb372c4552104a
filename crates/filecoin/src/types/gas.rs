use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;

use super::{Message, Receipt};

/// Where a message's gas fee goes (specification "Gas Costs"; Lotus `chain/vm/burn.go`, `ComputeGasOutputs`). AttoFIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GasOutputs {
    /// Burnt for gas that was used, at the base fee.
    pub base_fee_burn: TokenAmount,
    /// Burnt for gas that was asked for and not used.
    pub over_estimation_burn: TokenAmount,
    /// What the block's miner is charged for including a message that cannot pay the base fee.
    pub miner_penalty: TokenAmount,
    /// What the block's miner gets.
    pub miner_tip: TokenAmount,
    /// What the sender gets back.
    pub refund: TokenAmount,
}

impl GasOutputs {
    /// What the sender has paid in the end.
    #[must_use]
    pub fn total_cost(&self) -> TokenAmount {
        &self.base_fee_burn + &self.over_estimation_burn + &self.miner_tip
    }
}

/// The burnt part of unused gas: none below 10 % over-estimation, then growing to all of it.
///
/// `(refunded, burnt)` in gas units.
fn over_estimation(gas_used: u64, gas_limit: u64) -> (u64, u64) {
    if gas_used == 0 {
        return (0, gas_limit);
    }
    let (used, limit) = (u128::from(gas_used), u128::from(gas_limit));
    let over = limit.saturating_sub(used * 11 / 10).min(used);
    let unused = limit.saturating_sub(used);
    // At most `unused`, which is a u64.
    let burnt = u64::try_from(unused * over / used).unwrap_or(u64::MAX);
    (gas_limit.saturating_sub(gas_used).saturating_sub(burnt), burnt)
}

/// Gas that including a message costs, by its length on chain: with signature, unless that is in the aggregate.
///
/// Prices since network version 18 (FVM `gas/price_list.rs`, `on_chain_message`): what a message with too low a limit is charged.
#[must_use]
pub fn inclusion_gas(chain_length: usize) -> u64 {
    const COMPUTE: u64 = 38_863;
    const STORAGE: u64 = 521_800;
    const A_BYTE: u64 = 1_300;
    let bytes = u64::try_from(chain_length).unwrap_or(u64::MAX);
    (COMPUTE + STORAGE).saturating_add(A_BYTE.saturating_mul(bytes))
}

/// How the fee of a mined message is split, by its receipt: executed or refused.
///
/// `chain_length` is its length on chain in bytes ([`Executed::chain_length`](super::Executed::chain_length)), `base_fee` the
/// tipset's `parent_base_fee`. A message that used no gas was not executed: its sender could not pay or had another nonce (the
/// miner pays for the gas limit), or the limit was below the inclusion cost (the miner pays for that).
#[must_use]
pub fn fee_split(
    message: &Message,
    chain_length: usize,
    receipt: &Receipt,
    base_fee: &TokenAmount,
    burns: bool,
) -> GasOutputs {
    if receipt.gas_used > 0 {
        return gas_outputs(message, receipt.gas_used, base_fee, burns);
    }
    let charged = if receipt.exit_code == ExitCode::SYS_OUT_OF_GAS {
        inclusion_gas(chain_length)
    } else {
        message.gas_limit
    };
    GasOutputs { miner_penalty: base_fee.clone() * BigInt::from(charged), ..GasOutputs::default() }
}

/// How the fee of a message that was executed is split; see [`fee_split`] for one that was not.
///
/// `burns` is false for the only exemption there ever was: successful `SubmitWindowedPoSt` to a miner on networks up to version
/// 12 after the Claus upgrade. It spares the base fee of the gas that was used; that for over-estimation is burnt all the same.
#[must_use]
pub fn gas_outputs(message: &Message, gas_used: u64, base_fee: &TokenAmount, burns: bool) -> GasOutputs {
    let gas = |amount: u64| BigInt::from(amount);
    let base_fee_to_pay = base_fee.min(&message.gas_fee_cap);
    let mut outputs = GasOutputs::default();
    if base_fee > &message.gas_fee_cap {
        outputs.miner_penalty = (base_fee - &message.gas_fee_cap) * gas(gas_used);
    }
    let premium = (&message.gas_fee_cap - base_fee_to_pay).min(message.gas_premium.clone());
    outputs.miner_tip = premium * gas(message.gas_limit);
    let (_, burnt) = over_estimation(gas_used, message.gas_limit);
    if burns {
        outputs.base_fee_burn = base_fee_to_pay.clone() * gas(gas_used);
    }
    outputs.over_estimation_burn = base_fee_to_pay.clone() * gas(burnt);
    if base_fee > base_fee_to_pay {
        outputs.miner_penalty += (base_fee - base_fee_to_pay) * gas(burnt);
    }
    let required = message.gas_fee_cap.clone() * gas(message.gas_limit);
    outputs.refund = required - outputs.total_cost();
    outputs
}

#[cfg(test)]
mod tests {
    use fvm_shared::address::Address;

    use super::*;

    #[test]
    fn the_exemption_spares_the_base_fee_and_not_the_over_estimation() {
        let message = Message {
            version: 0,
            from: Address::new_id(100),
            to: Address::new_id(101),
            sequence: 0,
            value: TokenAmount::default(),
            method_num: 5,
            params: fvm_ipld_encoding::RawBytes::default(),
            gas_limit: 300,
            gas_fee_cap: TokenAmount::from_atto(7),
            gas_premium: TokenAmount::from_atto(1),
        };
        let atto = |amount: u64| TokenAmount::from_atto(amount);
        let fee = |burns| gas_outputs(&message, 100, &atto(5), burns);
        let (burnt, spared) = (fee(true), fee(false));
        assert_eq!((burnt.base_fee_burn, spared.base_fee_burn), (atto(500), atto(0)));
        assert_eq!((&burnt.over_estimation_burn, &spared.over_estimation_burn), (&atto(1_000), &atto(1_000)));
        assert_eq!((burnt.refund, spared.refund), (atto(300), atto(800)));
    }
}
