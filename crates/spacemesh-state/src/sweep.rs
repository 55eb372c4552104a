//! Whole epochs of a large network: rows in the order of the file, none of them kept.

use apogee_spacemesh::id::{EpochId, SmesherId};

use crate::cells::Cells;
use crate::error::ReadError;
use crate::mesh::bounds;
use crate::state::{Layers, State};

/// What an activation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Whose it is.
    pub smesher: SmesherId,
    /// Units of space.
    pub units: u32,
    /// Its weight.
    pub weight: u64,
}

/// What a smesher was paid in one layer, in smidge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The smesher.
    pub smesher: SmesherId,
    /// Of subsidy and fees.
    pub total: u64,
    /// Of the subsidy alone.
    pub subsidy: u64,
}

const COUNTED: &[&str] = &["pubkey", "effective_num_units", "weight"];
const PAID: &[&str] = &["pubkey", "total_reward", "layer_reward"];
const SPAN: &[&str] = &["min(rowid)", "max(rowid)", "count(*)"];

/// How many rows there may be for one that is asked for before they are looked up one by one, each of which reads a page of its own.
const SPARSE: i64 = 4;

impl State {
    /// See what every activation that was published in `epoch` counts. In no order that means anything.
    ///
    /// Not limited in rows: what is kept of them is up to `see`.
    ///
    /// # Errors
    /// See [`ReadError`]; and those of `see`.
    pub fn sweep_activations(
        &self,
        epoch: EpochId,
        mut see: impl FnMut(Counted) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let picked = "epoch BETWEEN ?1 AND ?2";
        self.sweep("atxs", COUNTED, picked, [epoch.0; 2], |cells| {
            let smesher = SmesherId(cells.array(0)?);
            see(Counted { smesher, units: cells.u32(1)?, weight: cells.u64(2)? })
        })
    }

    /// See every reward of `layers` as the node tells it. In no order that means anything.
    ///
    /// Not limited in rows: what is kept of them is up to `see`.
    ///
    /// # Errors
    /// See [`ReadError`]; and those of `see`.
    pub fn sweep_rewards(
        &self,
        layers: &Layers,
        mut see: impl FnMut(Paid) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.sweep("rewards", PAID, "layer BETWEEN ?1 AND ?2", bounds(layers), |cells| {
            let smesher = SmesherId(cells.array(0)?);
            see(Paid { smesher, total: cells.u64(1)?, subsidy: cells.u64(2)? })
        })
    }

    /// The rows that `picked` picks, in the order of the file where they lie close together: an index names them quickly, but each
    /// of them would be looked up on its own. A node adds rows as they come, so that those of an epoch do lie together.
    fn sweep(
        &self,
        table: &'static str,
        columns: &'static [&'static str],
        picked: &str,
        between: [u32; 2],
        see: impl FnMut(&Cells<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let (mut lowest, mut highest, mut count) = (0, -1, 0);
        self.visit(table, SPAN, &format!("WHERE {picked}"), between, |cells| {
            count = cells.i64(2)?;
            if count > 0 {
                (lowest, highest) = (cells.i64(0)?, cells.i64(1)?);
            }
            Ok(())
        })?;
        if count == 0 {
            return Ok(());
        }
        if highest.saturating_sub(lowest) / SPARSE >= count {
            return self.visit(table, columns, &format!("WHERE {picked}"), between, see);
        }
        let rest = format!("NOT INDEXED WHERE {picked} AND rowid BETWEEN ?3 AND ?4");
        let [first, last] = between;
        self.visit(table, columns, &rest, (first, last, lowest, highest), see)
    }
}
