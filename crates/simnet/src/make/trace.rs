//! An outcome as `StateCompute` tells it.

use apogee_filecoin::types::{
    ApplyRewardParams, AwardParams, Message, Receipt, ReceiptForm, json, message_cid,
};
use apogee_filecoin_state::{Actor, StateTree};
use fvm_ipld_encoding::RawBytes;
use fvm_shared::ActorID;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use serde_json::{Value, json};

use super::execute::{Applied, Outcome, Paid};
use super::state::{BURNT, CRON, POWER, REWARD, SYSTEM};
use super::{MakeError, NETWORK};
use crate::ledger::Ledger;

/// Gas limit of implicit messages.
const UNLIMITED: u64 = (1 << 62) - 1;
const AWARD_BLOCK_REWARD: u64 = 2;
const EPOCH_TICK: u64 = 2;
const APPLY_REWARDS: u64 = 14;
const ON_EPOCH_TICK_END: u64 = 5;
const UPDATE_NETWORK_KPI: u64 = 4;

/// State after the tipset: the actors that calls invoke are told as they are there, not as each call found them.
type After<'a> = StateTree<'a, Ledger>;

/// The JSON of an outcome at `height` on a parent of epoch `parent`; null rounds between them have crons of their own.
pub(super) fn compute(
    ledger: &Ledger,
    outcome: &Outcome,
    parent: i64,
    height: i64,
) -> Result<Value, MakeError> {
    let after = StateTree::open(ledger, &outcome.root).map_err(MakeError::state)?;
    let tick =
        |height| implicit(&message(CRON, EPOCH_TICK, height, RawBytes::default()), &cron_call(), &after);
    let mut trace: Vec<_> = (parent.saturating_add(1)..height).map(tick).collect();
    for (index, paid) in outcome.awards.iter().enumerate() {
        for one in outcome.messages.iter().filter(|one| one.block == index) {
            trace.push(explicit(one, &after));
        }
        trace.push(implicit(&award_message(paid, height)?, &award_call(paid)?, &after));
    }
    trace.push(tick(height));
    Ok(json!({"Root": json::Link(outcome.root), "Trace": trace}))
}

fn explicit(one: &Applied, after: &After<'_>) -> Value {
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
    let mut call = call.json(after);
    if refused && let Some(call) = call.as_object_mut() {
        // What never ran has a trace between no actors.
        call.remove("InvokedActor");
        if let Some(between) = call.get_mut("Msg").and_then(Value::as_object_mut) {
            between.insert("From".into(), json!("<empty>"));
            between.insert("To".into(), json!("<empty>"));
        }
    }
    let gas = &one.gas;
    json!({
        "MsgCid": json::Link(one.cid),
        "Msg": json::Message::of(message, NETWORK),
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

fn implicit(message: &Message, call: &Call, after: &After<'_>) -> Value {
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
        "Msg": json::Message::of(message, NETWORK),
        "MsgRct": json::Receipt(receipt),
        "GasCost": {
            "Message": null, "GasUsed": "0", "BaseFeeBurn": "0", "OverEstimationBurn": "0", "MinerPenalty": "0",
            "MinerTip": "0", "Refund": "0", "TotalCost": "0",
        },
        "ExecutionTrace": call.json(after),
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

    fn json(&self, after: &After<'_>) -> Value {
        let subcalls: Vec<_> = self.subcalls.iter().map(|call| call.json(after)).collect();
        let mut told = json!({
            "Msg": {
                "From": json::address_text(&self.from, NETWORK),
                "To": json::address_text(&self.to, NETWORK),
                "Value": atto(&self.value),
                "Method": self.method,
                "Params": json::Bytes(self.params.to_vec()),
                "ParamsCodec": if self.params.is_empty() { 0 } else { 0x51 },
                "GasLimit": UNLIMITED,
                "ReadOnly": false,
            },
            "MsgRct": {"ExitCode": self.exit.value(), "Return": null, "ReturnCodec": 0},
            "GasCharges": [],
            "Subcalls": subcalls,
        });
        if let (Some(told), Some(invoked)) = (told.as_object_mut(), invoked(after, &self.to)) {
            told.insert("InvokedActor".into(), invoked);
        }
        told
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

/// An actor as it is afterwards; `None` where there is none.
fn invoked(after: &After<'_>, who: &Address) -> Option<Value> {
    let id = after.resolve(who).ok()??;
    let actor = after.actor(id).ok()??;
    Some(json!({"Id": id, "State": told_actor(&actor)}))
}

/// An actor as Lotus writes it (`types.Actor`).
pub(super) fn told_actor(actor: &Actor) -> Value {
    json!({
        "Code": json::Link(actor.code),
        "Head": json::Link(actor.state),
        "Nonce": actor.nonce,
        "Balance": atto(&actor.balance),
        "DelegatedAddress": actor.delegated.map(|delegated| json::address_text(&delegated, NETWORK)),
    })
}
