use std::fmt;

use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::id::PublicKey;
use ed25519_dalek::{Signer as _, SigningKey};
use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::account::Account;
use crate::keys::InvalidKey;

/// The Ed25519 key of a wallet on Spacemesh: one account on each network. It is shown nowhere, and wiped when it goes.
pub struct MeshKey(SigningKey);

impl fmt::Debug for MeshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeshKey({})", self.public())
    }
}

impl MeshKey {
    /// The key with these bytes: the 32 of RFC 8032's secret key, or these and the public key after them, as nodes and `smcli` keep it.
    ///
    /// # Errors
    /// When they are no key, or the public one is another's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let (secret, public) = bytes.split_first_chunk::<32>().ok_or(InvalidKey)?;
        let key = SigningKey::from_bytes(secret);
        let fits = public.is_empty() || public == key.verifying_key().as_bytes();
        if fits { Ok(Self(key)) } else { Err(InvalidKey) }
    }

    /// A new key from `random`.
    pub fn generate(random: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill_bytes(&mut *bytes);
        Self(SigningKey::from_bytes(&bytes))
    }

    /// The public part.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Its wallet on a network whose addresses begin with `prefix`.
    #[must_use]
    pub fn account(&self, prefix: Prefix) -> Account {
        Account::of_key(self.public(), prefix)
    }

    /// As [`from_bytes`](Self::from_bytes) reads it.
    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Sign bytes. The same bytes get the same signature, always.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}
