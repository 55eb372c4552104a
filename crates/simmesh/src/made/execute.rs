//! A layer executed.
//!
//! Source: go-spacemesh `genvm/vm.go`, `genvm/core/context.go`.

use std::collections::BTreeMap;

use apogee_spacemesh::address::Address;
use apogee_spacemesh::block::Block;
use apogee_spacemesh::id::{BlockId, Hash, LayerId, TransactionId};
use apogee_spacemesh::result::TransactionResult;
use apogee_spacemesh::template::{AccountState, Template};
use apogee_spacemesh::transaction::Call;

use super::{Done, Held, Made};
use crate::rules::Parsed;

/// Gas in a block.
const GAS: u64 = 100_000_000;

/// What came of a transaction that is executed at all.
struct Outcome {
    failure: Option<&'static str>,
    fee: u64,
    addresses: Vec<Address>,
}

impl Made {
    /// Make `layer` of those of these transactions that can be executed.
    pub(super) fn make(&mut self, layer: LayerId, proposed: Vec<TransactionId>) {
        let block = Block { layer, height: self.branch, rewards: Vec::new(), transactions: proposed };
        let id = block.id();
        let (mut before, mut results, mut gas) = (BTreeMap::new(), Vec::new(), GAS);
        for name in &block.transactions {
            let Some(taken) = self.taken.get(name) else { continue };
            let parsed = taken.parsed.clone();
            let used = parsed.header.max_gas;
            if used > gas {
                continue;
            }
            let Some(outcome) = self.execute(&parsed, layer, &mut before) else { continue };
            gas -= used;
            results.push((*name, outcome.result(used, id, layer)));
        }
        for (name, result) in results {
            if let Some(taken) = self.taken.get_mut(&name) {
                taken.result = Some(result);
            }
        }
        let opinion = self.opinion(&id);
        let state = self.state(before.keys());
        self.layers.insert(layer, Done { block, state, opinion, before });
    }

    /// `None` for what has no effect and no result.
    fn execute(
        &mut self,
        parsed: &Parsed,
        layer: LayerId,
        before: &mut BTreeMap<Address, Option<Held>>,
    ) -> Option<Outcome> {
        let header = &parsed.header;
        let held = self.accounts.get(&header.principal)?;
        let spends = matches!(parsed.transaction.body.call, Call::Spend(_));
        // A spend that was undone with the spawn before it waits for that.
        if held.balance < parsed.intrinsic
            || held.next_nonce > header.nonce
            || (spends && held.spawn.is_none())
        {
            return None;
        }
        let (mut principal, mut failure) = (held.clone(), None);
        let price = u128::from(header.max_gas) * u128::from(header.gas_price);
        let fee = u64::try_from(price).ok().filter(|fee| *fee <= principal.balance);
        // Gas that cannot be paid takes what there is.
        let charged = fee.unwrap_or(principal.balance);
        principal.balance -= charged;
        let mut paid = None;
        match &parsed.transaction.body.call {
            _ if fee.is_none() => failure = Some("no balance"),
            Call::Spend(payment) if payment.amount > principal.balance => failure = Some("no balance"),
            Call::Spend(payment) if payment.destination != header.principal => {
                let mut other = self.accounts.get(&payment.destination).cloned().unwrap_or_default();
                match other.balance.checked_add(payment.amount) {
                    Some(balance) => {
                        principal.balance -= payment.amount;
                        other.balance = balance;
                        paid = Some((payment.destination, other));
                    }
                    None => failure = Some("no balance"),
                }
            }
            Call::Spawn(_) if principal.spawn.is_some() => failure = Some("account already spawned"),
            Call::Spawn(spawn) => principal.spawn = Some(spawn.clone()),
            // Paying oneself takes gas alone.
            Call::Spend(_) | Call::Drain { .. } => {}
        }
        principal.next_nonce = header.nonce.saturating_add(1);
        let changed: Vec<(Address, Held)> =
            std::iter::once((header.principal, principal)).chain(paid).collect();
        let addresses = changed.iter().map(|(address, _)| *address).collect();
        for (address, mut held) in changed {
            held.updated = layer;
            let was = self.accounts.insert(address, held);
            before.entry(address).or_insert(was);
        }
        Some(Outcome { failure, fee: charged, addresses })
    }

    /// The opinion on a layer with this block, after the last one.
    fn opinion(&self, block: &BlockId) -> Hash {
        let mut hasher = blake3::Hasher::new();
        if let Some((_, last)) = self.layers.last_key_value() {
            hasher.update(&last.opinion.0);
        }
        Hash(*hasher.update(&block.0).finalize().as_bytes())
    }

    /// Accounts that were changed, as a hash.
    fn state<'a>(&self, changed: impl Iterator<Item = &'a Address>) -> Hash {
        let mut hasher = blake3::Hasher::new();
        for address in changed {
            let Some(held) = self.accounts.get(address) else { continue };
            hasher.update(&address.0);
            hasher.update(&held.balance.to_le_bytes()).update(&held.next_nonce.to_le_bytes());
            if let Some(spawn) = &held.spawn {
                hasher.update(&Template::Wallet.address().0);
                hasher.update(&AccountState { spawn: spawn.clone(), drained: 0 }.encode());
            }
        }
        Hash(*hasher.finalize().as_bytes())
    }
}

impl Outcome {
    fn result(self, gas: u64, block: BlockId, layer: LayerId) -> TransactionResult {
        TransactionResult {
            succeeded: self.failure.is_none(),
            message: self.failure.unwrap_or_default().as_bytes().to_vec(),
            gas,
            fee: self.fee,
            block,
            layer,
            addresses: self.addresses,
        }
    }
}
