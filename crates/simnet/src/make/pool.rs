use std::collections::{BTreeMap, HashMap};

use apogee_filecoin::types::{Message, SignedMessage};
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::bigint::{BigInt, Integer};
use fvm_shared::econ::TokenAmount;

/// How far a nonce may be ahead of the next one (Lotus `messagepool.MaxNonceGap`).
const NONCE_GAP: u64 = 4;
/// Messages of one sender (Lotus `MaxActorPendingMessages`).
const PENDING_OF_ONE: usize = 1_000;
/// A replacement's premium, hundredths of the old one (Lotus `ReplaceByFeePercentageMinimum`).
const REPLACE_BY_FEE: u64 = 110;

/// Why a message does not get into the pool; nonces and premiums say what would have been right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    NonceGap { expected: u64 },
    ReplacedInGap { expected: u64 },
    Premium { least: TokenAmount },
    Known,
    Full,
}

/// What a message may cost its sender beyond its value.
pub(super) fn most_gas(message: &Message) -> TokenAmount {
    message.gas_fee_cap.clone() * BigInt::from(message.gas_limit)
}

/// Messages that wait for a block.
#[derive(Debug, Default)]
pub(super) struct Pool {
    waiting: BTreeMap<Address, BTreeMap<u64, SignedMessage>>,
    /// Premium below which no miner takes a message.
    pub(super) least_premium: TokenAmount,
    /// Every message that ever was here: on the chain a BLS message has lost its signature.
    seen: HashMap<Cid, SignedMessage>,
}

/// The least premium that replaces a message of `premium` (Lotus `ComputeMinRBF`).
pub(super) fn least_replacement(premium: &TokenAmount) -> TokenAmount {
    let hundredths = premium * REPLACE_BY_FEE;
    TokenAmount::from_atto(hundredths.atto().div_floor(&100.into()) + 1_u32)
}

impl Pool {
    /// All messages, by sender and nonce.
    pub(super) fn pending(&self) -> Vec<SignedMessage> {
        self.waiting.values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// A sender's messages from `nonce` on, without a gap.
    pub(super) fn ready(&self, sender: &Address, nonce: u64) -> impl Iterator<Item = &SignedMessage> {
        let own = self.waiting.get(sender);
        (nonce..).map_while(move |nonce| own.and_then(|own| own.get(&nonce)))
    }

    pub(super) fn senders(&self) -> impl Iterator<Item = &Address> {
        self.waiting.keys()
    }

    /// The nonce of the sender's next message where the chain expects `nonce`.
    pub(super) fn next_nonce(&self, sender: &Address, nonce: u64) -> u64 {
        self.ready(sender, nonce).last().map_or(nonce, |last| last.message.sequence.saturating_add(1))
    }

    /// What gas may cost the sender's messages in the pool besides that of `nonce`.
    pub(super) fn gas_of_others(&self, sender: &Address, nonce: u64) -> TokenAmount {
        let own = self.waiting.get(sender).into_iter().flatten();
        own.filter(|(other, _)| **other != nonce).map(|(_, signed)| most_gas(&signed.message)).sum()
    }

    /// Take a message whose nonce is not below `nonce`, the one that the chain expects.
    pub(super) fn add(&mut self, signed: SignedMessage, nonce: u64) -> Result<(), Rejected> {
        let message = &signed.message;
        let expected = self.next_nonce(&message.from, nonce);
        if message.sequence > expected.saturating_add(NONCE_GAP) {
            return Err(Rejected::NonceGap { expected });
        }
        let own = self.waiting.entry(message.from).or_default();
        if let Some(old) = own.get(&message.sequence) {
            if message.sequence > expected {
                return Err(Rejected::ReplacedInGap { expected });
            }
            if old.cid() == signed.cid() {
                return Err(Rejected::Known);
            }
            let least = least_replacement(&old.message.gas_premium);
            if message.gas_premium < least {
                return Err(Rejected::Premium { least });
            }
        } else if own.len() >= PENDING_OF_ONE {
            return Err(Rejected::Full);
        }
        self.seen.insert(signed.cid(), signed.clone());
        own.insert(message.sequence, signed);
        Ok(())
    }

    /// Forget a message that waits, as a node does that restarts or has too many. Whether there was one.
    pub(super) fn evict(&mut self, cid: &Cid) -> bool {
        let place = self.waiting.iter().find_map(|(sender, own)| {
            own.iter().find(|(_, signed)| signed.cid() == *cid).map(|(nonce, _)| (*sender, *nonce))
        });
        let Some((sender, nonce)) = place else { return false };
        self.applied(&sender, nonce);
        true
    }

    /// A message has left the chain: it waits again, unless another one does in its place.
    pub(super) fn reverted(&mut self, cid: &Cid) {
        if let Some(signed) = self.seen.get(cid).cloned() {
            let own = self.waiting.entry(signed.message.from).or_default();
            own.entry(signed.message.sequence).or_insert(signed);
        }
    }

    /// The chain holds a message of that sender and nonce.
    pub(super) fn applied(&mut self, sender: &Address, nonce: u64) {
        if let Some(own) = self.waiting.get_mut(sender) {
            own.remove(&nonce);
            if own.is_empty() {
                self.waiting.remove(sender);
            }
        }
    }
}
