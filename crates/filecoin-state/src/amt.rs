//! Array-mapped tries as the built-in actors keep them.
//!
//! Both encodings are read: root of three fields with eight slots a node (actors v1 and v2), and of four with the width
//! in front. No node but the root may be empty, so that a crafted trie cannot make a walk endless: it ends with the
//! number of entries that the root announces, which is bounded.
//! Source: `go-amt-ipld` v2 and v4; the AMT of the Filecoin specification.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::cbor::Cbor;
use crate::node::{load, whole};
use crate::{Fault, ReadError};

const WIDTH_V0: u32 = 3;
const MAX_WIDTH: u64 = 8;
/// More entries than any array of the built-in actors has.
const MAX_ENTRIES: u64 = 1 << 28;

enum Entry<'a> {
    Link(Cid),
    Value(&'a [u8]),
}

struct Node<'a> {
    entries: Vec<(u64, Entry<'a>)>,
}

struct Root<'a> {
    width: u32,
    height: u32,
    count: u64,
    node: Node<'a>,
}

impl<'a> Node<'a> {
    fn parse(cursor: &mut Cbor<'a>, width: u32, height: u32, root: bool) -> Result<Self, Fault> {
        cursor.tuple(&[3])?;
        let marks = cursor.bytes()?;
        let slots = 1_u64 << width;
        if marks.len() as u64 != slots.div_ceil(8) {
            return Err(Fault::Invalid("marks another number of slots than a node has"));
        }
        let marked: Vec<u64> = (0..slots)
            .filter(|slot| {
                marks
                    .get(usize::try_from(slot / 8).unwrap_or(usize::MAX))
                    .is_some_and(|byte| byte >> (slot % 8) & 1 == 1)
            })
            .collect();
        let links = cursor.list(slots)?;
        let links = (0..links).map(|_| cursor.link()).collect::<Result<Vec<_>, _>>()?;
        let values = cursor.list(slots)?;
        let values = (0..values).map(|_| cursor.raw()).collect::<Result<Vec<_>, _>>()?;
        let entries: Vec<Entry<'a>> = match (height, links.is_empty(), values.is_empty()) {
            (0, true, _) => values.into_iter().map(Entry::Value).collect(),
            (_, _, true) => links.into_iter().map(Entry::Link).collect(),
            _ => return Err(Fault::Invalid("holds links where values belong, or values where links belong")),
        };
        if entries.len() != marked.len() {
            return Err(Fault::Invalid("marks another number of slots than it holds"));
        }
        if entries.is_empty() && !root {
            return Err(Fault::Invalid("is an empty node below the root"));
        }
        Ok(Self { entries: marked.into_iter().zip(entries).collect() })
    }

    fn at(&self, slot: u64) -> Option<&Entry<'a>> {
        self.entries.iter().find(|(index, _)| *index == slot).map(|(_, entry)| entry)
    }
}

impl<'a> Root<'a> {
    fn parse(cursor: &mut Cbor<'a>) -> Result<Self, Fault> {
        let width = match cursor.tuple(&[3, 4])? {
            3 => WIDTH_V0,
            _ => match cursor.uint()? {
                width @ 1..=MAX_WIDTH => u32::try_from(width).unwrap_or(WIDTH_V0),
                found => return Err(Fault::TooMany { found, limit: MAX_WIDTH }),
            },
        };
        let height = cursor.uint()?;
        let limit = u64::from(64 / width);
        if height >= limit {
            return Err(Fault::TooMany { found: height, limit });
        }
        let height = u32::try_from(height).unwrap_or(0);
        let count = cursor.uint()?;
        if count > MAX_ENTRIES {
            return Err(Fault::TooMany { found: count, limit: MAX_ENTRIES });
        }
        let node = Node::parse(cursor, width, height, true)?;
        Ok(Self { width, height, count, node })
    }
}

/// What an index held before and holds after.
pub(crate) type Change = (Option<Vec<u8>>, Option<Vec<u8>>);

/// An array in a store.
pub(crate) struct Amt<'a, BS> {
    store: &'a BS,
    what: &'static str,
}

impl<'a, BS: Blockstore> Amt<'a, BS> {
    /// A reader that calls the array `what` in errors.
    pub(crate) fn new(store: &'a BS, what: &'static str) -> Self {
        Self { store, what }
    }

    fn malformed(&self, cid: &Cid, source: Fault) -> ReadError {
        ReadError::Malformed { what: self.what, cid: *cid, source }
    }

