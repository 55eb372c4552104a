use fvm_ipld_blockstore::Blockstore;
use fvm_shared::bigint::BigInt;
use num_integer::Integer;
use num_traits::Signed;

use super::check::{Check, Reason, Tally, Unknown};
use super::params::NetworkParams;
use super::state::StateReader;
use super::store::CheckedStore;
use crate::crypto::sortition::BLOCKS_PER_EPOCH;
use crate::types::{BlockHeader, Tipset};

/// The bytes of each block are its header's and hash to its CID.
pub(super) fn cids(tally: &mut Tally, store: &CheckedStore, tipset: &Tipset) {
    for (cid, header) in tipset.cids_and_blocks() {
        let verdict = match store.get(&cid) {
            Ok(Some(bytes)) if bytes == header.to_cbor() => Ok(Ok(())),
            Ok(Some(_)) => Ok(Err("its bytes are not the canonical header".into())),
            // The header is at hand, and its CID has been computed from it: there is nothing else to compare with.
            Ok(None) => Ok(if header.cid() == cid { Ok(()) } else { Err("it hashes to another CID".into()) }),
            Err(error) => Ok(Err(error.to_string())),
        };
        tally.block(Check::HeaderCid, cid, verdict);
    }
}

/// Parents, epochs and times.
///
/// `first` says that no tipset has come before: only then may its parents be unknown.
pub(super) fn links(
    tally: &mut Tally,
    params: &NetworkParams,
    tipset: &Tipset,
    parent: &Result<Tipset, Unknown>,
    first: bool,
) {
    for (cid, header) in tipset.cids_and_blocks() {
        let links = match parent {
            Ok(parent) => Ok(link(header, parent)),
            Err(unknown) if unknown.reason == Reason::MissingParent && !first => {
                Ok(Err(unknown.detail.clone()))
            }
            Err(unknown) => Err(unknown.clone()),
        };
        tally.block(Check::ParentLinks, cid, links);
        let time = parent.as_ref().map_err(Clone::clone).map(|parent| time(params, header, parent));
        tally.block(Check::Timestamp, cid, time);
    }
}

fn link(header: &BlockHeader, parent: &Tipset) -> Result<(), String> {
    if header.parents != parent.key().0 {
        return Err(format!("its parents are not {}", parent.key()));
    }
    let (height, parent_height) = (header.height, parent.epoch().height());
    if height <= parent_height {
        return Err(format!("its epoch {height} is not above its parents' {parent_height}"));
    }
    Ok(())
}

fn time(params: &NetworkParams, header: &BlockHeader, parent: &Tipset) -> Result<(), String> {
    let earliest = parent.blocks().iter().map(|block| block.timestamp).min().unwrap_or(0);
    let epochs = u64::try_from(header.height.saturating_sub(parent.epoch().height())).unwrap_or(0);
    let wanted = epochs.checked_mul(params.block_delay).and_then(|seconds| seconds.checked_add(earliest));
    if wanted == Some(header.timestamp) {
        return Ok(());
    }
    Err(format!("its time is {} where {} is due", header.timestamp, wanted.unwrap_or(u64::MAX)))
}

/// Weights (Lotus `chain/store/weight.go`): every block of a tipset carries the parent tipset's.
pub(super) fn weights(
    tally: &mut Tally,
    state: &mut StateReader<'_>,
    tipset: &Tipset,
    parent: &Result<Tipset, Unknown>,
) {
    let weight = parent.as_ref().map_err(Clone::clone).and_then(|parent| weight(state, parent));
    for (cid, header) in tipset.cids_and_blocks() {
        let verdict = weight.as_ref().map_err(Clone::clone).map(|weight| {
            if *weight == header.parent_weight {
                return Ok(());
            }
            Err(format!("its parent weight is {} where {weight} is due", header.parent_weight))
        });
        tally.block(Check::ParentWeight, cid, verdict);
    }
}

fn weight(state: &mut StateReader<'_>, tipset: &Tipset) -> Result<BigInt, Unknown> {
    let first = tipset.first();
    let power = state.power(&first.parent_state_root)?;
    let total = &power.total().qa;
    if !total.is_positive() {
        return Err(Unknown::new(Reason::UnknownRule, "the network has no power"));
    }
    let log = BigInt::from(total.bits() - 1);
    let wins: i64 = tipset
        .blocks()
        .iter()
        .filter_map(|block| block.election_proof.as_ref())
        .map(|proof| proof.win_count)
        .fold(0, i64::saturating_add);
    let by_wins = ((&log << 8_u32) * wins).div_floor(&BigInt::from(BLOCKS_PER_EPOCH * 2));
    Ok(&first.parent_weight + (log << 8_u32) + by_wins)
}

/// What Lotus refuses before anything else: a block without ticket, proof or signatures, or from no ID address.
pub(super) fn sanity(header: &BlockHeader) -> Result<u64, String> {
    let missing = [
        (header.ticket.is_none(), "ticket"),
        (header.election_proof.is_none(), "election proof"),
        (header.block_sig.is_none(), "signature"),
        (header.bls_aggregate.is_none(), "aggregate signature"),
    ];
    if let Some((_, what)) = missing.into_iter().find(|(missing, _)| *missing) {
        return Err(format!("it has no {what}"));
    }
    header.miner_id().ok_or_else(|| format!("its miner {} is no ID address", header.miner))
}

/// CBOR of a miner's address: the entropy of all draws that concern it.
pub(super) fn miner_entropy(header: &BlockHeader) -> Vec<u8> {
    // A byte string: serialising into memory has no way to fail.
    fvm_ipld_encoding::to_vec(&header.miner).unwrap_or_default()
}
