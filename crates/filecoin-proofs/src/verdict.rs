//! What a check of a proof can say.

use std::path::PathBuf;

use cid::Cid;

/// The answer of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The proof holds.
    Valid,
    /// The proof does not hold.
    Invalid(Refusal),
    /// The check could not be made; it says nothing about the proof.
    NotMade(NotMade),
}

impl Verdict {
    /// Whether the proof holds.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        *self == Self::Valid
    }
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Invalid(refusal)
    }
}

impl From<NotMade> for Verdict {
    fn from(reason: NotMade) -> Self {
        Self::NotMade(reason)
    }
}

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The pairing equation does not hold for these public inputs.
    #[error("the proof is not one of this statement")]
    Wrong,
    /// The bytes are not as many as the partitions need.
    #[error("the proof has {found} bytes instead of {expected}")]
    Length {
        /// Bytes that were found.
        found: usize,
        /// Bytes that were expected.
        expected: usize,
    },
    /// The bytes are no points of the curve's subgroups.
    #[error("the proof is not made of curve points")]
    Points,
    /// A commitment is not 32 bytes, zero, or not a field element.
    #[error("{0} is no commitment")]
    Commitment(Cid),
    /// The statement names another number of sectors than the proof type challenges.
    #[error("the statement names {found} sectors instead of {expected}")]
    SectorCount {
        /// Sectors that were named.
        found: usize,
        /// Sectors that the proof type challenges.
        expected: usize,
    },
    /// The proof type exists and is for another kind of proof.
    #[error("proof type {0} is for another kind of proof")]
    Kind(i64),
    /// The statement has no public inputs, with the library's reason.
    #[error("the statement is malformed: {0}")]
    Statement(String),
}

/// Why a check could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    /// The network's verifying key is not in the folder.
    #[error("verifying key {} is absent", .0.display())]
    NoKey(PathBuf),
    /// The verifying key is there and cannot be used.
    #[error("verifying key {} is unusable: {reason}", path.display())]
    BadKey {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The proof type is not known here.
    #[error("proof type {0} is unknown")]
    UnknownType(i64),
    /// The proof is an aggregate, whose structured reference string is not read here.
    #[error("proof type {0} is an aggregate of proofs")]
    Aggregate(i64),
}
