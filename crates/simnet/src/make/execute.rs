//! What a generated chain's state machine does: transfers, calls of multisigs, awards, deals, the crons of market and reward actor.

use apogee_filecoin::types::{
    BlockMessages, Executed, GasOutputs, Message, Receipt, ReceiptForm, Tipset, dense_array,
    executed_messages, fee_split, inclusion_gas,
};
use apogee_filecoin_state::StateTree;
use cid::Cid;
use fvm_ipld_encoding::RawBytes;
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use fvm_shared::error::ExitCode;
use fvm_shared::{ActorID, METHOD_SEND};

use super::MakeError;
use super::actors::{self, Contact, Keys, Sectors, code};
use super::market::{self, Dealing};
use super::miner::miner as miner_state;
use super::multisig;
use super::state::{Actor, BURNT, POWER, REWARD, State};
use crate::ledger::Ledger;

/// Gas of a transfer beyond its inclusion.
const TRANSFER: u64 = 525_000;
/// Gas of making an account, as much as was recorded on a node.
const NEW_ACCOUNT: u64 = 4_480_000;
/// `ProveCommitSectors3` (FIP-0076).
const PROVE_COMMIT: u64 = 34;
/// Gas of a call of a multisig, whatever it does: more than any was seen to take, the making of an account included.
const MULTISIG: u64 = 9_000_000;
/// The reward actor passes three times the penalty on.
const PENALTY_FACTOR: u64 = 3;
/// Below so many miners of the least power the reward counts everybody's.
const MIN_MINERS: i64 = 4;

/// What came of a tipset.
pub(super) struct Outcome {
    /// State afterwards.
    pub(super) root: Cid,
    /// Array of the receipts.
    pub(super) receipts: Cid,
    pub(super) messages: Vec<Applied>,
    pub(super) awards: Vec<Paid>,
}

/// A message that was carried out or refused.
pub(super) struct Applied {
    /// Which of the tipset's blocks is paid for it.
    pub(super) block: usize,
    pub(super) cid: Cid,
    pub(super) message: Message,
    pub(super) receipt: Receipt,
    pub(super) gas: GasOutputs,
}

/// A block's reward.
pub(super) struct Paid {
    pub(super) miner: ActorID,
    pub(super) wins: i64,
    pub(super) tips: TokenAmount,
    /// Sum of its messages' penalties.
    pub(super) penalty: TokenAmount,
    /// Without tips.
    pub(super) reward: TokenAmount,
}

/// Gas that a message takes.
pub(super) fn gas_of(state: &State<'_>, message: &Message, chain_length: usize) -> Result<u64, MakeError> {
    let more = match state.resolve(&message.to)? {
        None => NEW_ACCOUNT,
        Some(id) if calls_multisig(state, message, id)? => MULTISIG,
        Some(_) => 0,
    };
    Ok(inclusion_gas(chain_length) + TRANSFER + more)
}

fn calls_multisig(state: &State<'_>, message: &Message, id: ActorID) -> Result<bool, MakeError> {
    Ok(message.method_num != METHOD_SEND
        && state.get(id)?.is_some_and(|actor| actor.code == code("multisig")))
}

