//! Who smeshes, what they earned, and who was caught.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use apogee_spacemesh::atx::Atx;
use apogee_spacemesh::id::{AtxId, EpochId, SmesherId};
use apogee_spacemesh::reward::{Amount, Reward};

use crate::cells::Cells;
use crate::error::ReadError;
use crate::mesh::bounds;
use crate::state::{Layers, State};

const ATX: &[&str] = &[
    "id",
    "epoch",
    "effective_num_units",
    "nonce",
    "base_tick_height",
    "tick_count",
    "pubkey",
    "coinbase",
    "weight",
];
const REWARD: &[&str] = &["pubkey", "coinbase", "layer", "total_reward", "layer_reward"];

impl State {
    /// Activations that were published in these epochs, by epoch and name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn activations(&self, published: &RangeInclusive<EpochId>) -> Result<Vec<Atx>, ReadError> {
        let epochs = [published.start().0, published.end().0];
        self.rows("atxs", ATX, "WHERE epoch BETWEEN ?1 AND ?2 ORDER BY epoch, id", epochs, atx)
    }

    /// One activation.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn activation(&self, id: &AtxId) -> Result<Option<Atx>, ReadError> {
        Ok(self.rows("atxs", ATX, "WHERE id = ?1", [id.0], atx)?.pop())
    }

    /// Rewards as the node tells them, by layer and smesher.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn rewards(&self, layers: &Layers) -> Result<Vec<Reward>, ReadError> {
        let rest = "WHERE layer BETWEEN ?1 AND ?2 ORDER BY layer, pubkey";
        self.rows("rewards", REWARD, rest, bounds(layers), |cells| {
            Ok(Reward {
                smesher: SmesherId(cells.array(0)?),
                coinbase: cells.address(1)?,
                layer: cells.layer(2)?,
                amount: Amount { total: cells.u64(3)?, subsidy: cells.u64(4)? },
            })
        })
    }

    /// Smeshers that broke the rules, with when the node first knew of it, in nanoseconds since 1970.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn malicious(&self) -> Result<BTreeMap<SmesherId, i64>, ReadError> {
        let known = |cells: &Cells<'_>| Ok((SmesherId(cells.array(0)?), cells.i64(1)?));
        let columns = &["pubkey", "received"];
        let mut malicious = BTreeMap::new();
        // A node moves what it knew before to the other table, but not at once.
        let older = self.rows("identities", columns, "WHERE proof IS NOT NULL", [], known)?;
        for (smesher, time) in older.into_iter().chain(self.rows("malfeasance", columns, "", [], known)?) {
            let first = malicious.entry(smesher).or_insert(time);
            *first = time.min(*first);
        }
        Ok(malicious)
    }
}

fn atx(cells: &Cells<'_>) -> Result<Atx, ReadError> {
    Ok(Atx {
        id: AtxId(cells.array(0)?),
        published: cells.epoch(1)?,
        units: cells.u32(2)?,
        nonce: cells.optional_u64(3)?,
        base_height: cells.u64(4)?,
        ticks: cells.u64(5)?,
        smesher: SmesherId(cells.array(6)?),
        coinbase: cells.address(7)?,
        weight: cells.u64(8)?,
    })
}
