//! What tipsets have executed, with what came of it.

use apogee_domain::Atto;
use apogee_filecoin::types::json::address_text;
use apogee_filecoin::types::multisig::{self, PROPOSE, Proposed, read_exactly};
use apogee_filecoin::types::{
    BlockMessages, Executed as OnChain, LoadError, Message, Receipt, Tipset, executed_messages, fee_split,
};
use apogee_filecoin_state::StateTree;
use fvm_shared::address::{Address, Network};
use fvm_shared::error::ExitCode;

use super::{Nodes, atto, tip, unread, wrong};
use crate::chain::{ChainError, Executed, Proposal};

/// Show `visit` every message that `tipset` has executed, with its receipt; `child` is the tipset after it. `own` tells whether an address is
/// the actor of another one afterwards.
pub(super) fn each(
    nodes: &Nodes,
    tipset: &Tipset,
    child: &Tipset,
    visit: &mut dyn FnMut(&OnChain<'_>, &Receipt, &mut Ids<'_>) -> Result<(), ChainError>,
) -> Result<(), ChainError> {
    let unreadable = |error: LoadError| ChainError::Unavailable(Box::new(error));
    let messages: Result<Vec<_>, _> =
        tipset.blocks().iter().map(|block| BlockMessages::load(nodes, &block.messages)).collect();
    let messages = messages.map_err(unreadable)?;
    let receipts = Receipt::load_all(nodes, &child.first().parent_message_receipts).map_err(unreadable)?;
    // After execution every sender that was executed has an id.
    let tree = StateTree::open(nodes, &child.first().parent_state_root).map_err(unread)?;
    let mut ids = Ids { tree: &tree, unread: None };
    let executed = executed_messages(&messages, |address| ids.of(address));
    ids.checked()?;
    if executed.len() != receipts.len() {
        let detail = format!("{} receipts for {} messages of {tipset:?}", receipts.len(), executed.len());
        return Err(wrong("what was executed", &detail));
    }
    for (one, receipt) in executed.iter().zip(&receipts) {
        visit(one, receipt, &mut ids)?;
        ids.checked()?;
    }
    Ok(())
}

/// Addresses as ids, in one state.
pub(super) struct Ids<'a> {
    tree: &'a StateTree<'a, Nodes>,
    unread: Option<ChainError>,
}

impl Ids<'_> {
    /// The id of an address, or itself where it has none.
    pub(super) fn of(&mut self, address: &Address) -> Address {
        match self.tree.resolve(address) {
            Ok(id) => id.map_or(*address, Address::new_id),
            Err(error) => {
                self.unread.get_or_insert(unread(error));
                *address
            }
        }
    }

    fn checked(&mut self) -> Result<(), ChainError> {
        self.unread.take().map_or(Ok(()), Err)
    }
}

/// The messages of `sender` in `tipset` that took their nonce.
pub(super) fn of_sender(
    nodes: &Nodes,
    network: Network,
    sender: Address,
    tipset: &Tipset,
    child: &Tipset,
) -> Result<Vec<Executed>, ChainError> {
    let base_fee = &tipset.first().parent_base_fee;
    let mut found = Vec::new();
    each(nodes, tipset, child, &mut |one, receipt, ids| {
        // What used no gas was not executed: it took no nonce, and its sender paid nothing.
        if receipt.gas_used == 0 || ids.of(&one.message.from) != ids.of(&sender) {
            return Ok(());
        }
        let cost = fee_split(one.message, one.chain_length(), receipt, base_fee, true).total_cost();
        let value = atto(&one.message.value)?;
        let is_good = receipt.exit_code.is_success();
        let plain = Executed {
            nonce: one.message.sequence,
            id: one.cid.to_string(),
            tip: tip(tipset),
            payee: address_text(&one.message.to, network),
            amount: value,
            exit_code: receipt.exit_code.value(),
            cost: atto(&cost)?,
            moved: if is_good { value } else { Atto::ZERO },
            proposal: None,
        };
        found.push(proposed(one.message, receipt, network, plain));
        Ok(())
    })?;
    Ok(found)
}

/// A message as a proposal of a payment, where it is one; else as it was.
fn proposed(message: &Message, receipt: &Receipt, network: Network, plain: Executed) -> Executed {
    let params = (message.method_num == PROPOSE).then(|| read_exactly::<multisig::Proposal>(&message.params));
    let Some(params) = params.flatten().filter(multisig::Proposal::is_transfer) else { return plain };
    let Ok(amount) = atto(&params.value) else { return plain };
    let number = |returned: &Proposed| u64::try_from(returned.number).ok();
    let returned = receipt.exit_code.is_success().then(|| read_exactly::<Proposed>(&receipt.return_data));
    let (number, exit_code) = match returned {
        None => (None, receipt.exit_code),
        Some(Some(returned)) if number(&returned).is_some() => {
            (number(&returned), if returned.applied { returned.code } else { ExitCode::OK })
        }
        // Whatever has this method 2, it is no multisig.
        Some(_) => return plain,
    };
    Executed {
        payee: address_text(&params.to, network),
        amount,
        exit_code: exit_code.value(),
        proposal: Some(Proposal { multisig: plain.payee, number }),
        ..plain
    }
}
