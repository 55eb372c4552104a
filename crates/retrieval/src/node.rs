//! Nodes of files: `dag-pb` with `UnixFS` inside, and `raw`.

use cid::Cid;

use crate::protobuf::{Field, Malformed, Message};

/// `raw` and `dag-pb` of the table of multicodecs.
pub(crate) const RAW: u64 = 0x55;
const DAG_PB: u64 = 0x70;
/// Most links of one node. Builders of files write 174 or 1,024 of them, shards of directories 256.
const LINKS: usize = 8192;
/// The types of nodes that are parts of files.
const RAW_PART: u64 = 0;
const FILE: u64 = 2;

/// The node cannot be read, though its bytes are the ones that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self
    }
}

/// A node's children, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) links: Vec<Cid>,
    /// Of a part of a file, how it lies.
    pub(crate) layout: Option<Layout>,
}

/// How the bytes of a file lie in a node: its own first, then each child's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) inline: u64,
    pub(crate) children: Vec<u64>,
}

impl Node {
    /// Read a block, which is known to be the one that `cid` names.
    pub(crate) fn read(cid: &Cid, block: &[u8]) -> Result<Self, Unreadable> {
        match cid.codec() {
            RAW => {
                let layout = Layout { inline: block.len() as u64, children: vec![] };
                Ok(Self { links: vec![], layout: Some(layout) })
            }
            DAG_PB => Self::of_protobuf(block),
            _ => Err(Unreadable),
        }
    }

    fn of_protobuf(block: &[u8]) -> Result<Self, Unreadable> {
        let mut node = Self::default();
        let mut data = None;
        for field in Message(block) {
            match field? {
                (1, Field::Bytes(bytes)) if data.is_none() => data = Some(bytes),
                (2, Field::Bytes(link)) if node.links.len() < LINKS => node.links.push(linked(link)?),
                _ => return Err(Unreadable),
            }
        }
        // Data that is not UnixFS is fine, as long as nobody asks for a part of a file.
        node.layout = data.and_then(|data| layout(data).ok().flatten());
        node.layout.take_if(|layout| layout.children.len() != node.links.len());
        Ok(node)
    }
}

fn linked(link: &[u8]) -> Result<Cid, Unreadable> {
    for field in Message(link) {
        if let (1, Field::Bytes(cid)) = field? {
            return Cid::try_from(cid).map_err(|_| Unreadable);
        }
    }
    Err(Unreadable)
}

/// `None` for what is no part of a file.
fn layout(data: &[u8]) -> Result<Option<Layout>, Unreadable> {
    let mut layout = Layout { inline: 0, children: vec![] };
    let mut kind = None;
    for field in Message(data) {
        match field? {
            (1, Field::Number(number)) => kind = Some(number),
            (2, Field::Bytes(bytes)) => layout.inline = bytes.len() as u64,
            (4, Field::Number(size)) if layout.children.len() < LINKS => layout.children.push(size),
            (4, Field::Bytes(mut packed)) => {
                while !packed.is_empty() && layout.children.len() < LINKS {
                    let (size, rest) = unsigned_varint::decode::u64(packed).map_err(|_| Unreadable)?;
                    layout.children.push(size);
                    packed = rest;
                }
            }
            _ => {}
        }
    }
    Ok(matches!(kind, Some(RAW_PART | FILE)).then_some(layout))
}
