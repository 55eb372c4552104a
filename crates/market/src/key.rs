use std::fmt;

use blake2b_simd::Params;
use fvm_shared::address::{Address, Payload};
use fvm_shared::crypto::signature::{SECP_SIG_LEN, Signature, SignatureType};
use k256::ecdsa::{RecoveryId, Signature as Ecdsa, SigningKey, VerifyingKey};

/// Signs what a client says to a provider: proposals, and questions about its deals.
pub trait Signs {
    /// Who signs: the client of the deals.
    fn address(&self) -> Address;

    /// Sign these bytes as Filecoin does.
    ///
    /// # Errors
    /// When there is no signature to be had.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

/// There is no signature.
#[derive(Debug, thiserror::Error)]
#[error("{address} has not signed: {why}")]
pub struct SignError {
    /// Who should have.
    pub address: Address,
    /// Why not.
    pub why: String,
}

/// Bytes that are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Zero, or not below the group's order.
    #[error("the bytes are no private key of secp256k1")]
    Secret,
    /// A public key without an address.
    #[error("the public key has no address")]
    Address,
}

/// A signature that is not the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The client's address is no `f1` address, or the signature is of another kind.
    #[error("only signatures of secp256k1 by `f1` addresses are checked here")]
    Kind,
    /// Not 65 bytes of `r`, `s` and recovery.
    #[error("the signature is malformed")]
    Malformed,
    /// Another key's, or over other bytes.
    #[error("the signature is not the client's over these bytes")]
    Other,
}

/// A key of secp256k1 in memory.
#[derive(Clone)]
pub struct Secp256k1Key {
    secret: SigningKey,
    address: Address,
}

impl fmt::Debug for Secp256k1Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secp256k1Key").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Secp256k1Key {
    /// The key of these 32 bytes, big-endian.
    ///
    /// # Errors
    /// When they are none.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = SigningKey::from_slice(bytes).map_err(|_| KeyError::Secret)?;
        let address = address(secret.verifying_key()).ok_or(KeyError::Address)?;
        Ok(Self { secret, address })
    }
}

impl Signs for Secp256k1Key {
    fn address(&self) -> Address {
        self.address
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        let (signature, recovery) = self
            .secret
            .sign_prehash_recoverable(&blake2b256(message))
            .map_err(|cause| SignError { address: self.address, why: cause.to_string() })?;
        let bytes = [&signature.to_bytes()[..], &[recovery.to_byte()]].concat();
        Ok(Signature { sig_type: SignatureType::Secp256k1, bytes })
    }
}

/// Check that the key of `client`, an `f1` address, has signed `message`.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify(client: &Address, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
    let known = matches!(client.payload(), Payload::Secp256k1(_));
    if !known || signature.sig_type != SignatureType::Secp256k1 {
        return Err(SignatureError::Kind);
    }
    let bytes: &[u8; SECP_SIG_LEN] =
        signature.bytes.as_slice().try_into().map_err(|_| SignatureError::Malformed)?;
    let [scalars @ .., recovery] = bytes;
    let recovery = RecoveryId::from_byte(*recovery).ok_or(SignatureError::Malformed)?;
    let scalars = Ecdsa::from_slice(scalars).map_err(|_| SignatureError::Malformed)?;
    let key = VerifyingKey::recover_from_prehash(&blake2b256(message), &scalars, recovery)
        .map_err(|_| SignatureError::Other)?;
    if address(&key).as_ref() == Some(client) { Ok(()) } else { Err(SignatureError::Other) }
}

fn address(key: &VerifyingKey) -> Option<Address> {
    Address::new_secp256k1(key.to_encoded_point(false).as_bytes()).ok()
}

fn blake2b256(message: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(Params::new().hash_length(32).hash(message).as_bytes());
    hash
}
