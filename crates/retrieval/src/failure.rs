use apogee_outbound::HttpError;
use cid::Cid;

use crate::block::BlockError;
use crate::car::CarError;
use crate::walk::WalkError;

/// Why something was not retrieved.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer came, or not all of it.
    #[error("no answer")]
    Http(#[from] HttpError),
    /// Another status than 200.
    #[error("status {0}")]
    Status(u16),
    /// The answer says that it is something else.
    #[error("the answer is {found:?} instead of {expected}")]
    ContentType {
        /// What it has to be.
        expected: &'static str,
        /// What it says.
        found: String,
    },
    /// The answer is compressed, which was not asked for.
    #[error("the answer is compressed: {0:?}")]
    Encoding(String),
    /// The bytes are no CAR.
    #[error("the answer is no CAR")]
    Car(#[from] CarError),
    /// A block is not the one that has to come.
    #[error("the blocks are not those of the file")]
    Walk(#[from] WalkError),
    /// A single block is not what its CID names.
    #[error("the block is another one")]
    Block(#[from] BlockError),
    /// A piece has another commitment, or is too short to have one.
    #[error("{received} bytes have another commitment than {expected}")]
    Piece {
        /// What was asked for.
        expected: Cid,
        /// Bytes that came.
        received: u64,
    },
    /// The CID is none of a piece, or names a codec or a hash that is not known here.
    #[error("{0} cannot be retrieved here")]
    Unsupported(Cid),
}

impl Failure {
    /// Its code in the taxonomy of faults.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(error) => error.code(),
            // Whatever is answered to a request that is in order is the answer: none of them is left out.
            Self::Status(status) => match status {
                300..=399 => "REDIRECT_OFFSITE",
                403 => "HTTP_403",
                404 => "HTTP_404",
                410 => "HTTP_410",
                429 => "HTTP_429",
                400..=499 => "HTTP_4XX",
                500..=599 => "HTTP_5XX",
                _ => "WRONG_CONTENT_TYPE",
            },
            Self::ContentType { .. } | Self::Encoding(_) => "WRONG_CONTENT_TYPE",
            Self::Car(CarError::Truncated { .. }) => "CAR_INCOMPLETE",
            Self::Car(_) => "CAR_MALFORMED",
            Self::Walk(error) => match error {
                WalkError::Block(error) => block(*error),
                WalkError::Unexpected { .. } => "UNEXPECTED_BLOCK",
                WalkError::Extra(_) => "EXTRA_BLOCKS",
                WalkError::Unfollowed(_) => "UNSUPPORTED_CODEC",
                WalkError::Incomplete { .. } => "CAR_INCOMPLETE",
            },
            Self::Block(error) => block(*error),
            Self::Piece { .. } => "COMMP_MISMATCH",
            Self::Unsupported(_) => "UNSUPPORTED_CODEC",
        }
    }
}

const fn block(error: BlockError) -> &'static str {
    match error {
        BlockError::Mismatch(_) => "HASH_MISMATCH",
        BlockError::UnsupportedHash(_) => "UNSUPPORTED_HASH",
    }
}
