//! Which block has to come next.

use std::collections::HashSet;

use cid::Cid;

use crate::block::{self, BlockError};
use crate::node::{Node, RAW};

/// How deep a file may be nested. A file of 1 PiB with 174 links a node and leaves of 256 KiB is 6 deep.
const DEPTH: u8 = 32;
/// Most blocks that are expected at one time.
const WAITING: usize = 65_536;
/// Most blocks that are remembered, for gateways that send a block once only.
const REMEMBERED: usize = 16_384;

/// Which part of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it, or of any other structure of `dag-pb` and `raw`.
    Whole,
    /// The bytes from and to, both inclusive, counted from the start.
    Bytes(u64, u64),
}

/// A block is not the one that has to come, or cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// The block is not what its CID names, or that cannot be told.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Another block has to come.
    #[error("{found} comes where {expected} has to")]
    Unexpected {
        /// The block that has to come.
        expected: Cid,
        /// The one that came.
        found: Cid,
    },
    /// All has come already.
    #[error("{0} comes behind the last block")]
    Extra(Cid),
    /// The block is the right one, and it is nothing that can be followed here: another codec, or nested too deep or too wide.
    #[error("{0} cannot be followed")]
    Unfollowed(Cid),
    /// Blocks are missing.
    #[error("{missing} is missing, and {more} more that are known of")]
    Incomplete {
        /// The next block that had to come.
        missing: Cid,
        /// How many more are known of.
        more: usize,
    },
}

/// A block that is expected, and which part of it.
#[derive(Clone, Copy, Debug)]
struct Expected {
    cid: Cid,
    part: Part,
    depth: u8,
}

/// A depth-first search that is shown one block after the other.
#[derive(Debug)]
pub struct Walk {
    /// The next one last.
    expected: Vec<Expected>,
    seen: HashSet<Cid>,
    blocks: u64,
    bytes: u64,
}

impl Walk {
    /// Begin at `root`.
    #[must_use]
    pub fn new(root: Cid, part: Part) -> Self {
        Self {
            expected: vec![Expected { cid: root, part, depth: 0 }],
            seen: HashSet::new(),
            blocks: 0,
            bytes: 0,
        }
    }

    /// Blocks that were verified.
    #[must_use]
    pub const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Bytes of them.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A block comes.
    ///
    /// # Errors
    /// [`WalkError`], but [`WalkError::Incomplete`].
    pub fn accept(&mut self, cid: &Cid, block: &[u8]) -> Result<(), WalkError> {
        while let Some(next) = self.expected.pop() {
            if next.cid == *cid {
                block::verify(cid, block)?;
                self.blocks = self.blocks.saturating_add(1);
                self.bytes = self.bytes.saturating_add(block.len() as u64);
                if self.seen.len() < REMEMBERED {
                    self.seen.insert(*cid);
                }
                return self.expand(&next, block);
            }
            if !self.pass(&next)? {
                return Err(WalkError::Unexpected { expected: next.cid, found: *cid });
            }
        }
        Err(WalkError::Extra(*cid))
    }

    /// The end comes.
    ///
    /// # Errors
    /// [`WalkError::Incomplete`] where blocks are missing; [`WalkError::Unfollowed`].
    pub fn finish(&mut self) -> Result<(), WalkError> {
        while let Some(next) = self.expected.pop() {
            if !self.pass(&next)? {
                return Err(WalkError::Incomplete { missing: next.cid, more: self.expected.len() });
            }
        }
        Ok(())
    }

    /// Whether a block need not come: its CID holds it, or it came before, with all below it, to a gateway that sends every block once.
    fn pass(&mut self, next: &Expected) -> Result<bool, WalkError> {
        if let Some(block) = block::inline(&next.cid) {
            self.expand(next, block)?;
            return Ok(true);
        }
        // Of a node in the middle of a file, another part may have been asked for then.
        let same_below = next.part == Part::Whole || next.cid.codec() == RAW;
        Ok(same_below && self.seen.contains(&next.cid))
    }

    fn expand(&mut self, node: &Expected, block: &[u8]) -> Result<(), WalkError> {
        let unfollowed = WalkError::Unfollowed(node.cid);
        let read = Node::read(&node.cid, block).map_err(|_| unfollowed)?;
        if read.links.is_empty() {
            return Ok(());
        }
        let depth = node.depth.checked_add(1).filter(|depth| *depth <= DEPTH).ok_or(unfollowed)?;
        let children: Vec<Expected> = match node.part {
            Part::Whole => {
                read.links.into_iter().map(|cid| Expected { cid, part: Part::Whole, depth }).collect()
            }
            Part::Bytes(from, to) => {
                let layout = read.layout.ok_or(unfollowed)?;
                let mut start = layout.inline;
                let mut children = vec![];
                for (cid, size) in read.links.into_iter().zip(layout.children) {
                    let end = start.checked_add(size).ok_or(unfollowed)?;
                    if from < end && to >= start {
                        let part = Part::Bytes(from.saturating_sub(start), to.saturating_sub(start));
                        children.push(Expected { cid, part, depth });
                    }
                    start = end;
                }
                children
            }
        };
        if self.expected.len().saturating_add(children.len()) > WAITING {
            return Err(unfollowed);
        }
        self.expected.extend(children.into_iter().rev());
        Ok(())
    }
}
