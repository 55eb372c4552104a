//! Who said something: Ed25519 as nodes check it.
//!
//! Nodes use `curve25519-voi` with its default options: the cofactored equation of RFC 8032 §5.1.7, keys that are
//! neither of small order nor written in a second way, `R` of any order but written in the one way, and `s` below the
//! group's order. Stricter libraries refuse signatures that a node takes, and more generous ones take what it refuses.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2_011::{Digest, Sha512};

use crate::id::GenesisId;

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// What a message that is signed is about, so that none passes for another. Transactions have no domain.
///
/// Source: go-spacemesh `signing/domain.go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Domain {
    /// Activations.
    Activation = 0,
    /// Proposals of blocks.
    Proposal = 1,
    /// Ballots.
    Ballot = 2,
    /// Messages of the hare protocol.
    Hare = 3,
    /// Registrations with a proof of elapsed time.
    Poet = 4,
    /// Certificates that join identities.
    Marriage = 5,
}

/// The signature is not of this message by this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No key.
    #[error("the key is no point of the curve in its one form, or a point of small order")]
    Key,
    /// No signature.
    #[error("the signature is not a point and a scalar in their one form")]
    Form,
    /// A signature of something else, or by somebody else.
    #[error("the signature is not of this message by this key")]
    Mismatch,
}

/// What is signed: the network, the domain, the message.
#[must_use]
pub fn signed_bytes(genesis: &GenesisId, domain: Domain, message: &[u8]) -> Vec<u8> {
    [&genesis.0, &[domain as u8][..], message].concat()
}

/// Check `signature` of `message` by `key`.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify(
    key: &[u8; 32],
    message: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
) -> Result<(), SignatureError> {
    let public = point(key).filter(|public| !public.is_small_order()).ok_or(SignatureError::Key)?;
    let (r, s) = halves(signature);
    let commitment = point(&r).ok_or(SignatureError::Form)?;
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)).ok_or(SignatureError::Form)?;
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    let challenge = Scalar::from_bytes_mod_order_wide(&hash.into());
    let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-challenge, &public, &s);
    let same = (expected - commitment).mul_by_cofactor().is_identity();
    same.then_some(()).ok_or(SignatureError::Mismatch)
}

/// A point from its one form.
pub(crate) fn point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let compressed = CompressedEdwardsY(*bytes);
    // Decompression takes coordinates above the field's order, which have a second form below it.
    compressed.decompress().filter(|point| point.compress() == compressed)
}

fn halves(signature: &[u8; SIGNATURE_BYTES]) -> ([u8; 32], [u8; 32]) {
    let (mut first, mut second) = ([0; 32], [0; 32]);
    let (low, high) = signature.split_at(32);
    first.copy_from_slice(low);
    second.copy_from_slice(high);
    (first, second)
}
