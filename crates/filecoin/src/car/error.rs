use cid::Cid;

/// Why bytes are no archive that can be used. Offsets count decompressed bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum CarError {
    /// The file could not be read or its compression is broken.
    #[error("the archive could not be read beyond byte {offset}")]
    Read {
        /// Where reading stopped.
        offset: usize,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// More than [`Limits`](super::Limits) allows.
    #[error("at byte {offset}: {what} is over the limit of {limit}")]
    TooLarge {
        /// Where.
        offset: usize,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The archive ends in the middle of something.
    #[error("at byte {offset}: the archive ends inside {what}")]
    Truncated {
        /// Where that something begins.
        offset: usize,
        /// What is cut.
        what: &'static str,
    },
    /// Not what the format demands.
    #[error("at byte {offset}: {detail}")]
    Malformed {
        /// Where.
        offset: usize,
        /// What is wrong.
        detail: String,
    },
    /// The block's bytes do not hash to its CID.
    #[error("at byte {offset}: block {cid} has other content than its name says")]
    WrongHash {
        /// Where the block's section begins.
        offset: usize,
        /// Its claimed name.
        cid: Cid,
    },
    /// The CID uses a hash function that Filecoin does not.
    #[error(
        "at byte {offset}: block {cid} is named by hash function 0x{code:x}; known are blake2b-256, sha2-256 and identity"
    )]
    UnknownHash {
        /// Where the block's section begins.
        offset: usize,
        /// The block.
        cid: Cid,
        /// Multihash code.
        code: u64,
    },
}
