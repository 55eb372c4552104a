//! Keys as Lotus and Forest export them: hexadecimal digits of JSON (Lotus `chain/types/keystore.go`, `KeyInfo`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::keys::{Key, KeyKind};
use crate::keystore::AnyKey;
use crate::mesh::MeshKey;

/// Longest export in bytes; one of a wallet's key has some 200.
pub const LONGEST_EXPORT: usize = 4096;
/// Bytes that a node of Spacemesh keeps a key as.
const MESH_KEY: usize = 64;

/// A key as JSON.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct KeyInfo {
    r#type: String,
    private_key: String,
}

/// What keystores call a key of Spacemesh.
const ED25519: &str = "ed25519";

const fn name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Secp256k1 => "secp256k1",
        KeyKind::Bls => "bls",
    }
}

/// Why an export is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExport {
    /// Not the digits that `lotus wallet export` prints.
    #[error(
        "an exported key is hexadecimal digits: of a JSON object with Type and PrivateKey, as `lotus wallet export` prints them, or the 64 bytes of a key of Spacemesh"
    )]
    Form,
    /// A scheme that cannot sign here: `delegated`, or the key of a device.
    #[error("an exported key is of the type secp256k1 or bls, not of another")]
    Type,
    /// No key of its scheme.
    #[error("an exported key has 32 bytes that are a secret key of its type")]
    Key,
}

impl KeyInfo {
    pub(crate) fn of(key: &AnyKey) -> Self {
        let (r#type, bytes) = match key {
            AnyKey::Filecoin(key) => (name(key.kind()), key.to_bytes()),
            AnyKey::Spacemesh(key) => (ED25519, key.to_bytes()),
        };
        Self { r#type: r#type.to_owned(), private_key: STANDARD.encode(bytes.as_slice()) }
    }

    /// A key of Filecoin.
    fn key(&self) -> Result<Key, InvalidExport> {
        let kinds = [KeyKind::Secp256k1, KeyKind::Bls];
        let kind = kinds.into_iter().find(|kind| name(*kind) == self.r#type).ok_or(InvalidExport::Type)?;
        Key::from_bytes(kind, &self.bytes()?).map_err(|_| InvalidExport::Key)
    }

    /// A key of either kind, as keystores have them.
    pub(crate) fn any(&self) -> Result<AnyKey, InvalidExport> {
        if self.r#type == ED25519 {
            return Ok(MeshKey::from_bytes(&self.bytes()?).map_err(|_| InvalidExport::Key)?.into());
        }
        Ok(self.key()?.into())
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, InvalidExport> {
        STANDARD.decode(&self.private_key).map(Zeroizing::new).map_err(|_| InvalidExport::Key)
    }
}

/// Read what `lotus wallet export` printed, or the 64 bytes that a node of Spacemesh has for a key: the secret one and the public one.
///
/// # Errors
/// When it is no export, or not of a key that can sign messages here. The error shows nothing of it.
pub fn read_export(text: &[u8]) -> Result<AnyKey, InvalidExport> {
    let digits = text.trim_ascii();
    if digits.len() > LONGEST_EXPORT {
        return Err(InvalidExport::Form);
    }
    let json = Zeroizing::new(hex::decode(digits).map_err(|_| InvalidExport::Form)?);
    if json.len() == MESH_KEY {
        return Ok(MeshKey::from_bytes(&json).map_err(|_| InvalidExport::Key)?.into());
    }
    let info: KeyInfo = serde_json::from_slice(&json).map_err(|_| InvalidExport::Form)?;
    Ok(info.key()?.into())
}
