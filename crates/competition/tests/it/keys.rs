//! Wallet keys of both kinds, made and checked with the libraries that Filecoin's own nodes trust.

use apogee_competition::claim::{SignatureKind, Verify, WalletSignature};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

const DST: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

#[derive(Clone)]
pub(crate) enum Wallet {
    Secp256k1(SigningKey),
    Bls(blst::min_pk::SecretKey),
}

pub(crate) fn blake2b(length: usize, bytes: &[u8]) -> Vec<u8> {
    blake2b_simd::Params::new().hash_length(length).hash(bytes).as_bytes().to_vec()
}

fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let digit = |five: &[u8]| {
        let value = (0..5).fold(0, |value, i| value << 1 | five.get(i).copied().unwrap_or(0));
        char::from(b"abcdefghijklmnopqrstuvwxyz234567"[value as usize])
    };
    bits.chunks(5).map(digit).collect()
}

fn address(protocol: u8, payload: &[u8]) -> String {
    let sum = blake2b(4, &[&[protocol], payload].concat());
    format!("t{protocol}{}", base32(&[payload, &sum].concat()))
}

pub(crate) fn secp_address(key: &VerifyingKey) -> String {
    address(1, &blake2b(20, key.to_encoded_point(false).as_bytes()))
}

impl Wallet {
    pub(crate) fn secp(seed: u8) -> Self {
        Self::Secp256k1(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub(crate) fn bls(seed: u8) -> Self {
        Self::Bls(blst::min_pk::SecretKey::key_gen(&[seed; 32], &[]).unwrap())
    }

    pub(crate) fn address(&self) -> String {
        match self {
            Self::Secp256k1(key) => secp_address(key.verifying_key()),
            Self::Bls(key) => address(3, &key.sk_to_pk().to_bytes()),
        }
    }

    /// What `lotus wallet sign --raw` prints for these bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> String {
        match self {
            Self::Secp256k1(key) => {
                let (signature, id) = key.sign_prehash_recoverable(&blake2b(32, bytes)).unwrap();
                format!("01{}{:02x}", hex::encode(signature.to_bytes()), id.to_byte())
            }
            Self::Bls(key) => format!("02{}", hex::encode(key.sign(bytes, DST, &[]).to_bytes())),
        }
    }
}

/// Real cryptography.
pub(crate) struct Crypto;

impl Verify for Crypto {
    fn verifies(&self, wanted: &str, signature: &WalletSignature, bytes: &[u8]) -> bool {
        match signature.kind {
            SignatureKind::Secp256k1 => {
                let (rs, v) = signature.bytes.split_at(64);
                let recovered = Signature::from_slice(rs)
                    .ok()
                    .zip(RecoveryId::from_byte(v[0]))
                    .and_then(|(rs, v)| VerifyingKey::recover_from_prehash(&blake2b(32, bytes), &rs, v).ok());
                recovered.is_some_and(|key| secp_address(&key)[1..] == wanted[1..])
            }
            SignatureKind::Bls => {
                let Ok(read) = blst::min_pk::Signature::sig_validate(&signature.bytes, true) else {
                    return false;
                };
                let Some(key) = bls_key(wanted) else { return false };
                read.verify(false, bytes, DST, &[], &key, true) == blst::BLST_ERROR::BLST_SUCCESS
            }
        }
    }
}

fn bls_key(address: &str) -> Option<blst::min_pk::PublicKey> {
    let digits = address.get(2..).filter(|_| address.as_bytes()[1] == b'3')?;
    let bits: Vec<u8> = digits
        .bytes()
        .map(|c| if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'a' })
        .flat_map(|five| (0..5).rev().map(move |i| five >> i & 1))
        .collect();
    let bytes: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect();
    blst::min_pk::PublicKey::key_validate(bytes.get(..48)?).ok()
}
