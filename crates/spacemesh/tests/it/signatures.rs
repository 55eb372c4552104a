//! Where checks of Ed25519 differ between libraries, ours is a node's.

use apogee_spacemesh::id::GenesisId;
use apogee_spacemesh::signature::{Domain, SignatureError, signed_bytes, verify};
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use sha2_011::{Digest, Sha512};

/// Sign with any key and any commitment, as an attacker can: `s = r + H(R, A, m)·a`.
fn forge(
    secret: Scalar,
    torsion: EdwardsPoint,
    commitment: EdwardsPoint,
    r: Scalar,
    message: &[u8],
) -> ([u8; 32], [u8; 64]) {
    let key = (&secret * ED25519_BASEPOINT_TABLE + torsion).compress().to_bytes();
    let big_r = commitment.compress().to_bytes();
    let hash = Sha512::new().chain_update(big_r).chain_update(key).chain_update(message).finalize();
    let s = r + Scalar::from_bytes_mod_order_wide(&hash.into()) * secret;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&big_r);
    signature[32..].copy_from_slice(s.as_bytes());
    (key, signature)
}

#[test]
fn a_key_with_a_small_part_is_taken() {
    // With a component of order eight the equation holds only when multiplied by eight.
    let (secret, r) = (Scalar::from(7_u64), Scalar::from(11_u64));
    let commitment = &r * ED25519_BASEPOINT_TABLE;
    let (key, signature) = forge(secret, EIGHT_TORSION[1], commitment, r, b"message");
    assert_eq!(verify(&key, b"message", &signature), Ok(()));
    assert_eq!(verify(&key, b"massage", &signature), Err(SignatureError::Mismatch));
    let strict = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
    let signature = ed25519_dalek::Signature::from_bytes(&signature);
    assert!(strict.verify_strict(b"message", &signature).is_err(), "a stricter library would not take it");
}

#[test]
fn a_commitment_of_small_order_is_taken() {
    let (key, signature) =
        forge(Scalar::from(7_u64), EIGHT_TORSION[0], EIGHT_TORSION[0], Scalar::ZERO, b"message");
    assert_eq!(verify(&key, b"message", &signature), Ok(()));
}

#[test]
fn a_key_of_small_order_is_not() {
    for torsion in EIGHT_TORSION {
        let (key, signature) = forge(Scalar::ZERO, torsion, EIGHT_TORSION[0], Scalar::ZERO, b"message");
        assert_eq!(verify(&key, b"message", &signature), Err(SignatureError::Key));
    }
}

#[test]
fn only_one_form_of_each_part_is_taken() {
    let key = SigningKey::from_bytes(&[3; 32]);
    let (public, mut signature) = (key.verifying_key().to_bytes(), key.sign(b"message").to_bytes());
    assert_eq!(verify(&public, b"message", &signature), Ok(()));
    // The same scalar with the group's order added.
    let order: [u8; 32] = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
        .unwrap()
        .try_into()
        .unwrap();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(verify(&public, b"message", &signature), Err(SignatureError::Form));
    // A coordinate above the field's order: the neutral element as 2^255 - 18.
    let mut second = [0xff; 32];
    (second[0], second[31]) = (0xee, 0x7f);
    signature[..32].copy_from_slice(&second);
    signature[32..].fill(0);
    assert_eq!(verify(&public, b"message", &signature), Err(SignatureError::Form));
    assert_eq!(verify(&second, b"message", &signature), Err(SignatureError::Key));
    // No point at all.
    assert_eq!(verify(&[2; 32], b"message", &signature), Err(SignatureError::Key));
}

#[test]
fn a_message_is_of_a_network_and_a_domain() {
    let message = signed_bytes(&GenesisId([9; 20]), Domain::Ballot, b"x");
    assert_eq!(message, [&[9; 20][..], &[2, b'x']].concat());
    let all =
        [Domain::Activation, Domain::Proposal, Domain::Ballot, Domain::Hare, Domain::Poet, Domain::Marriage];
    assert_eq!(all.map(|domain| domain as u8), [0, 1, 2, 3, 4, 5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_library_signs_and_we_verify(seed: [u8; 32], message: Vec<u8>, place in 0_usize..64, flip in 1_u8..) {
        let key = SigningKey::from_bytes(&seed);
        let mut signature = key.sign(&message).to_bytes();
        let public = key.verifying_key().to_bytes();
        prop_assert_eq!(verify(&public, &message, &signature), Ok(()));
        signature[place] ^= flip;
        prop_assert!(verify(&public, &message, &signature).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(key: [u8; 32], low: [u8; 32], high: [u8; 32], message: Vec<u8>) {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&low);
        signature[32..].copy_from_slice(&high);
        prop_assert!(verify(&key, &message, &signature).is_err());
    }
}
