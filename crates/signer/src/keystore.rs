use std::fmt;
use std::path::{Path, PathBuf};

use apogee_domain::Digest;
use apogee_spacemesh::id::PublicKey;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use fvm_shared::address::Address;
use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::account::{Account, Protocol};
use crate::files::{self, Existing, FileError};
use crate::keys::Key;
use crate::lotus::KeyInfo;
use crate::mesh::MeshKey;
use crate::secret::Secret;

/// Most keys in one file.
pub const MOST_KEYS: usize = 256;

const VERSION: u32 = 1;
const LARGEST: usize = 256 << 10;
/// Longest JSON of one key, for a buffer that never moves.
const ONE_KEY: usize = 128;

/// What guessing a passphrase once costs: Argon2id (RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes in it.
    pub lanes: u32,
}

impl Default for Cost {
    /// 64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106 §4.
    fn default() -> Self {
        Self { memory_kib: 64 << 10, passes: 3, lanes: 4 }
    }
}

impl Cost {
    /// The most that is spent on opening a file: 1 GiB, 16 passes, 16 lanes.
    pub const MOST: Self = Self { memory_kib: 1 << 20, passes: 16, lanes: 16 };

    const fn is_bearable(self) -> bool {
        let most = Self::MOST;
        self.memory_kib <= most.memory_kib && self.passes <= most.passes && self.lanes <= most.lanes
    }
}

/// What a key is called in a keystore, which is of no network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// A key of Filecoin, by its `f1` or `f3` address.
    Filecoin(Address),
    /// A key of Spacemesh, by the public one: its address is another on each network.
    Spacemesh(PublicKey),
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filecoin(address) => Account::from(address).fmt(f),
            Self::Spacemesh(key) => key.fmt(f),
        }
    }
}

impl KeyName {
    fn read(text: &str) -> Option<Self> {
        if let Ok(key) = text.parse() {
            return Some(Self::Spacemesh(key));
        }
        Some(Self::Filecoin(Account::read(text)?.filecoin()?))
    }

    /// The account that the key has on networks of a protocol.
    #[must_use]
    pub fn account(&self, protocol: &Protocol) -> Option<Account> {
        match (self, protocol) {
            (Self::Filecoin(address), Protocol::Filecoin) => Some(address.into()),
            (Self::Spacemesh(key), Protocol::Spacemesh { prefix, .. }) => {
                Some(Account::of_key(*key, *prefix))
            }
            _ => None,
        }
    }
}

/// A key of a keystore.
#[derive(Debug)]
pub enum AnyKey {
    /// Of Filecoin.
    Filecoin(Key),
    /// Of Spacemesh.
    Spacemesh(MeshKey),
}

impl From<Key> for AnyKey {
    fn from(key: Key) -> Self {
        Self::Filecoin(key)
    }
}

impl From<MeshKey> for AnyKey {
    fn from(key: MeshKey) -> Self {
        Self::Spacemesh(key)
    }
}

impl AnyKey {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> KeyName {
        match self {
            Self::Filecoin(key) => KeyName::Filecoin(key.address()),
            Self::Spacemesh(key) => KeyName::Spacemesh(key.public()),
        }
    }
}

/// What can be read without the passphrase; the cipher vouches for it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    kdf: Kdf,
    cipher: Cipher,
    addresses: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
enum Kdf {
    Argon2id { cost: Cost, salt: String },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
enum Cipher {
    XChaCha20Poly1305 { nonce: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    header: Header,
    /// The sealed JSON of the keys.
    keys: String,
    /// Of all above. It protects from nobody; it tells a damaged file from a wrong passphrase.
    sha256: Digest,
}

impl Document {
    fn associated(header: &Header) -> Vec<u8> {
        serde_json::to_vec(header).unwrap_or_default()
    }

