use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_ipld_encoding::tuple::*;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;

use super::gas::GasOutputs;
use super::{Message, Receipt};

/// What happened when a tipset was executed, as a node tells it (`StateCompute`). Not covered by any CID: the sums that it
/// implies have to be reconciled with state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionTrace {
    /// State afterwards; the next tipset's `parent_state_root`.
    pub root: Cid,
    /// Messages of the blocks, in the order of their receipts.
    pub messages: Vec<MessageTrace>,
    /// Block rewards, one a block in ticket order.
    pub awards: Vec<Award>,
    /// Cron ticks: first those of null rounds just before, the tipset's own last.
    pub crons: Vec<Call>,
}

/// An explicit message and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTrace {
    /// Index, in the tipset, of the block that is paid for it.
    pub block: usize,
    /// Name on chain: of a secp256k1 or delegated message the CID of the signed pair, which this trace cannot prove.
    pub cid: Cid,
    /// The message.
    pub message: Message,
    /// Its receipt.
    pub receipt: Receipt,
    /// How its gas was paid for.
    pub gas: GasOutputs,
    /// Calls between actors; `None` when the message was refused before execution.
    pub call: Option<Call>,
}

/// The implicit message `f00 → f02`, method 2, by which a block is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// Whose block.
    pub miner: Address,
    /// Sum of the penalties of the block's messages.
    pub penalty: TokenAmount,
    /// Sum of the tips of the block's messages.
    pub gas_reward: TokenAmount,
    /// The block's win count.
    pub win_count: i64,
    /// How the award itself ended.
    pub exit_code: ExitCode,
    /// What the reward actor sent to the miner (`f02 → miner`, method 14), gas included, and how that ended.
    ///
    /// `None` where no such call was made. When it failed, the miner got nothing: the value went to `f099`.
    pub payment: Option<Payment>,
}

/// The reward actor's call of `ApplyRewards` of a miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Value sent with the call.
    pub value: TokenAmount,
    /// Penalty that the miner has to burn (three times the messages' since Liftoff); `None` where the parameters do not name
    /// one, as in actors v1.
    pub penalty: Option<TokenAmount>,
    /// How it ended.
    pub exit_code: ExitCode,
}

impl Award {
    /// What the miner received.
    #[must_use]
    pub fn paid(&self) -> TokenAmount {
        match &self.payment {
            Some(payment) if payment.exit_code.is_success() => payment.value.clone(),
            _ => TokenAmount::default(),
        }
    }
}

/// One call of an actor, with those it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Caller.
    pub from: Address,
    /// Callee.
    pub to: Address,
    /// Method number.
    pub method: u64,
    /// Value sent.
    pub value: TokenAmount,
    /// Parameters as they were encoded.
    pub params: RawBytes,
    /// How it ended.
    pub exit_code: ExitCode,
    /// Calls it made, in order.
    pub subcalls: Vec<Call>,
    /// Whether calls below were left out because they are deeper than [`Call::MAX_DEPTH`].
    pub cut: bool,
}

impl Call {
    /// How many levels of calls are kept.
    pub const MAX_DEPTH: usize = 24;
}

/// Parameters of the reward actor's method 2 (builtin-actors `reward::AwardBlockRewardParams`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct AwardParams {
    /// Whose block.
    pub miner: Address,
    /// Sum of the penalties.
    pub penalty: TokenAmount,
    /// Sum of the tips.
    pub gas_reward: TokenAmount,
    /// Win count.
    pub win_count: i64,
}

/// Parameters of a miner's method 14 (builtin-actors `ext::miner::ApplyRewardParams`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ApplyRewardParams {
    /// The reward, which is locked in part.
    pub reward: TokenAmount,
    /// Penalty to burn.
    pub penalty: TokenAmount,
}
