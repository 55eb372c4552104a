//! The log of all evidence: batches of records, each of which names the one before it.
//!
//! Whoever has the hash of the last batch has all of them: nothing can be taken out, put in or put elsewhere without changing it.

use std::collections::BTreeSet;

use apogee_domain::{Digest, Epoch, Timestamp};
use cid::Cid;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::canonical::{self, Link, Unreadable};

/// How many records a batch may hold.
pub const MOST: usize = 4_096;

/// Records that came into the log together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Its place, from 1.
    pub seq: u64,
    /// The hash of the batch before it; zeros for the first.
    pub prev: Digest,
    /// Its records, in the order in which they came.
    pub records: Vec<Link>,
    /// The root of the tree over the names of its records.
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
    /// Its time.
    pub at: Timestamp,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A batch cannot be read.
    #[error("the batch cannot be read")]
    Unreadable(#[from] Unreadable),
    /// A batch holds none, or too many.
    #[error("batch {seq} has {found} records; 1 to {MOST} may be")]
    Size {
        /// Its place.
        seq: u64,
        /// How many.
        found: usize,
    },
    /// The root is of other records.
    #[error("the root of batch {0} is not that of its records")]
    Root(u64),
    /// A record is there twice.
    #[error("batch {0} has a record that was there before")]
    Twice(u64),
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
    /// If it has too few or too many records, one of them twice, or would be older than the one before it.
    pub fn new(head: Option<&Head>, records: Vec<Cid>, epoch: Epoch, at: Timestamp) -> Result<Self, Broken> {
        let batch = Self {
            seq: head.map_or(1, |head| head.seq.saturating_add(1)),
            prev: head.map_or(Digest::default(), |head| head.hash),
            root: root(&records),
            records: records.into_iter().map(Link).collect(),
            epoch,
            at,
        };
        follow(head, &batch, &mut BTreeSet::new())?;
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
}

/// The hash of the tree of RFC 9162 §2.1.1 whose leaves are the bytes of these names.
#[must_use]
pub fn root(records: &[Cid]) -> Digest {
    let leaf =
        |cid: &Cid| Digest(Sha256::new_with_prefix([0]).chain_update(cid.to_bytes()).finalize().into());
    let mut level: Vec<Digest> = records.iter().map(leaf).collect();
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
    let mut seen = BTreeSet::new();
    let mut head = from;
    for batch in batches {
        head = Some(follow(head.as_ref(), batch, &mut seen)?);
    }
    Ok(head)
}

/// The head that a batch makes after another one.
fn follow(head: Option<&Head>, batch: &Batch, seen: &mut BTreeSet<Link>) -> Result<Head, Broken> {
    let wanted = head.map_or(Some(1), |head| head.seq.checked_add(1));
    if wanted != Some(batch.seq) {
        return Err(Broken::Place { found: batch.seq, wanted: wanted.unwrap_or(u64::MAX) });
    }
    if batch.prev != head.map_or(Digest::default(), |head| head.hash) {
        return Err(Broken::Prev(batch.seq));
    }
    // Heights may fall: a fork, or a network that begins anew.
    if head.is_some_and(|head| batch.at < head.at) {
        return Err(Broken::Time(batch.seq));
    }
    if batch.records.is_empty() || batch.records.len() > MOST {
        return Err(Broken::Size { seq: batch.seq, found: batch.records.len() });
    }
    if batch.records.iter().any(|record| !seen.insert(*record)) {
        return Err(Broken::Twice(batch.seq));
    }
    let records: Vec<Cid> = batch.records.iter().map(|link| link.0).collect();
    if batch.root != root(&records) {
        return Err(Broken::Root(batch.seq));
    }
    Ok(Head { seq: batch.seq, hash: batch.hash(), at: batch.at })
}
