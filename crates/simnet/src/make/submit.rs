//! Blocks that others have mined.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use apogee_filecoin::types::{BlockHeader, BlockMessages, Tipset, TipsetKey};
use apogee_filecoin::verify::{Check, Verifier, settle};
use cid::Cid;

use super::MakeError;
use super::push::BLOCK_GAS;
use super::simulation::Simulation;
use super::state::State;
use crate::answer::Refusal;
use crate::ledger::Ledger;

/// The ledger with the blocks that came with a submission.
struct Overlay {
    ledger: Arc<Ledger>,
    more: HashMap<Cid, Vec<u8>>,
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Overlay({} blocks)", self.more.len())
    }
}

impl fvm_ipld_blockstore::Blockstore for Overlay {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.more.get(cid).cloned().or_else(|| self.ledger.block(cid)))
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("block {cid} cannot be written: a submission is only read")
    }
}

fn refused(why: impl fmt::Display) -> Refusal {
    Refusal::application(format!("the block is not valid: {why}"))
}

impl Simulation {
    /// Take a block that somebody else has mined, if it is valid, and hand back the tipset it is in: the head's if it fits there, else one of
    /// its own. The heaviest tipset is the head.
    ///
    /// # Errors
    /// When any check fails: those of the [`Verifier`], state and receipts after its parents, nonces and gas of its messages.
    pub fn submit(&self, header: &BlockHeader, messages: &BlockMessages) -> Result<Tipset, Refusal> {
        let _turn = self.turn();
        let (root, blocks) = messages.to_blocks();
        if root != header.messages {
            return Err(refused("its messages are not those it names"));
        }
        let parent = self.ledger.tipset(&TipsetKey(header.parents.clone()));
        let parent = parent.ok_or_else(|| refused("its parents are not here"))?;
        if header.is_genesis() {
            return Err(refused("there is a genesis already"));
        }
        let (state, receipts) = self.executed(&parent).map_err(refused)?;
        if (header.parent_state_root, header.parent_message_receipts) != (state, receipts) {
            return Err(refused("its parents' state or receipts are others"));
        }
        self.check_messages(&state, messages)?;
        let alone = Tipset::new(vec![header.clone()]).map_err(refused)?;
        self.check(&alone, &blocks)?;
        for (cid, bytes) in blocks {
            self.ledger.put(cid, bytes);
        }
        let head = self.ledger.head();
        let joined = Tipset::new(head.blocks().iter().chain([header]).cloned().collect());
        let tipset = joined.unwrap_or(alone);
        self.ledger.add(&tipset);
        let heavier = || Ok::<_, MakeError>(self.weight(&tipset)? > self.weight(&head)?);
        if heavier().map_err(refused)? {
            self.move_head(&tipset).map_err(refused)?;
        }
        Ok(tipset)
    }

    /// Every check of the verifier is made and passes, but that of the SNARK.
    fn check(&self, tipset: &Tipset, blocks: &[(Cid, Vec<u8>)]) -> Result<(), Refusal> {
        let more = blocks.iter().cloned().collect();
        let store = Arc::new(Overlay { ledger: Arc::clone(&self.ledger), more });
        let mut verifier = Verifier::new(store, Arc::clone(&self.params));
        let pending = vec![verifier.prepare(tipset)];
        // Whoever submits a block here is a test: it does not guess the coefficients of a batch.
        let reports = settle(&self.params, pending, &[1; 32]);
        let outcomes = reports.iter().flat_map(|report| &report.outcomes);
        let wrong = outcomes.filter(|outcome| outcome.check != Check::WinningPost).flat_map(|outcome| {
            let failed = outcome.failures.iter().map(|failure| &failure.detail);
            let details = failed.chain(outcome.not_made.iter().map(|not_made| &not_made.example));
            details.map(|detail| format!("{}: {detail}", outcome.check.name()))
        });
        let wrong: Vec<_> = wrong.collect();
        if wrong.is_empty() { Ok(()) } else { Err(refused(wrong.join("; "))) }
    }

