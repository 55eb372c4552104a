//! Hash-array-mapped tries as the built-in actors keep them: SHA-256 of the key, five bits a level, or six in balance tables.
//!
//! Both encodings are read: pointers as links or lists (actors v3 on) and as one-entry maps (actors v1 and v2); the
//! bytes themselves say which it is. Every key is checked to lie where its hash says and no node but the root may be
//! empty, so that a crafted trie whose nodes are shared cannot make a walk endless.
//! Source: `go-hamt-ipld` v1 and v3; the HAMT of the IPLD specifications.

use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use sha2::{Digest, Sha256};

use crate::cbor::Cbor;
use crate::node::{load, whole};
use crate::{Fault, ReadError};

/// Bits of the hash that a level of most tries takes.
const BITS: usize = 5;
/// The same of balance tables from actors v3 on (`BALANCE_TABLE_BITWIDTH`).
const WIDE_BITS: usize = 6;
const HASH_BITS: usize = 256;
/// Entries a bucket may hold; the actors use three.
const MAX_BUCKET: u64 = 16;

/// What a key held before and holds after.
pub(crate) type Change = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Keys and their values as CBOR.
type Entries<'a> = Vec<(&'a [u8], &'a [u8])>;

enum Pointer<'a> {
    Link(Cid),
    Bucket(Entries<'a>),
}

/// Pointers of a node by slot.
struct Node<'a> {
    pointers: Vec<(u8, Pointer<'a>)>,
}

/// Where a node hangs: the slots from the root to it.
#[derive(Clone)]
struct Path {
    /// Bits that a level takes.
    bits: usize,
    slots: Vec<u8>,
}

impl Path {
    const fn root(bits: usize) -> Self {
        Self { bits, slots: Vec::new() }
    }

    /// How many slots a node has.
    const fn width(&self) -> u8 {
        1 << self.bits
    }

    fn child(&self, slot: u8) -> Result<Self, Fault> {
        if self.slots.len() >= HASH_BITS / self.bits {
            return Err(Fault::Invalid("lies deeper than its hash has bits"));
        }
        let mut path = self.clone();
        path.slots.push(slot);
        Ok(path)
    }

    /// The slot of a hash in a node that hangs at a depth, most significant bits first.
    fn slot(&self, hash: &[u8; 32], depth: usize) -> Option<u8> {
        let bit = depth * self.bits;
        let high = u16::from(*hash.get(bit / 8)?) << 8;
        let low = u16::from(hash.get(bit / 8 + 1).copied().unwrap_or(0));
        let shifted = (high | low) >> (16 - self.bits - bit % 8);
        (depth < HASH_BITS / self.bits)
            .then(|| u8::try_from(shifted & u16::from(self.width() - 1)).unwrap_or(0))
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

fn pointer<'a>(cursor: &mut Cbor<'a>) -> Result<Pointer<'a>, Fault> {
    match cursor.major()? {
        // Actors v1 and v2: {"0": link} or {"1": bucket}.
        5 => {
            if cursor.map()? != 1 {
                return Err(Fault::Invalid("holds a pointer that is not one of two"));
            }
            match cursor.text()? {
                "0" => cursor.link().map(Pointer::Link),
                "1" => bucket(cursor).map(Pointer::Bucket),
                _ => Err(Fault::Invalid("holds a pointer of an unknown kind")),
            }
        }
        6 => cursor.link().map(Pointer::Link),
        _ => bucket(cursor).map(Pointer::Bucket),
    }
}

fn bucket<'a>(cursor: &mut Cbor<'a>) -> Result<Entries<'a>, Fault> {
    let count = cursor.list(MAX_BUCKET)?;
    if count == 0 {
        return Err(Fault::Invalid("holds an empty bucket"));
    }
    (0..count)
        .map(|_| {
            cursor.tuple(&[2])?;
            Ok((cursor.bytes()?, cursor.raw()?))
        })
        .collect()
}

impl<'a> Node<'a> {
    fn parse(bytes: &'a [u8], path: &Path) -> Result<Self, Fault> {
        let mut cursor = Cbor::new(bytes);
        cursor.tuple(&[2])?;
        let field = cursor.bytes()?;
        let width = path.width();
        if field.len() > usize::from(width / 8) {
            return Err(Fault::Invalid("marks more slots than a node has"));
        }
        let field = field.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        if cursor.list(u64::from(width))? != u64::from(field.count_ones()) {
            return Err(Fault::Invalid("marks another number of slots than it holds"));
        }
        if field == 0 && !path.slots.is_empty() {
            return Err(Fault::Invalid("is an empty node below the root"));
        }
        let mut pointers = Vec::new();
        for slot in (0..width).filter(|slot| field >> slot & 1 == 1) {
            pointers.push((slot, pointer(&mut cursor)?));
        }
        cursor.end()?;
        Ok(Self { pointers })
    }

    /// Parses a node that is walked through, whose keys must lie where their hashes say.
    fn placed(bytes: &'a [u8], path: &Path) -> Result<Self, Fault> {
        let node = Self::parse(bytes, path)?;
        for (slot, pointer) in &node.pointers {
            if let Pointer::Bucket(entries) = pointer {
                let path = path.child(*slot)?;
                if !entries.iter().all(|(key, _)| lies(key, &path)) {
                    return Err(Fault::Invalid("holds a key in another place than its hash says"));
                }
            }
        }
        Ok(node)
    }

    fn at(&self, slot: u8) -> Option<&Pointer<'a>> {
        self.pointers.iter().find(|(index, _)| *index == slot).map(|(_, pointer)| pointer)
    }
}

