#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod ask;
pub mod cbor;
pub mod deal;
mod key;
pub mod price;
mod proposal;
mod rejection;
pub mod status;
pub mod transports;
mod uuid;

pub use key::{KeyError, Secp256k1Key, SignError, SignatureError, Signs, verify};
pub use proposal::{ClientDealProposal, DealProposal, Label, NotSigned, Terms, TermsError};
pub use rejection::Rejection;
pub use uuid::{DealUuid, InvalidUuid};

/// What a storage provider speaks, as it is named in the negotiation of a stream.
pub mod protocol {
    /// Proposals with `SkipIPNIAnnounce` and `RemoveUnsealedCopy`.
    pub const DEAL_1_2_1: &str = "/fil/storage/mk/1.2.1";
    /// Proposals without them.
    pub const DEAL_1_2_0: &str = "/fil/storage/mk/1.2.0";
    /// How far a deal is.
    pub const STATUS_1_2_0: &str = "/fil/storage/status/1.2.0";
    /// What storage costs.
    pub const ASK_1_1_0: &str = "/fil/storage/ask/1.1.0";
    /// Where a provider serves what it stores.
    pub const TRANSPORTS_1_0_0: &str = "/fil/retrieval/transports/1.0.0";
}
