use apogee_domain::Value;
use apogee_domain::series::{BASE_FEE, BEACON_ROUNDS, BLOCKS_WON, NETWORK_VERSION, NULL_ROUNDS, WINCOUNT};
use apogee_domain::{Epoch, Subject};
use apogee_filecoin::types::Tipset;

use super::{Names, atto};
use crate::fold::{Flow, Level};

/// What the headers of a tipset say about its own epoch.
pub(crate) fn levels(tipset: &Tipset, version: u32) -> Vec<Level> {
    let fee = atto(&tipset.first().parent_base_fee).map(Value);
    vec![
        Level::Set(BASE_FEE, Subject::network(), fee),
        Level::Set(NETWORK_VERSION, Subject::network(), Some(Value::from(u64::from(version)))),
    ]
}

/// Blocks, wins and beacon rounds of a tipset. Genesis, which nobody mined, has none.
pub(crate) fn flows(tipset: &Tipset, names: &Names) -> Vec<Flow> {
    if tipset.first().is_genesis() {
        return Vec::new();
    }
    let epoch = tipset.epoch();
    let rounds = u128::try_from(tipset.first().beacon_entries.len()).ok();
    let mut flows = vec![Flow::Add(BEACON_ROUNDS, Subject::network(), epoch, rounds)];
    for block in tipset.blocks() {
        let Some(miner) = block.miner_id().map(|id| names.miner(id)) else { continue };
        let wins = block.election_proof.as_ref().map_or(0, |proof| proof.win_count);
        flows.push(Flow::Add(BLOCKS_WON, miner.clone(), epoch, Some(1)));
        flows.push(Flow::Add(WINCOUNT, miner, epoch, u128::try_from(wins).ok()));
    }
    flows
}

/// A round without a block.
pub(crate) fn null_round(epoch: Epoch) -> Flow {
    Flow::Add(NULL_ROUNDS, Subject::network(), epoch, Some(1))
}
