use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use rayon::prelude::*;

use super::container::{content, unpack};
use super::section::{Cursor, header, inline, sections, verify_block};
use super::{CarError, Limits, SnapshotMetadata};

/// The blocks of an archive, in memory, read-only. Every block has been checked against its CID.
///
/// Like nodes' stores it looks blocks up by multihash: a CID finds them whatever codec it names.
pub struct CarStore {
    roots: Vec<Cid>,
    bytes: Vec<u8>,
    blocks: HashMap<Multihash, Range<usize>, DigestHasher>,
}

impl fmt::Debug for CarStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CarStore({} blocks, {} bytes)", self.blocks.len(), self.bytes.len())
    }
}

impl CarStore {
    /// Load the archive in a file.
    ///
    /// # Errors
    /// See [`CarError`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, CarError> {
        let file = File::open(path).map_err(|cause| CarError::Read { offset: 0, cause })?;
        Self::read(file, limits)
    }

    /// Load an archive, compressed or not.
    ///
    /// # Errors
    /// See [`CarError`].
    pub fn read(archive: impl Read, limits: &Limits) -> Result<Self, CarError> {
        let bytes = unpack(archive, limits)?;
        let range = content(&bytes)?;
        let mut cursor = Cursor { bytes: &bytes, at: range.start, end: range.end };
        let roots = header(&mut cursor, limits)?;
        let sections = sections(&mut cursor, limits)?;
        sections.par_iter().with_min_len(256).try_for_each(|section| {
            let data = bytes.get(section.data.clone()).unwrap_or_default();
            let (offset, cid) = (section.offset, section.cid);
            match verify_block(&cid, data) {
                Ok(true) => Ok(()),
                Ok(false) => Err(CarError::WrongHash { offset, cid }),
                Err(code) => Err(CarError::UnknownHash { offset, cid, code }),
            }
        })?;
        let mut blocks = HashMap::with_capacity_and_hasher(sections.len(), DigestHasher::new());
        for section in sections {
            if let Some(key) = multihash(&section.cid) {
                blocks.entry(key).or_insert(section.data);
            }
        }
        Ok(Self { roots, bytes, blocks })
    }

    /// The roots its header names. Of a chain export: the blocks of the head tipset.
    #[must_use]
    pub fn roots(&self) -> &[Cid] {
        &self.roots
    }

    /// The blocks of the head tipset: its roots, or what a version 2 snapshot's metadata names (FRC-0108).
    #[must_use]
    pub fn head(&self) -> Vec<Cid> {
        if let [root] = self.roots.as_slice()
            && let Some(metadata) = self.block(root).and_then(SnapshotMetadata::from_root)
        {
            return metadata.head;
        }
        self.roots.clone()
    }

    /// A block, without copying it.
    #[must_use]
    pub fn block(&self, cid: &Cid) -> Option<&[u8]> {
        self.bytes.get(self.blocks.get(&multihash(cid)?)?.clone())
    }

    /// How many different blocks it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether it holds no block.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

/// What blocks are found by. The function counts: equal digests by two functions name two contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Multihash {
    code: u64,
    digest: [u8; 32],
}

/// `None` for an identity CID, which is its own content, and for digests of another length than a block can have here.
fn multihash(cid: &Cid) -> Option<Multihash> {
    let digest = cid.hash().digest().try_into().ok()?;
    inline(cid).is_none().then(|| Multihash { code: cid.hash().code(), digest })
}

impl Blockstore for CarStore {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(inline(cid).or_else(|| self.block(cid)).map(<[u8]>::to_vec))
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        Ok(inline(cid).is_some() || self.block(cid).is_some())
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("block {cid} cannot be added: an archive is read-only")
    }
}

/// Digests are random already: two words of them, multiplied with a secret so that nobody can choose colliding ones.
#[derive(Clone, Debug)]
struct DigestHasher {
    secret: [u64; 2],
}

impl DigestHasher {
    fn new() -> Self {
        let random = RandomState::new();
        Self { secret: [random.hash_one(0), random.hash_one(1)] }
    }
}

impl BuildHasher for DigestHasher {
    type Hasher = Folded;
    fn build_hasher(&self) -> Folded {
        Folded { secret: self.secret, hash: 0 }
    }
}

#[derive(Debug)]
struct Folded {
    secret: [u64; 2],
    hash: u64,
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks(16) {
            let word = |range| {
                let mut word = [0; 8];
                let part: &[u8] = pair.get::<Range<usize>>(range).unwrap_or_default();
                word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
                u64::from_le_bytes(word)
            };
            let [a, b] = self.secret;
            let product = u128::from(word(0..8) ^ a ^ self.hash) * u128::from(word(8..16) ^ b);
            let [low, high] = [product, product >> 64].map(|half| half as u64);
            self.hash = low ^ high;
        }
    }

    fn write_usize(&mut self, _: usize) {} // The length of an array is always the same.

    fn finish(&self) -> u64 {
        self.hash
    }
}
