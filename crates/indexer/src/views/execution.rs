//! What executing a tipset paid, burnt and used; known once its child names receipts and state.

mod burn;
mod messages;

use apogee_domain::series::{GAS_LIMIT, GAS_USED, PENALTY, REWARD_BLOCK, REWARD_GAS};
use apogee_domain::{Epoch, SeriesName, Subject, Value};
use apogee_filecoin::types::{ExecutionTrace, Tipset};
use apogee_filecoin::verify::NetworkParams;
use apogee_filecoin_state::{ReadError, StateTree};
use apogee_store::Reconciliation;

use self::burn::BURNS;
use self::messages::{Messages, Spent};
use super::{Names, atto, unread};
use crate::fold::Flow;
use crate::nodes::Nodes;

/// Whether a series is of this view: its steps lie at the executed tipset's epoch, one tipset before the one that is applied.
pub(crate) fn has(series: &SeriesName) -> bool {
    [REWARD_BLOCK, REWARD_GAS, PENALTY, GAS_USED, GAS_LIMIT].contains(series) || BURNS.contains(series)
}

/// An executed tipset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Execution<'a> {
    /// The tipset that was executed.
    pub(crate) tipset: &'a Tipset,
    /// The tipset that names the result.
    pub(crate) child: &'a Tipset,
    /// The epoch of the executed tipset's parent, where it is known.
    pub(crate) parent: Option<Epoch>,
    /// What a node says of the execution, where one says anything.
    pub(crate) trace: Option<&'a ExecutionTrace>,
}

/// What it paid, burnt and used, attributed to the executed tipset's epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExecutionFacts {
    pub(crate) flows: Vec<Flow>,
    pub(crate) reconciled: Vec<Reconciliation>,
}

/// Times the messages' penalties that the reward actor makes a miner burn since Liftoff (network version 6; actors v2).
const PENALTY_MULTIPLIER: u128 = 3;
const LIFTOFF_VERSION: u32 = 6;

/// Derive it. Genesis executes nothing: its state is given.
pub(crate) fn read(
    nodes: &Nodes,
    names: &Names,
    params: &NetworkParams,
    of: Execution<'_>,
) -> ExecutionFacts {
    if of.tipset.first().is_genesis() {
        return ExecutionFacts::default();
    }
    let epoch = of.tipset.epoch();
    let spent = Messages::load(nodes, of.tipset, of.child)
        .and_then(|messages| messages.spent(nodes, params.version(epoch.height()), of));
    let rewards = block_rewards(nodes, params, of);
    let mut facts = ExecutionFacts::default();
    let mut add = |series: SeriesName, who: Subject, by| facts.flows.push(Flow::Add(series, who, epoch, by));
    for (index, block) in of.tipset.blocks().iter().enumerate() {
        let Some(miner) = block.miner_id().map(|id| names.miner(id)) else { continue };
        let paid = spent.as_ref().and_then(|spent| spent.blocks.get(index));
        add(REWARD_BLOCK, miner.clone(), rewards.get(index).copied().flatten());
        add(REWARD_GAS, miner.clone(), paid.and_then(|paid| paid.tip));
        add(PENALTY, miner, paid.and_then(|paid| borne(paid.penalty?, params.version(epoch.height()))));
    }
    add(GAS_USED, Subject::network(), spent.as_ref().map(|spent| spent.gas_used));
    add(GAS_LIMIT, Subject::network(), spent.as_ref().map(|spent| spent.gas_limit));
    for (index, series) in BURNS.into_iter().enumerate() {
        let burnt = spent.as_ref().and_then(|spent| spent.burnt.get(index).copied().flatten());
        add(series, Subject::network(), burnt);
    }
    facts.reconciled = reconcile(nodes, of, &rewards, spent.as_ref());
    facts
}

fn borne(penalty: u128, version: u32) -> Option<u128> {
    if version < LIFTOFF_VERSION { Some(penalty) } else { penalty.checked_mul(PENALTY_MULTIPLIER) }
}

