//! Keys as Lotus and Forest export them: hexadecimal digits of JSON (Lotus `chain/types/keystore.go`, `KeyInfo`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::keys::{Key, KeyKind};

/// Longest export in bytes; one of a wallet's key has some 200.
pub const LONGEST_EXPORT: usize = 4096;

/// A key as JSON.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct KeyInfo {
    r#type: String,
    private_key: String,
}

/// Why an export is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExport {
    /// Not the digits that `lotus wallet export` prints.
    #[error(
        "an exported key is hexadecimal digits of a JSON object with Type and PrivateKey, as `lotus wallet export` prints them"
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
    pub(crate) fn of(key: &Key) -> Self {
        let r#type = match key.kind() {
            KeyKind::Secp256k1 => "secp256k1",
            KeyKind::Bls => "bls",
        };
        Self { r#type: r#type.to_owned(), private_key: STANDARD.encode(key.to_bytes().as_slice()) }
    }

    pub(crate) fn key(&self) -> Result<Key, InvalidExport> {
        let kind = match self.r#type.as_str() {
            "secp256k1" => KeyKind::Secp256k1,
            "bls" => KeyKind::Bls,
            _ => return Err(InvalidExport::Type),
        };
        let bytes = Zeroizing::new(STANDARD.decode(&self.private_key).map_err(|_| InvalidExport::Key)?);
        Key::from_bytes(kind, &bytes).map_err(|_| InvalidExport::Key)
    }
}

/// Read what `lotus wallet export` printed.
///
/// # Errors
/// When it is no export, or not of a key that can sign messages here. The error shows nothing of it.
pub fn read_export(text: &[u8]) -> Result<Key, InvalidExport> {
    let digits = text.trim_ascii();
    if digits.len() > LONGEST_EXPORT {
        return Err(InvalidExport::Form);
    }
    let json = Zeroizing::new(hex::decode(digits).map_err(|_| InvalidExport::Form)?);
    let info: KeyInfo = serde_json::from_slice(&json).map_err(|_| InvalidExport::Form)?;
    info.key()
}
