//! BLS signatures on BLS12-381, checked in batches.
//!
//! Two schemes: [`MinPk`] (keys in G1, signatures in G2: everything on Filecoin, and drand's chained networks) and [`MinSig`]
//! (signatures in G1: drand's quicknet). One [`Batch`] holds signatures of one scheme.

mod batch;
mod msm;
mod scheme;

pub use batch::{Batch, SignatureFailure, Waiting};
pub use scheme::{InvalidKey, MinPk, MinSig, PublicKey, Scheme};

/// The G2 point at infinity, compressed: what blocks without BLS messages carry as their aggregate.
pub const ZERO_SIGNATURE: [u8; 96] = {
    let mut bytes = [0; 96];
    bytes[0] = 0xc0;
    bytes
};