/// The block reward of each block; `None` where state or the rule is not at hand.
///
/// With reward streams (actors v19, FIP-0118) the formula overstates a miner's share; then only a trace tells.
fn block_rewards(nodes: &Nodes, params: &NetworkParams, of: Execution<'_>) -> Vec<Option<u128>> {
    let read = || {
        let tree = StateTree::open(nodes, &of.tipset.first().parent_state_root)?;
        let (reward, power) = (tree.reward()?, tree.power()?);
        let Some(parent) = of.parent else { return Ok(None) };
        let (parent, epoch) = (parent.height(), of.tipset.epoch().height());
        let realized = &power.current(params.min_miners).raw;
        // The state after the tipset tells in which of its null rounds power changed.
        let after = || {
            let after = StateTree::open(nodes, &of.child.first().parent_state_root)?;
            Ok((after.power()?.this_epoch.raw, after.reward()?))
        };
        let after: Option<Result<_, ReadError>> = (parent.saturating_add(1) < epoch).then(after);
        Ok(match after {
            Some(Ok((own, after))) => reward.for_tipset_before((parent, epoch), realized, &own, &after),
            _ => reward.for_tipset(parent, epoch, realized),
        })
    };
    let state = read().unwrap_or_else(|error: ReadError| {
        unread("the reward actor", &error);
        None
    });
    let one = |(index, block): (usize, &apogee_filecoin::types::BlockHeader)| {
        let state = state.as_ref()?;
        if state.streams.is_some() {
            let award = of.trace?.awards.get(index)?;
            return atto(&award.paid())?.checked_sub(atto(&award.gas_reward)?);
        }
        let wins = u64::try_from(block.election_proof.as_ref()?.win_count).ok()?;
        atto(&state.block_reward(wins))
    };
    of.tipset.blocks().iter().enumerate().map(one).collect()
}

/// Sums that have to agree with state, and with the trace where there is one.
fn reconcile(
    nodes: &Nodes,
    of: Execution<'_>,
    rewards: &[Option<u128>],
    spent: Option<&Spent>,
) -> Vec<Reconciliation> {
    let compare = |what: &str, derived, state| Reconciliation { what: what.to_owned(), derived, state };
    let rewarded = sum(rewards.iter().copied());
    let mut all = vec![compare("awards", rewarded, minted(nodes, of))];
    if let Some(trace) = of.trace {
        let tips = sum(spent.into_iter().flat_map(|spent| &spent.blocks).map(|block| block.tip));
        let penalties = sum(spent.into_iter().flat_map(|spent| &spent.blocks).map(|block| block.penalty));
        let known = |value: Option<Value>| spent.and(value);
        let told =
            |amount: fn(&apogee_filecoin::types::Award) -> Option<u128>| sum(trace.awards.iter().map(amount));
        let tips = known(tips);
        let paid = rewarded.zip(tips).and_then(|(rewarded, tips)| rewarded.checked_add(tips));
        all.push(compare("trace_paid", paid, told(|award| atto(&award.paid()))));
        all.push(compare("trace_penalties", known(penalties), told(|award| atto(&award.penalty))));
        all.push(compare("trace_tips", tips, told(|award| atto(&award.gas_reward))));
    }
    all
}

/// The sum, unless a part is unknown.
fn sum(mut amounts: impl Iterator<Item = Option<u128>>) -> Option<Value> {
    amounts.try_fold(0_u128, |sum, one| sum.checked_add(one?)).map(Value)
}

/// What the reward actor says it minted in between.
fn minted(nodes: &Nodes, of: Execution<'_>) -> Option<Value> {
    let total = |tipset: &Tipset| StateTree::open(nodes, &tipset.first().parent_state_root)?.reward();
    let read = total(of.tipset).and_then(|before| Ok((before, total(of.child)?)));
    let (before, after) = read.map_err(|error| unread("minting", &error)).ok()?;
    super::value(&(after.total_minted.atto() - before.total_minted.atto()))
}