fn lies(key: &[u8], path: &Path) -> bool {
    let hash = hash(key);
    path.slots.iter().enumerate().all(|(depth, expected)| path.slot(&hash, depth) == Some(*expected))
}

/// A trie in a store.
pub(crate) struct Hamt<'a, BS> {
    store: &'a BS,
    what: &'static str,
    bits: usize,
}

impl<'a, BS: Blockstore> Hamt<'a, BS> {
    /// A reader that calls the trie `what` in errors.
    pub(crate) fn new(store: &'a BS, what: &'static str) -> Self {
        Self { store, what, bits: BITS }
    }

    /// The same of a trie whose nodes have 64 slots.
    pub(crate) fn wide(store: &'a BS, what: &'static str) -> Self {
        Self { store, what, bits: WIDE_BITS }
    }

    fn malformed(&self, cid: &Cid, source: Fault) -> ReadError {
        ReadError::Malformed { what: self.what, cid: *cid, source }
    }

    /// The value of a key, decoded; `None` where the trie holds no such key.
    pub(crate) fn get<T>(
        &self,
        root: &Cid,
        key: &[u8],
        decode: impl FnOnce(&mut Cbor<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, ReadError> {
        let hash = hash(key);
        let mut cid = *root;
        let mut path = Path::root(self.bits);
        loop {
            let bytes = load(self.store, &cid)?;
            let node = Node::parse(&bytes, &path).map_err(|fault| self.malformed(&cid, fault))?;
            let Some(slot) = path.slot(&hash, path.slots.len()) else {
                return Err(self.malformed(&cid, Fault::Invalid("lies deeper than its hash has bits")));
            };
            match node.at(slot) {
                None => return Ok(None),
                Some(Pointer::Link(link)) => {
                    path = path.child(slot).map_err(|fault| self.malformed(&cid, fault))?;
                    cid = *link;
                }
                Some(Pointer::Bucket(entries)) => {
                    let Some((_, value)) = entries.iter().find(|(found, _)| *found == key) else {
                        return Ok(None);
                    };
                    return whole(value, decode).map(Some).map_err(|fault| self.malformed(&cid, fault));
                }
            }
        }
    }

    /// Every entry, in the order of hashes; the value as CBOR.
    pub(crate) fn for_each(
        &self,
        root: &Cid,
        visit: &mut impl FnMut(&[u8], &[u8]) -> Result<(), Fault>,
    ) -> Result<(), ReadError> {
        self.walk(root, &Path::root(self.bits), visit)
    }

    fn walk(
        &self,
        cid: &Cid,
        path: &Path,
        visit: &mut impl FnMut(&[u8], &[u8]) -> Result<(), Fault>,
    ) -> Result<(), ReadError> {
        let bytes = load(self.store, cid)?;
        let node = Node::placed(&bytes, path).map_err(|fault| self.malformed(cid, fault))?;
        for (slot, pointer) in &node.pointers {
            match pointer {
                Pointer::Link(link) => {
                    self.walk(link, &path.child(*slot).map_err(|fault| self.malformed(cid, fault))?, visit)?
                }
                Pointer::Bucket(entries) => {
                    entries
                        .iter()
                        .try_for_each(|(key, value)| visit(key, value))
                        .map_err(|fault| self.malformed(cid, fault))?;
                }
            }
        }
        Ok(())
    }

    /// The keys whose values differ, reading only nodes that differ.
    pub(crate) fn diff(&self, before: &Cid, after: &Cid) -> Result<BTreeMap<Vec<u8>, Change>, ReadError> {
        let mut changes = BTreeMap::new();
        self.diff_nodes(before, after, &Path::root(self.bits), &mut changes)?;
        Ok(changes)
    }

    fn diff_nodes(
        &self,
        before: &Cid,
        after: &Cid,
        path: &Path,
        changes: &mut BTreeMap<Vec<u8>, Change>,
    ) -> Result<(), ReadError> {
        if before == after {
            return Ok(());
        }
        let (old, new) = (load(self.store, before)?, load(self.store, after)?);
        let old = Node::placed(&old, path).map_err(|fault| self.malformed(before, fault))?;
        let new = Node::placed(&new, path).map_err(|fault| self.malformed(after, fault))?;
        for slot in 0..path.width() {
            match (old.at(slot), new.at(slot)) {
                (None, None) => {}
                (Some(Pointer::Link(old)), Some(Pointer::Link(new))) => {
                    self.diff_nodes(
                        old,
                        new,
                        &path.child(slot).map_err(|fault| self.malformed(after, fault))?,
                        changes,
                    )?;
                }
                (old, new) => {
                    let mut entries = BTreeMap::<Vec<u8>, Change>::new();
                    self.gather(old, before, path, slot, &mut |key, value| {
                        entries.entry(key.to_vec()).or_default().0 = Some(value.to_vec())
                    })?;
                    self.gather(new, after, path, slot, &mut |key, value| {
                        entries.entry(key.to_vec()).or_default().1 = Some(value.to_vec())
                    })?;
                    changes.extend(entries.into_iter().filter(|(_, (old, new))| old != new));
                }
            }
        }
        Ok(())
    }

    /// Every entry under one pointer.
    fn gather(
        &self,
        pointer: Option<&Pointer<'_>>,
        cid: &Cid,
        path: &Path,
        slot: u8,
        put: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<(), ReadError> {
        match pointer {
            None => Ok(()),
            Some(Pointer::Bucket(entries)) => {
                entries.iter().for_each(|(key, value)| put(key, value));
                Ok(())
            }
            Some(Pointer::Link(link)) => {
                let path = path.child(slot).map_err(|fault| self.malformed(cid, fault))?;
                self.walk(link, &path, &mut |key, value| {
                    put(key, value);
                    Ok(())
                })
            }
        }
    }
}
