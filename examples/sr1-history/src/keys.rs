//! Wallets of invented miners: keys from names, signatures as `lotus wallet sign` prints them.

use anyhow::{Context as _, Result, anyhow};
use apogee_competition::claim::{SignatureKind, Verify, WalletSignature};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

use crate::draw;

/// The ciphersuite of Filecoin's BLS signatures.
const SUITE: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A test key of either kind.
#[derive(Clone)]
pub(crate) struct Wallet {
    key: Key,
    pub(crate) address: String,
}

#[derive(Clone)]
enum Key {
    Secp256k1(Box<SigningKey>),
    Bls(Box<blst::min_pk::SecretKey>),
}

fn blake2b(length: usize, bytes: &[u8]) -> Vec<u8> {
    blake2b_simd::Params::new().hash_length(length).hash(bytes).as_bytes().to_vec()
}

/// The address of a key: protocol, what stands for the key, checksum.
fn address(protocol: u8, payload: &[u8]) -> String {
    let checked = [payload, &blake2b(4, &[&[protocol], payload].concat())].concat();
    let bits: Vec<u8> =
        checked.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |five: &[u8]| {
        let value =
            (0..5).fold(0, |value, bit| value << 1 | usize::from(five.get(bit).copied().unwrap_or(0)));
        char::from(BASE32.get(value).copied().unwrap_or_default())
    };
    format!("t{protocol}{}", bits.chunks(5).map(digit).collect::<String>())
}

fn secp256k1_address(key: &VerifyingKey) -> String {
    address(1, &blake2b(20, key.to_encoded_point(false).as_bytes()))
}

/// The 48 bytes of the key that a `t3…` address is.
fn bls_key(address: &str) -> Option<blst::min_pk::PublicKey> {
    let value = |digit: u8| BASE32.iter().position(|other| *other == digit);
    let five: Vec<usize> = address.strip_prefix("t3")?.bytes().map(value).collect::<Option<_>>()?;
    let bits: Vec<u8> =
        five.iter().flat_map(|five| (0..5).rev().map(move |bit| u8::from(five >> bit & 1 == 1))).collect();
    let bytes: Vec<u8> =
        bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    blst::min_pk::PublicKey::key_validate(bytes.get(..48)?).ok()
}

impl Wallet {
    /// The wallet of that name: every third one BLS, the others secp256k1.
    pub(crate) fn of(name: &str) -> Result<Self> {
        let seed = draw::bytes(&format!("wallet {name}"));
        if draw::between(&format!("kind of {name}"), 0, 2) == 0 {
            let key = blst::min_pk::SecretKey::key_gen(&seed, &[]);
            let key = key.map_err(|why| anyhow!("{name} has no key: {why:?}"))?;
            let address = address(3, &key.sk_to_pk().to_bytes());
            return Ok(Self { key: Key::Bls(Box::new(key)), address });
        }
        let key = SigningKey::from_slice(&seed).with_context(|| format!("{name} has no key"))?;
        let address = secp256k1_address(key.verifying_key());
        Ok(Self { key: Key::Secp256k1(Box::new(key)), address })
    }

    /// What `lotus wallet sign` prints for these bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<String> {
        Ok(match &self.key {
            Key::Secp256k1(key) => {
                let (signature, id) = key.sign_prehash_recoverable(&blake2b(32, bytes))?;
                format!("01{}{:02x}", hex::encode(signature.to_bytes()), id.to_byte())
            }
            Key::Bls(key) => format!("02{}", hex::encode(key.sign(bytes, SUITE, &[]).to_bytes())),
        })
    }
}

/// Checks wallets' signatures.
#[derive(Clone, Copy, Debug)]
pub struct Signatures;

impl Verify for Signatures {
    fn verifies(&self, address: &str, signature: &WalletSignature, bytes: &[u8]) -> bool {
        let good = || match signature.kind {
            SignatureKind::Secp256k1 => {
                let (last, first) = signature.bytes.split_last()?;
                let (first, id) = (Signature::from_slice(first).ok()?, RecoveryId::from_byte(*last)?);
                let key = VerifyingKey::recover_from_prehash(&blake2b(32, bytes), &first, id).ok()?;
                Some(secp256k1_address(&key) == address)
            }
            SignatureKind::Bls => {
                let signature = blst::min_pk::Signature::sig_validate(&signature.bytes, true).ok()?;
                let found = signature.verify(false, bytes, SUITE, &[], &bls_key(address)?, true);
                Some(found == blst::BLST_ERROR::BLST_SUCCESS)
            }
        };
        good().unwrap_or(false)
    }
}
