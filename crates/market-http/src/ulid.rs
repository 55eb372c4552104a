use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Crockford's base 32: no `I`, `L`, `O` and `U`.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Digits of a ULID; the first one is not above 7.
const LENGTH: usize = 26;

/// A deal's name, chosen by the client before it proposes. Any 16 bytes are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ulid(pub [u8; 16]);

/// A text that is no ULID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a ULID is 26 digits of Crockford's base 32, of which the first is not above 7")]
pub struct InvalidUlid;

impl Ulid {
    /// The ULID of a moment, in milliseconds since 1970 (48 bits of them), and 80 random bits.
    #[must_use]
    pub const fn from_parts(milliseconds: u64, random: [u8; 10]) -> Self {
        let [_, _, a, b, c, d, e, f] = milliseconds.to_be_bytes();
        let [g, h, i, j, k, l, m, n, o, p] = random;
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        let mut text = String::with_capacity(LENGTH);
        for place in (0..LENGTH).rev() {
            let digit = usize::try_from((number >> (5 * place)) & 31).unwrap_or_default();
            text.extend(DIGITS.get(digit).copied().map(char::from));
        }
        f.pad(&text)
    }
}

impl FromStr for Ulid {
    type Err = InvalidUlid;

    fn from_str(text: &str) -> Result<Self, InvalidUlid> {
        if text.len() != LENGTH || text.bytes().next().is_none_or(|first| first > b'7') {
            return Err(InvalidUlid);
        }
        let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte.to_ascii_uppercase());
        let number = text.bytes().try_fold(0_u128, |number, byte| Some((number << 5) | digit(byte)? as u128));
        number.map(|number| Self(number.to_be_bytes())).ok_or(InvalidUlid)
    }
}

impl Serialize for Ulid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ulid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
