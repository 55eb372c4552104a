//! What can go wrong when state is read.

use cid::Cid;
use fvm_shared::ActorID;

/// Why state could not be read.
///
/// [`Missing`](Self::Missing) is kept apart from everything else: an absent node makes a figure *unknown*, never zero.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store does not hold this node.
    #[error("state node {0} is not in the store")]
    Missing(Cid),
    /// The store itself failed.
    #[error("the store failed at {cid}")]
    Store {
        /// The node that was asked for.
        cid: Cid,
        /// What the store said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The node is there and is not what its place in the state says.
    #[error("{what} in node {cid} is malformed")]
    Malformed {
        /// What was expected.
        what: &'static str,
        /// The node it was read from.
        cid: Cid,
        /// What is wrong with it.
        source: Fault,
    },
    /// An actor's code is neither a `fil/N/name` code nor in the network's manifest or the table that was given.
    #[error("actor code {0} is unknown")]
    UnknownCode(Cid),
    /// The state tree holds no such actor.
    #[error("there is no actor f0{0}")]
    NoActor(ActorID),
}

impl ReadError {
    /// The node whose absence makes the answer unknown, where that is the reason.
    #[must_use]
    pub fn missing(&self) -> Option<Cid> {
        match self {
            Self::Missing(cid) => Some(*cid),
            _ => None,
        }
    }
}

/// What is wrong with the bytes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes end too early.
    #[error("ends too early")]
    Truncated,
    /// Bytes follow the value.
    #[error("has bytes after its end")]
    Trailing,
    /// A value is of another kind.
    #[error("holds CBOR major type {found} where {expected} belongs")]
    Kind {
        /// The kind that belongs there.
        expected: &'static str,
        /// CBOR major type that was found.
        found: u8,
    },
    /// A tuple has a number of fields that no known version has.
    #[error("has {0} fields, as no known version has")]
    Arity(u64),
    /// A length or a count is above what is read.
    #[error("counts {found}, above the limit of {limit}")]
    TooMany {
        /// The count that was found.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Anything else.
    #[error("{0}")]
    Invalid(&'static str),
}
