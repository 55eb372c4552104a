use std::collections::HashMap;

use apogee_filecoin_state::{Actor, ActorKind, StateTree};
use fvm_shared::address::{Address, Payload};

use super::check::{Check, Finding, Tally, Unknown};
use super::messages::TipsetMessages;
use super::state::StateReader;
use super::store::CheckedStore;
use crate::types::Tipset;

/// From this network version on, two addresses of one actor are one sender.
const ONE_SENDER: u32 = 13;
/// From this one on, accounts of Ethereum keys send, too.
const ETHEREUM: u32 = 18;
/// The namespace of Ethereum addresses: the id of the actor that manages them.
const ETHEREUM_ADDRESSES: u64 = 10;

/// Check that each message's sender is there and may send, and that its nonce is the sender's next one: in every block by itself, by the state
/// before the tipset (Lotus `chain/consensus`, `CheckBlockMessages`).
pub(super) fn nonces(tally: &mut Tally, state: &StateReader<'_>, tipset: &Tipset, messages: &TipsetMessages) {
    let check = Check::MessageNonce;
    let messages = match messages {
        Ok(messages) => messages,
        Err(unknown) => {
            for (cid, _) in tipset.cids_and_blocks() {
                tally.block(check, cid, Err(unknown.clone()));
            }
            return;
        }
    };
    if messages.iter().all(|messages| messages.iter().next().is_none()) {
        return;
    }
    let version = state.params.version(tipset.epoch().height());
    let tree = StateTree::open(state.store, &tipset.first().parent_state_root).map_err(Unknown::from);
    let mut accounts = Accounts { tree, version, known: HashMap::new() };
    for ((cid, _), messages) in tipset.cids_and_blocks().zip(messages) {
        if state.params.exempt_blocks.contains(&cid) {
            continue;
        }
        let mut next = HashMap::new();
        for (cid, message) in messages.iter() {
            let outcome = tally.of(check);
            match accounts.get(&message.from) {
                Ok(Ok((sender, nonce))) => {
                    let due = next.entry(sender).or_insert(nonce);
                    if *due == message.sequence {
                        *due = due.saturating_add(1);
                        outcome.pass();
                    } else {
                        let detail =
                            format!("its nonce is {} where {due} is {sender}'s next", message.sequence);
                        outcome.fail("message", Some(*cid), detail);
                    }
                }
                Ok(Err(detail)) => outcome.fail("message", Some(*cid), detail),
                Err(unknown) => outcome.skip(unknown.reason, || unknown.detail),
            }
        }
    }
}

/// Senders in one state.
struct Accounts<'a> {
    tree: Result<StateTree<'a, CheckedStore>, Unknown>,
    version: u32,
    known: HashMap<Address, Finding<(Address, u64)>>,
}

impl Accounts<'_> {
    /// The form in which a sender is counted, and its next nonce.
    fn get(&mut self, from: &Address) -> Finding<(Address, u64)> {
        if let Some(known) = self.known.get(from) {
            return known.clone();
        }
        let found = self.read(from);
        self.known.insert(*from, found.clone());
        found
    }

    fn read(&self, from: &Address) -> Finding<(Address, u64)> {
        let tree = self.tree.as_ref().map_err(Clone::clone)?;
        let nobody = || Ok(Err(format!("its sender {from} is not there")));
        let Some(id) = tree.resolve(from)? else { return nobody() };
        let Some(actor) = tree.actor(id)? else { return nobody() };
        if !may_send(tree.kind(&actor.code)?, &actor, self.version) {
            return Ok(Err(format!("its sender {from} is no account")));
        }
        let sender = if self.version >= ONE_SENDER { Address::new_id(id) } else { *from };
        Ok(Ok((sender, actor.nonce)))
    }
}

