//! Signatures of operators: Ed25519 (RFC 8032) over the hash of an entry.

use apogee_domain::Digest;
use apogee_rules::Id;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::Hex;

/// What is signed begins with this, so that a signature means nothing elsewhere.
const PREFIX: &[u8] = b"apogee-ledger-1\n";

/// Somebody who may act for the organisers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Name in the ledger; never given twice.
    pub id: Id,
    /// Ed25519 public key.
    pub key: Hex<32>,
}

/// An operator's signature beside an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Who signed.
    pub operator: Id,
    /// Ed25519 over `apogee-ledger-1`, a line feed and the 32 bytes of the entry's hash.
    pub signature: Hex<64>,
}

fn message(hash: &Digest) -> Vec<u8> {
    [PREFIX, &hash.0].concat()
}

/// The public key of an operator's secret.
#[must_use]
pub fn public_key(secret: &[u8; 32]) -> Hex<32> {
    Hex(SigningKey::from_bytes(secret).verifying_key().to_bytes())
}

/// Sign the hash of an entry with an operator's secret.
#[must_use]
pub fn sign(secret: &[u8; 32], hash: &Digest) -> Hex<64> {
    Hex(SigningKey::from_bytes(secret).sign(&message(hash)).to_bytes())
}

/// Whether the key is a point that can be signed for, in its one writing (RFC 8032 §5.1.3: `y` below 2²⁵⁵ − 19).
pub(crate) fn usable(key: &Hex<32>) -> bool {
    let [low, middle @ .., high] = key.0;
    let beyond = low >= 0xed && middle == [0xff; 30] && high & 0x7f == 0x7f;
    !beyond && VerifyingKey::from_bytes(&key.0).is_ok_and(|key| !key.is_weak())
}

/// Whether this is the key's signature over the hash of an entry.
///
/// Strict: keys of small order and signatures with another writing are refused, so nobody can alter a signature that stands.
#[must_use]
pub fn verifies(key: &Hex<32>, hash: &Digest, signature: &Hex<64>) -> bool {
    VerifyingKey::from_bytes(&key.0)
        .is_ok_and(|key| key.verify_strict(&message(hash), &Signature::from_bytes(&signature.0)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_for_one_hash_and_one_key() {
        let (a, b) = ([7; 32], [8; 32]);
        let (hash, other) = (Digest([1; 32]), Digest([2; 32]));
        let signature = sign(&a, &hash);
        assert!(verifies(&public_key(&a), &hash, &signature));
        assert!(!verifies(&public_key(&b), &hash, &signature));
        assert!(!verifies(&public_key(&a), &other, &signature));
        for bit in 0..512 {
            let mut altered = signature;
            altered.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!verifies(&public_key(&a), &hash, &altered), "bit {bit}");
        }
    }

    #[test]
    fn the_neutral_point_is_no_key() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert!(!usable(&Hex(neutral)));
        assert!(!usable(&Hex([0xff; 32])), "another writing of 18");
        assert!(usable(&public_key(&[7; 32])));
    }
}