    fn sum(header: &Header, keys: &str) -> Digest {
        Digest(Sha256::new().chain_update(Self::associated(header)).chain_update(keys).finalize().into())
    }
}

/// What is wrong with a keystore.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The file cannot be used.
    #[error("the keystore cannot be used")]
    File(#[from] FileError),
    /// It is no keystore, or not what was written.
    #[error("{path}: the keystore is damaged: {detail}", path = .0.display(), detail = .1)]
    Damaged(PathBuf, String),
    /// Of a later program.
    #[error("{path}: the keystore is of version {found}, this program reads version {VERSION}", path = .0.display(), found = .1)]
    Version(PathBuf, u32),
    /// Opening it would take more than is spent on that.
    #[error("{path}: the keystore wants {asked:?}, more than the most, {most:?}", path = .0.display(), asked = .1, most = Cost::MOST)]
    TooCostly(PathBuf, Cost),
    /// The passphrase is another.
    #[error("{path}: the passphrase is wrong", path = .0.display())]
    Passphrase(PathBuf),
    /// Each key is kept once.
    #[error("the keystore has the key of {0} already")]
    Duplicate(KeyName),
    /// Not more of them.
    #[error("a keystore has at most {MOST_KEYS} keys")]
    Full,
}

/// Keys, and the file that they are kept in: Argon2id and XChaCha20-Poly1305 over the keys, JSON around it.
#[derive(Debug, Default)]
pub struct Keystore {
    keys: Vec<AnyKey>,
}

impl Keystore {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: Vec::new() }
    }

    /// Take a key in.
    ///
    /// # Errors
    /// When it is there already, or there are [`MOST_KEYS`].
    pub fn add(&mut self, key: impl Into<AnyKey>) -> Result<(), KeystoreError> {
        let key = key.into();
        let name = key.name();
        if self.names().any(|known| known == name) {
            return Err(KeystoreError::Duplicate(name));
        }
        if self.keys.len() >= MOST_KEYS {
            return Err(KeystoreError::Full);
        }
        self.keys.push(key);
        Ok(())
    }

    /// The key of an address of Filecoin.
    #[must_use]
    pub fn key(&self, address: &Address) -> Option<&Key> {
        self.keys.iter().find_map(|key| match key {
            AnyKey::Filecoin(key) if key.address() == *address => Some(key),
            _ => None,
        })
    }

    /// The key of an account of Spacemesh.
    #[must_use]
    pub fn mesh_key(&self, account: &Account) -> Option<&MeshKey> {
        let prefix = account.prefix()?;
        self.keys.iter().find_map(|key| match key {
            AnyKey::Spacemesh(key) if key.account(prefix) == *account => Some(key),
            _ => None,
        })
    }

    /// What the keys are called.
    pub fn names(&self) -> impl Iterator<Item = KeyName> {
        self.keys.iter().map(AnyKey::name)
    }

    /// The accounts that the keys have on networks of a protocol.
    pub fn accounts(&self, protocol: &Protocol) -> impl Iterator<Item = Account> {
        self.names().filter_map(move |name| name.account(protocol))
    }

    /// The keys that a file says it has. Without the passphrase nobody vouches for them.
    ///
    /// # Errors
    /// When the file is no keystore, or others can read it.
    pub fn list(path: &Path) -> Result<Vec<KeyName>, KeystoreError> {
        let addresses = document(path)?.header.addresses;
        let names = addresses.iter().map(|text| KeyName::read(text));
        names.collect::<Option<_>>().ok_or_else(|| damaged(path, "it lists what is no key"))
    }

    /// Read a file.
    ///
    /// # Errors
    /// When the passphrase is wrong, the file is no keystore, is damaged, wants more than [`Cost::MOST`], or others can read it.
    pub fn open(path: &Path, passphrase: &Secret) -> Result<Self, KeystoreError> {
        let document = document(path)?;
        let Kdf::Argon2id { cost, salt } = &document.header.kdf;
        let Cipher::XChaCha20Poly1305 { nonce } = &document.header.cipher;
        let (salt, nonce) = (bytes(path, salt)?, bytes(path, nonce)?);
        let key = derive(path, passphrase, *cost, &salt)?;
        let sealed = STANDARD.decode(&document.keys).map_err(|_| damaged(path, "the keys are no base64"))?;
        let associated = Document::associated(&document.header);
        let opened = cipher(&key)
            .decrypt(&nonce.into(), Payload { msg: &sealed, aad: &associated })
            .map(Zeroizing::new);
        let opened = opened.map_err(|_| KeystoreError::Passphrase(path.into()))?;
        let infos: Vec<KeyInfo> =
            serde_json::from_slice(&opened).map_err(|_| damaged(path, "the keys are no list"))?;
        let mut keystore = Self::new();
        for info in &infos {
            keystore.add(info.any().map_err(|error| damaged(path, &error.to_string()))?)?;
        }
        Ok(keystore)
    }

