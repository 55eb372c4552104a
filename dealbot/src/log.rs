//! The log of all evidence: batches of entries, each of which names the one before it and is signed by the controller.
//!
//! Whoever has the hash of the last batch has all of them: nothing can be taken out, put in or put elsewhere without changing it.

use apogee_domain::{Digest, Epoch, Timestamp};
use cid::Cid;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::canonical::{self, Bytes, Link, Signed, Unreadable};

/// How many entries a batch may hold.
pub const MOST: usize = 4_096;

/// Entries that came into the log together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Its place, from 1.
    pub seq: u64,
    /// The hash of the batch before it; zeros for the first.
    pub prev: Digest,
    /// The number of its first entry: one more than that of the last entry before it.
    pub first: u64,
    /// Its entries, in their order.
    pub entries: Vec<Link>,
    /// The root of the tree over the names of its entries.
    pub root: Digest,
    /// The chain's height when it was closed.
    pub epoch: Epoch,
    /// When it was closed, microseconds since 1970.
    pub at: Timestamp,
}

/// How far a log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The place of the last batch.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
    /// The number of its last entry.
    pub last: u64,
    /// Its time.
    pub at: Timestamp,
}

/// The controller's word for a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Which batch.
    pub batch: Link,
    /// Ed25519 over its name.
    pub signature: Bytes,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A batch cannot be read.
    #[error("the batch cannot be read")]
    Unreadable(#[from] Unreadable),
    /// A batch holds none, or too many.
    #[error("batch {seq} has {found} entries; 1 to {MOST} may be")]
    Size {
        /// Its place.
        seq: u64,
        /// How many.
        found: usize,
    },
    /// The root is of other entries.
    #[error("the root of batch {0} is not that of its entries")]
    Root(u64),
    /// Its entries are not those that come next.
    #[error("batch {seq} begins with entry {found} where entry {wanted} is wanted")]
    First {
        /// Its place.
        seq: u64,
        /// The number that it says.
        found: u64,
        /// The number that comes next.
        wanted: u64,
    },
    /// A batch does not follow the one before it.
    #[error("batch {found} stands where batch {wanted} is wanted")]
    Place {
        /// The place that it says.
        found: u64,
        /// The place that it has.
        wanted: u64,
    },
    /// A batch names another one before it.
    #[error("batch {0} does not name the batch before it")]
    Prev(u64),
    /// A batch is older than the one before it.
    #[error("batch {0} is older than the batch before it")]
    Time(u64),
}

impl Batch {
    /// The batch that follows `head` (the first without one).
    ///
    /// # Errors
    /// If it has too few or too many entries, or would be older than the one before it.
    pub fn new(head: Option<&Head>, entries: Vec<Cid>, epoch: Epoch, at: Timestamp) -> Result<Self, Broken> {
        let batch = Self {
            seq: head.map_or(1, |head| head.seq.saturating_add(1)),
            prev: head.map_or(Digest::default(), |head| head.hash),
            first: head.map_or(1, |head| head.last.saturating_add(1)),
            root: root(&entries),
            entries: entries.into_iter().map(Link).collect(),
            epoch,
            at,
        };
        follow(head, &batch)?;
        Ok(batch)
    }

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// The batch of canonical bytes, by itself: [`verify`] says whether it stands in a log.
    ///
    /// # Errors
    /// If they are too long, no batch, or not the canonical ones.
    pub fn decode(bytes: &[u8]) -> Result<Self, Broken> {
        Ok(canonical::decode(bytes)?)
    }

    /// The SHA-256 of its canonical bytes.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest(Sha256::digest(self.encode()).into())
    }

    /// Its name: the CID of its canonical bytes, which holds their hash.
    #[must_use]
    pub fn cid(&self) -> Cid {
        canonical::name(&self.encode())
    }

    /// The number of its last entry; 0 for none.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first.saturating_sub(1).saturating_add(self.entries.len() as u64)
    }

    /// How far the log goes with it.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash(), last: self.last(), at: self.at }
    }
}

impl Seal {
    /// The controller's word for a batch of this name.
    #[must_use]
    pub fn of(batch: Cid, key: &SigningKey) -> Self {
        Self { batch: Link(batch), signature: Bytes(Signed::Batch.sign(&batch, key).to_vec()) }
    }

    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// The seal of canonical bytes.
    ///
    /// # Errors
    /// If they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        canonical::decode(bytes)
    }

    /// Whether it is of this batch, by this key.
    #[must_use]
    pub fn verifies(&self, batch: &Cid, key: &[u8; 32]) -> bool {
        let signature = self.signature.0.as_slice().try_into();
        self.batch.0 == *batch
            && signature.is_ok_and(|signature| Signed::Batch.verifies(batch, key, signature))
    }
}

/// The hash of the tree of RFC 9162 §2.1.1 whose leaves are the bytes of these names.
#[must_use]
pub fn root(entries: &[Cid]) -> Digest {
    let leaf =
        |cid: &Cid| Digest(Sha256::new_with_prefix([0]).chain_update(cid.to_bytes()).finalize().into());
    let mut level: Vec<Digest> = entries.iter().map(leaf).collect();
    while level.len() > 1 {
        // A node without a neighbour stands unchanged in the level above.
        let above = level.chunks(2).filter_map(|pair| match pair {
            [left, right] => Some(node(left, right)),
            rest => rest.first().copied(),
        });
        level = above.collect();
    }
    level.first().copied().unwrap_or_else(|| Digest(Sha256::digest([]).into()))
}

fn node(left: &Digest, right: &Digest) -> Digest {
    Digest(Sha256::new_with_prefix([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// Whether batches follow `from` (the first of all without one) and each other. Gives how far they go: `from` where there are none.
///
/// # Errors
/// The first that does not, and why.
pub fn verify<'a>(
    from: Option<Head>,
    batches: impl IntoIterator<Item = &'a Batch>,
) -> Result<Option<Head>, Broken> {
    let mut head = from;
    for batch in batches {
        head = Some(follow(head.as_ref(), batch)?);
    }
    Ok(head)
}

/// The head that a batch makes after another one.
///
/// # Errors
/// Where it does not follow it.
pub fn follow(head: Option<&Head>, batch: &Batch) -> Result<Head, Broken> {
    let wanted = head.map_or(Some(1), |head| head.seq.checked_add(1));
    if wanted != Some(batch.seq) {
        return Err(Broken::Place { found: batch.seq, wanted: wanted.unwrap_or(u64::MAX) });
    }
    if batch.prev != head.map_or(Digest::default(), |head| head.hash) {
        return Err(Broken::Prev(batch.seq));
    }
    let first = head.map_or(1, |head| head.last.saturating_add(1));
    if batch.first != first {
        return Err(Broken::First { seq: batch.seq, found: batch.first, wanted: first });
    }
    // Heights may fall: a fork, or a network that begins anew.
    if head.is_some_and(|head| batch.at < head.at) {
        return Err(Broken::Time(batch.seq));
    }
    if batch.entries.is_empty() || batch.entries.len() > MOST {
        return Err(Broken::Size { seq: batch.seq, found: batch.entries.len() });
    }
    let entries: Vec<Cid> = batch.entries.iter().map(|link| link.0).collect();
    if batch.root != root(&entries) {
        return Err(Broken::Root(batch.seq));
    }
    Ok(batch.head())
}
