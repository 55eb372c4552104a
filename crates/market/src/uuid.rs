use std::fmt;
use std::str::FromStr;

use fvm_ipld_encoding::strict_bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A deal's name, chosen by the client before it proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DealUuid(pub [u8; 16]);

/// A text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a UUID is 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12")]
pub struct InvalidUuid;

impl DealUuid {
    /// A UUID of version 4 (RFC 9562) from these random bytes.
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = (*version & 0x0f) | 0x40;
        *variant = (*variant & 0x3f) | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for DealUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let dash = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for DealUuid {
    type Err = InvalidUuid;

    fn from_str(text: &str) -> Result<Self, InvalidUuid> {
        let groups: Vec<usize> = text.split('-').map(str::len).collect();
        let mut bytes = [0; 16];
        hex::decode_to_slice(text.replace('-', ""), &mut bytes).map_err(|_| InvalidUuid)?;
        if groups == [8, 4, 4, 4, 12] { Ok(Self(bytes)) } else { Err(InvalidUuid) }
    }
}

impl Serialize for DealUuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        strict_bytes::serialize(&self.0[..], serializer)
    }
}

impl<'de> Deserialize<'de> for DealUuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = strict_bytes::deserialize(deserializer)?;
        let length = bytes.len();
        let bytes = bytes.try_into().map_err(|_| serde::de::Error::invalid_length(length, &"16 bytes"))?;
        Ok(Self(bytes))
    }
}