    /// Write a new file.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub fn create(
        &self,
        path: &Path,
        passphrase: &Secret,
        cost: Cost,
        random: &mut dyn CryptoRng,
    ) -> Result<(), KeystoreError> {
        self.write(path, passphrase, cost, random, Existing::Refused)
    }

    /// Write the file again: the old one stays until the new one is durable.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(
        &self,
        path: &Path,
        passphrase: &Secret,
        cost: Cost,
        random: &mut dyn CryptoRng,
    ) -> Result<(), KeystoreError> {
        self.write(path, passphrase, cost, random, Existing::Replaced)
    }

    fn write(
        &self,
        path: &Path,
        passphrase: &Secret,
        cost: Cost,
        random: &mut dyn CryptoRng,
        existing: Existing,
    ) -> Result<(), KeystoreError> {
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        random.fill_bytes(&mut salt);
        random.fill_bytes(&mut nonce);
        let header = Header {
            version: VERSION,
            kdf: Kdf::Argon2id { cost, salt: hex::encode(salt) },
            cipher: Cipher::XChaCha20Poly1305 { nonce: hex::encode(nonce) },
            addresses: self.names().map(|name| name.to_string()).collect(),
        };
        let mut opened = Zeroizing::new(Vec::with_capacity(ONE_KEY * self.keys.len() + ONE_KEY));
        let infos: Vec<_> = self.keys.iter().map(KeyInfo::of).collect();
        serde_json::to_writer(&mut *opened, &infos).map_err(|error| damaged(path, &error.to_string()))?;
        let key = derive(path, passphrase, cost, &salt)?;
        let associated = Document::associated(&header);
        let sealed = cipher(&key).encrypt(&nonce.into(), Payload { msg: &opened, aad: &associated });
        let keys = STANDARD.encode(sealed.map_err(|_| damaged(path, "the keys cannot be sealed"))?);
        let sha256 = Document::sum(&header, &keys);
        let mut text = serde_json::to_vec_pretty(&Document { header, keys, sha256 })
            .map_err(|error| damaged(path, &error.to_string()))?;
        text.push(b'\n');
        Ok(files::write_own(path, &text, existing)?)
    }
}

fn damaged(path: &Path, detail: &str) -> KeystoreError {
    KeystoreError::Damaged(path.into(), detail.to_owned())
}

fn document(path: &Path) -> Result<Document, KeystoreError> {
    /// First the version: a later file may have other fields.
    #[derive(Deserialize)]
    struct Versioned {
        header: OnlyVersion,
    }
    #[derive(Deserialize)]
    struct OnlyVersion {
        version: u32,
    }
    let text = files::read_own(path, LARGEST)?;
    let malformed = |error: serde_json::Error| damaged(path, &error.to_string());
    let Versioned { header: OnlyVersion { version } } = serde_json::from_slice(&text).map_err(malformed)?;
    if version != VERSION {
        return Err(KeystoreError::Version(path.into(), version));
    }
    let document: Document = serde_json::from_slice(&text).map_err(malformed)?;
    if Document::sum(&document.header, &document.keys) != document.sha256 {
        return Err(damaged(path, "its checksum is not that of its content"));
    }
    Ok(document)
}

fn bytes<const N: usize>(path: &Path, text: &str) -> Result<[u8; N], KeystoreError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes)
        .map_err(|_| damaged(path, "salt or nonce are not what they are"))?;
    Ok(bytes)
}

/// The key that seals, from a passphrase.
fn derive(
    path: &Path,
    passphrase: &Secret,
    cost: Cost,
    salt: &[u8; 16],
) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    if !cost.is_bearable() {
        return Err(KeystoreError::TooCostly(path.into(), cost));
    }
    let unfit = |error: argon2::Error| damaged(path, &format!("the cost of the passphrase: {error}"));
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(unfit)?;
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(passphrase.reveal(), salt, &mut *key).map_err(unfit)?;
    Ok(key)
}

fn cipher(key: &Zeroizing<[u8; 32]>) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}
