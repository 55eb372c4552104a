//! Keys that follow from a seed.

use apogee_filecoin::crypto::blake2b256;
use apogee_filecoin::crypto::bls::{MinSig, PublicKey};
use apogee_filecoin::crypto::drand::unchained_message;
use apogee_filecoin::types::{Message, MessageSignature, SignatureKind, SignedMessage, message_cid};
use blst::{min_pk, min_sig};
use fvm_shared::address::Address;
use k256::ecdsa::SigningKey;

use super::MakeError;

const MESSAGES_TO_G2: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
const MESSAGES_TO_G1: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// 32 bytes for one purpose.
pub(super) fn derive(seed: u64, purpose: &str, index: u64) -> [u8; 32] {
    let mut bytes = b"apogee-simnet".to_vec();
    bytes.extend(seed.to_be_bytes());
    bytes.extend(index.to_be_bytes());
    bytes.extend(purpose.as_bytes());
    blake2b256(&bytes)
}

/// A BLS key with its f3 address.
#[derive(Clone, Debug)]
pub(super) struct BlsKey {
    secret: min_pk::SecretKey,
    pub(super) address: Address,
}

impl BlsKey {
    pub(super) fn new(seed: u64, purpose: &str, index: u64) -> Result<Self, MakeError> {
        let secret =
            min_pk::SecretKey::key_gen(&derive(seed, purpose, index), &[]).map_err(MakeError::key)?;
        let address = Address::new_bls(&secret.sk_to_pk().compress()).map_err(MakeError::key)?;
        Ok(Self { secret, address })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.secret.sign(message, MESSAGES_TO_G2, &[]).compress().to_vec()
    }
}

/// The aggregate of BLS signatures; of none the point at infinity.
pub(super) fn aggregate(signatures: &[&[u8]]) -> Result<Vec<u8>, MakeError> {
    if signatures.is_empty() {
        let mut infinity = vec![0; 96];
        infinity.fill(0);
        infinity.splice(0..1, [0xc0]);
        return Ok(infinity);
    }
    let sum = min_pk::AggregateSignature::aggregate_serialized(signatures, false).map_err(MakeError::key)?;
    Ok(sum.to_signature().compress().to_vec())
}

/// The key of a drand network of the scheme `bls-unchained-g1-rfc9380`.
#[derive(Clone, Debug)]
pub(super) struct BeaconSecret(min_sig::SecretKey);

impl BeaconSecret {
    pub(super) fn new(seed: u64) -> Result<Self, MakeError> {
        min_sig::SecretKey::key_gen(&derive(seed, "beacon", 0), &[]).map(Self).map_err(MakeError::key)
    }

    pub(super) fn public(&self) -> Result<PublicKey<MinSig>, MakeError> {
        PublicKey::from_bytes(&self.0.sk_to_pk().compress()).map_err(MakeError::key)
    }

    /// The signature of a round.
    pub(super) fn round(&self, round: u64) -> Vec<u8> {
        self.0.sign(&unchained_message(round), MESSAGES_TO_G1, &[]).compress().to_vec()
    }
}

/// Bytes that a secp256k1 signature adds to a message: kind and 65 bytes with their header, and the header of the pair.
pub(super) const OWN_SIGNATURE: usize = 69;

/// An account that a test can send from.
#[derive(Clone, Debug)]
pub struct Wallet(WalletKey);

#[derive(Clone, Debug)]
enum WalletKey {
    Bls(BlsKey),
    Secp { secret: SigningKey, address: Address },
}

impl Wallet {
    /// Every second one is a secp256k1 key.
    pub(super) fn new(seed: u64, purpose: &str, index: u64) -> Result<Self, MakeError> {
        if index.is_multiple_of(2) {
            return BlsKey::new(seed, purpose, index).map(|key| Self(WalletKey::Bls(key)));
        }
        let secret = SigningKey::from_slice(&derive(seed, purpose, index)).map_err(MakeError::key)?;
        let public = secret.verifying_key().to_encoded_point(false);
        let address = Address::new_secp256k1(public.as_bytes()).map_err(MakeError::key)?;
        Ok(Self(WalletKey::Secp { secret, address }))
    }

    /// Its f1 or f3 address.
    #[must_use]
    pub const fn address(&self) -> Address {
        match &self.0 {
            WalletKey::Bls(key) => key.address,
            WalletKey::Secp { address, .. } => *address,
        }
    }

    /// Bytes that a message takes on chain once it is signed.
    pub(super) fn chain_length(&self, message: &Message) -> Result<usize, MakeError> {
        let length = fvm_ipld_encoding::to_vec(message).map_err(MakeError::state)?.len();
        Ok(match self.0 {
            WalletKey::Bls(_) => length,
            WalletKey::Secp { .. } => length + OWN_SIGNATURE,
        })
    }

    /// Sign a message.
    ///
    /// # Errors
    /// When the key cannot sign this, which no known message makes it.
    pub fn sign(&self, message: Message) -> Result<SignedMessage, MakeError> {
        let signature = self.sign_bytes(&message_cid(&message).to_bytes())?;
        Ok(SignedMessage { message, signature })
    }

    /// Sign bytes, as `lotus wallet sign --raw` does.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_bytes(&self, bytes: &[u8]) -> Result<MessageSignature, MakeError> {
        Ok(match &self.0 {
            WalletKey::Bls(key) => MessageSignature { kind: SignatureKind::Bls, bytes: key.sign(bytes) },
            WalletKey::Secp { secret, .. } => {
                let (signature, recovery) =
                    secret.sign_prehash_recoverable(&blake2b256(bytes)).map_err(MakeError::key)?;
                let bytes = [&signature.to_bytes()[..], &[recovery.to_byte()]].concat();
                MessageSignature { kind: SignatureKind::Secp256k1, bytes }
            }
        })
    }
}
