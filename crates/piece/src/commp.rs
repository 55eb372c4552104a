//! Piece commitments, streaming.

use cid::Cid;
use multihash::Multihash;

use crate::fr32::{EXPANDED, PLAIN, expand};

/// Expanded bytes that are hashed at once, all levels of them: they stay in the processor's cache.
const BLOCK: usize = 64 << 10;
/// The level of a block's root: leaves of 32 bytes are level 0.
const BLOCK_LEVEL: usize = (BLOCK / 32).ilog2() as usize;
/// Levels above any payload: more than 2⁶³ leaves.
const LEVELS: usize = 64;
/// The smallest payload that has a commitment, as `go-fil-commp-hashhash` has it.
const LEAST: u64 = 65;

/// `fil-commitment-unsealed` and `sha2-256-trunc254-padded` of the table of multicodecs.
const UNSEALED: u64 = 0xf101;
const TRUNC254_PADDED: u64 = 0x1012;
/// `raw` and `fr32-sha256-trunc254-padbintree` (FRC-0069).
const RAW: u64 = 0x55;
const PADBINTREE: u64 = 0x1011;

/// A root, or a node.
type Node = [u8; 32];

/// The payload is too short to be a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort;

/// A commitment that bytes are added to.
#[derive(Debug)]
pub struct Commitment {
    /// Plain bytes that are not expanded yet.
    rest: Vec<u8>,
    /// Expanded bytes that are not hashed yet.
    block: Vec<u8>,
    /// Roots of subtrees that wait for their neighbour, by level above a block's.
    waiting: [Option<Node>; LEVELS],
    /// Plain bytes in all.
    length: u64,
    scratch: Vec<u8>,
}

/// What bytes come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The root of the tree.
    pub root: Node,
    /// Bytes of the payload.
    pub payload: u64,
    /// Bytes with all padding: a power of two.
    pub padded: u64,
}

impl Default for Commitment {
    fn default() -> Self {
        let (rest, block, scratch) =
            (Vec::with_capacity(PLAIN), Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK / 2));
        Self { rest, block, waiting: [None; LEVELS], length: 0, scratch }
    }
}

impl Commitment {
    /// Add bytes.
    pub fn add(&mut self, mut bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len() as u64);
        if !self.rest.is_empty() {
            let (first, behind) = bytes.split_at(bytes.len().min(PLAIN - self.rest.len()));
            self.rest.extend_from_slice(first);
            bytes = behind;
            if self.rest.len() < PLAIN {
                return;
            }
            let rest = std::mem::take(&mut self.rest);
            if let Ok(plain) = rest.as_slice().try_into() {
                self.expand(plain);
            }
            self.rest = rest;
            self.rest.clear();
        }
        let mut chunks = bytes.chunks_exact(PLAIN);
        for plain in &mut chunks {
            if let Ok(plain) = plain.try_into() {
                self.expand(plain);
            }
        }
        self.rest.extend_from_slice(chunks.remainder());
    }

    fn expand(&mut self, plain: &[u8; PLAIN]) {
        let mut expanded = [0; EXPANDED];
        expand(plain, &mut expanded);
        self.block.extend_from_slice(&expanded);
        if self.block.len() >= BLOCK {
            let root = reduce(&mut self.block, &mut self.scratch);
            self.block.clear();
            self.carry(root);
        }
    }

    /// A whole block's root is added, as in a binary counter.
    fn carry(&mut self, mut root: Node) {
        for waiting in &mut self.waiting {
            match waiting.take() {
                None => {
                    *waiting = Some(root);
                    return;
                }
                Some(left) => root = parent(&left, &root),
            }
        }
    }

    /// The commitment of all that was added.
    ///
    /// # Errors
    /// [`TooShort`] where that are fewer than 65 bytes.
    pub fn finish(mut self) -> Result<Piece, TooShort> {
        let payload = self.length;
        if payload < LEAST {
            return Err(TooShort);
        }
        if !self.rest.is_empty() {
            let missing = vec![0; PLAIN.saturating_sub(self.rest.len())];
            self.add(&missing);
        }
        let expanded = payload.div_ceil(PLAIN as u64) * EXPANDED as u64;
        let padded = expanded.next_power_of_two();
        let small = padded < BLOCK as u64;
        if !self.block.is_empty() {
            let whole = if small { self.block.len().next_power_of_two() } else { BLOCK };
            self.block.resize(whole, 0);
            let root = reduce(&mut self.block, &mut self.scratch);
            if small {
                return Ok(Piece { root, payload, padded });
            }
            self.carry(root);
        }
        // What is missing on the right of every level is zeros.
        let mut zero = [0; 32];
        for _ in 0..BLOCK_LEVEL {
            zero = parent(&zero, &zero);
        }
        let mut right: Option<Node> = None;
        let top = (padded / BLOCK as u64).ilog2() as usize;
        for (level, waiting) in self.waiting.iter().enumerate() {
            if level == top {
                let root = waiting.or(right).unwrap_or(zero);
                return Ok(Piece { root, payload, padded });
            }
            right = match (waiting, right) {
                (Some(left), right) => Some(parent(left, &right.unwrap_or(zero))),
                (None, Some(right)) => Some(parent(&right, &zero)),
                (None, None) => None,
            };
            zero = parent(&zero, &zero);
        }
        Err(TooShort)
    }
}

/// Hash neighbours until one node is left. The length is a power of two, of at least two nodes.
fn reduce(level: &mut Vec<u8>, scratch: &mut Vec<u8>) -> Node {
    while level.len() > 32 {
        scratch.resize(level.len() / 2, 0);
        hash(scratch, level);
        std::mem::swap(level, scratch);
    }
    level.as_slice().try_into().unwrap_or_default()
}

fn parent(left: &Node, right: &Node) -> Node {
    let mut pair = [0; 64];
    let (first, second) = pair.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    let mut node = [0; 32];
    hash(&mut node, &pair);
    node
}

/// SHA-256 of every 64 bytes, without the two highest bits, so that a node is an element again.
fn hash(nodes: &mut [u8], pairs: &[u8]) {
    assert!(nodes.len() * 2 == pairs.len() && pairs.len().is_multiple_of(64), "pairs of nodes");
    hashtree_rs::hash(nodes, pairs, pairs.len() / 64);
    for node in nodes.chunks_exact_mut(32) {
        if let Some(last) = node.last_mut() {
            *last &= 0x3f;
        }
    }
}

impl Piece {
    /// The CID that deals name a piece by: version 1, which says nothing of its size.
    #[must_use]
    pub fn v1(&self) -> Cid {
        Cid::new_v1(UNSEALED, wrap(TRUNC254_PADDED, &self.root))
    }

    /// The CID of FRC-0069: with the payload's size.
    #[must_use]
    pub fn v2(&self) -> Cid {
        let room = self.padded / 128 * 127;
        let mut digest = varint(room.saturating_sub(self.payload));
        digest.push(u8::try_from((self.padded / 32).ilog2()).unwrap_or(u8::MAX));
        digest.extend_from_slice(&self.root);
        Cid::new_v1(RAW, wrap(PADBINTREE, &digest))
    }
}

fn wrap(code: u64, digest: &[u8]) -> Multihash<64> {
    // A digest is 32 bytes, or 43 at most.
    Multihash::wrap(code, digest).unwrap_or_default()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
    bytes
}