/// Whether an actor may send messages (Lotus `chain/consensus`, `IsValidForSending`).
fn may_send(kind: ActorKind, actor: &Actor, version: u32) -> bool {
    match kind {
        ActorKind::Account => true,
        ActorKind::EthAccount => version >= ETHEREUM,
        // An address that was only paid so far; its first message makes it an account.
        ActorKind::Placeholder => {
            let by_ethereum = |address: Address| match address.payload() {
                Payload::Delegated(delegated) => delegated.namespace() == ETHEREUM_ADDRESSES,
                _ => false,
            };
            version >= ETHEREUM && actor.nonce == 0 && actor.delegated.is_some_and(by_ethereum)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::car::{CarStore, Limits};
    use crate::crypto::drand::{BeaconNetwork, networks};
    use crate::source::{Blocks, CarSource};
    use crate::types::{BlockMessages, Message};
    use crate::verify::NetworkParams;
    use crate::verify::state::StateMemo;

    /// How the check of a recorded tipset goes once its messages are changed: passed, failed, and what is said.
    fn outcome(change: impl FnOnce(&mut Vec<BlockMessages>)) -> (u64, u64, Vec<String>) {
        let archive = CarStore::open(&apogee_testkit::example("devnet-a/chain.car.zst"), &Limits::DEFAULT);
        let archive = Arc::new(archive.unwrap());
        let source = CarSource::new("chain", vec![Arc::clone(&archive)]).unwrap();
        let drand = BeaconNetwork::from_chain_info(networks::MAINNET).unwrap();
        let params = NetworkParams::devnet(0, 4, 27, drand);
        let store = CheckedStore::new(archive as Arc<dyn Blocks>);
        let load = |tipset: &Tipset| -> Vec<BlockMessages> {
            tipset
                .blocks()
                .iter()
                .map(|block| BlockMessages::load(&store, &block.messages).unwrap())
                .collect()
        };
        let carries = |tipset: &&Tipset| {
            let messages = load(tipset);
            messages.len() > 1 && messages.iter().any(|messages| !messages.bls.is_empty())
        };
        let tipset = source.chain().find(carries).unwrap();
        let mut messages = load(tipset);
        change(&mut messages);
        let state = StateReader { store: &store, params: &params, memo: &mut StateMemo::default() };
        let mut tally = Tally::default();
        nonces(&mut tally, &state, tipset, &Ok(messages));
        let outcome = tally.of(Check::MessageNonce);
        (outcome.passed, outcome.failed, outcome.failures.iter().map(|one| one.detail.clone()).collect())
    }

    fn first(change: impl FnOnce(&mut Message)) -> (u64, u64, Vec<String>) {
        outcome(|blocks| {
            let block = blocks.iter_mut().find(|block| !block.bls.is_empty()).unwrap();
            change(&mut block.bls[0].1);
        })
    }

    #[test]
    fn a_wrong_nonce_and_a_sender_that_is_nobody_or_no_account_are_named() {
        let (all, failed, _) = outcome(|_| ());
        assert!(all > 0 && failed == 0);
        for (change, says) in [
            ((|message| message.sequence += 1) as fn(&mut Message), "'s next"),
            (|message| message.from = Address::new_id(1 << 40), "is not there"),
            (|message| message.from = Address::new_secp256k1(&[7; 65]).unwrap(), "is not there"),
            (|message| message.from = Address::new_id(1_000), "is no account"),
        ] {
            let (passed, failed, details) = first(change);
            assert!(failed >= 1 && passed + failed == all, "{says}: {passed} {failed}");
            assert!(details[0].contains(says), "{details:?}");
        }
    }

    #[test]
    fn nonces_go_on_within_a_block_and_begin_anew_in_each() {
        let again = |step: u64, into_another: bool| {
            let (_, failed, _) = outcome(|blocks| {
                let from = blocks.iter().position(|block| !block.bls.is_empty()).unwrap();
                let (cid, mut message) = blocks[from].bls.last().unwrap().clone();
                message.sequence += step;
                if into_another {
                    let other = (from + 1) % blocks.len();
                    blocks[other] = BlockMessages { bls: vec![], secp: vec![] };
                    blocks[other].bls.push((cid, message));
                } else {
                    blocks[from].bls.push((cid, message));
                }
            });
            failed == 0
        };
        assert!(again(1, false) && again(0, true));
        assert!(!again(0, false) && !again(2, false));
    }
}
