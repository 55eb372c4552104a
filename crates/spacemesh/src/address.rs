//! Accounts, and how they are written.

use std::fmt;

use bech32::primitives::decode::{CheckedHrpstring, CheckedHrpstringError};
use bech32::{Bech32, Hrp};

use crate::scale::{Reader, Scale, ScaleError};

/// An account: four reserved bytes and twenty bytes of a hash. A template's address is its number in the last byte.
///
/// Reserved bytes are zero in every address that has a text. A node lets transactions pay to others all the same, so
/// bytes are not refused for them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address(pub [u8; 24]);

/// What the addresses of a network begin with: `sm`, `stest`, `standalone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix(Hrp);

/// No prefix of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address cannot begin with {0:?}")]
pub struct InvalidPrefix(String);

/// No address, or one of another network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// No Bech32.
    #[error("the text is no Bech32")]
    Text(#[from] CheckedHrpstringError),
    /// Another prefix.
    #[error("the address begins with {found:?}, and those of this network with {expected:?}")]
    Prefix {
        /// What it begins with.
        found: String,
        /// What it should begin with.
        expected: String,
    },
    /// Another length, or bits left over that are not zero.
    #[error("an address has 24 bytes, this has {0}")]
    Length(usize),
    /// The reserved bytes are in use.
    #[error("the first four bytes of an address are zero")]
    Reserved,
}

/// No address is longer: the longest prefix there is, and 24 bytes.
const MOST_TEXT: usize = 83 + 1 + 39 + 6;

impl InvalidAddress {
    /// Whether the text has the form of an address, and a letter of it is wrong.
    #[must_use]
    pub const fn is_mistyped(&self) -> bool {
        matches!(self, Self::Text(CheckedHrpstringError::Checksum(_)))
    }
}

impl Prefix {
    /// The main network's.
    pub const MAIN: Self = Self(Hrp::parse_unchecked("sm"));
    /// That of test networks.
    pub const TEST: Self = Self(Hrp::parse_unchecked("stest"));
    /// That of a node which is a network of its own.
    pub const STANDALONE: Self = Self(Hrp::parse_unchecked("standalone"));

    /// A network's prefix as it is configured: lower case.
    ///
    /// # Errors
    /// When Bech32 has no such prefix.
    pub fn new(text: &str) -> Result<Self, InvalidPrefix> {
        let invalid = || InvalidPrefix(text.chars().take(100).collect());
        let hrp = Hrp::parse(text).map_err(|_| invalid())?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) { Err(invalid()) } else { Ok(Self(hrp)) }
    }
}

impl std::str::FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        Self::new(text)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Address {
    /// That of the account which `template` makes of `arguments`, the bytes of those it is spawned with.
    ///
    /// Source: go-spacemesh `genvm/core/principal.go`.
    #[must_use]
    pub fn of(template: Self, arguments: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&template.0).update(arguments);
        let mut address = [0; 24];
        // The hash's last twenty bytes.
        let hash = hasher.finalize();
        address.iter_mut().skip(4).zip(hash.as_bytes().iter().skip(12)).for_each(|(to, from)| *to = *from);
        Self(address)
    }

    /// The address of a template.
    pub(crate) const fn numbered(template: u8) -> Self {
        let mut bytes = [0; 24];
        bytes[23] = template;
        Self(bytes)
    }

    /// From the text of an address on a network of this prefix.
    ///
    /// # Errors
    /// See [`InvalidAddress`].
    pub fn parse(text: &str, prefix: Prefix) -> Result<Self, InvalidAddress> {
        if text.len() > MOST_TEXT {
            return Err(InvalidAddress::Length(text.len()));
        }
        let checked = CheckedHrpstring::new::<Bech32>(text)?;
        if checked.hrp() != prefix.0 {
            let (found, expected) = (checked.hrp().to_lowercase(), prefix.to_string());
            return Err(InvalidAddress::Prefix { found, expected });
        }
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let address = Self(bytes.as_slice().try_into().map_err(|_| InvalidAddress::Length(bytes.len()))?);
        if !address.0.starts_with(&[0; 4]) {
            return Err(InvalidAddress::Reserved);
        }
        // What is left of the last character must be zero, or one account would have several texts.
        let same = address.text(prefix).eq_ignore_ascii_case(text);
        same.then_some(address).ok_or(InvalidAddress::Length(25))
    }

    /// As text, on a network of this prefix.
    #[must_use]
    pub fn text(&self, prefix: Prefix) -> String {
        // Fails for what is longer than Bech32 may be, which 24 bytes are not after any prefix of a network.
        bech32::encode::<Bech32>(prefix.0, &self.0).unwrap_or_else(|_| format!("{self:?}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Scale for Address {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, ScaleError> {
        input.array().map(Self)
    }
}
