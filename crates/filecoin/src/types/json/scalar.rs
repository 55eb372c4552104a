use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cid::Cid;
use fvm_shared::address::{Address, Network};
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::InvalidJson;

/// A CID as `{"/": "bafy…"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link(pub Cid);

/// No CID that occurs is longer.
const CID_TEXT: usize = 200;

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("/", &self.0.to_string())?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Slash<'a> {
            #[serde(rename = "/", borrow)]
            cid: Cow<'a, str>,
        }
        let Slash { cid } = Slash::deserialize(deserializer)?;
        if cid.len() > CID_TEXT {
            return Err(D::Error::custom("a CID is too long"));
        }
        Cid::from_str(&cid).map(Self).map_err(D::Error::custom)
    }
}

/// Bytes as base64; none as `null`, which is what Go makes of an empty slice that came from CBOR.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return serializer.serialize_none();
        }
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Text<'de>>::deserialize(deserializer)?;
        let text = text.map(|text| text.0).unwrap_or_default();
        STANDARD.decode(&*text).map(Self).map_err(D::Error::custom)
    }
}

/// A big integer as a decimal string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Int(pub BigInt);

/// 128 bytes, what CBOR big integers are limited to, in decimal and with a sign.
const INT_DIGITS: usize = 310;

impl Serialize for Int {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        let digits = text.strip_prefix('-').unwrap_or(&text);
        if digits.is_empty() || digits.len() > INT_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(D::Error::custom("no whole number"));
        }
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

impl From<&TokenAmount> for Int {
    fn from(amount: &TokenAmount) -> Self {
        Self(amount.atto().clone())
    }
}

impl From<Int> for TokenAmount {
    fn from(Int(atto): Int) -> Self {
        Self::from_atto(atto)
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The list, or none where the node wrote `null`.
pub(super) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The list, `null` when it is empty.
pub(super) fn or_null<S: Serializer, T: Serialize>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    (!list.is_empty()).then_some(list).serialize(serializer)
}

/// An address as text, with the letter of that network.
#[must_use]
pub fn address_text(address: &Address, network: Network) -> String {
    // `fvm_shared` writes the letter of a process-wide setting.
    let text = address.to_string();
    let letter = match network {
        Network::Mainnet => 'f',
        Network::Testnet => 't',
    };
    let mut chars = text.chars();
    chars.next();
    std::iter::once(letter).chain(chars).collect()
}

/// An address of a network of either letter: nodes answer with their own and accept both.
///
/// # Errors
/// When the text is no address.
pub fn parse_address(text: &str) -> Result<Address, InvalidJson> {
    let network = if text.starts_with('t') { Network::Testnet } else { Network::Mainnet };
    network.parse_address(text).map_err(|error| {
        let shown: String = text.chars().take(100).collect();
        InvalidJson::new("an address", format!("{shown:?}: {error}"))
    })
}
