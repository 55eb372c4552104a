//! What proofs in messages were challenged with.

use std::collections::BTreeMap;

use apogee_filecoin::crypto::{DomainSeparationTag, blake2b256, draw};
use apogee_filecoin::types::{BlockHeader, Tipset};
use apogee_filecoin::verify::NetworkParams;
use fvm_ipld_blockstore::Blockstore;

use crate::nodes::Nodes;

/// From this network version on, randomness of a null round is that of the tipset after it, and beacon entries are found by their round
/// (Lotus `chain/rand/rand.go`, `GetBeaconRandomnessV3`, `GetChainRandomnessV2`).
const BY_ROUND: u32 = 14;
/// Tipsets that an entry is looked for in (Lotus `extractBeaconEntryForEpoch`).
const SEARCH: usize = 20;
/// Tipsets that are remembered: a day of epochs. What was challenged longer ago is not checked.
const KEPT: usize = 2_880;

/// The chain below the newest tipset, as far down as it was asked for.
#[derive(Debug, Default)]
pub(super) struct Trail(BTreeMap<i64, Tipset>);

impl Trail {
    /// Make `newest` the end of the chain.
    pub(super) fn push(&mut self, newest: &Tipset) {
        let height = newest.epoch().height();
        self.0.split_off(&height);
        if self.0.last_key_value().is_some_and(|(_, last)| *last.key() != newest.parents()) {
            self.0.clear();
        }
        self.0.insert(height, newest.clone());
        while self.0.len() > KEPT {
            self.0.pop_first();
        }
    }

    /// Randomness of the beacon; `None` where the chain is not at hand so far down, or the rule is not known.
    pub(super) fn beacon(
        &mut self,
        nodes: &Nodes,
        params: &NetworkParams,
        (tag, epoch): (DomainSeparationTag, i64),
        entropy: &[u8],
    ) -> Option<[u8; 32]> {
        let due = round(params, epoch)?;
        let height = self.from(nodes, params, epoch)?.epoch().height();
        let mut height = Some(height);
        for _ in 0..SEARCH {
            let tipset = self.0.get(&height?)?;
            if let Some(entry) = tipset.first().beacon_entries.iter().find(|entry| entry.round == due) {
                return Some(draw(&entry.signature, tag, epoch, entropy));
            }
            height = self.below(nodes, height?);
        }
        None
    }

    /// Randomness of the tickets.
    pub(super) fn ticket(
        &mut self,
        nodes: &Nodes,
        params: &NetworkParams,
        (tag, epoch): (DomainSeparationTag, i64),
        entropy: &[u8],
    ) -> Option<[u8; 32]> {
        let tipset = self.from(nodes, params, epoch)?;
        let tickets = tipset.blocks().iter().filter_map(|block| block.ticket.as_ref());
        let least = tickets.min_by_key(|ticket| blake2b256(&ticket.vrf_proof))?;
        Some(draw(&least.vrf_proof, tag, epoch, entropy))
    }

    /// The first tipset at or after an epoch; before genesis it is genesis.
    fn from(&mut self, nodes: &Nodes, params: &NetworkParams, epoch: i64) -> Option<Tipset> {
        if params.version(epoch) < BY_ROUND {
            return None;
        }
        let epoch = epoch.max(0);
        while self.0.first_key_value().is_some_and(|(lowest, _)| *lowest > epoch) {
            let lowest = self.0.first_key_value().map(|(lowest, _)| *lowest)?;
            if self.0.len() >= KEPT {
                return None;
            }
            self.below(nodes, lowest)?;
        }
        self.0.range(epoch..).next().map(|(_, tipset)| tipset.clone())
    }

    /// The height of the tipset before that at `height`, which is loaded where need be.
    fn below(&mut self, nodes: &Nodes, height: i64) -> Option<i64> {
        if let Some((below, _)) = self.0.range(..height).next_back() {
            return Some(*below);
        }
        let tipset = self.0.get(&height)?;
        if tipset.first().is_genesis() {
            return None;
        }
        let headers = tipset.parents().0.into_iter().map(|cid| {
            let bytes = nodes.get(&cid).ok().flatten()?;
            BlockHeader::from_cbor(&bytes).ok()
        });
        let parent = Tipset::new(headers.collect::<Option<Vec<_>>>()?).ok()?;
        let below = parent.epoch().height();
        (below < height).then(|| self.0.insert(below, parent));
        (below < height).then_some(below)
    }
}

/// The beacon round that is due in an epoch.
fn round(params: &NetworkParams, epoch: i64) -> Option<u64> {
    let elapsed = u64::try_from(epoch.checked_sub(1)?).ok()?.checked_mul(params.block_delay)?;
    params.beacons.at(epoch)?.round_at(params.genesis_time.checked_add(elapsed)?, params.version(epoch))
}
