//! Opinions: a hash for each layer over what is thought of it and of all below.

use crate::OpinionHash;
use crate::ballot::Header;

/// How an opinion says that it has none.
const ABSTAIN: u8 = 0;

/// Makes hashes of opinions. Blocks have to come in order of height and name.
#[derive(Debug, Default)]
pub(crate) struct Hasher {
    bytes: Vec<u8>,
}

impl Hasher {
    /// Begin with the opinion on the layer below; the first layer of a network has none.
    pub(crate) fn begin(&mut self, below: Option<&OpinionHash>) {
        self.bytes.clear();
        if let Some(below) = below {
            self.bytes.extend_from_slice(&below.0);
        }
    }

    pub(crate) fn support(&mut self, block: &Header) {
        self.bytes.extend_from_slice(&block.id.0);
        self.bytes.extend_from_slice(&block.height.to_le_bytes());
    }

    pub(crate) fn abstain(&mut self) {
        self.bytes.push(ABSTAIN);
    }

    pub(crate) fn end(&self) -> OpinionHash {
        OpinionHash(blake3::hash(&self.bytes).into())
    }
}
