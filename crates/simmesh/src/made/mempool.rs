//! What a node takes, and what it would put into a block.
//!
//! Source: go-spacemesh `txs/handler.go`, `txs/cache.go`. A nonce may be higher than the next one: then those between
//! are never executed once it is. A transaction that cannot be paid is kept and not proposed; so is the one of two with
//! the same nonce that pays less.

use std::collections::{BTreeMap, BTreeSet};

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::TransactionId;

use super::{MOST, Made, Taken};
use crate::rules::{ParseError, parse};

/// Transactions of one account in a block.
const MOST_OF_ACCOUNT: usize = 100;

/// Why a transaction is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("tx already exists")]
    Exists,
    #[error("failed to parse tx: {0} (err: {1})")]
    Parse(TransactionId, ParseError),
    #[error("failed to parse tx: zero gas price {0}")]
    Free(TransactionId),
    #[error("failed to verify tx: {0}")]
    Signature(TransactionId),
    #[error("bad nonce")]
    Nonce,
    #[error("no room")]
    Full,
}

impl Made {
    pub(super) fn take(&mut self, raw: &[u8]) -> Result<TransactionId, NotTaken> {
        let id = TransactionId::of(raw);
        if self.taken.contains_key(&id) {
            return Err(NotTaken::Exists);
        }
        let spawned = |address: &Address| self.accounts.get(address).and_then(|held| held.spawn.clone());
        let parsed = parse(raw, spawned).map_err(|error| NotTaken::Parse(id, error))?;
        if parsed.header.gas_price == 0 {
            return Err(NotTaken::Free(id));
        }
        let verified = parsed.transaction.verify(&self.network.genesis, parsed.spawn.signers());
        verified.map_err(|_| NotTaken::Signature(id))?;
        let next = self.accounts.get(&parsed.header.principal).map_or(0, |held| held.next_nonce);
        if parsed.header.nonce < next {
            return Err(NotTaken::Nonce);
        }
        if self.taken.len() >= MOST {
            return Err(NotTaken::Full);
        }
        let taken = Taken { raw: raw.to_vec(), parsed, received: self.received, result: None };
        self.received += 1;
        self.taken.insert(id, taken);
        Ok(id)
    }

    /// What waits and can be paid of one account, in the order of nonces, each with what is left after it.
    pub(super) fn feasible(&self, principal: &Address) -> Vec<(&Taken, u64)> {
        let Some(held) = self.accounts.get(principal) else { return Vec::new() };
        let mut nonces: BTreeMap<u64, Vec<&Taken>> = BTreeMap::new();
        for taken in self.taken.values().filter(|taken| taken.result.is_none()) {
            let header = &taken.parsed.header;
            if header.principal == *principal && header.nonce >= held.next_nonce {
                nonces.entry(header.nonce).or_default().push(taken);
            }
        }
        let (mut left, mut feasible) = (held.balance, Vec::new());
        for of_nonce in nonces.values() {
            let payable = of_nonce.iter().filter(|taken| most(taken) <= u128::from(left));
            // The one that pays most, and of those the first.
            let best = payable.max_by_key(|taken| (fee(taken), std::cmp::Reverse(taken.received)));
            if let Some(best) = best {
                left = left.saturating_sub(u64::try_from(most(best)).unwrap_or(u64::MAX));
                feasible.push((*best, left));
            }
            if feasible.len() == MOST_OF_ACCOUNT {
                break;
            }
        }
        feasible
    }

    /// What careful smeshers would propose.
    pub(super) fn proposed(&self) -> Vec<TransactionId> {
        let waiting = self.taken.values().filter(|taken| taken.result.is_none());
        let principals: BTreeSet<Address> = waiting.map(|taken| taken.parsed.header.principal).collect();
        let all = principals.iter().flat_map(|principal| self.feasible(principal));
        all.map(|(taken, _)| TransactionId::of(&taken.raw)).collect()
    }

    /// Everything that waits, by account and nonce, and as it came.
    pub(super) fn waiting(&self) -> Vec<TransactionId> {
        let mut all: Vec<_> = self.taken.iter().filter(|(_, taken)| taken.result.is_none()).collect();
        all.sort_by_key(|(_, taken)| {
            let header = &taken.parsed.header;
            (header.principal, header.nonce, taken.received)
        });
        all.into_iter().map(|(id, _)| *id).collect()
    }
}

/// What it pays for gas at most.
fn fee(taken: &Taken) -> u128 {
    u128::from(taken.parsed.header.max_gas) * u128::from(taken.parsed.header.gas_price)
}

/// What it takes from its account at most.
fn most(taken: &Taken) -> u128 {
    fee(taken) + u128::from(taken.parsed.header.max_spend)
}
