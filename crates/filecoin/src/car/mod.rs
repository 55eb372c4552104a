//! Content-addressed archives: CARv1, CARv2 and either of them behind zstd (the Forest form with many frames included).
//!
//! Nothing is handed on that does not hash to its CID. Everything an archive claims about itself is checked against [`Limits`]
//! and against what is really there. A code CID (the WebAssembly of an actor) is the one kind of link that may point at
//! nothing in an otherwise complete archive.

mod container;
mod error;
mod section;
mod snapshot;
mod store;

pub use container::unpack;
pub use error::CarError;
pub use section::verify_block;
pub use snapshot::SnapshotMetadata;
pub use store::CarStore;

/// What an archive may cost. Everything beyond is refused while it is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive, decompressed.
    pub bytes: usize,
    /// Blocks.
    pub blocks: usize,
    /// Bytes of one block.
    pub block_bytes: usize,
    /// Bytes of the header.
    pub header_bytes: usize,
    /// Roots in the header.
    pub roots: usize,
}

impl Limits {
    /// For archives that fit into memory: 1 GiB, 4 million blocks of at most 8 MiB.
    pub const DEFAULT: Self =
        Self { bytes: 1 << 30, blocks: 4_000_000, block_bytes: 8 << 20, header_bytes: 64 << 10, roots: 256 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
