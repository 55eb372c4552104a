//! Beacon entries (Lotus `chain/beacon/beacon.go`, `ValidateBlockValues`).

use cid::Cid;

use super::check::{Check, Reason, Tally, Unknown};
use super::params::NetworkParams;
use super::verifier::{BlsBatch, SigBatch, Tag};
use crate::crypto::drand::{BeaconKey, BeaconNetwork, chained_message, unchained_message};
use crate::types::{BeaconEntry, BlockHeader, Tipset};

/// Where the signatures of beacon entries go.
pub(super) struct Sink<'a> {
    pub(super) tally: &'a mut Tally,
    pub(super) chained: &'a mut BlsBatch,
    pub(super) unchained: &'a mut SigBatch,
}

/// Check the rounds of every block and collect the signatures of the different entries of the tipset.
pub(super) fn entries(
    sink: &mut Sink<'_>,
    params: &NetworkParams,
    tipset: &Tipset,
    parent: &Result<Tipset, Unknown>,
    previous: &Result<BeaconEntry, Unknown>,
) {
    let mut seen: Vec<&[BeaconEntry]> = Vec::new();
    for (cid, header) in tipset.cids_and_blocks() {
        // Blocks of a tipset carry the same entries; each different list is checked once.
        if seen.contains(&header.beacon_entries.as_slice()) {
            continue;
        }
        seen.push(&header.beacon_entries);
        match parent {
            Ok(parent) => block(sink, params, cid, header, parent.epoch().height(), previous),
            Err(unknown) => {
                for _ in &header.beacon_entries {
                    sink.tally.block(Check::Beacon, cid, Err(unknown.clone()));
                }
            }
        }
    }
}

fn block(
    sink: &mut Sink<'_>,
    params: &NetworkParams,
    cid: Cid,
    header: &BlockHeader,
    parent_height: i64,
    previous: &Result<BeaconEntry, Unknown>,
) {
    let entries = &header.beacon_entries;
    let Some(network) = params.beacons.at(header.height) else {
        let unknown =
            Unknown::new(Reason::UnknownRule, format!("no beacon network for epoch {}", header.height));
        sink.tally.block(Check::Beacon, cid, Err(unknown));
        return;
    };
    let switched = params.beacons.since(header.height) != params.beacons.since(parent_height);
    if switched && network.is_chained() {
        // Two entries at a switch: the first is taken as it is, the second must follow it.
        match entries.as_slice() {
            [before, entry] => sign(sink, network, cid, before, entry),
            _ => fail(
                sink,
                cid,
                format!("two entries are due where the beacon changes, not {}", entries.len()),
            ),
        }
        return;
    }
    let previous = match previous {
        Ok(previous) => previous,
        Err(unknown) => {
            sink.tally.block(Check::Beacon, cid, Err(unknown.clone()));
            return;
        }
    };
    let due = |epoch: i64| round(params, network, epoch);
    let last_due = due(header.height);
    if last_due == Some(previous.round) {
        if !entries.is_empty() {
            fail(sink, cid, format!("no entry is due, round {} has been there before", previous.round));
        }
        return;
    }
    let Some(last) = entries.last() else {
        fail(sink, cid, "it has no beacon entry".into());
        return;
    };
    // The first entry after genesis has nothing to follow: consensus takes it as it is.
    if network.is_chained() && previous.round == 0 {
        let example = || format!("round {} is the first one, there is none it could follow", last.round);
        sink.tally.of(Check::Beacon).skip(Reason::MissingBeacon, example);
        return;
    }
    if Some(last.round) != last_due {
        fail(sink, cid, format!("its last beacon round is {} where {last_due:?} is due", last.round));
        return;
    }
    if !network.is_chained() {
        let epochs = (parent_height..).skip(1).zip(entries);
        if let Some((epoch, entry)) =
            epochs.into_iter().find(|(epoch, entry)| due(*epoch) != Some(entry.round))
        {
            fail(sink, cid, format!("round {} where {:?} is due for epoch {epoch}", entry.round, due(epoch)));
            return;
        }
        let epochs = usize::try_from(header.height.saturating_sub(parent_height)).unwrap_or(usize::MAX);
        if entries.len() != epochs {
            fail(sink, cid, format!("{} entries for {epochs} epochs", entries.len()));
            return;
        }
    }
    let mut before = previous;
    for entry in entries {
        sign(sink, network, cid, before, entry);
        before = entry;
    }
}

/// The newest round that a block of this epoch carries.
fn round(params: &NetworkParams, network: &BeaconNetwork, epoch: i64) -> Option<u64> {
    let elapsed = u64::try_from(epoch.checked_sub(1)?).ok()?.checked_mul(params.block_delay)?;
    network.round_at(params.genesis_time.checked_add(elapsed)?, params.version(epoch))
}

fn sign(sink: &mut Sink<'_>, network: &BeaconNetwork, cid: Cid, before: &BeaconEntry, entry: &BeaconEntry) {
    let tag = Tag {
        check: Check::Beacon,
        what: "block",
        cid,
        detail: Some(format!("beacon round {}", entry.round)),
    };
    match network.key {
        BeaconKey::Chained(key) => {
            if entry.round <= before.round {
                fail(sink, cid, format!("round {} does not follow {}", entry.round, before.round));
                return;
            }
            sink.chained.push(tag, key, chained_message(&before.signature, entry.round), &entry.signature);
        }
        BeaconKey::Unchained(key) => {
            sink.unchained.push(tag, key, unchained_message(entry.round), &entry.signature);
        }
    }
}

fn fail(sink: &mut Sink<'_>, cid: Cid, detail: String) {
    sink.tally.of(Check::Beacon).fail("block", Some(cid), detail);
}
