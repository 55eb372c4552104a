use cid::Cid;
use multihash_codetable::{Code, MultihashDigest};

/// `identity` of the table of multicodecs: the block is its own digest.
const IDENTITY: u64 = 0x00;

/// A block is not what its CID names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It hashes to something else.
    #[error("a block does not hash to {0}")]
    Mismatch(Cid),
    /// The hash is none that is known here, so nothing is known of the block.
    #[error("{0} is of a hash that is not known here")]
    UnsupportedHash(Cid),
}

/// Check that `block` hashes to `cid`: SHA-256, BLAKE2b-256 and the other hashes of Filecoin and IPFS.
pub(crate) fn verify(cid: &Cid, block: &[u8]) -> Result<(), BlockError> {
    let code = Code::try_from(cid.hash().code()).map_err(|_| BlockError::UnsupportedHash(*cid))?;
    if code.digest(block).digest() == cid.hash().digest() { Ok(()) } else { Err(BlockError::Mismatch(*cid)) }
}

/// The block itself, where its CID holds it.
pub(crate) fn inline(cid: &Cid) -> Option<&[u8]> {
    (cid.hash().code() == IDENTITY).then(|| cid.hash().digest())
}
