use std::fmt;

use apogee_filecoin::crypto::blake2b256;
use apogee_filecoin::crypto::secp256k1;
use apogee_filecoin::types::{Message, MessageSignature, SignatureKind, message_cid};
use blst::{BLST_ERROR, min_pk};
use fvm_shared::address::{Address, Payload};
use k256::ecdsa::SigningKey;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Domain of signatures over messages: G2, random oracle, no proof of possession (RFC 9380 §8.8.2; Lotus `lib/sigs/bls`).
const BLS_DOMAIN: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

/// Scheme of a wallet's key, as Lotus calls it in exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// An `f1` address.
    Secp256k1,
    /// An `f3` address.
    Bls,
}

/// The bytes are no secret key of the scheme: not 32, zero, or beyond the group's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no secret key")]
pub struct InvalidKey;

/// A wallet's secret key. It is shown nowhere, and wiped when it goes.
pub struct Key {
    material: Material,
    address: Address,
}

/// Both libraries wipe theirs.
enum Material {
    Secp256k1(SigningKey),
    Bls(min_pk::SecretKey),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.address)
    }
}

impl Key {
    /// The key with these 32 bytes, as Lotus and Forest keep them: secp256k1 big-endian, BLS little-endian.
    ///
    /// # Errors
    /// When they are no key.
    pub fn from_bytes(kind: KeyKind, bytes: &[u8]) -> Result<Self, InvalidKey> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| InvalidKey)?;
        let (material, address) = match kind {
            KeyKind::Secp256k1 => {
                let secret = SigningKey::from_slice(bytes).map_err(|_| InvalidKey)?;
                let public = secret.verifying_key().to_encoded_point(false);
                (Material::Secp256k1(secret), Address::new_secp256k1(public.as_bytes()))
            }
            KeyKind::Bls => {
                let mut big_endian = Zeroizing::new(*bytes);
                big_endian.reverse();
                let secret = min_pk::SecretKey::from_bytes(&*big_endian).map_err(|_| InvalidKey)?;
                let public = secret.sk_to_pk().to_bytes();
                (Material::Bls(secret), Address::new_bls(&public))
            }
        };
        Ok(Self { material, address: address.map_err(|_| InvalidKey)? })
    }

    /// A new key from `random`.
    pub fn generate(kind: KeyKind, random: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            random.fill_bytes(&mut *bytes);
            if kind == KeyKind::Bls {
                // The group's order is a bit below 2²⁵⁵: without the highest bit most draws are below it.
                if let Some(highest) = bytes.last_mut() {
                    *highest &= 0x7f;
                }
            }
            if let Ok(key) = Self::from_bytes(kind, &*bytes) {
                return key;
            }
        }
    }

    /// Its scheme.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match self.material {
            Material::Secp256k1(_) => KeyKind::Secp256k1,
            Material::Bls(_) => KeyKind::Bls,
        }
    }

    /// Its `f1` or `f3` address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// As [`from_bytes`](Self::from_bytes) reads it.
    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        match &self.material {
            Material::Secp256k1(secret) => {
                let mut field = secret.to_bytes();
                bytes.copy_from_slice(&field);
                field.zeroize();
            }
            Material::Bls(secret) => {
                *bytes = secret.to_bytes();
                bytes.reverse();
            }
        }
        bytes
    }

    /// Sign the bytes of a message's CID. The same message gets the same signature, always: RFC 6979, BLS.
    ///
    /// # Errors
    /// When the nonce of RFC 6979 comes to nothing, which no known message makes it.
    pub fn sign(&self, message: &Message) -> Result<MessageSignature, NotSigned> {
        let bytes = message_cid(message).to_bytes();
        match &self.material {
            Material::Secp256k1(secret) => {
                let (signature, recovery) = secret
                    .sign_prehash_recoverable(&blake2b256(&bytes))
                    .map_err(|_| NotSigned(self.address))?;
                let bytes = [&signature.to_bytes()[..], &[recovery.to_byte()]].concat();
                Ok(MessageSignature { kind: SignatureKind::Secp256k1, bytes })
            }
            Material::Bls(secret) => {
                let bytes = secret.sign(&bytes, BLS_DOMAIN, &[]).to_bytes().to_vec();
                Ok(MessageSignature { kind: SignatureKind::Bls, bytes })
            }
        }
    }
}

/// The key of this address has not signed the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} has not signed the message")]
pub struct NotSigned(pub Address);

/// Check that the key of `wallet`, an `f1` or `f3` address, has signed `message`.
///
/// # Errors
/// When it has not.
pub fn verify(wallet: &Address, message: &Message, signature: &MessageSignature) -> Result<(), NotSigned> {
    let bytes = message_cid(message).to_bytes();
    let good = match (wallet.payload(), signature.kind) {
        (Payload::Secp256k1(_), SignatureKind::Secp256k1) => {
            secp256k1::verify(wallet, &bytes, &signature.bytes).is_ok()
        }
        (Payload::BLS(public), SignatureKind::Bls) => bls_verifies(public, &bytes, &signature.bytes),
        _ => false,
    };
    if good { Ok(()) } else { Err(NotSigned(*wallet)) }
}

fn bls_verifies(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let public = min_pk::PublicKey::key_validate(public);
    let signature = min_pk::Signature::sig_validate(signature, true);
    let (Ok(public), Ok(signature)) = (public, signature) else { return false };
    signature.verify(false, message, BLS_DOMAIN, &[], &public, false) == BLST_ERROR::BLST_SUCCESS
}
