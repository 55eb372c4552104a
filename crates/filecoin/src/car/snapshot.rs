use cid::Cid;
use serde::Deserialize;

/// Metadata of a version 2 snapshot (FRC-0108): then the archive's root names no block header but this.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SnapshotMetadata {
    /// Version of the snapshot's form.
    #[serde(rename = "Version")]
    pub version: u64,
    /// The head's blocks.
    #[serde(rename = "HeadTipsetKey")]
    pub head: Vec<Cid>,
    /// A raw block with finality certificates, if any.
    #[serde(rename = "F3Data", default)]
    pub f3_data: Option<Cid>,
}

impl SnapshotMetadata {
    /// The metadata in a root block; `None` when that block is something else, such as a header.
    #[must_use]
    pub fn from_root(block: &[u8]) -> Option<Self> {
        // A map (major type 5); a header is an array. Blocks of metadata are small.
        let is_map = block.first().is_some_and(|byte| byte >> 5 == 5) && block.len() <= 64 << 10;
        is_map.then(|| fvm_ipld_encoding::from_slice(block).ok()).flatten()
    }
}
