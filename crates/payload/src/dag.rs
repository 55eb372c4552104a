//! The blocks of a payload.

use std::ops::Range;

use cid::Cid;
use multihash::Multihash;
use sha2::{Digest, Sha256};

use crate::pb::{self, Link};
use crate::{Layout, Payload};

/// Of the table of multicodecs: `raw`, `dag-pb`, `sha2-256`.
const RAW: u64 = 0x55;
const DAG_PB: u64 = 0x70;
const SHA2_256: u64 = 0x12;

/// A block and what of the payload is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    range: Range<u64>,
    /// Of an inner block.
    encoded: Option<Box<[u8]>>,
}

impl Block {
    /// What the block is asked for by.
    #[must_use]
    pub const fn cid(&self) -> &Cid {
        &self.cid
    }

    /// The bytes of the payload that it holds, or that are below it.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Whether it holds bytes of the payload and nothing else.
    #[must_use]
    pub const fn is_leaf(&self) -> bool {
        self.encoded.is_none()
    }

    /// Bytes of the block itself.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.encoded.as_ref().map_or(self.range.end - self.range.start, |encoded| encoded.len() as u64)
    }

    /// The bytes of an inner block.
    pub(crate) fn encoded(&self) -> Option<&[u8]> {
        self.encoded.as_deref()
    }
}

/// A payload as a `UnixFS` file: every block that a provider must be able to serve.
#[derive(Clone, Debug)]
pub struct Dag {
    payload: Payload,
    /// Depth first, every parent before its children.
    blocks: Vec<Block>,
}

/// A block on its way into the tree.
struct Draft {
    block: Block,
    /// Bytes of the blocks below, and of its own.
    total: u64,
    children: Vec<Draft>,
}

impl Dag {
    /// Make and hash a payload once, a leaf at a time.
    #[must_use]
    pub fn new(payload: Payload, layout: Layout) -> Self {
        let mut level = leaves(&payload, layout);
        // A file of one leaf is that leaf.
        while level.len() > 1 {
            level = above(level, layout);
        }
        let mut blocks = Vec::new();
        while let Some(draft) = level.pop() {
            blocks.push(draft.block);
            level.extend(draft.children.into_iter().rev());
        }
        Self { payload, blocks }
    }

    /// What the whole is asked for by.
    #[must_use]
    pub fn root(&self) -> &Cid {
        let [root, ..] = self.blocks.as_slice() else { unreachable!("an empty payload has a leaf") };
        root.cid()
    }

    /// The bytes of the file.
    #[must_use]
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }

    /// All blocks, depth first: the order of a CAR (`order=dfs`).
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The leaves, in the order of the payload: never none.
    pub fn leaves(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.is_leaf())
    }

    /// The blocks that are needed for some bytes of the payload, depth first: what `dag-scope=entity&entity-bytes=…` asks a gateway for. The root always is.
    pub fn covering(&self, range: Range<u64>) -> impl Iterator<Item = &Block> {
        self.blocks.iter().enumerate().filter_map(move |(place, block)| {
            let needed = block.range.start < range.end && range.start < block.range.end;
            (place == 0 || (needed && !range.is_empty())).then_some(block)
        })
    }

    /// The bytes of a block, made again.
    #[must_use]
    pub fn bytes(&self, block: &Block) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(block.size()).unwrap_or(0)];
        self.read_block(block, 0, &mut bytes);
        bytes
    }

    /// The bytes of a block from `offset` on.
    pub(crate) fn read_block(&self, block: &Block, offset: u64, buffer: &mut [u8]) {
        if let Some(encoded) = block.encoded() {
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let bytes = encoded.get(from..).unwrap_or_default();
            for (to, byte) in buffer.iter_mut().zip(bytes) {
                *to = *byte;
            }
        } else {
            self.payload.read_at(block.range.start.saturating_add(offset), buffer);
        }
    }
}

fn leaves(payload: &Payload, layout: Layout) -> Vec<Draft> {
    let mut buffer = vec![0; layout.leaf()];
    let mut leaves = Vec::new();
    let mut at = 0;
    loop {
        let many = payload.read_at(at, &mut buffer);
        let (bytes, _) = buffer.split_at(many);
        let end = at + many as u64;
        let block = Block { cid: cid(RAW, bytes), range: at..end, encoded: None };
        leaves.push(Draft { block, total: many as u64, children: Vec::new() });
        at = end;
        if at == payload.size() {
            return leaves;
        }
    }
}

/// The nodes above neighbours. All leaves stay equally deep, so that a last node may have one link.
fn above(level: Vec<Draft>, layout: Layout) -> Vec<Draft> {
    let mut above = Vec::with_capacity(level.len().div_ceil(layout.links()));
    let mut rest = level.into_iter();
    while rest.len() > 0 {
        above.push(node(rest.by_ref().take(layout.links()).collect()));
    }
    above
}

fn node(children: Vec<Draft>) -> Draft {
    let links: Vec<Link> = children
        .iter()
        .map(|child| Link {
            cid: child.block.cid,
            file: child.block.range.end - child.block.range.start,
            total: child.total,
        })
        .collect();
    let encoded = pb::encode(&links);
    let range = match children.as_slice() {
        [first, .., last] => first.block.range.start..last.block.range.end,
        [only] => only.block.range(),
        [] => 0..0,
    };
    let total = encoded.len() as u64 + children.iter().map(|child| child.total).sum::<u64>();
    let block = Block { cid: cid(DAG_PB, &encoded), range, encoded: Some(encoded.into()) };
    Draft { block, total, children }
}

fn cid(codec: u64, bytes: &[u8]) -> Cid {
    let hash = Multihash::wrap(SHA2_256, &Sha256::digest(bytes)).unwrap_or_default();
    Cid::new_v1(codec, hash)
}
