use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;

use super::Message;

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

/// How the fee of a message that was executed is split.
///
/// `gas_used` is its receipt's; `base_fee` the tipset's `parent_base_fee`. `burns` is false for the only exemption there ever
/// was: successful `SubmitWindowedPoSt` to a miner on networks up to version 12 after the Claus upgrade.
///
/// This does not hold for a message that was refused before execution: see [`refused_gas_outputs`].
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
        outputs.over_estimation_burn = base_fee_to_pay.clone() * gas(burnt);
    }
    if base_fee > base_fee_to_pay {
        outputs.miner_penalty += (base_fee - base_fee_to_pay) * gas(burnt);
    }
    let required = message.gas_fee_cap.clone() * gas(message.gas_limit);
    outputs.refund = required - outputs.total_cost();
    outputs
}

/// The split for a message that was mined but not executed, whose miner pays: `charged` gas units at the base fee.
///
/// `charged` is the gas limit when the sender cannot pay or its nonce is wrong, and the inclusion cost when the gas limit is
/// below that (FVM `executor/default.rs`, `preflight_message`).
#[must_use]
pub fn refused_gas_outputs(charged: u64, base_fee: &TokenAmount) -> GasOutputs {
    GasOutputs { miner_penalty: base_fee.clone() * BigInt::from(charged), ..GasOutputs::default() }
}
