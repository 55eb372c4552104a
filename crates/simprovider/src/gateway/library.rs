use std::collections::HashMap;

use bytes::Bytes;
use cid::Cid;
use ipld_dagpb::PbNode;

/// `dag-pb` of the table of multicodecs.
const DAG_PB: u64 = 0x70;

/// What a provider has. Nothing of it is checked.
#[derive(Clone, Debug, Default)]
pub struct Library {
    blocks: HashMap<Cid, Bytes>,
    pieces: HashMap<Cid, Bytes>,
}

/// A part of a file: what it is asked for, of what the part itself covers.
#[derive(Clone, Copy)]
struct Window {
    from: u64,
    to: u64,
}

impl Library {
    /// Have a block.
    pub fn put_block(&mut self, cid: Cid, block: impl Into<Bytes>) {
        self.blocks.insert(cid, block.into());
    }

    /// Have a piece.
    pub fn put_piece(&mut self, cid: Cid, piece: impl Into<Bytes>) {
        self.pieces.insert(cid, piece.into());
    }

    pub(super) fn block(&self, cid: &Cid) -> Option<Bytes> {
        self.blocks.get(cid).cloned()
    }

    pub(super) fn piece(&self, cid: &Cid) -> Option<Bytes> {
        self.pieces.get(cid).cloned()
    }

    /// The blocks below `root` that the library has, in the order of a depth-first search, each as often as it is met.
    pub(super) fn all(&self, root: &Cid) -> Vec<(Cid, Bytes)> {
        let mut found = vec![];
        self.collect(root, None, &mut found);
        found
    }

    /// Those of a file that hold its bytes `from` to `to`, both inclusive.
    pub(super) fn range(&self, root: &Cid, from: u64, to: u64) -> Vec<(Cid, Bytes)> {
        let mut found = vec![];
        self.collect(root, Some(Window { from, to }), &mut found);
        found
    }

    fn collect(&self, cid: &Cid, window: Option<Window>, found: &mut Vec<(Cid, Bytes)>) {
        let Some(block) = self.block(cid) else { return };
        found.push((*cid, block.clone()));
        if cid.codec() != DAG_PB {
            return;
        }
        let Ok(node) = PbNode::from_bytes(block) else { return };
        let Some(window) = window else {
            node.links.iter().for_each(|link| self.collect(&link.cid, None, found));
            return;
        };
        let (inline, sizes) = layout(node.data.as_deref().unwrap_or_default());
        let mut start = inline;
        for (link, size) in node.links.iter().zip(sizes) {
            let end = start + size;
            if window.from < end && window.to >= start {
                let inner =
                    Window { from: window.from.saturating_sub(start), to: window.to.saturating_sub(start) };
                self.collect(&link.cid, Some(inner), found);
            }
            start = end;
        }
    }
}

/// Of the node of a `UnixFS` file: how many bytes of the file it holds itself, and how many each of its children holds.
fn layout(mut data: &[u8]) -> (u64, Vec<u64>) {
    let (mut inline, mut sizes) = (0, vec![]);
    while let Ok((key, rest)) = unsigned_varint::decode::u64(data) {
        let Ok((value, rest)) = unsigned_varint::decode::u64(rest) else { break };
        data = rest;
        match key {
            // `Data`, field 2, of length `value`.
            0x12 => {
                inline = value;
                data = usize::try_from(value).ok().and_then(|value| data.get(value..)).unwrap_or_default();
            }
            // `blocksizes`, field 4.
            0x20 => sizes.push(value),
            _ => {}
        }
    }
    (inline, sizes)
}
