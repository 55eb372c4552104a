//! How miners say on the chain that they are reached.

use std::collections::BTreeMap;

use apogee_filecoin_state::{ActorKind, ReadError, StateTree};
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;

use crate::deals::{DealsError, StateAt};

/// How a miner says that it is reached: as it wrote it, of any form (`MinerInfo` of the miner actor).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Its libp2p peer id, as bytes; empty where it announces none.
    pub peer_id: Vec<u8>,
    /// Its multiaddresses, as bytes.
    pub multiaddresses: Vec<Vec<u8>>,
}

/// What these miners say in a state. Whoever is no miner there is absent. `nodes` hands out nodes that it has checked against their CIDs.
///
/// # Errors
/// A node is missing, cannot be asked for, or is malformed.
pub async fn contacts<S: Blockstore + Send + 'static>(
    nodes: S,
    at: StateAt,
    miners: Vec<ActorID>,
) -> Result<BTreeMap<ActorID, Contact>, DealsError> {
    let read = move || -> Result<_, ReadError> {
        let tree = StateTree::open(&nodes, &at.root)?;
        let mut found = BTreeMap::new();
        for id in miners {
            let Some(actor) = tree.actor(id)? else { continue };
            if tree.kind(&actor.code)? != ActorKind::Miner {
                continue;
            }
            let Some(miner) = tree.miner(id)? else { continue };
            let info = miner.info(&nodes)?;
            found.insert(id, Contact { peer_id: info.peer_id, multiaddresses: info.multiaddresses });
        }
        Ok(found)
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(DealsError::Worker)??)
}
