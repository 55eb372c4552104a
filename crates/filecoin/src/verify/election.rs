//! Elections: signatures and VRFs of the worker, wins and eligibility (Lotus `chain/consensus/filcns/filecoin.go`).

use std::sync::Arc;

use apogee_filecoin_state::Ineligible;
use cid::Cid;

use super::check::{Check, Finding, Reason, Tally, Unknown};
use super::header::miner_entropy;
use super::history::Lookback;
use super::state::{StateReader, Voter};
use super::verifier::{BlsBatch, Tag};
use crate::crypto::{DomainSeparationTag, draw, sortition};
use crate::types::{BeaconEntry, BlockHeader, Tipset};

/// What elections of one tipset have in common.
pub(super) struct Election<'a> {
    pub(super) parent: &'a Result<Tipset, Unknown>,
    pub(super) lookback: &'a Result<Lookback, Unknown>,
    /// The newest beacon entry before the tipset.
    pub(super) beacon: &'a Result<BeaconEntry, Unknown>,
    /// State to be used where that of the look-back is missing.
    pub(super) assumed_state: Option<Cid>,
}

/// All checks of one block that need its worker, power or beacon. `miner` is the block's miner.
pub(super) fn block(
    tally: &mut Tally,
    batch: &mut BlsBatch,
    state: &mut StateReader<'_>,
    election: &Election<'_>,
    (cid, header, miner): (Cid, &BlockHeader, u64),
) {
    tally.block(Check::MinerEligible, cid, eligible(state, election, header, miner));
    let voter = match voter(state, election, miner) {
        Ok(Ok(voter)) => voter,
        wrong_or_unknown => {
            for check in [Check::BlockSignature, Check::ElectionVrf, Check::WinCount, Check::TicketVrf] {
                tally.block(check, cid, wrong_or_unknown.clone().map(|voter| voter.map(drop)));
            }
            return;
        }
    };
    let mut push = |check, message: Vec<u8>, signature: &[u8]| {
        batch.push(Tag { check, what: "block", cid, detail: None }, voter.key, message, signature);
    };
    match &header.block_sig {
        Some(signature) if signature.sig_type == fvm_shared::crypto::signature::SignatureType::BLS => {
            push(Check::BlockSignature, header.signing_bytes(), &signature.bytes);
        }
        _ => tally.block(Check::BlockSignature, cid, Ok(Err("its signature is not BLS".into()))),
    }
    let vrf = header.election_proof.as_ref().map_or(&[][..], |proof| &proof.vrf_proof);
    let claimed = header.election_proof.as_ref().map_or(0, |proof| proof.win_count);
    let wins = sortition::win_count(vrf, &voter.power, &voter.total)
        .ok_or_else(|| Unknown::new(Reason::UnknownRule, "the network has no power"));
    tally.block(
        Check::WinCount,
        cid,
        wins.map(|wins| match wins {
            wins if claimed < 1 => {
                Err(format!("it claims {claimed} wins, but a block needs one; {wins} follow"))
            }
            wins if wins != claimed => Err(format!("it claims {claimed} wins where {wins} follow")),
            _ => Ok(()),
        }),
    );
    let base = match randomness_base(election, header) {
        Ok(base) => base,
        Err(unknown) => {
            for check in [Check::ElectionVrf, Check::TicketVrf] {
                tally.block(check, cid, Err(unknown.clone()));
            }
            return;
        }
    };
    let mut entropy = miner_entropy(header);
    let drawn = draw(base, DomainSeparationTag::ElectionProofProduction, header.height, &entropy);
    push(Check::ElectionVrf, drawn.to_vec(), vrf);
    match ticket_entropy(state, election, header) {
        Ok(parent_ticket) => {
            entropy.extend_from_slice(parent_ticket);
            let round = header.height.saturating_sub(1);
            let drawn = draw(base, DomainSeparationTag::TicketProduction, round, &entropy);
            let ticket = header.ticket.as_ref().map_or(&[][..], |ticket| &ticket.vrf_proof);
            push(Check::TicketVrf, drawn.to_vec(), ticket);
        }
        Err(unknown) => tally.block(Check::TicketVrf, cid, Err(unknown)),
    }
}

/// The miner's worker and power in the look-back state.
fn voter(state: &mut StateReader<'_>, election: &Election<'_>, miner: u64) -> Finding<Arc<Voter>> {
    let lookback = election.lookback.as_ref().map_err(Clone::clone)?;
    match (state.voter(&lookback.state, miner), election.assumed_state) {
        (Err(unknown), Some(assumed)) if unknown.reason == Reason::MissingState => {
            state.voter(&assumed, miner)
        }
        (voter, _) => voter,
    }
}

/// The signature that all of a block's randomness is drawn from: its own newest beacon entry, else the chain's.
pub(super) fn randomness_base<'a>(
    election: &'a Election<'_>,
    header: &'a BlockHeader,
) -> Result<&'a [u8], Unknown> {
    match header.beacon_entries.last() {
        Some(entry) => Ok(&entry.signature),
        None => election.beacon.as_ref().map(|entry| &entry.signature[..]).map_err(Clone::clone),
    }
}

/// Since Smoke the smallest ticket of the parent tipset goes into the next one.
fn ticket_entropy<'a>(
    state: &StateReader<'_>,
    election: &'a Election<'_>,
    header: &BlockHeader,
) -> Result<&'a [u8], Unknown> {
    const SMOKE: u32 = 2;
    if state.params.upgrade_height(SMOKE).is_none_or(|smoke| header.height <= smoke) {
        return Ok(&[]);
    }
    let parent = election.parent.as_ref().map_err(Clone::clone)?;
    Ok(parent.first().ticket.as_ref().map_or(&[], |ticket| &ticket.vrf_proof))
}

/// Lotus `stmgr.MinerEligibleToMine`, and that the miner has a claim at all.
fn eligible(
    state: &mut StateReader<'_>,
    election: &Election<'_>,
    header: &BlockHeader,
    miner: u64,
) -> Finding<()> {
    let parent = election.parent.as_ref().map_err(Clone::clone)?;
    let lookback = election.lookback.as_ref().map_err(Clone::clone)?;
    // Not the look-back state: for historical reasons the one before it.
    let power = state.power(&lookback.tipset.first().parent_state_root)?;
    let claim = state.claim(&power, miner)?;
    if !claim.is_some_and(|claim| state.meets_minimum(&power, &claim)) {
        return Ok(Err(format!("{} lacks the least power in the look-back state", header.miner)));
    }
    let (root, height) = (parent.first().parent_state_root, parent.epoch().height());
    let why = state.ineligible(&root, miner, height)?;
    // Up to network version 3 only the claim itself was wanted.
    let why = why.filter(|why| *why == Ineligible::NoClaim || state.params.version(height) > 3);
    Ok(why.map_or(Ok(()), |why| {
        Err(match why {
            Ineligible::NoClaim => format!("{} has no claim", header.miner),
            Ineligible::NoPower => format!("{} has no power", header.miner),
            Ineligible::FeeDebt => format!("{} owes fees", header.miner),
            Ineligible::ConsensusFault(until) => {
                format!("{} is barred for a fault until {until}", header.miner)
            }
        })
    }))
}