/// Carry out `tipset` with these messages of its blocks on the state of its parent of epoch `parent`. `sectors` are those of all miners
/// from now on, where they change, `keys` those that miners get, `due` what happens to deals.
pub(super) fn execute(
    ledger: &Ledger,
    tipset: &Tipset,
    parent: i64,
    blocks: &[BlockMessages],
    sectors: Option<&[(ActorID, Sectors)]>,
    keys: &[(ActorID, Keys)],
    due: &[(i64, Dealing)],
) -> Result<Outcome, MakeError> {
    let first = tipset.first();
    let mut state = State::open(ledger, &first.parent_state_root)?;
    let tree = StateTree::open(ledger, &first.parent_state_root).map_err(MakeError::state)?;
    let realized = tree.power().map_err(MakeError::state)?.current(MIN_MINERS).raw.clone();
    let runaway = || MakeError::State("the reward actor cannot go on from here".into());
    let reward = tree.reward().map_err(MakeError::state)?;
    let mut reward = reward.for_tipset(parent, first.height, &realized).ok_or_else(runaway)?;
    let mut messages = Vec::new();
    for executed in executed_messages(blocks, |sender| *sender) {
        messages.push(apply(&mut state, &executed, &first.parent_base_fee)?);
    }
    let mut awards = Vec::new();
    for (index, block) in tipset.blocks().iter().enumerate() {
        let miner = block.miner_id().ok_or_else(|| MakeError::State("a block of no miner".into()))?;
        let wins = block.election_proof.as_ref().map_or(0, |proof| proof.win_count);
        let of_block = || messages.iter().filter(|one: &&Applied| one.block == index).map(|one| &one.gas);
        let paid = Paid {
            miner,
            wins,
            tips: of_block().map(|gas| gas.miner_tip.clone()).sum(),
            penalty: of_block().map(|gas| gas.miner_penalty.clone()).sum(),
            reward: reward.block_reward(u64::try_from(wins).unwrap_or(0)),
        };
        award(&mut state, &paid)?;
        reward.total_minted += &paid.reward;
        awards.push(paid);
    }
    // Deadlines close before the power actor tells the reward actor what there is.
    let mut own = realized;
    if let Some(sectors) = sectors {
        set_sectors(ledger, &mut state, &tree, sectors, keys)?;
        own = sectors.iter().map(|(_, sectors)| sectors.power()).sum();
    }
    market::pass(&mut state, (parent, first.height), due)?;
    // The cron of this epoch is that of a null round in its place.
    let next = first.height.saturating_add(1);
    let reward = reward.for_tipset(first.height - 1, next, &own).ok_or_else(runaway)?;
    let head = actors::reward(ledger, &reward)?;
    state.change(REWARD, |actor| actor.head = head)?;
    let receipts: Vec<_> = messages.iter().map(|one| one.receipt.clone()).collect();
    let (receipts, written) = dense_array(&receipts);
    for (cid, bytes) in written {
        ledger.put(cid, bytes);
    }
    Ok(Outcome { root: state.flush()?, receipts, messages, awards })
}

/// Write claims and miners' states that hold from now on.
fn set_sectors(
    ledger: &Ledger,
    state: &mut State<'_>,
    before: &StateTree<'_, Ledger>,
    sectors: &[(ActorID, Sectors)],
    keys: &[(ActorID, Keys)],
) -> Result<(), MakeError> {
    let head = actors::power(ledger, sectors)?;
    state.change(POWER, |actor| actor.head = head)?;
    for (id, sectors) in sectors {
        let miner = before.miner(*id).map_err(MakeError::state)?;
        let miner = miner.ok_or_else(|| MakeError::State(format!("there is no miner f0{id}")))?;
        let info = miner.info(ledger).map_err(MakeError::state)?;
        let changed = keys.iter().find(|(miner, _)| miner == id).map(|(_, keys)| keys);
        let held = changed.map_or((info.owner, info.worker), |keys| {
            (Address::new_id(keys.owner), Address::new_id(keys.worker))
        });
        if let Some(keys) = changed
            && state.get(keys.owner)?.is_none()
        {
            let nothing = actors::put(ledger, &())?;
            state.set(keys.owner, Actor::new("multisig", nothing, TokenAmount::default()))?;
        }
        let contact = Contact { peer_id: info.peer_id, multiaddresses: info.multiaddresses };
        let head = miner_state(ledger, held, &contact, *sectors)?;
        state.change(*id, |actor| actor.head = head)?;
    }
    Ok(())
}

fn apply(state: &mut State<'_>, one: &Executed<'_>, base_fee: &TokenAmount) -> Result<Applied, MakeError> {
    let (message, length) = (one.message, one.chain_length());
    let (called, gas_used) = carry_out(state, message, length)?;
    let (exit_code, return_data) =
        called.map_or_else(|code| (code, RawBytes::default()), |returned| (ExitCode::OK, returned));
    let receipt =
        Receipt { form: ReceiptForm::WithEvents, exit_code, return_data, gas_used, events_root: None };
    let gas = fee_split(message, length, &receipt, base_fee, true);
    if gas_used > 0
        && let Some(sender) = state.resolve(&message.from)?
    {
        let cost = gas.total_cost();
        state.change(sender, |actor| actor.balance -= cost)?;
        state.add(BURNT, &(&gas.base_fee_burn + &gas.over_estimation_burn))?;
        state.add(REWARD, &gas.miner_tip)?;
    }
    Ok(Applied { block: one.block, cid: *one.cid, message: message.clone(), receipt, gas })
}

/// What a message returns, or what it ends with.
type Called = Result<RawBytes, ExitCode>;

