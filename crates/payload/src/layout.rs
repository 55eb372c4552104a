//! How a file is cut.

/// Leaves, and links of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    leaf: usize,
    links: usize,
}

/// The layout makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLayout {
    /// Leaves that gateways refuse, or that are mostly CIDs.
    #[error("leaves of {bytes} bytes: 256 to 2097152 are possible")]
    Leaf {
        /// Bytes asked for.
        bytes: usize,
    },
    /// A tree that does not end, or blocks that gateways refuse.
    #[error("{links} links a node: 2 to 8192 are possible")]
    Links {
        /// Links asked for.
        links: usize,
    },
}

impl Default for Layout {
    /// The profile `unixfs-v1-2025` (IPIP-499).
    fn default() -> Self {
        Self { leaf: 1 << 20, links: 1024 }
    }
}

impl Layout {
    /// Another: bytes of a leaf, and links of a node at most.
    ///
    /// # Errors
    /// What is out of bounds. 2 MiB is what gateways take as a block.
    pub const fn new(leaf: usize, links: usize) -> Result<Self, InvalidLayout> {
        if leaf < 256 || leaf > 2 << 20 {
            return Err(InvalidLayout::Leaf { bytes: leaf });
        }
        if links < 2 || links > 8192 {
            return Err(InvalidLayout::Links { links });
        }
        Ok(Self { leaf, links })
    }

    /// Bytes of every leaf but the last.
    #[must_use]
    pub const fn leaf(self) -> usize {
        self.leaf
    }

    /// Links of a node at most.
    #[must_use]
    pub const fn links(self) -> usize {
        self.links
    }
}
