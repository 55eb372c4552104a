//! Blocks: who is paid in a layer, and for which transactions.
//!
//! Source: go-spacemesh `common/types/block.go`.

use crate::id::{AtxId, BlockId, LayerId, TransactionId, cut};
use crate::scale::{Reader, Scale, ScaleError, encode, write_compact, write_list};
use crate::weight::Weight;

/// A layer has some fifty slots, and the first nodes took 500 rewards in a block. The time that splitting takes grows with
/// the square of this.
const MOST_REWARDS: u32 = 2_000;
/// As many as nodes take.
const MOST_TRANSACTIONS: u32 = 100_000;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its layer.
    pub layer: LayerId,
    /// Its height in ticks.
    pub height: u64,
    /// Who is paid.
    pub rewards: Vec<BlockReward>,
    /// Which transactions are executed, in this order.
    pub transactions: Vec<TransactionId>,
}

/// The share of one activation in what a layer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockReward {
    /// The activation.
    pub atx: AtxId,
    /// Its weight in this layer.
    pub weight: Weight,
}

impl Block {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> BlockId {
        BlockId(cut(blake3::hash(&encode(self))))
    }
}

impl Scale for Block {
    fn write(&self, out: &mut Vec<u8>) {
        self.layer.write(out);
        write_compact(self.height, out);
        write_list(&self.rewards, out);
        write_list(&self.transactions, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self {
            layer: LayerId::read(input)?,
            height: input.compact64()?,
            rewards: input.list(MOST_REWARDS)?,
            transactions: input.list(MOST_TRANSACTIONS)?,
        })
    }
}

impl Scale for BlockReward {
    fn write(&self, out: &mut Vec<u8>) {
        self.atx.write(out);
        self.weight.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        Ok(Self { atx: AtxId::read(input)?, weight: Weight::read(input)? })
    }
}
