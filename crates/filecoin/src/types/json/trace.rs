use std::fmt;

use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::InvalidJson;
use super::message::{Message, Receipt};
use super::scalar::{Bytes, Int, Link, Text, or_empty, parse_address};
use crate::types::{
    self, ApplyRewardParams, Award, AwardParams, Call, ExecutionTrace, GasOutputs, MessageTrace, Payment,
};

const SYSTEM: Address = Address::new_id(0);
const REWARD: Address = Address::new_id(2);
const CRON: Address = Address::new_id(3);
const AWARD_BLOCK_REWARD: u64 = 2;
const APPLY_REWARDS: u64 = 14;

/// What `StateCompute` answers. Gas charges and everything else that is not asked for is skipped while reading.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Compute {
    root: Link,
    #[serde(deserialize_with = "or_empty")]
    trace: Vec<Invocation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Invocation {
    msg_cid: Link,
    msg: Message,
    msg_rct: Receipt,
    gas_cost: GasCost,
    #[serde(deserialize_with = "call")]
    execution_trace: Option<Call>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GasCost {
    base_fee_burn: Int,
    over_estimation_burn: Int,
    miner_penalty: Int,
    miner_tip: Int,
    refund: Int,
}

impl From<GasCost> for GasOutputs {
    fn from(json: GasCost) -> Self {
        Self {
            base_fee_burn: json.base_fee_burn.into(),
            over_estimation_burn: json.over_estimation_burn.into(),
            miner_penalty: json.miner_penalty.into(),
            miner_tip: json.miner_tip.into(),
            refund: json.refund.into(),
        }
    }
}

impl TryFrom<Compute> for ExecutionTrace {
    type Error = InvalidJson;

    fn try_from(json: Compute) -> Result<Self, InvalidJson> {
        let mut trace = Self { root: json.root.0, messages: vec![], awards: vec![], crons: vec![] };
        for one in json.trace {
            let message = types::Message::try_from(one.msg)?;
            if message.from != SYSTEM {
                trace.messages.push(MessageTrace {
                    block: trace.awards.len(),
                    cid: one.msg_cid.0,
                    message,
                    receipt: one.msg_rct.0,
                    gas: one.gas_cost.into(),
                    call: one.execution_trace,
                });
                continue;
            }
            let call = one.execution_trace.ok_or_else(|| {
                InvalidJson::new("an implicit message", format!("{} has no trace", one.msg_cid.0))
            })?;
            if message.to == REWARD && message.method_num == AWARD_BLOCK_REWARD {
                trace.awards.push(award(&one.msg_cid.0, &message, &one.msg_rct.0, &call)?);
            } else if message.to == CRON {
                trace.crons.push(call);
            } else {
                let detail = format!("the system actor calls {:?}", message.to);
                return Err(InvalidJson::new("an implicit message", detail));
            }
        }
        Ok(trace)
    }
}

fn award(
    cid: &Cid,
    message: &types::Message,
    receipt: &types::Receipt,
    call: &Call,
) -> Result<Award, InvalidJson> {
    let params: AwardParams = fvm_ipld_encoding::from_slice(&message.params)
        .map_err(|error| InvalidJson::new("an award", format!("parameters of {cid}: {error}")))?;
    let payment = call
        .subcalls
        .iter()
        .find(|sub| sub.from == REWARD && sub.to == params.miner && sub.method == APPLY_REWARDS)
        .map(|sub| Payment {
            value: sub.value.clone(),
            penalty: fvm_ipld_encoding::from_slice::<ApplyRewardParams>(&sub.params)
                .ok()
                .map(|params| params.penalty),
            exit_code: sub.exit_code,
        });
    Ok(Award {
        miner: params.miner,
        penalty: params.penalty,
        gas_reward: params.gas_reward,
        win_count: params.win_count,
        exit_code: receipt.exit_code,
        payment,
    })
}

/// `None` for a message that was refused before execution: its trace is an empty one, between no actors.
fn call<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Call>, D::Error> {
    CallSeed { depth: Call::MAX_DEPTH }.deserialize(deserializer)
}

/// Reads a call with its subcalls down to `depth` further levels, and skips what is deeper without recursion.
#[derive(Clone, Copy)]
struct CallSeed {
    depth: usize,
}

#[derive(Deserialize)]
enum Field {
    Msg,
    MsgRct,
    Subcalls,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CallMessage<'a> {
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    value: Int,
    method: u64,
    params: Bytes,
}

#[derive(Deserialize)]
struct CallReceipt {
    #[serde(rename = "ExitCode")]
    exit_code: u32,
}

impl<'de> DeserializeSeed<'de> for CallSeed {
    type Value = Option<Call>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Call>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// How Go writes an address that was never set.
const EMPTY: &str = "<empty>";

impl<'de> Visitor<'de> for CallSeed {
    type Value = Option<Call>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an execution trace")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Call>, A::Error> {
        let (mut message, mut receipt, mut subcalls) = (None, None, Subcalls::default());
        while let Some(field) = map.next_key()? {
            match field {
                Field::Msg => message = Some(map.next_value::<CallMessage<'de>>()?),
                Field::MsgRct => receipt = Some(map.next_value::<CallReceipt>()?),
                Field::Subcalls => subcalls = map.next_value_seed(SubcallsSeed { depth: self.depth })?,
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let message = message.ok_or_else(|| A::Error::missing_field("Msg"))?;
        let receipt = receipt.ok_or_else(|| A::Error::missing_field("MsgRct"))?;
        if message.from.0 == EMPTY {
            return Ok(None);
        }
        Ok(Some(Call {
            from: parse_address(&message.from.0).map_err(A::Error::custom)?,
            to: parse_address(&message.to.0).map_err(A::Error::custom)?,
            method: message.method,
            value: TokenAmount::from(message.value),
            params: RawBytes::new(message.params.0),
            exit_code: ExitCode::new(receipt.exit_code),
            subcalls: subcalls.calls,
            cut: subcalls.cut,
        }))
    }
}

#[derive(Default)]
struct Subcalls {
    calls: Vec<Call>,
    cut: bool,
}

#[derive(Clone, Copy)]
struct SubcallsSeed {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for SubcallsSeed {
    type Value = Subcalls;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Subcalls, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SubcallsSeed {
    type Value = Subcalls;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of execution traces or null")
    }

    fn visit_unit<E>(self) -> Result<Subcalls, E> {
        Ok(Subcalls::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Subcalls, A::Error> {
        let mut subcalls = Subcalls::default();
        match self.depth.checked_sub(1) {
            Some(depth) => {
                while let Some(call) = seq.next_element_seed(CallSeed { depth })? {
                    subcalls.calls.extend(call);
                }
            }
            None => {
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    subcalls.cut = true;
                }
            }
        }
        Ok(subcalls)
    }
}
