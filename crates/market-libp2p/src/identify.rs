//! `/ipfs/id/1.0.0`: who a peer says it is (`identify` of libp2p's specifications).
//!
//! A message of Protocol Buffers behind its length. Addresses in it are not read: nobody here dials what a peer says.

use apogee_market::protocol;
use libp2p_identity::PublicKey;
use unsigned_varint::{decode, encode};

/// Bytes of the longest message that is read: implementations write at most 8 KiB.
pub(crate) const LONGEST: usize = 64 << 10;
/// Protocols that are kept of a message.
const MOST_PROTOCOLS: usize = 512;
/// Bytes that are kept of a text.
const LONGEST_TEXT: usize = 256;

/// Fields of the message.
const PUBLIC_KEY: u64 = 1;
const PROTOCOLS: u64 = 3;
const PROTOCOL_VERSION: u64 = 5;
const AGENT_VERSION: u64 = 6;

/// Field types of Protocol Buffers.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

/// What a peer says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its software, as `boost-2.4.0+git.…`: at most 256 bytes of it, which anybody may have written.
    pub agent: String,
    /// The network that it takes part in.
    pub protocol_version: String,
    /// What it speaks: at most 512 names of at most 256 bytes.
    pub protocols: Vec<String>,
}

impl Identity {
    /// Whether the peer says that it speaks this.
    #[must_use]
    pub fn speaks(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|spoken| spoken == protocol)
    }

    /// Whether it says that it takes proposals of `mk/1.2.x`; if not, that is `PROTOCOL_UNSUPPORTED`.
    #[must_use]
    pub fn takes_deals(&self) -> bool {
        self.speaks(protocol::DEAL_1_2_1) || self.speaks(protocol::DEAL_1_2_0)
    }

    /// Read a message, without the length before it.
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, &'static str> {
        let mut identity = Self::default();
        while !bytes.is_empty() {
            let (field, value, rest) = field(bytes).ok_or("it is cut, or no message")?;
            bytes = rest;
            let Some(value) = value else { continue };
            match field {
                PROTOCOLS if identity.protocols.len() < MOST_PROTOCOLS => {
                    identity.protocols.push(text(value));
                }
                PROTOCOL_VERSION => identity.protocol_version = text(value),
                AGENT_VERSION => identity.agent = text(value),
                _ => {}
            }
        }
        Ok(identity)
    }
}

/// A field's number, its bytes if it has some, and what follows it.
type Field<'a> = (u64, Option<&'a [u8]>, &'a [u8]);

/// The first field; `None` when it is cut, or none.
fn field(bytes: &[u8]) -> Option<Field<'_>> {
    let (key, rest) = decode::u64(bytes).ok()?;
    let (number, kind) = (key >> 3, key & 7);
    let skip = match kind {
        VARINT => return Some((number, None, decode::u64(rest).ok()?.1)),
        FIXED_64 => 8,
        FIXED_32 => 4,
        DELIMITED => {
            let (length, rest) = decode::u64(rest).ok()?;
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            return Some((number, Some(value), rest));
        }
        _ => return None,
    };
    Some((number, None, rest.get(skip..)?))
}

fn text(bytes: &[u8]) -> String {
    let kept = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
    String::from_utf8_lossy(kept).into_owned()
}

/// What we say of ourselves, with the length before it.
pub(crate) fn message(key: &PublicKey, agent: &str, protocols: &[&str]) -> Vec<u8> {
    let mut message = Vec::new();
    put(&mut message, PUBLIC_KEY, &key.encode_protobuf());
    for protocol in protocols {
        put(&mut message, PROTOCOLS, protocol.as_bytes());
    }
    put(&mut message, PROTOCOL_VERSION, b"ipfs/0.1.0");
    put(&mut message, AGENT_VERSION, agent.as_bytes());
    let mut framed = Vec::with_capacity(message.len() + 4);
    put_length(&mut framed, message.len());
    framed.extend(message);
    framed
}

fn put(message: &mut Vec<u8>, field: u64, value: &[u8]) {
    let mut buffer = encode::u64_buffer();
    message.extend_from_slice(encode::u64((field << 3) | DELIMITED, &mut buffer));
    put_length(message, value.len());
    message.extend_from_slice(value);
}

fn put_length(message: &mut Vec<u8>, length: usize) {
    let mut buffer = encode::usize_buffer();
    message.extend_from_slice(encode::usize(length, &mut buffer));
}

#[cfg(test)]
mod tests {
    use libp2p_identity::Keypair;

    use super::*;

    fn key() -> PublicKey {
        Keypair::ed25519_from_bytes([7; 32]).unwrap().public()
    }

    fn unframed(framed: &[u8]) -> &[u8] {
        decode::usize(framed).unwrap().1
    }

    #[test]
    fn what_is_said_is_what_is_read() {
        let framed = message(&key(), "apogee/1", &["/ipfs/ping/1.0.0", "/fil/storage/mk/1.2.0"]);
        let identity = Identity::decode(unframed(&framed)).unwrap();
        assert_eq!(identity.agent, "apogee/1");
        assert_eq!(identity.protocols, ["/ipfs/ping/1.0.0", "/fil/storage/mk/1.2.0"]);
        assert!(identity.takes_deals() && !identity.speaks("/noise"));
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error_or_shorter_and_never_a_panic() {
        let framed = message(&key(), "apogee/1", &["/a", "/b"]);
        let whole = unframed(&framed);
        let read = (0..whole.len()).filter(|&end| Identity::decode(&whole[..end]).is_ok()).count();
        // Only between the fields: the key, two protocols, the version, the agent.
        assert_eq!(read, 5);
    }

    #[test]
    fn a_length_beyond_the_message_and_an_unknown_kind_are_errors() {
        assert!(
            Identity::decode(&[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]).is_err()
        );
        assert!(Identity::decode(&[0x33, 0x00]).is_err());
    }

    #[test]
    fn of_endless_texts_and_lists_a_part_is_kept() {
        let mut bytes = Vec::new();
        for _ in 0..2_000 {
            put(&mut bytes, PROTOCOLS, &[b'x'; 1_000]);
        }
        let identity = Identity::decode(&bytes).unwrap();
        assert_eq!(identity.protocols.len(), MOST_PROTOCOLS);
        assert!(identity.protocols.iter().all(|protocol| protocol.len() == LONGEST_TEXT));
    }
}
