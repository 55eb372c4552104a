use std::fmt;
use std::sync::Arc;

use apogee_domain::Epoch;
use cid::Cid;

use super::BlockHeader;

/// The CIDs of a tipset's blocks in ticket order: the name of a tipset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TipsetKey(pub Vec<Cid>);

impl fmt::Display for TipsetKey {
    /// The CIDs with commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, cid) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{cid}")?;
        }
        Ok(())
    }
}

/// Blocks that do not form a tipset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTipset {
    /// No block at all.
    #[error("a tipset has at least one block")]
    Empty,
    /// The blocks disagree on what a tipset shares.
    #[error("blocks {first} and {other} differ in their {field}, so they are no tipset")]
    Differs {
        /// First block.
        first: Cid,
        /// The block that differs.
        other: Cid,
        /// In what.
        field: &'static str,
    },
    /// Two blocks of one miner.
    #[error("block {0} is the second of its miner in the tipset")]
    SameMiner(Cid),
    /// The epoch is negative.
    #[error("block {0} has a negative height")]
    Height(Cid),
}

/// Blocks of one epoch with the same parents. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Tipset(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    key: TipsetKey,
    epoch: Epoch,
    blocks: Vec<BlockHeader>,
}

impl fmt::Debug for Tipset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tipset({} {})", self.epoch(), self.key())
    }
}

impl Tipset {
    /// The tipset of these blocks, put into ticket order: by the hash of the VRF output, ties by the bytes of the CID.
    ///
    /// # Errors
    /// When the blocks cannot form one.
    pub fn new(blocks: Vec<BlockHeader>) -> Result<Self, InvalidTipset> {
        let mut blocks: Vec<(Cid, BlockHeader)> =
            blocks.into_iter().map(|block| (block.cid(), block)).collect();
        blocks.sort_by_cached_key(|(cid, block)| {
            (block.ticket.as_ref().map(|ticket| ticket.digest()), cid.to_bytes())
        });
        let (first_cid, first) = blocks.first().ok_or(InvalidTipset::Empty)?;
        let epoch = Epoch::new(first.height).ok_or(InvalidTipset::Height(*first_cid))?;
        for (i, (cid, block)) in blocks.iter().enumerate() {
            let differs = |field| InvalidTipset::Differs { first: *first_cid, other: *cid, field };
            if block.height != first.height {
                return Err(differs("height"));
            }
            if block.parents != first.parents {
                return Err(differs("parents"));
            }
            if block.parent_state_root != first.parent_state_root {
                return Err(differs("parent state root"));
            }
            if block.parent_message_receipts != first.parent_message_receipts {
                return Err(differs("parent receipts"));
            }
            if block.parent_weight != first.parent_weight {
                return Err(differs("parent weight"));
            }
            if blocks.iter().take(i).any(|(_, other)| other.miner == block.miner) {
                return Err(InvalidTipset::SameMiner(*cid));
            }
        }
        let (cids, blocks) = blocks.into_iter().unzip();
        Ok(Self(Arc::new(Inner { key: TipsetKey(cids), epoch, blocks })))
    }

    /// Its name.
    #[must_use]
    pub fn key(&self) -> &TipsetKey {
        &self.0.key
    }

    /// Its epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// Its blocks in ticket order; at least one.
    #[must_use]
    pub fn blocks(&self) -> &[BlockHeader] {
        &self.0.blocks
    }

    /// Its blocks with their CIDs.
    pub fn cids_and_blocks(&self) -> impl Iterator<Item = (Cid, &BlockHeader)> {
        self.0.key.0.iter().copied().zip(&self.0.blocks)
    }

    /// The block with the smallest ticket. The fields that all blocks share are read from it.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "`new` refuses a tipset without blocks")]
    pub fn first(&self) -> &BlockHeader {
        &self.0.blocks[0]
    }

    /// The parent tipset's name; for genesis, whatever the genesis block names.
    #[must_use]
    pub fn parents(&self) -> TipsetKey {
        TipsetKey(self.first().parents.clone())
    }
}
