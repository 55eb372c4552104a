use std::collections::HashMap;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::tuple::*;
use fvm_ipld_encoding::{DAG_CBOR, strict_bytes};
use fvm_shared::address::Address;
pub use fvm_shared::message::Message;
use multihash_codetable::Code;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cid_of;
use super::load::{LoadError, array, block, dense_array};

/// Which scheme signs a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// secp256k1 with recovery, 65 bytes.
    Secp256k1 = 1,
    /// BLS12-381, 96 bytes.
    Bls = 2,
    /// An Ethereum transaction's signature, by a delegated (`f4`) sender (FIP-0055).
    Delegated = 3,
}

impl SignatureKind {
    /// The kind with this number on the wire.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Secp256k1),
            2 => Some(Self::Bls),
            3 => Some(Self::Delegated),
            _ => None,
        }
    }
}

/// The signature of a message. Unlike `fvm_shared`'s it knows delegated ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageSignature {
    /// Scheme.
    pub kind: SignatureKind,
    /// The signature's bytes, without the byte of the kind.
    pub bytes: Vec<u8>,
}

impl Serialize for MessageSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + 1);
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.bytes);
        strict_bytes::serialize(&bytes, serializer)
    }
}

impl<'de> Deserialize<'de> for MessageSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = strict_bytes::deserialize(deserializer)?;
        let kind = bytes.first().copied().and_then(SignatureKind::of);
        match (kind, bytes.get(1..)) {
            (Some(kind), Some(rest)) => Ok(Self { kind, bytes: rest.to_vec() }),
            _ => Err(serde::de::Error::custom("a signature starts with 1, 2 or 3")),
        }
    }
}

/// The CID of an unsigned message: what is signed, and what a BLS message is called on chain.
#[must_use]
pub fn message_cid(message: &Message) -> Cid {
    // A tuple without maps and floats: serialising into memory has no way to fail.
    cid_of(&fvm_ipld_encoding::to_vec(message).unwrap_or_default())
}

/// A message with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize_tuple, Deserialize_tuple)]
pub struct SignedMessage {
    /// The message.
    pub message: Message,
    /// The sender's signature over the bytes of the message's CID (a delegated one: over the Ethereum transaction).
    pub signature: MessageSignature,
}

impl SignedMessage {
    /// The name on chain: of a BLS message the CID of the message alone, of others the CID of this pair.
    #[must_use]
    pub fn cid(&self) -> Cid {
        if self.signature.kind == SignatureKind::Bls {
            message_cid(&self.message)
        } else {
            cid_of(&fvm_ipld_encoding::to_vec(self).unwrap_or_default())
        }
    }
}

/// What a header's `messages` names: the arrays of a block's messages (Lotus `types.MsgMeta`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct MessagesRoot {
    /// Array of the CIDs of the BLS messages.
    pub bls: Cid,
    /// Array of the CIDs of the other signed messages.
    pub secp: Cid,
}

/// The messages of one block in the order of the chain, each with its name on chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockMessages {
    /// Messages whose signatures are in the block's aggregate.
    pub bls: Vec<(Cid, Message)>,
    /// Messages that carry their own signature: secp256k1 and delegated.
    pub secp: Vec<(Cid, SignedMessage)>,
}

impl BlockMessages {
    /// Most messages in a block (Lotus `buildconstants.BlockMessageLimit`).
    pub const LIMIT: usize = 10_000;

    /// Read what `root`, a header's `messages`, names.
    ///
    /// # Errors
    /// A missing block; blocks that are no messages or not canonical; more than [`Self::LIMIT`] messages.
    pub fn load<S: Blockstore + ?Sized>(store: &S, root: &Cid) -> Result<Self, LoadError> {
        let (_, roots): (_, MessagesRoot) = canonical(store, *root, "messages root")?;
        let bls: Vec<Cid> = array(store, &roots.bls, "array of BLS messages", Self::LIMIT)?;
        let left = Self::LIMIT.saturating_sub(bls.len());
        let secp: Vec<Cid> = array(store, &roots.secp, "array of secp256k1 messages", left)?;
        let messages = Self {
            bls: bls.into_iter().map(|cid| canonical(store, cid, "message")).collect::<Result<_, _>>()?,
            secp: secp.into_iter().map(|cid| canonical(store, cid, "message")).collect::<Result<_, _>>()?,
        };
        match messages.secp.iter().find(|(_, signed)| signed.signature.kind == SignatureKind::Bls) {
            None => Ok(messages),
            Some((cid, _)) => Err(LoadError::Malformed {
                cid: *cid,
                what: "message",
                detail: "a BLS message stands among the others".into(),
            }),
        }
    }