/// What came of it and gas used; none used when the message is refused before it is carried out.
fn carry_out(state: &mut State<'_>, message: &Message, length: usize) -> Result<(Called, u64), MakeError> {
    let inclusion = inclusion_gas(length);
    if message.gas_limit < inclusion {
        return Ok((Err(ExitCode::SYS_OUT_OF_GAS), 0));
    }
    let Some(sender) = state.resolve(&message.from)? else {
        return Ok((Err(ExitCode::SYS_SENDER_INVALID), 0));
    };
    let Some(mut from) = state.get(sender)? else { return Ok((Err(ExitCode::SYS_SENDER_INVALID), 0)) };
    if from.nonce != message.sequence {
        return Ok((Err(ExitCode::SYS_SENDER_STATE_INVALID), 0));
    }
    let most = message.gas_fee_cap.clone() * BigInt::from(message.gas_limit);
    if from.balance < most {
        return Ok((Err(ExitCode::SYS_SENDER_STATE_INVALID), 0));
    }
    from.nonce += 1;
    let spendable = &from.balance - &most;
    state.set(sender, from)?;
    let needed = gas_of(state, message, length)?;
    if message.gas_limit < needed {
        return Ok((Err(ExitCode::SYS_OUT_OF_GAS), message.gas_limit));
    }
    Ok((invoke(state, sender, message, &spendable)?, needed))
}

/// Do what a message wants, with a sender who can spend so much.
pub(super) fn invoke(
    state: &mut State<'_>,
    sender: ActorID,
    message: &Message,
    spendable: &TokenAmount,
) -> Result<Called, MakeError> {
    if message.value.is_negative() || message.value > *spendable {
        return Ok(Err(ExitCode::SYS_INSUFFICIENT_FUNDS));
    }
    let known = state.resolve(&message.to)?;
    let callee = match known {
        Some(id) if calls_multisig(state, message, id)? => Some(id),
        _ => None,
    };
    if message.method_num != METHOD_SEND && callee.is_none() {
        let proves = message.method_num == PROVE_COMMIT && message.value.is_zero();
        return match proofs(message).filter(|_| proves) {
            Some(sectors) if is_miner(state, known)? => Ok(Ok(all_proved(sectors)?)),
            _ => Ok(Err(ExitCode::USR_UNHANDLED_MESSAGE)),
        };
    }
    let receiver = match known {
        Some(id) => state.get(id)?.map(|_| id),
        None => state.create(&message.to)?,
    };
    let Some(receiver) = receiver else { return Ok(Err(ExitCode::SYS_INVALID_RECEIVER)) };
    state.change(sender, |actor| actor.balance -= &message.value)?;
    state.add(receiver, &message.value)?;
    let Some(callee) = callee else { return Ok(Ok(RawBytes::default())) };
    let called = multisig::call(state, sender, callee, message.method_num, &message.params)?;
    if called.is_err() {
        state.change(receiver, |actor| actor.balance -= &message.value)?;
        state.add(sender, &message.value)?;
    }
    Ok(called)
}

fn is_miner(state: &State<'_>, id: Option<ActorID>) -> Result<bool, MakeError> {
    let actor = id.map(|id| state.get(id)).transpose()?.flatten();
    Ok(actor.is_some_and(|actor| actor.code == code("storageminer")))
}

/// How many sectors the parameters of a `ProveCommitSectors3` name, which are no more than their numbers.
fn proofs(message: &Message) -> Option<u64> {
    let (sectors,): (Vec<(u64,)>,) = fvm_ipld_encoding::from_slice(message.params.bytes()).ok()?;
    u64::try_from(sectors.len()).ok()
}

/// `BatchReturn` where nothing failed.
fn all_proved(sectors: u64) -> Result<RawBytes, MakeError> {
    let nothing: Vec<(u64, u32)> = Vec::new();
    RawBytes::serialize((sectors, nothing)).map_err(MakeError::state)
}

impl Paid {
    /// What the miner has to burn.
    pub(super) fn burnt(&self) -> TokenAmount {
        let penalty = &self.penalty * PENALTY_FACTOR;
        penalty.min(&self.reward + &self.tips)
    }
}

fn award(state: &mut State<'_>, paid: &Paid) -> Result<(), MakeError> {
    let total = &paid.reward + &paid.tips;
    state.change(REWARD, |actor| actor.balance -= &total)?;
    state.add(paid.miner, &(&total - paid.burnt()))?;
    state.add(BURNT, &paid.burnt())
}
