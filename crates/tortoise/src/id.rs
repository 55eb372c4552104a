//! Names of things, and the text that a trace has for them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Bytes that a node shows of an identity, in its messages.
const SHOWN: usize = 5;

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0.get(..SHOWN).unwrap_or(&self.0)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
    };
}

macro_rules! base64_text {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Text(base64_bytes)).map(Self)
            }
        }
    )*};
}

identity! {
    /// A block: the first 20 bytes of its hash. All zero stands for no block.
    BlockId, 20
}
identity! {
    /// A ballot: the first 20 bytes of its hash. All zero stands for the one that votes for genesis.
    BallotId, 20
}
identity! {
    /// An activation.
    AtxId, 32
}
identity! {
    /// A smesher: its ed25519 key.
    NodeId, 32
}
identity! {
    /// What a network drew for an epoch.
    Beacon, 4
}
identity! {
    /// The hash of an opinion on a layer and all below it.
    OpinionHash, 32
}

base64_text!(BlockId, BallotId, AtxId, NodeId, Beacon);

impl<'de> Deserialize<'de> for OpinionHash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text(hex_bytes)).map(Self)
    }
}

impl BlockId {
    /// No block: what a committee that agrees on nothing puts out.
    pub const EMPTY: Self = Self([0; 20]);
}

impl BallotId {
    /// No ballot: what the first ballots of a network build on.
    pub const EMPTY: Self = Self([0; 20]);
}

struct Text<const N: usize>(fn(&str) -> Option<[u8; N]>);

impl<const N: usize> Visitor<'_> for Text<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        (self.0)(text).ok_or_else(|| E::custom(format_args!("{text:.80?} is not {N} bytes")))
    }
}

fn base64_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Room for what the decoder may write before it knows about padding.
    let mut room = [0; 48];
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    let written = STANDARD.decode_slice(text, &mut room).ok()?;
    room.get(..written)?.try_into().ok()
}

fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x")?, &mut bytes).ok()?;
    Some(bytes)
}

/// A layer: a slot of some minutes in which blocks and ballots are made.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Layer(pub u32);

/// An epoch: as many layers as [`Config::epoch`](crate::Config::epoch) says.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Layer {
    /// `by` layers later, or the last one there can be.
    #[must_use]
    pub const fn later(self, by: u32) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// `by` layers earlier, or the first one.
    #[must_use]
    pub const fn earlier(self, by: u32) -> Self {
        Self(self.0.saturating_sub(by))
    }

    /// The layers from this one up to `last`, both with it.
    pub(crate) fn up_to(self, last: Self) -> impl DoubleEndedIterator<Item = Self> + use<> {
        (self.0..=last.0).map(Self)
    }

    /// The layers from this one up to that before `end`.
    pub(crate) fn until(self, end: Self) -> impl DoubleEndedIterator<Item = Self> + use<> {
        (self.0..end.0).map(Self)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base64_name_may_begin_as_hexadecimal_does() {
        let id: BlockId = serde_json::from_str("\"0x/fhezjULaH44LJ7DHGWMSJPNE=\"").unwrap();
        assert_eq!(id.to_string(), "d31fdf85ec");
        for not in ["\"0x/fhezjULaH44LJ7DHGWMSJPNEA\"", "\"\"", "20", "\"0x/fhezjULaH44LJ7DHGWMSJPN*=\""] {
            assert!(serde_json::from_str::<BlockId>(not).is_err(), "{not}");
        }
    }

    #[test]
    fn a_hash_is_hexadecimal() {
        let text = format!("\"0x{}\"", "ab".repeat(32));
        assert_eq!(serde_json::from_str::<OpinionHash>(&text).unwrap(), OpinionHash([0xab; 32]));
        for not in [&text[..64], "\"ab\"", "\"0xzz\""] {
            assert!(serde_json::from_str::<OpinionHash>(not).is_err(), "{not}");
        }
    }
}
