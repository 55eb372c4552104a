//! The one writing of evidence: DAG-CBOR (<https://ipld.io/specs/codecs/dag-cbor/spec/>), named by its CID, signed with Ed25519 (RFC 8032).

use std::convert::Infallible;

use cid::Cid;
use cid::multihash::Multihash;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_ipld_dagcbor::DecodeError;
use sha2::{Digest as _, Sha256};

/// Longer writings are not read, in bytes.
pub const LONGEST: usize = 256 * 1_024;

/// The multicodec of DAG-CBOR and the multihash of SHA-256 (<https://github.com/multiformats/multicodec>).
const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;

/// What is signed, so that a signature of one thing means nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signed {
    /// A record of an attempt, by the bot that made it.
    Record,
    /// A record of a probe of the organiser's own provider, by the bot that made it.
    Canary,
    /// A batch of the log, by the controller.
    Batch,
}

impl Signed {
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Record => b"apogee-probe-record-1\n",
            Self::Canary => b"apogee-probe-canary-1\n",
            Self::Batch => b"apogee-probe-batch-1\n",
        }
    }

    fn message(self, name: &Cid) -> Vec<u8> {
        [self.prefix(), &name.to_bytes()].concat()
    }

    /// Sign it by its name: Ed25519 over a prefix for its kind and the bytes of the CID.
    #[must_use]
    pub fn sign(self, name: &Cid, key: &SigningKey) -> [u8; 64] {
        key.sign(&self.message(name)).to_bytes()
    }

    /// Whether this is the key's signature of it. Strict: keys of small order and signatures with another writing are refused.
    #[must_use]
    pub fn verifies(self, name: &Cid, key: &[u8; 32], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(key).is_ok_and(|key| {
            key.verify_strict(&self.message(name), &Signature::from_bytes(signature)).is_ok()
        })
    }
}

/// Bytes that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// They were not even looked at.
    #[error("{0} bytes are more than the {LONGEST} that are read")]
    TooLong(usize),
    /// They are no DAG-CBOR, or something else in it.
    #[error("it cannot be decoded")]
    Undecodable(#[source] DecodeError<Infallible>),
    /// They say it in another way than the one way.
    #[error("it is not in its canonical form")]
    NotCanonical,
}

/// The writing of a value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_ipld_dagcbor::to_vec(value).unwrap_or_else(|_| unreachable!("it has text for keys, and no floats"))
}

/// The value of a writing, if it is the one writing of it.
pub(crate) fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    if bytes.len() > LONGEST {
        return Err(Unreadable::TooLong(bytes.len()));
    }
    let value = serde_ipld_dagcbor::from_slice(bytes).map_err(Unreadable::Undecodable)?;
    if encode(&value) == bytes { Ok(value) } else { Err(Unreadable::NotCanonical) }
}

/// The name of a writing: a CID of version 1, DAG-CBOR, SHA-256.
#[must_use]
pub fn name(bytes: &[u8]) -> Cid {
    let hash = Multihash::wrap(SHA2_256, &Sha256::digest(bytes));
    Cid::new_v1(DAG_CBOR, hash.unwrap_or_else(|_| unreachable!("32 bytes fit into 64")))
}

/// What something in JSON is inside of: `{"/": …}` (<https://ipld.io/specs/codecs/dag-json/spec/>).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slash<T> {
    #[serde(rename = "/")]
    inner: T,
}

/// Another block, by its name. A link in DAG-CBOR, `{"/": "baf…"}` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link(pub Cid);

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return Slash { inner: self.0.to_string() }.serialize(serializer);
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = Slash::<String>::deserialize(deserializer)?.inner;
            return text.parse().map(Self).map_err(de::Error::custom);
        }
        Cid::deserialize(deserializer).map(Self)
    }
}

/// Bytes that may be anything. A byte string in DAG-CBOR, `{"/": {"bytes": "…"}}` in JSON, base64 without padding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bytes(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Base64 {
    bytes: String,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let bytes = base64::Engine::encode(&base64::prelude::BASE64_STANDARD_NO_PAD, &self.0);
            return Slash { inner: Base64 { bytes } }.serialize(serializer);
        }
        serializer.serialize_bytes(&self.0)
    }
}

struct AnyBytes;

impl Visitor<'_> for AnyBytes {
    type Value = Bytes;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a byte string")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(bytes.to_vec()))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = Slash::<Base64>::deserialize(deserializer)?.inner.bytes;
            let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD_NO_PAD, text);
            return bytes.map(Self).map_err(de::Error::custom);
        }
        deserializer.deserialize_bytes(AnyBytes)
    }
}

/// Text, as a value writes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Written<T>(pub T);

impl<T: std::fmt::Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: std::str::FromStr<Err: std::fmt::Display>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}
