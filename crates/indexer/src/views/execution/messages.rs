use apogee_filecoin::types::{
    BlockMessages, Executed, LoadError, Receipt, Tipset, executed_messages, fee_split,
};
use apogee_filecoin_state::StateTree;
use fvm_shared::address::Address;
use fvm_shared::error::ExitCode;

use super::burn::{self, CLASSES};
use super::{Execution, atto};
use crate::nodes::Nodes;

/// The network version whose gas prices [`fee_split`] knows for messages below their inclusion cost.
const KNOWN_PRICES: u32 = 18;

/// The messages of an executed tipset with their receipts.
#[derive(Debug)]
pub(super) struct Messages {
    blocks: Vec<BlockMessages>,
    receipts: Vec<Receipt>,
}

/// Tips and penalties of the messages that a block is paid for, attoFIL.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockSpent {
    pub(super) tip: Option<u128>,
    /// As the messages' sum; the miner bears a multiple.
    pub(super) penalty: Option<u128>,
}

/// What the messages of a tipset paid.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) blocks: Vec<BlockSpent>,
    pub(super) gas_used: u128,
    pub(super) gas_limit: u128,
    /// Burnt for gas, in the order of [`BURNS`](burn::BURNS).
    pub(super) burnt: [Option<u128>; CLASSES],
}

impl Messages {
    /// Messages and receipts; `None` where one of them is missing or unreadable.
    pub(super) fn load(nodes: &Nodes, tipset: &Tipset, child: &Tipset) -> Option<Self> {
        let said = |error: LoadError| tracing::debug!(%error, "unknown: messages or receipts cannot be read");
        let load = |root| BlockMessages::load(nodes, root);
        let blocks: Result<Vec<_>, _> = tipset.blocks().iter().map(|block| load(&block.messages)).collect();
        let blocks = blocks.map_err(said).ok()?;
        let receipts = Receipt::load_all(nodes, &child.first().parent_message_receipts).map_err(said).ok()?;
        Some(Self { blocks, receipts })
    }

    /// What they paid; `None` where receipts do not belong to messages.
    pub(super) fn spent(&self, nodes: &Nodes, version: u32, of: Execution<'_>) -> Option<Spent> {
        // After execution every sender that was executed has an id.
        let tree = StateTree::open(nodes, &of.child.first().parent_state_root).ok();
        let resolved = |address: &Address| tree.as_ref()?.resolve(address).ok().flatten();
        let executed = executed_messages(&self.blocks, |from| resolved(from).map_or(*from, Address::new_id));
        if executed.len() != self.receipts.len() {
            let (messages, receipts) = (executed.len(), self.receipts.len());
            tracing::warn!(tipset = ?of.tipset, messages, receipts, "unknown: receipts do not fit the messages");
            return None;
        }
        let mut spent = Spent {
            blocks: vec![BlockSpent { tip: Some(0), penalty: Some(0) }; self.blocks.len()],
            gas_used: 0,
            gas_limit: 0,
            burnt: [Some(0); CLASSES],
        };
        for (one, receipt) in executed.iter().zip(&self.receipts) {
            let class = burn::class(tree.as_ref(), one.message);
            spent.add(one, receipt, version, class, of.tipset);
        }
        Some(spent)
    }
}

impl Spent {
    fn add(
        &mut self,
        one: &Executed<'_>,
        receipt: &Receipt,
        version: u32,
        class: Option<usize>,
        tipset: &Tipset,
    ) {
        self.gas_used += u128::from(receipt.gas_used);
        self.gas_limit += u128::from(one.message.gas_limit);
        let fee = &tipset.first().parent_base_fee;
        let split = fee_split(one.message, one.chain_length(), receipt, fee, true);
        let priced =
            version >= KNOWN_PRICES || receipt.gas_used > 0 || receipt.exit_code != ExitCode::SYS_OUT_OF_GAS;
        if let Some(block) = self.blocks.get_mut(one.block) {
            add(&mut block.tip, atto(&split.miner_tip));
            add(&mut block.penalty, atto(&split.miner_penalty).filter(|_| priced));
        }
        let burnt = atto(&(&split.base_fee_burn + &split.over_estimation_burn));
        match class {
            Some(class) => {
                let known = burnt.filter(|_| !burn::exempt(version, class, receipt.exit_code));
                if let Some(sum) = self.burnt.get_mut(class) {
                    add(sum, known);
                }
            }
            // It belongs to one of them, and nobody knows to which.
            None => self.burnt = [None; CLASSES],
        }
    }
}

fn add(sum: &mut Option<u128>, by: Option<u128>) {
    *sum = sum.zip(by).and_then(|(sum, by)| sum.checked_add(by));
}
