//! One epoch: beacon, elections, tickets, blocks.

use apogee_filecoin::crypto::sortition::{BLOCKS_PER_EPOCH, win_count};
use apogee_filecoin::crypto::{DomainSeparationTag, draw};
use apogee_filecoin::types::{BeaconEntry, BlockHeader, BlockMessages, ElectionProof, Ticket, Tipset};
use apogee_filecoin::verify::{base_fee_from_premiums, base_fee_from_utilization};
use apogee_filecoin_state::StateTree;
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use fvm_shared::crypto::signature::Signature;
use fvm_shared::econ::TokenAmount;

use super::MakeError;
use super::genesis::Miner;
use super::keys::{aggregate, derive};
use super::simulation::Simulation;
use super::traffic::Offer;

/// Epochs without a winner before it is clear that there will be none.
const PATIENCE: i64 = 1_000;
/// The network version since which the base fee follows premiums.
const FIRE_HORSE: u32 = 28;

/// How the blocks of an epoch differ from those that would be mined anyway.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    /// Goes into the headers' reserved field, so that the same miners' blocks of two branches differ.
    pub(super) branch: u64,
}

/// A miner that has won.
struct Winner<'a> {
    miner: &'a Miner,
    election: ElectionProof,
    ticket: Ticket,
}

/// What all blocks of an epoch share.
struct Common {
    entries: Vec<BeaconEntry>,
    state: Cid,
    receipts: Cid,
    weight: BigInt,
    base_fee: TokenAmount,
    timestamp: u64,
}

impl Simulation {
    /// Mine on `parent` the first epoch from `epoch` on that somebody wins; the head stays where it is.
    pub(super) fn mine_on(&self, parent: &Tipset, epoch: i64, round: &Round) -> Result<Tipset, MakeError> {
        for epoch in epoch..epoch.saturating_add(PATIENCE) {
            if self.is_quiet(epoch) {
                continue;
            }
            if let Some(tipset) = self.mine_epoch(parent, epoch, round)? {
                return Ok(tipset);
            }
        }
        Err(MakeError::state("nobody wins any more"))
    }

    /// Whether the recipe wants a null round here.
    fn is_quiet(&self, epoch: i64) -> bool {
        let [first, second, ..] = derive(self.recipe.seed, "null rounds", epoch.unsigned_abs());
        u32::from(u16::from_be_bytes([first, second])) % 1_000 < self.recipe.null_rounds
    }

    fn mine_epoch(&self, parent: &Tipset, epoch: i64, round: &Round) -> Result<Option<Tipset>, MakeError> {
        let entries = self.entries(parent, epoch)?;
        let (state, receipts) = self.executed(parent)?;
        let winners = self.winners(parent, epoch, state, &entries)?;
        if winners.is_empty() {
            return Ok(None);
        }
        let epochs = u64::try_from(epoch - parent.epoch().height()).unwrap_or(0);
        let common = Common {
            entries,
            state,
            receipts,
            weight: self.weight(parent)?,
            base_fee: self.base_fee(parent)?,
            timestamp: parent.first().timestamp + epochs * self.recipe.block_delay,
        };
        let offers = self.offers(epoch, winners.len(), &common.base_fee, state)?;
        let mut blocks = Vec::new();
        for (winner, offers) in winners.into_iter().zip(offers) {
            blocks.push(self.block(parent, epoch, round, &common, winner, &offers)?);
        }
        let tipset = Tipset::new(blocks).map_err(MakeError::state)?;
        self.ledger.add(&tipset);
        self.calendar().mined(round.branch, epoch);
        Ok(Some(tipset))
    }

    fn block(
        &self,
        parent: &Tipset,
        epoch: i64,
        round: &Round,
        common: &Common,
        winner: Winner<'_>,
        offers: &[Offer],
    ) -> Result<BlockHeader, MakeError> {
        let mut messages = BlockMessages::default();
        let mut signatures = Vec::new();
        for Offer { cid, signed } in offers {
            if signed.signature.kind == apogee_filecoin::types::SignatureKind::Bls {
                messages.bls.push((*cid, signed.message.clone()));
                signatures.push(signed.signature.bytes.as_slice());
            } else {
                messages.secp.push((*cid, signed.clone()));
            }
        }
        let (root, written) = messages.to_blocks();
        for (cid, bytes) in written {
            self.ledger.put(cid, bytes);
        }
        let mut header = BlockHeader {
            miner: Address::new_id(winner.miner.id),
            ticket: Some(winner.ticket),
            election_proof: Some(winner.election),
            beacon_entries: common.entries.clone(),
            winning_post_proof: vec![],
            parents: parent.key().0.clone(),
            parent_weight: common.weight.clone(),
            height: epoch,
            parent_state_root: common.state,
            parent_message_receipts: common.receipts,
            messages: root,
            bls_aggregate: Some(Signature::new_bls(aggregate(&signatures)?)),
            timestamp: common.timestamp,
            block_sig: None,
            fork_signaling: round.branch,
            parent_base_fee: common.base_fee.clone(),
        };
        header.block_sig = Some(Signature::new_bls(winner.miner.worker.sign(&header.signing_bytes())));
        Ok(header)
    }

