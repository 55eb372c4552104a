//! An outcome as `StateCompute` tells it.

use apogee_filecoin::types::{
    ApplyRewardParams, AwardParams, Message, Receipt, ReceiptForm, json, message_cid,
};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::ActorID;
use fvm_shared::address::{Address, Network};
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use serde_json::{Value, json};

use super::MakeError;
use super::execute::{Applied, Outcome, Paid};
use super::state::{BURNT, CRON, POWER, REWARD, SYSTEM};

/// Gas limit of implicit messages.
const UNLIMITED: u64 = (1 << 62) - 1;
const AWARD_BLOCK_REWARD: u64 = 2;
const EPOCH_TICK: u64 = 2;
const APPLY_REWARDS: u64 = 14;
const ON_EPOCH_TICK_END: u64 = 5;
const UPDATE_NETWORK_KPI: u64 = 4;

/// The JSON of an outcome at `height` on a parent of epoch `parent`; null rounds between them have crons of their own.
pub(super) fn compute(
    outcome: &Outcome,
    parent: i64,
    height: i64,
    network: Network,
) -> Result<Value, MakeError> {
    let tick =
        |height| implicit(&message(CRON, EPOCH_TICK, height, RawBytes::default()), &cron_call(), network);
    let mut trace: Vec<_> = (parent.saturating_add(1)..height).map(tick).collect();
    for (index, paid) in outcome.awards.iter().enumerate() {
        for one in outcome.messages.iter().filter(|one| one.block == index) {
            trace.push(explicit(one, network));
        }
        trace.push(implicit(&award_message(paid, height)?, &award_call(paid)?, network));
    }
    trace.push(tick(height));
    Ok(json!({"Root": json::Link(outcome.root), "Trace": trace}))
}

fn explicit(one: &Applied, network: Network) -> Value {
    let message = &one.message;
    let refused = one.receipt.gas_used == 0;
    let call = Call {
        from: message.from,
        to: message.to,
        method: message.method_num,
        value: message.value.clone(),
        params: message.params.clone(),
        exit: one.receipt.exit_code,
        subcalls: vec![],
    };
    let mut call = call.json(network);
    if refused && let Some(empty) = call.get_mut("Msg").and_then(Value::as_object_mut) {
        // What never ran has a trace between no actors.
        empty.insert("From".into(), json!("<empty>"));
        empty.insert("To".into(), json!("<empty>"));
    }
    let gas = &one.gas;
    json!({
        "MsgCid": json::Link(one.cid),
        "Msg": json::Message::of(message, network),
        "MsgRct": json::Receipt(one.receipt.clone()),
        "GasCost": {
            "Message": json::Link(one.cid),
            "GasUsed": one.receipt.gas_used.to_string(),
            "BaseFeeBurn": atto(&gas.base_fee_burn),
            "OverEstimationBurn": atto(&gas.over_estimation_burn),
            "MinerPenalty": atto(&gas.miner_penalty),
            "MinerTip": atto(&gas.miner_tip),
            "Refund": atto(&gas.refund),
            "TotalCost": atto(&gas.total_cost()),
        },
        "ExecutionTrace": call,
        "Error": if one.receipt.exit_code.is_success() { String::new() } else { one.receipt.exit_code.to_string() },
        "Duration": 1,
    })
}

fn implicit(message: &Message, call: &Call, network: Network) -> Value {
    let receipt = Receipt {
        form: ReceiptForm::WithEvents,
        exit_code: ExitCode::OK,
        return_data: RawBytes::default(),
        gas_used: 0,
        events_root: None,
    };
    let cid = message_cid(message);
    json!({
        "MsgCid": json::Link(cid),
        "Msg": json::Message::of(message, network),
        "MsgRct": json::Receipt(receipt),
        "GasCost": {
            "Message": null, "GasUsed": "0", "BaseFeeBurn": "0", "OverEstimationBurn": "0", "MinerPenalty": "0",
            "MinerTip": "0", "Refund": "0", "TotalCost": "0",
        },
        "ExecutionTrace": call.json(network),
        "Error": "",
        "Duration": 1,
    })
}

fn atto(amount: &TokenAmount) -> String {
    amount.atto().to_string()
}

/// A message of the system actor.
fn message(to: ActorID, method: u64, height: i64, params: RawBytes) -> Message {
    Message {
        version: 0,
        from: Address::new_id(SYSTEM),
        to: Address::new_id(to),
        sequence: u64::try_from(height).unwrap_or(0),
        value: TokenAmount::default(),
        method_num: method,
        params,
        gas_limit: UNLIMITED,
        gas_fee_cap: TokenAmount::default(),
        gas_premium: TokenAmount::default(),
    }
}

fn award_message(paid: &Paid, height: i64) -> Result<Message, MakeError> {
    let params = AwardParams {
        miner: Address::new_id(paid.miner),
        penalty: paid.penalty.clone(),
        gas_reward: paid.tips.clone(),
        win_count: paid.wins,
    };
    let params = RawBytes::serialize(&params).map_err(MakeError::state)?;
    Ok(message(REWARD, AWARD_BLOCK_REWARD, height, params))
}

struct Call {
    from: Address,
    to: Address,
    method: u64,
    value: TokenAmount,
    params: RawBytes,
    exit: ExitCode,
    subcalls: Vec<Call>,
}

impl Call {
    fn between(from: ActorID, to: ActorID, method: u64) -> Self {
        Self {
            from: Address::new_id(from),
            to: Address::new_id(to),
            method,
            value: TokenAmount::default(),
            params: RawBytes::default(),
            exit: ExitCode::OK,
            subcalls: vec![],
        }
    }

    fn json(&self, network: Network) -> Value {
        let subcalls: Vec<_> = self.subcalls.iter().map(|call| call.json(network)).collect();
        json!({
            "Msg": {
                "From": json::address_text(&self.from, network),
                "To": json::address_text(&self.to, network),
                "Value": atto(&self.value),
                "Method": self.method,
                "Params": json::Bytes(self.params.to_vec()),
                "ParamsCodec": if self.params.is_empty() { 0 } else { 0x51 },
                "GasLimit": UNLIMITED,
                "ReadOnly": false,
            },
            "MsgRct": {"ExitCode": self.exit.value(), "Return": null, "ReturnCodec": 0},
            "InvokedActor": null,
            "GasCharges": [],
            "Subcalls": subcalls,
            "IpldOps": [],
        })
    }
}

fn award_call(paid: &Paid) -> Result<Call, MakeError> {
    let total = &paid.reward + &paid.tips;
    let params = ApplyRewardParams { reward: total.clone(), penalty: &paid.penalty * 3_u64 };
    let mut apply = Call::between(REWARD, paid.miner, APPLY_REWARDS);
    apply.value = total;
    apply.params = RawBytes::serialize(&params).map_err(MakeError::state)?;
    if !paid.burnt().is_zero() {
        let mut burn = Call::between(paid.miner, BURNT, 0);
        burn.value = paid.burnt();
        apply.subcalls.push(burn);
    }
    let mut award = Call::between(SYSTEM, REWARD, AWARD_BLOCK_REWARD);
    award.subcalls.push(apply);
    Ok(award)
}

fn cron_call() -> Call {
    let mut power = Call::between(CRON, POWER, ON_EPOCH_TICK_END);
    power.subcalls.push(Call::between(POWER, REWARD, UPDATE_NETWORK_KPI));
    let mut cron = Call::between(SYSTEM, CRON, EPOCH_TICK);
    cron.subcalls.push(power);
    cron
}
