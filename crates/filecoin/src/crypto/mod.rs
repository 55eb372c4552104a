//! Cryptography of the chain: pure functions, no I/O, no clock; randomness is an argument.

pub mod bls;
pub mod delegated;
pub mod drand;
pub mod f3;
pub mod secp256k1;
pub mod sortition;

mod randomness;

pub use randomness::{DomainSeparationTag, draw};

use sha3::{Digest, Keccak256};

/// BLAKE2b-256: CIDs, randomness, VRF digests.
#[must_use]
pub fn blake2b256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(blake2b_simd::Params::new().hash_length(32).hash(bytes).as_bytes());
    digest
}

/// Keccak-256 as Ethereum uses it (not SHA3-256).
#[must_use]
pub fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}
