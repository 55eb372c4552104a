//! A chain in memory, that takes transactions. Layers are made and undone on command.

mod execute;
mod mempool;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::atx::Atx;
use apogee_spacemesh::block::Block;
use apogee_spacemesh::id::{EpochId, Hash, LayerId, SmesherId, TransactionId};
use apogee_spacemesh::result::TransactionResult;
use apogee_spacemesh::reward::Reward;
use apogee_spacemesh::template::{AccountState, Spawn};
use apogee_spacemesh_state::{AccountRow, Applied, LayerRow, Layers};

use crate::chain::{Chain, Known, Network, TransactionState};
use crate::refusal::Refusal;
use crate::rules::Parsed;

/// Transactions that are kept. A node has no such bound, and a database.
const MOST: usize = 100_000;

/// How a made chain begins.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// What it is.
    pub network: Network,
    /// Who has how much when it begins, in smidge.
    pub accounts: Vec<(Address, u64)>,
}

/// What becomes of transactions that are undone with their layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// They wait, and come again.
    Pending,
    /// They are forgotten, as by a node that loses its database.
    Dropped,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    balance: u64,
    next_nonce: u64,
    updated: LayerId,
    spawn: Option<Spawn>,
}

/// A transaction that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    raw: Vec<u8>,
    parsed: Parsed,
    /// Which one it was.
    received: u64,
    result: Option<TransactionResult>,
}

/// A layer that was made.
#[derive(Debug)]
struct Done {
    block: Block,
    state: Hash,
    opinion: Hash,
    /// Accounts that it changed, as they were.
    before: BTreeMap<Address, Option<Held>>,
}

/// A chain in memory: wallets alone, without smeshers and rewards. Fees are burnt.
#[derive(Debug)]
pub struct Made {
    network: Network,
    accounts: BTreeMap<Address, Held>,
    layers: BTreeMap<LayerId, Done>,
    taken: BTreeMap<TransactionId, Taken>,
    received: u64,
    /// How often layers were undone: blocks of different branches have different names.
    branch: u64,
}

impl Made {
    /// One whose present is its effective genesis.
    #[must_use]
    pub fn new(recipe: Recipe) -> Self {
        let held = |(address, balance)| (address, Held { balance, ..Held::default() });
        Self {
            network: recipe.network,
            accounts: recipe.accounts.into_iter().map(held).collect(),
            layers: BTreeMap::new(),
            taken: BTreeMap::new(),
            received: 0,
            branch: 0,
        }
    }

    /// Make the next layer, of what smeshers would put into its block: of each account what it can pay for, in the order
    /// of nonces, and of those with the same nonce the one that pays most.
    pub fn step(&mut self) -> LayerId {
        let block = self.proposed();
        self.next(block)
    }

    /// Make the next layer, of everything that waits, as smeshers would who do not see what others have spent. What
    /// cannot be paid fails, and pays its fee.
    pub fn step_careless(&mut self) -> LayerId {
        let block = self.waiting();
        self.next(block)
    }

    /// Undo the last `depth` layers, as a node does whose votes turn out otherwise, and put others in their place that
    /// have no transactions. The present stays what it is; what was in them comes in later layers, or never.
    pub fn fork(&mut self, depth: u32, undone: Undone) {
        let head = self.head();
        let mut fork = head;
        for _ in 0..depth {
            let Some((layer, done)) = self.layers.pop_last() else { break };
            self.undo(&done, undone);
            fork = LayerId(layer.0.saturating_sub(1));
        }
        self.branch += 1;
        for layer in fork.0..head.0 {
            self.make(LayerId(layer.saturating_add(1)), Vec::new());
        }
    }

    fn undo(&mut self, done: &Done, undone: Undone) {
        for (address, before) in &done.before {
            match before {
                Some(before) => self.accounts.insert(*address, before.clone()),
                None => self.accounts.remove(address),
            };
        }
        for id in &done.block.transactions {
            match undone {
                Undone::Dropped => drop(self.taken.remove(id)),
                Undone::Pending => {
                    if let Some(taken) = self.taken.get_mut(id) {
                        taken.result = None;
                    }
                }
            }
        }
    }

    fn next(&mut self, transactions: Vec<TransactionId>) -> LayerId {
        let layer = LayerId(self.head().0.saturating_add(1));
        self.make(layer, transactions);
        layer
    }
}

impl Chain for Made {
    fn network(&self) -> Network {
        self.network
    }

    fn head(&self) -> LayerId {
        self.layers.last_key_value().map_or(self.network.effective_genesis, |(layer, _)| *layer)
    }

    fn layers(&self, layers: &Layers) -> Result<Vec<LayerRow>, Refusal> {
        let row = |(layer, done): (&LayerId, &Done)| LayerRow {
            layer: *layer,
            coin: None,
            tallied: true,
            applied: Applied::Block(done.block.id()),
            state: Some(done.state),
            opinion: Some(done.opinion),
        };
        Ok(if layers.is_empty() { vec![] } else { self.layers.range(layers.clone()).map(row).collect() })
    }

    fn rewards(&self, _: &Layers) -> Result<Vec<Reward>, Refusal> {
        Ok(Vec::new())
    }

    fn activations(&self, _: &RangeInclusive<EpochId>) -> Result<Vec<Atx>, Refusal> {
        Ok(Vec::new())
    }

    fn malicious(&self) -> Result<Vec<SmesherId>, Refusal> {
        Ok(Vec::new())
    }

    fn account(&self, address: &Address) -> Result<Option<AccountRow>, Refusal> {
        Ok(self.accounts.get(address).map(|held| AccountRow {
            address: *address,
            balance: held.balance,
            next_nonce: held.next_nonce,
            updated: held.updated,
            state: held.spawn.clone().map(|spawn| AccountState { spawn, drained: 0 }),
        }))
    }

    fn projected(&self, account: &AccountRow) -> Result<(u64, u64), Refusal> {
        let last = self
            .feasible(&account.address)
            .last()
            .map(|(taken, left)| (taken.parsed.header.nonce.saturating_add(1), *left));
        Ok(last.unwrap_or((account.next_nonce, account.balance)))
    }

    fn transactions(&self) -> Result<Vec<Known>, Refusal> {
        let mut all: Vec<Known> = self.taken.iter().map(|(id, taken)| self.known(*id, taken)).collect();
        all.sort_by_key(|known| (known.result.as_ref().map(|result| result.layer), known.id));
        Ok(all)
    }

    fn submit(&mut self, raw: &[u8]) -> Result<TransactionId, Refusal> {
        self.take(raw).map_err(|why| Refusal::invalid(format!("Failed to verify transaction: {why}")))
    }
}

impl Made {
    fn known(&self, id: TransactionId, taken: &Taken) -> Known {
        let header = taken.parsed.header;
        let next = self.accounts.get(&header.principal).map_or(0, |held| held.next_nonce);
        let state = match taken.result {
            Some(_) => TransactionState::Processed,
            None if header.nonce < next => TransactionState::Ineffectual,
            None => TransactionState::Mempool,
        };
        Known { id, raw: taken.raw.clone(), header: Some(header), state, result: taken.result.clone() }
    }
}
