//! Piece commitments, streaming.

use cid::Cid;
use fearless_simd::Level;
use multihash::Multihash;

use crate::fr32::{PLAIN, expand};
use crate::sha256::{self, Node, parent};

/// Nodes of a level that are hashed at once: sixteen pairs.
const BATCH: usize = 32;
/// Levels of any payload: fewer than 2⁶⁴ leaves.
const LEVELS: usize = 64;
/// Bytes of an element.
const ELEMENT: u64 = 32;
/// The smallest payload that has a commitment, as `go-fil-commp-hashhash` has it.
const LEAST: u64 = 65;

/// `fil-commitment-unsealed` and `sha2-256-trunc254-padded` of the table of multicodecs.
const UNSEALED: u64 = 0xf101;
const TRUNC254_PADDED: u64 = 0x1012;
/// `raw` and `fr32-sha256-trunc254-padbintree` (FRC-0069).
const RAW: u64 = 0x55;
const PADBINTREE: u64 = 0x1011;

/// The payload is too short to be a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a piece has at least {LEAST} bytes")]
pub struct TooShort;

/// A commitment that bytes are added to.
#[derive(Debug)]
pub struct Commitment {
    /// Plain bytes that are not expanded yet.
    rest: Vec<u8>,
    /// Nodes that are not hashed yet, by level, leaves first: fewer than a batch of each.
    levels: [Vec<Node>; LEVELS],
    /// Plain bytes in all.
    length: u64,
    processor: Level,
}

/// What bytes come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The root of the tree.
    pub root: [u8; 32],
    /// Bytes of the payload.
    pub payload: u64,
    /// Bytes with all padding: a power of two.
    pub padded: u64,
}

impl Default for Commitment {
    fn default() -> Self {
        let levels = [const { Vec::new() }; LEVELS];
        Self { rest: Vec::with_capacity(PLAIN), levels, length: 0, processor: Level::new() }
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
            self.expand(&rest);
            self.rest = rest;
            self.rest.clear();
        }
        let behind = self.expand(bytes);
        self.rest.extend_from_slice(behind);
    }

    /// Add what is whole; the bytes behind that come back.
    fn expand<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (whole, behind) = bytes.as_chunks();
        for plain in whole {
            self.raise(&expand(plain));
        }
        behind
    }

    /// Add four leaves, and what they complete above them.
    fn raise(&mut self, leaves: &[Node; 4]) {
        let [lowest, higher @ ..] = &mut self.levels;
        lowest.extend_from_slice(leaves);
        if lowest.len() < BATCH {
            return;
        }
        let mut above = [[0; 8]; BATCH / 2];
        sha256::hash(self.processor, &mut above, lowest.as_chunks().0);
        lowest.clear();
        for level in higher {
            level.extend_from_slice(&above);
            if level.len() < BATCH {
                return;
            }
            sha256::hash(self.processor, &mut above, level.as_chunks().0);
            level.clear();
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
        let leaves = payload.div_ceil(PLAIN as u64).saturating_mul(4).next_power_of_two();
        let root = self.root(leaves).ok_or(TooShort)?;
        Ok(Piece { root: sha256::bytes(&root), payload, padded: leaves.saturating_mul(ELEMENT) })
    }

    /// The root of so many leaves, of which those that were not added are zeros.
    fn root(&mut self, leaves: u64) -> Option<Node> {
        let mut zero = [0; 8];
        let mut above = Vec::new();
        for (height, level) in (0..=leaves.ilog2()).zip(&mut self.levels) {
            level.append(&mut above);
            if height == leaves.ilog2() {
                return level.first().copied();
            }
            if !level.len().is_multiple_of(2) {
                level.push(zero);
            }
            above.resize(level.len() / 2, [0; 8]);
            sha256::hash(self.processor, &mut above, level.as_chunks().0);
            zero = parent(&[zero, zero]);
        }
        None
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
        digest.push(u8::try_from((self.padded / ELEMENT).ilog2()).unwrap_or(u8::MAX));
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
