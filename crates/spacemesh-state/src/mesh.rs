//! The mesh: layers, blocks, ballots, and what was agreed on.

use apogee_spacemesh::ballot::Ballot;
use apogee_spacemesh::block::Block;
use apogee_spacemesh::id::{BallotId, Beacon, BlockId, EpochId, Hash, LayerId};

use crate::cells::Cells;
use crate::error::ReadError;
use crate::state::{Layers, State};

/// A layer as the node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerRow {
    /// The layer.
    pub layer: LayerId,
    /// The coin that decides where votes do not; `None` while it is not known.
    pub coin: Option<bool>,
    /// Whether votes have been counted up to here. Not whether the layer is final.
    pub tallied: bool,
    /// What was executed.
    pub applied: Applied,
    /// The accounts that it changed.
    pub state: Option<Hash>,
    /// The opinion on this layer and all before.
    pub opinion: Option<Hash>,
}

/// What was executed in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing yet.
    NotYet,
    /// The layer, as one without a block.
    Empty,
    /// A block.
    Block(BlockId),
}

/// A block as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Its name.
    pub id: BlockId,
    /// Whether votes made it valid; `None` while they have not decided.
    pub valid: Option<bool>,
    /// The block.
    pub block: Block,
}

/// What the hare agreed on in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HareOutput {
    /// The layer.
    pub layer: LayerId,
    /// The block; `None` for a layer without one.
    pub block: Option<BlockId>,
    /// Whether the certificate is taken for valid.
    pub valid: bool,
}

/// How far the parts of a file reach; `None` for parts with nothing in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Heads {
    /// The highest layer with a ballot.
    pub ballots: Option<LayerId>,
    /// The highest layer with a block that votes made valid.
    pub valid: Option<LayerId>,
    /// The highest layer that was executed.
    pub applied: Option<LayerId>,
    /// The highest epoch in which an activation was published.
    pub published: Option<EpochId>,
}

const BALLOT: &[&str] = &["id", "atx", "layer", "pubkey", "ballot"];
const BLOCK: &[&str] = &["id", "layer", "validity", "block"];
const LAYER: &[&str] = &["id", "weak_coin", "processed", "applied_block", "state_hash", "aggregated_hash"];

impl State {
    /// Layers, in their order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn layers(&self, layers: &Layers) -> Result<Vec<LayerRow>, ReadError> {
        self.rows("layers", LAYER, "WHERE id BETWEEN ?1 AND ?2 ORDER BY id", bounds(layers), layer)
    }

    /// The last layer that the node knows of.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn last_layer(&self) -> Result<Option<LayerId>, ReadError> {
        let rows = self.rows("layers", &["id"], "ORDER BY id DESC LIMIT 1", [], |cells| cells.layer(0))?;
        Ok(rows.first().copied())
    }

    /// How far ballots, decisions, execution and activations reach.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn heads(&self) -> Result<Heads, ReadError> {
        let last = |table, columns, rest: &str| -> Result<Option<u32>, ReadError> {
            Ok(self.rows(table, columns, rest, [], |cells| cells.u32(0))?.pop())
        };
        let layer = &["layer"];
        let valid = "WHERE validity = 1 ORDER BY layer DESC LIMIT 1";
        let applied = "WHERE applied_block IS NOT NULL ORDER BY id DESC LIMIT 1";
        Ok(Heads {
            ballots: last("ballots", layer, "ORDER BY layer DESC LIMIT 1")?.map(LayerId),
            valid: last("blocks", layer, valid)?.map(LayerId),
            applied: last("layers", &["id"], applied)?.map(LayerId),
            published: last("atxs", &["epoch"], "ORDER BY epoch DESC LIMIT 1")?.map(EpochId),
        })
    }

    /// The first and the last layer that were executed and on which there is an opinion; `None` before the first one.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn executed_layers(&self) -> Result<Option<Layers>, ReadError> {
        let done = "WHERE applied_block IS NOT NULL AND aggregated_hash IS NOT NULL ORDER BY id";
        let one = |rest: &str| self.rows("layers", &["id"], rest, [], |cells| cells.layer(0));
        let first = one(&format!("{done} LIMIT 1"))?.pop();
        let last = one(&format!("{done} DESC LIMIT 1"))?.pop();
        Ok(first.zip(last).map(|(first, last)| first..=last))
    }

    /// How many ballots each of these layers has, by layer; layers without any are absent.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn ballot_counts(&self, layers: &Layers) -> Result<Vec<(LayerId, u64)>, ReadError> {
        let rest = "WHERE layer BETWEEN ?1 AND ?2 GROUP BY layer ORDER BY layer";
        let count = |cells: &Cells<'_>| Ok((cells.layer(0)?, cells.u64(1)?));
        self.rows("ballots", &["layer", "count(*)"], rest, bounds(layers), count)
    }

    /// Blocks, by layer and name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn blocks(&self, layers: &Layers) -> Result<Vec<BlockRow>, ReadError> {
        self.rows("blocks", BLOCK, "WHERE layer BETWEEN ?1 AND ?2 ORDER BY layer, id", bounds(layers), block)
    }

    /// One block.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn block(&self, id: &BlockId) -> Result<Option<BlockRow>, ReadError> {
        Ok(self.rows("blocks", BLOCK, "WHERE id = ?1", [stored(&id.0)], block)?.pop())
    }

    /// Ballots, by layer and name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn ballots(&self, layers: &Layers) -> Result<Vec<Ballot>, ReadError> {
        let rest = "WHERE layer BETWEEN ?1 AND ?2 ORDER BY layer, id";
        self.rows("ballots", BALLOT, rest, bounds(layers), ballot)
    }

    /// One ballot.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn ballot(&self, id: &BallotId) -> Result<Option<Ballot>, ReadError> {
        Ok(self.rows("ballots", BALLOT, "WHERE id = ?1", [stored(&id.0)], ballot)?.pop())
    }

    pub(crate) fn first_ballots(&self, most: usize) -> Result<Vec<Ballot>, ReadError> {
        self.rows("ballots", BALLOT, &format!("ORDER BY layer, id LIMIT {most}"), [], ballot)
    }

    /// The randomness of every epoch, in their order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn beacons(&self) -> Result<Vec<(EpochId, Beacon)>, ReadError> {
        self.rows("beacons", &["epoch", "beacon"], "ORDER BY epoch", [], |cells| {
            Ok((cells.epoch(0)?, Beacon(cells.array(1)?)))
        })
    }

    /// What the hare is taken to have agreed on in `layer`: the block of the only certificate that is valid, none where
    /// several are, as two committees cannot both be right; `None` where it is not known.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn hare_output(&self, layer: LayerId) -> Result<Option<Option<BlockId>>, ReadError> {
        let mut valid = self.hare_outputs(&(layer..=layer))?;
        valid.retain(|output| output.valid);
        Ok(match valid.as_slice() {
            [] => None,
            [only] => Some(only.block),
            _ => Some(None),
        })
    }

    /// What the hare agreed on, by layer and block.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn hare_outputs(&self, layers: &Layers) -> Result<Vec<HareOutput>, ReadError> {
        let rest = "WHERE layer BETWEEN ?1 AND ?2 ORDER BY layer, block";
        self.rows("certificates", &["layer", "block", "valid"], rest, bounds(layers), |cells| {
            let block = BlockId(cells.array(1)?);
            let valid = cells.flag(2)?;
            Ok(HareOutput {
                layer: cells.layer(0)?,
                block: (!block.is_empty()).then_some(block),
                valid: cells.some(2, valid)?,
            })
        })
    }
}