    /// Senders, nonces and gas (Lotus `checkBlockMessages`).
    fn check_messages(&self, state: &Cid, messages: &BlockMessages) -> Result<(), Refusal> {
        let state = State::open(&self.ledger, state).map_err(refused)?;
        let (mut nonces, mut gas) = (HashMap::new(), 0_u64);
        for (cid, message) in messages.iter() {
            gas = gas.saturating_add(message.gas_limit);
            let expected = match nonces.get(&message.from) {
                Some(nonce) => *nonce,
                None => {
                    let id = state.resolve(&message.from).map_err(refused)?;
                    let actor = id.map(|id| state.get(id)).transpose().map_err(refused)?.flatten();
                    actor.ok_or_else(|| refused(format!("the sender of message {cid} is no actor")))?.nonce
                }
            };
            if message.sequence != expected {
                return Err(refused(format!(
                    "message {cid} has nonce {} instead of {expected}",
                    message.sequence
                )));
            }
            nonces.insert(message.from, expected.saturating_add(1));
        }
        if gas > BLOCK_GAS {
            return Err(refused(format!("its messages want {gas} gas, more than {BLOCK_GAS}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use apogee_filecoin::types::{BlockHeader, Tipset};
    use fvm_shared::address::Address;
    use fvm_shared::crypto::signature::Signature;
    use fvm_shared::econ::TokenAmount;

    use crate::{Recipe, Simulation};

    fn recipe() -> Recipe {
        Recipe { seed: 9, miners: 4, messages: 2, ..Recipe::default() }
    }

    fn blocks(of: &Simulation, tipset: &Tipset) -> Vec<(BlockHeader, apogee_filecoin::types::BlockMessages)> {
        tipset.blocks().iter().cloned().zip(of.messages(tipset).unwrap()).collect()
    }

    #[test]
    fn another_node_takes_every_block_and_has_the_same_head() {
        let (miner, other) = (Simulation::new(recipe()).unwrap(), Simulation::new(recipe()).unwrap());
        for _ in 0..12 {
            let tipset = miner.mine().unwrap();
            for (header, messages) in blocks(&miner, &tipset) {
                other.submit(&header, &messages).unwrap();
            }
            assert_eq!(other.ledger().head(), tipset);
        }
        // Built by other means than mining, it goes on like the first.
        assert_eq!(other.mine().unwrap(), miner.mine().unwrap());
    }

    #[test]
    fn a_block_that_its_own_miner_forged_and_signed_is_refused_for_what_is_wrong() {
        type Forge = fn(&mut BlockHeader);
        let (miner, other) = (Simulation::new(recipe()).unwrap(), Simulation::new(recipe()).unwrap());
        miner.mine().unwrap();
        let before = other.mine().unwrap();
        let tipset = miner.mine().unwrap();
        let forgeries: [(Forge, &str); 12] = [
            (|header| header.election_proof.as_mut().unwrap().win_count += 1, "win_count"),
            (|header| header.election_proof.as_mut().unwrap().vrf_proof[5] ^= 1, "election_vrf"),
            (|header| header.ticket.as_mut().unwrap().vrf_proof[5] ^= 1, "ticket_vrf"),
            (|header| header.beacon_entries[0].round += 1, "beacon"),
            (|header| header.beacon_entries.clear(), "beacon"),
            (|header| header.parent_weight += 1, "parent_weight"),
            (|header| header.timestamp += 1, "timestamp"),
            (|header| header.parent_base_fee += TokenAmount::from_atto(1), "base_fee"),
            (|header| header.bls_aggregate = Some(Signature::new_bls(vec![0; 96])), "message_signature_bls"),
            (|header| header.parent_state_root = header.messages, "state or receipts"),
            (|header| header.parent_message_receipts = header.messages, "state or receipts"),
            (|header| header.messages = header.parent_message_receipts, "messages"),
        ];
        for (header, messages) in blocks(&miner, &tipset) {
            let key = miner.people.miners.iter().find(|one| Address::new_id(one.id) == header.miner).unwrap();
            for (index, (forge, wrong)) in forgeries.iter().enumerate() {
                if *wrong == "message_signature_bls" && messages.bls.is_empty() {
                    continue;
                }
                let mut forged = header.clone();
                forge(&mut forged);
                forged.block_sig = Some(Signature::new_bls(key.worker.sign(&forged.signing_bytes())));
                let refusal = other.submit(&forged, &messages).unwrap_err();
                assert!(refusal.message.contains(wrong), "forgery {index}: {refusal}");
            }
            assert_eq!(other.ledger().head(), before, "nothing refused moves the head");
        }
    }
}