    /// The beacon's rounds of the epochs since `parent`.
    fn entries(&self, parent: &Tipset, epoch: i64) -> Result<Vec<BeaconEntry>, MakeError> {
        let network = self.params.beacons.at(epoch).ok_or_else(|| MakeError::state("there is no beacon"))?;
        let from = parent.epoch().height().saturating_add(1);
        let entry = |epoch: i64| {
            let elapsed = u64::try_from(epoch - 1).unwrap_or(0) * self.recipe.block_delay;
            let round = network.round_at(self.recipe.genesis_time + elapsed, self.recipe.network_version);
            let round = round.ok_or_else(|| MakeError::state("the beacon has not begun"))?;
            Ok(BeaconEntry { round, signature: self.beacon.round(round) })
        };
        (from..=epoch).map(entry).collect()
    }

    /// Who wins the epoch, by ticket.
    fn winners(
        &self,
        parent: &Tipset,
        epoch: i64,
        state: Cid,
        entries: &[BeaconEntry],
    ) -> Result<Vec<Winner<'_>>, MakeError> {
        let base = entries.last().map(|entry| entry.signature.as_slice()).unwrap_or_default();
        let (lookback, lookback_state) = self.lookback(parent, epoch, state)?;
        let power = |root: &Cid| {
            StateTree::open(&*self.ledger, root).and_then(|tree| tree.power()).map_err(MakeError::state)
        };
        let power_then = power(&lookback_state)?;
        let claims = power_then.claims(&*self.ledger).map_err(MakeError::state)?;
        // Eligibility is one state older: see `Verifier`.
        let power_before = power(&lookback.first().parent_state_root)?;
        let now =
            StateTree::open(&*self.ledger, &parent.first().parent_state_root).map_err(MakeError::state)?;
        let smallest = parent.first().ticket.as_ref().map_or(&[][..], |ticket| &ticket.vrf_proof);
        let mut winners = Vec::new();
        for miner in &self.people.miners {
            let mut entropy =
                fvm_ipld_encoding::to_vec(&Address::new_id(miner.id)).map_err(MakeError::state)?;
            let vrf =
                miner.worker.sign(&draw(base, DomainSeparationTag::ElectionProofProduction, epoch, &entropy));
            let Ok(claim) = claims.binary_search_by_key(&miner.id, |(id, _)| *id) else { continue };
            let Some((_, claim)) = claims.get(claim) else { continue };
            let wins = win_count(&vrf, &claim.power.qa, &power_then.total().qa).unwrap_or(0);
            if wins < 1 {
                continue;
            }
            let before = power_before.claim(&*self.ledger, miner.id).map_err(MakeError::state)?;
            let powerful = before.is_some_and(|claim| {
                power_before.meets_minimum(&claim, &self.params.min_power, self.params.min_miners)
            });
            let barred = now.ineligible(miner.id, parent.epoch().height()).map_err(MakeError::state)?;
            if !powerful || barred.is_some() {
                continue;
            }
            entropy.extend_from_slice(smallest);
            let drawn = draw(base, DomainSeparationTag::TicketProduction, epoch - 1, &entropy);
            winners.push(Winner {
                miner,
                election: ElectionProof { win_count: wins, vrf_proof: vrf },
                ticket: Ticket { vrf_proof: miner.worker.sign(&drawn) },
            });
        }
        winners.sort_by_cached_key(|winner| winner.ticket.digest());
        Ok(winners)
    }

    /// Where elections of `epoch` on `parent`, whose state is `state`, look back to, and the state after that tipset.
    fn lookback(&self, parent: &Tipset, epoch: i64, state: Cid) -> Result<(Tipset, Cid), MakeError> {
        let target = (epoch - self.params.lookback(epoch)).max(0);
        let (mut at, mut state) = (parent.clone(), state);
        while at.epoch().height() > target {
            state = at.first().parent_state_root;
            at = self.parent(&at)?;
        }
        Ok((at, state))
    }

    /// Weight of the chain that ends with this tipset (specification, "Chain Weighting").
    pub(super) fn weight(&self, tipset: &Tipset) -> Result<BigInt, MakeError> {
        let first = tipset.first();
        let tree = StateTree::open(&*self.ledger, &first.parent_state_root).map_err(MakeError::state)?;
        let power = tree.power().map_err(MakeError::state)?.total().qa.clone();
        let log = BigInt::from(power.bits().saturating_sub(1)) << 8_u32;
        let proofs = tipset.blocks().iter().filter_map(|block| block.election_proof.as_ref());
        let wins: i64 = proofs.map(|proof| proof.win_count).sum();
        let by_wins = (&log * wins) / BigInt::from(BLOCKS_PER_EPOCH * 2);
        Ok(&first.parent_weight + log + by_wins)
    }

    /// The base fee of blocks on this tipset.
    pub(super) fn base_fee(&self, tipset: &Tipset) -> Result<TokenAmount, MakeError> {
        let (fee, messages) = (&tipset.first().parent_base_fee, self.messages(tipset)?);
        if self.recipe.network_version >= FIRE_HORSE {
            return Ok(base_fee_from_premiums(fee, &messages));
        }
        let next = base_fee_from_utilization(fee, &messages, true);
        next.ok_or_else(|| MakeError::state("a tipset without blocks"))
    }
}