    /// All messages in the order in which they are executed: BLS first.
    pub fn iter(&self) -> impl Iterator<Item = (&Cid, &Message)> {
        let bls = self.bls.iter().map(|(cid, message)| (cid, message));
        bls.chain(self.secp.iter().map(|(cid, signed)| (cid, &signed.message)))
    }

    /// The blocks that hold these messages: the CID that a header's `messages` names, and every block with its CID.
    #[must_use]
    pub fn to_blocks(&self) -> (Cid, Vec<(Cid, Vec<u8>)>) {
        let encoded = |message: Result<Vec<u8>, _>| message.unwrap_or_default();
        let (bls, mut blocks) = dense_array(&self.bls.iter().map(|(cid, _)| *cid).collect::<Vec<_>>());
        let (secp, more) = dense_array(&self.secp.iter().map(|(cid, _)| *cid).collect::<Vec<_>>());
        blocks.extend(more);
        let bls_messages = self.bls.iter().map(|(cid, one)| (*cid, encoded(fvm_ipld_encoding::to_vec(one))));
        blocks.extend(bls_messages);
        blocks.extend(self.secp.iter().map(|(cid, one)| (*cid, encoded(fvm_ipld_encoding::to_vec(one)))));
        let root = encoded(fvm_ipld_encoding::to_vec(&MessagesRoot { bls, secp }));
        let cid = cid_of(&root);
        blocks.push((cid, root));
        (cid, blocks)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bls.len() + self.secp.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A block decoded, provided that it encodes back to its bytes and is named as the chain names blocks: only then is its CID the one that
/// consensus computes. The bytes could be found under other names too: another hash function, another codec.
fn canonical<T: DeserializeOwned + Serialize, S: Blockstore + ?Sized>(
    store: &S,
    cid: Cid,
    what: &'static str,
) -> Result<(Cid, T), LoadError> {
    let malformed = |detail: String| LoadError::Malformed { cid, what, detail };
    let bytes = block(store, &cid, what)?;
    if cid.codec() != DAG_CBOR || cid.hash().code() != u64::from(Code::Blake2b256) {
        return Err(malformed("it is not named by BLAKE2b-256 of DAG-CBOR".into()));
    }
    let value: T = fvm_ipld_encoding::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if fvm_ipld_encoding::to_vec(&value).is_ok_and(|again| again == bytes) {
        Ok((cid, value))
    } else {
        Err(malformed("it is not canonical CBOR".into()))
    }
}

/// A message as it is executed in a tipset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed<'a> {
    /// Index, in the tipset, of the block that carries it first and is paid for it.
    pub block: usize,
    /// Name on chain.
    pub cid: &'a Cid,
    /// The message.
    pub message: &'a Message,
    /// Its own signature; a BLS message has none.
    pub signature: Option<&'a MessageSignature>,
}

impl Executed<'_> {
    /// Bytes it takes on chain: with its signature, where it carries one.
    #[must_use]
    pub fn chain_length(&self) -> usize {
        let length = fvm_ipld_encoding::to_vec(self.message).map_or(0, |bytes| bytes.len());
        // The pair's header, and the signature with its kind and header.
        let signature = self.signature.and_then(|signature| fvm_ipld_encoding::to_vec(signature).ok());
        signature.map_or(length, |signature| 1 + length + signature.len())
    }
}

/// The messages a tipset executes, in order, which is also the order of its receipts.
///
/// `blocks` are the messages of its blocks in ticket order. A message that several blocks carry is executed once, for the
/// first of them; one whose nonce does not follow the sender's last one in this tipset is left out (Lotus
/// `chain/store/messages.go`, `BlockMsgsForTipset`). `sender` maps an address to one form for each actor, so that two
/// addresses of one actor count as one; where that is not known, the address itself.
pub fn executed_messages<'a>(
    blocks: &'a [BlockMessages],
    mut sender: impl FnMut(&Address) -> Address,
) -> Vec<Executed<'a>> {
    let mut next_nonce: HashMap<Address, u64> = HashMap::new();
    let mut executed = Vec::new();
    for (block, messages) in blocks.iter().enumerate() {
        let bls = messages.bls.iter().map(|(cid, message)| (cid, message, None));
        let secp = messages.secp.iter().map(|(cid, signed)| (cid, &signed.message, Some(&signed.signature)));
        for (cid, message, signature) in bls.chain(secp) {
            let next = next_nonce.entry(sender(&message.from)).or_insert(message.sequence);
            if *next == message.sequence {
                *next = next.wrapping_add(1);
                executed.push(Executed { block, cid, message, signature });
            }
        }
    }
    executed
}