    fn node<'b>(&self, cid: &Cid, bytes: &'b [u8], width: u32, height: u32) -> Result<Node<'b>, ReadError> {
        let mut cursor = Cbor::new(bytes);
        Node::parse(&mut cursor, width, height, false)
            .and_then(|node| cursor.end().map(|()| node))
            .map_err(|fault| self.malformed(cid, fault))
    }

    fn root<'b>(&self, cid: &Cid, bytes: &'b [u8]) -> Result<Root<'b>, ReadError> {
        let mut cursor = Cbor::new(bytes);
        Root::parse(&mut cursor)
            .and_then(|root| cursor.end().map(|()| root))
            .map_err(|fault| self.malformed(cid, fault))
    }

    /// The value at an index, decoded; `None` where there is none.
    pub(crate) fn get<T>(
        &self,
        root: &Cid,
        index: u64,
        decode: impl FnOnce(&mut Cbor<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, ReadError> {
        let mut cid = *root;
        let mut bytes = load(self.store, &cid)?;
        let Root { width, mut height, mut node, .. } = self.root(&cid, &bytes)?;
        if width * (height + 1) < 64 && index >> (width * (height + 1)) != 0 {
            return Ok(None);
        }
        loop {
            let slot = index >> (width * height) & ((1 << width) - 1);
            let link = match node.at(slot) {
                None => return Ok(None),
                Some(Entry::Value(value)) => {
                    return whole(value, decode).map(Some).map_err(|fault| self.malformed(&cid, fault));
                }
                Some(Entry::Link(link)) => *link,
            };
            cid = link;
            height -= 1;
            bytes = load(self.store, &cid)?;
            node = self.node(&cid, &bytes, width, height)?;
        }
    }

    /// Every entry in ascending order; the value as CBOR.
    pub(crate) fn for_each(
        &self,
        cid: &Cid,
        visit: &mut impl FnMut(u64, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), ReadError> {
        let bytes = load(self.store, cid)?;
        let root = self.root(cid, &bytes)?;
        let mut left = root.count;
        self.walk(cid, &root.node, root.width, root.height, 0, &mut |index, value| {
            left = left.checked_sub(1).ok_or(Fault::Invalid("holds more entries than its root counts"))?;
            visit(index, value)
        })?;
        if left == 0 {
            Ok(())
        } else {
            Err(self.malformed(cid, Fault::Invalid("holds fewer entries than its root counts")))
        }
    }

    fn walk(
        &self,
        cid: &Cid,
        node: &Node<'_>,
        width: u32,
        height: u32,
        base: u64,
        visit: &mut impl FnMut(u64, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), ReadError> {
        for (slot, entry) in &node.entries {
            let index = base << width | slot;
            match entry {
                Entry::Value(value) => visit(index, value).map_err(|fault| self.malformed(cid, fault))?,
                Entry::Link(link) => {
                    let bytes = load(self.store, link)?;
                    let node = self.node(link, &bytes, width, height - 1)?;
                    self.walk(link, &node, width, height - 1, index, visit)?;
                }
            }
        }
        Ok(())
    }

    /// The entries with `from <= index < to` in ascending order, reading only nodes on the way to them; the value as CBOR. It ends early when
    /// `visit` says so.
    pub(crate) fn range(
        &self,
        cid: &Cid,
        (from, to): (u64, u64),
        visit: &mut impl FnMut(u64, &[u8]) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), ReadError> {
        let Some(last) = to.checked_sub(1).filter(|last| from <= *last) else { return Ok(()) };
        let bytes = load(self.store, cid)?;
        let root = self.root(cid, &bytes)?;
        let mut left = root.count;
        let flow =
            self.within(cid, &root.node, root.width, root.height, 0, (from, last), &mut |index, value| {
                left =
                    left.checked_sub(1).ok_or(Fault::Invalid("holds more entries than its root counts"))?;
                visit(index, value)
            });
        flow.map(drop)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the place of a node: which, how wide, how high, at which index"
    )]
    fn within(
        &self,
        cid: &Cid,
        node: &Node<'_>,
        width: u32,
        height: u32,
        base: u64,
        (from, last): (u64, u64),
        visit: &mut impl FnMut(u64, &[u8]) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<ControlFlow<()>, ReadError> {
        let span = width * height;
        for (slot, entry) in &node.entries {
            let index = base << width | slot;
            let (low, high) = (index << span, index << span | ((1 << span) - 1));
            if high < from || low > last {
                continue;
            }
            let flow = match entry {
                Entry::Value(value) => visit(index, value).map_err(|fault| self.malformed(cid, fault))?,
                Entry::Link(link) => {
                    let bytes = load(self.store, link)?;
                    let node = self.node(link, &bytes, width, height - 1)?;
                    self.within(link, &node, width, height - 1, index, (from, last), visit)?
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The indices whose values differ, reading only nodes that differ.
    ///
    /// Arrays of different widths are read whole.
    pub(crate) fn diff(&self, before: &Cid, after: &Cid) -> Result<BTreeMap<u64, Change>, ReadError> {
        let mut changes = Changes::default();
        if before == after {
            return Ok(changes.entries);
        }
        let (old_bytes, new_bytes) = (load(self.store, before)?, load(self.store, after)?);
        let (old, new) = (self.root(before, &old_bytes)?, self.root(after, &new_bytes)?);
        changes.left = old.count + new.count;
        let (width, same_width) = (old.width, old.width == new.width);
        let old = Tree { cid: *before, height: old.height, node: old.node };
        let new = Tree { cid: *after, height: new.height, node: new.node };
        if same_width {
            self.diff_trees(&old, &new, width, 0, &mut changes)?;
        } else {
            self.for_each(before, &mut |index, value| changes.put(index, value, Side::Before))?;
            self.for_each(after, &mut |index, value| changes.put(index, value, Side::After))?;
        }
        changes.entries.retain(|_, (old, new)| old != new);
        Ok(changes.entries)
    }

    fn tree<'b>(&self, cid: &Cid, bytes: &'b [u8], width: u32, height: u32) -> Result<Tree<'b>, ReadError> {
        Ok(Tree { cid: *cid, height, node: self.node(cid, bytes, width, height)? })
    }

    /// Compares what two nodes hold from index `base` on; a taller one is entered until both are of one height.
    fn diff_trees(
        &self,
        old: &Tree<'_>,
        new: &Tree<'_>,
        width: u32,
        base: u64,
        changes: &mut Changes,
    ) -> Result<(), ReadError> {
        if old.height != new.height {
            let (tall, short, side) =
                if old.height > new.height { (old, new, Side::Before) } else { (new, old, Side::After) };
            let mut met = false;
            for (slot, entry) in &tall.node.entries {
                match entry {
                    Entry::Link(link) if *slot == 0 => {
                        met = true;
                        let bytes = load(self.store, link)?;
                        let inner = self.tree(link, &bytes, width, tall.height - 1)?;
                        let (old, new) = if side == Side::Before { (&inner, short) } else { (short, &inner) };
                        self.diff_trees(old, new, width, base << width, changes)?;
                    }
                    _ => self.gather(
                        &tall.cid,
                        entry,
                        width,
                        tall.height,
                        base << width | slot,
                        side,
                        changes,
                    )?,
                }
            }
            if !met {
                let side = if side == Side::Before { Side::After } else { Side::Before };
                for (slot, entry) in &short.node.entries {
                    self.gather(&short.cid, entry, width, short.height, base << width | slot, side, changes)?;
                }
            }
            return Ok(());
        }
        for slot in 0..1_u64 << width {
            let index = base << width | slot;
            match (old.node.at(slot), new.node.at(slot)) {
                (Some(Entry::Link(old)), Some(Entry::Link(new))) if old == new => {}
                (Some(Entry::Link(before)), Some(Entry::Link(after))) => {
                    let (old_bytes, new_bytes) = (load(self.store, before)?, load(self.store, after)?);
                    let before = self.tree(before, &old_bytes, width, old.height - 1)?;
                    let after = self.tree(after, &new_bytes, width, new.height - 1)?;
                    self.diff_trees(&before, &after, width, index, changes)?;
                }
                (before, after) => {
                    if let Some(entry) = before {
                        self.gather(&old.cid, entry, width, old.height, index, Side::Before, changes)?;
                    }
                    if let Some(entry) = after {
                        self.gather(&new.cid, entry, width, new.height, index, Side::After, changes)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Every value under one entry.
    #[expect(
        clippy::too_many_arguments,
        reason = "the place of an entry: whose it is, how wide, how high, at which index"
    )]
    fn gather(
        &self,
        cid: &Cid,
        entry: &Entry<'_>,
        width: u32,
        height: u32,
        index: u64,
        side: Side,
        changes: &mut Changes,
    ) -> Result<(), ReadError> {
        match entry {
            Entry::Value(value) => {
                changes.put(index, value, side).map_err(|fault| self.malformed(cid, fault))
            }
            Entry::Link(link) => {
                let bytes = load(self.store, link)?;
                let node = self.node(link, &bytes, width, height - 1)?;
                self.walk(link, &node, width, height - 1, index, &mut |index, value| {
                    changes.put(index, value, side)
                })
            }
        }
    }
}

/// A node at its height.
struct Tree<'a> {
    cid: Cid,
    height: u32,
    node: Node<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// What was found so far, and how many entries the two roots still promise.
#[derive(Default)]
struct Changes {
    entries: BTreeMap<u64, Change>,
    left: u64,
}

impl Changes {
    fn put(&mut self, index: u64, value: &[u8], side: Side) -> Result<(), Fault> {
        self.left =
            self.left.checked_sub(1).ok_or(Fault::Invalid("holds more entries than its root counts"))?;
        let change = self.entries.entry(index).or_default();
        match side {
            Side::Before => change.0 = Some(value.to_vec()),
            Side::After => change.1 = Some(value.to_vec()),
        }
        Ok(())
    }
}
