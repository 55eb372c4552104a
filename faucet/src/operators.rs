//! Who operates storage miners.

use std::collections::{BTreeMap, BTreeSet};

use apogee_filecoin_state::{Miner, ReadError, StateTree};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::ActorID;
use fvm_shared::address::Payload;

/// Miners that cannot be read before nothing more is read: then it is not the miners, but whoever is asked for state.
const MOST_UNREAD: usize = 16;

/// Owners, workers and control addresses of miners in a state, by the ids of their actors.
///
/// Whoever is not known to operate a miner does not: of a miner that could not be read nobody is.
#[derive(Clone, Debug, Default)]
pub struct Operators {
    /// The state of each miner that was read, and who operates it.
    miners: BTreeMap<ActorID, (Cid, Vec<ActorID>)>,
    all: BTreeSet<ActorID>,
}

impl Operators {
    /// Those of `miners` in a state. What was read `before` is not read again where a miner has not changed.
    ///
    /// # Errors
    /// The state cannot be read at all, or not for many miners.
    pub fn read<BS: Blockstore>(
        store: &BS,
        state: &Cid,
        miners: &BTreeSet<ActorID>,
        before: &Self,
    ) -> Result<Self, ReadError> {
        let tree = StateTree::open(store, state)?;
        let (mut read, mut unread) = (Self::default(), 0);
        for id in miners {
            match operated(&tree, *id, before) {
                Ok(Some((head, operators))) => {
                    read.all.extend(&operators);
                    read.miners.insert(*id, (head, operators));
                }
                Ok(None) => {}
                Err(error) => {
                    unread += 1;
                    if unread > MOST_UNREAD {
                        return Err(error);
                    }
                }
            }
        }
        Ok(read)
    }

    /// Whether an actor is known to operate one of the miners.
    #[must_use]
    pub fn has(&self, actor: ActorID) -> bool {
        self.all.contains(&actor)
    }

    /// How many miners were read.
    #[must_use]
    pub fn miners(&self) -> usize {
        self.miners.len()
    }
}

type Operated = Option<(Cid, Vec<ActorID>)>;

fn operated<BS: Blockstore>(
    tree: &StateTree<'_, BS>,
    id: ActorID,
    before: &Operators,
) -> Result<Operated, ReadError> {
    let Some(actor) = tree.actor(id)? else { return Ok(None) };
    if let Some(known) = before.miners.get(&id).filter(|(head, _)| *head == actor.state) {
        return Ok(Some(known.clone()));
    }
    let Some(miner): Option<Miner> = tree.miner(id)? else { return Ok(None) };
    let info = miner.info(tree.store())?;
    let all = [info.owner, info.worker].into_iter().chain(info.control);
    let ids = all.filter_map(|address| match address.payload() {
        Payload::ID(id) => Some(*id),
        _ => None,
    });
    Ok(Some((actor.state, ids.collect())))
}
