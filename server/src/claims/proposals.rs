use std::sync::Arc;

use apogee_domain::{Digest, Epoch, Network};
use apogee_filecoin::source::Source;
use apogee_filecoin::types::json::parse_address;
use apogee_filecoin::types::multisig::{End, PROPOSE, Proposal, Proposed, read};
use apogee_filecoin::types::{BlockMessages, Message, Receipt, Tipset, TipsetKey, executed_messages};
use apogee_filecoin_state::{Multisig, StateTree};
use apogee_store::{EpochKind, Page, Store};
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;

use super::keys::{NoState, Nodes};

/// Epochs that are read at once.
const PAGE: u32 = 1_000;
/// Most tipsets that are looked through: messages live for fewer epochs.
const MOST: usize = 4_000;
/// The head of 32 bytes in CBOR.
const BYTES: [u8; 2] = [0x58, 0x20];

/// A proposal that is said to approve a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    /// Its number.
    pub(super) id: String,
    /// What its parameters have to be.
    pub(super) commitment: Digest,
    /// From which epoch on it was proposed: when the message was issued.
    pub(super) since: Epoch,
    /// Before which tipset it was executed: the newest one at or before this epoch.
    pub(super) at: Epoch,
}

/// Where two neighbouring tipsets are between which something happened: the first one executed it.
struct Step {
    tipset: TipsetKey,
    child: TipsetKey,
}

/// Whether a multisig has executed the proposal that is asked for. What cannot be read has not happened, as far as is known.
pub(super) async fn is_executed(
    store: &dyn Store,
    network: &Network,
    source: &Arc<dyn Source>,
    multisig: &str,
    asked: &Asked,
) -> Result<bool, NoState> {
    let Ok(address) = parse_address(multisig) else { return Ok(false) };
    let number = asked.id.parse::<i64>().ok().filter(|number| number.to_string() == asked.id);
    let Some(number) = number else { return Ok(false) };
    let (mut tipsets, mut below) = (Vec::new(), asked.at.plus(1));
    'pages: while tipsets.len() < MOST {
        let page = store.epochs(&network.id, Page { after: Some(below), limit: PAGE }).await?;
        let Some(last) = page.last() else { break };
        below = last.epoch;
        for record in page {
            if record.epoch < asked.since {
                break 'pages;
            }
            if record.kind == EpochKind::Tipset {
                tipsets.push((record.key, record.state_root));
            }
        }
    }
    tipsets.reverse();
    let nodes = Nodes::of(source);
    let found = blocking(move || {
        let steps = steps(&nodes, &tipsets, &address, number);
        nodes.read(steps)
    });
    let Some((proposed, ended)) = found.await? else { return Ok(false) };
    let wanted = asked.commitment;
    let is_it = move |message: &Message, receipt: &Receipt| {
        let returned = || read::<Proposed>(&receipt.return_data);
        let is_number = message.method_num == PROPOSE && receipt.exit_code.is_success();
        if !is_number || returned().is_none_or(|returned| returned.number != number) {
            return false;
        }
        let params = read::<Proposal>(&message.params).map(|proposal| proposal.params.to_vec());
        params.is_some_and(|params| *params.strip_prefix(&BYTES).unwrap_or(&params) == wanted.0)
    };
    let ends_it = move |message: &Message, receipt: &Receipt| {
        End::of(number, message, receipt) == Some(End::Executed(ExitCode::OK))
    };
    Ok(any(source, proposed, address, is_it).await? && any(source, ended, address, ends_it).await?)
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, NoState> + Send + 'static,
) -> Result<T, NoState> {
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|error| Err(NoState::Source(error.to_string())))
}

/// Where the proposal was made, and where it ended. `tipsets` are keys with the state before each, oldest first.
fn steps(
    nodes: &Nodes,
    tipsets: &[(String, String)],
    address: &Address,
    number: i64,
) -> Option<(Step, Step)> {
    let of = |index: usize| -> Option<Multisig> {
        let (_, root) = tipsets.get(index)?;
        StateTree::open(nodes, &root.parse::<Cid>().ok()?).ok()?.multisig(address).ok()?
    };
    let made = first(tipsets.len(), |index| Some(of(index)?.next > number))?;
    let ended = first(tipsets.len(), |index| {
        Some(index >= made && of(index)?.pending(nodes, number).ok()?.is_none())
    })?;
    Some((step(tipsets, made)?, step(tipsets, ended)?))
}

/// The first index from which on it is so, found by halving; `None` where it never is, always is, or one could not be read.
fn first(count: usize, is_so: impl Fn(usize) -> Option<bool>) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_so(middle)? { high = middle } else { low = middle + 1 }
    }
    (1..count).contains(&low).then_some(low)
}

fn step(tipsets: &[(String, String)], child: usize) -> Option<Step> {
    let key = |index: usize| -> Option<TipsetKey> {
        let cids: Result<Vec<Cid>, _> = tipsets.get(index)?.0.split(',').map(str::parse).collect();
        cids.ok().map(TipsetKey)
    };
    Some(Step { tipset: key(child.checked_sub(1)?)?, child: key(child)? })
}

/// Whether any message to the multisig that was executed there is so.
async fn any(
    source: &Arc<dyn Source>,
    step: Step,
    multisig: Address,
    is_so: impl Fn(&Message, &Receipt) -> bool + Send + 'static,
) -> Result<bool, NoState> {
    let tipset = |key: TipsetKey| async move {
        source.tipset(&key).await.map_err(|error| NoState::Source(error.to_string()))
    };
    let (tipset, child) = (tipset(step.tipset).await?, tipset(step.child).await?);
    let nodes = Nodes::of(source);
    let found = blocking(move || {
        let found = executed(&nodes, &tipset, &child, &multisig, is_so);
        nodes.read(found)
    });
    Ok(found.await?.unwrap_or(false))
}

fn executed(
    nodes: &Nodes,
    tipset: &Tipset,
    child: &Tipset,
    multisig: &Address,
    is_so: impl Fn(&Message, &Receipt) -> bool,
) -> Option<bool> {
    let load = |root: &Cid| BlockMessages::load(nodes, root).ok();
    let messages: Option<Vec<_>> = tipset.blocks().iter().map(|block| load(&block.messages)).collect();
    let messages = messages?;
    let receipts = Receipt::load_all(nodes, &child.first().parent_message_receipts).ok()?;
    // After execution every sender that was executed has an id.
    let tree = StateTree::open(nodes, &child.first().parent_state_root).ok()?;
    let unread = std::cell::Cell::new(false);
    let id = |address: &Address| match tree.resolve(address) {
        Ok(id) => id.map_or(*address, Address::new_id),
        Err(_) => {
            unread.set(true);
            *address
        }
    };
    let executed = executed_messages(&messages, id);
    let own = id(multisig);
    let found = executed.len() == receipts.len()
        && executed
            .iter()
            .zip(&receipts)
            .any(|(one, receipt)| id(&one.message.to) == own && is_so(one.message, receipt));
    (!unread.get()).then_some(found)
}