pub(crate) fn bounds(layers: &Layers) -> [u32; 2] {
    [layers.start().0, layers.end().0]
}

/// How a node stores an id of 20 bytes.
fn stored(id: &[u8; 20]) -> [u8; 32] {
    let mut stored = [0; 32];
    stored.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
    stored
}

fn layer(cells: &Cells<'_>) -> Result<LayerRow, ReadError> {
    let applied = match cells.optional_array(3)?.map(BlockId) {
        None => Applied::NotYet,
        Some(block) if block.is_empty() => Applied::Empty,
        Some(block) => Applied::Block(block),
    };
    Ok(LayerRow {
        layer: cells.layer(0)?,
        coin: cells.flag(1)?,
        tallied: cells.flag(2)?.unwrap_or(false),
        applied,
        state: cells.optional_array(4)?.map(Hash),
        opinion: cells.optional_array(5)?.map(Hash),
    })
}

fn block(cells: &Cells<'_>) -> Result<BlockRow, ReadError> {
    let valid = match cells.optional_u64(2)?.map(u64::cast_signed) {
        None | Some(0) => None,
        Some(1) => Some(true),
        Some(-1) => Some(false),
        Some(_) => return Err(cells.wrong(2, "none of -1, 0 and 1")),
    };
    let row = BlockRow { id: BlockId(cells.padded(0)?), valid, block: cells.decoded(3)? };
    if row.block.id() != row.id {
        return Err(cells.wrong(3, "another block than its id says"));
    }
    if row.block.layer != cells.layer(1)? {
        return Err(cells.wrong(1, "another layer than the block's"));
    }
    Ok(row)
}

fn ballot(cells: &Cells<'_>) -> Result<Ballot, ReadError> {
    let ballot: Ballot = cells.decoded(4)?;
    if ballot.id() != BallotId(cells.padded(0)?) {
        return Err(cells.wrong(4, "another ballot than its id says"));
    }
    if ballot.inner.atx.0 != cells.array(1)? {
        return Err(cells.wrong(1, "another activation than the ballot's"));
    }
    if ballot.inner.layer != cells.layer(2)? {
        return Err(cells.wrong(2, "another layer than the ballot's"));
    }
    if ballot.smesher.0 != cells.array(3)? {
        return Err(cells.wrong(3, "another smesher than the ballot's"));
    }
    Ok(ballot)
}
