use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_ipld_encoding::strict_bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::cid_of;

/// Why something could not be read from its blocks.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The block is not there: what it would say is unknown.
    #[error("block {cid}, {what}, is missing")]
    Missing {
        /// The missing block.
        cid: Cid,
        /// What it is.
        what: &'static str,
    },
    /// The block is there and is not what it has to be.
    #[error("block {cid} is no valid {what}: {detail}")]
    Malformed {
        /// The block.
        cid: Cid,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// There is more of it than was allowed for.
    #[error("{what} {cid} has more than {limit} entries")]
    TooMany {
        /// Root of the array.
        cid: Cid,
        /// What it is.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The store failed; asking again may help.
    #[error("block {cid} could not be read")]
    Store {
        /// The block.
        cid: Cid,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The bytes of a block.
pub(crate) fn block<S: Blockstore + ?Sized>(
    store: &S,
    cid: &Cid,
    what: &'static str,
) -> Result<Vec<u8>, LoadError> {
    match store.get(cid) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(LoadError::Missing { cid: *cid, what }),
        Err(cause) => Err(LoadError::Store { cid: *cid, cause: cause.into() }),
    }
}

/// A block decoded from DAG-CBOR.
pub(crate) fn decoded<T: DeserializeOwned, S: Blockstore + ?Sized>(
    store: &S,
    cid: &Cid,
    what: &'static str,
) -> Result<T, LoadError> {
    let bytes = block(store, cid, what)?;
    fvm_ipld_encoding::from_slice(&bytes).map_err(|error| LoadError::Malformed {
        cid: *cid,
        what,
        detail: error.to_string(),
    })
}

/// Entries of an array node (specification "AMT", version 0 with 8 entries a node).
const WIDTH: usize = 8;
/// 8²¹ exceeds every index: no array is higher.
const MAX_HEIGHT: u64 = 20;

/// Height, count, node.
#[derive(Deserialize, Serialize)]
struct Root<V>(u64, u64, Node<V>);

/// Bitmap, links, values.
#[derive(Deserialize, Serialize)]
struct Node<V>(#[serde(with = "strict_bytes")] Vec<u8>, Vec<Cid>, Vec<V>);

/// All entries of the array with that root, which must be dense, as message and receipt arrays are.
///
/// Consensus does not read such an array: it makes one of the entries and compares roots. So one of another form, with leaves that are not
/// full, more height than it needs or another encoding, is refused although its entries could be read.
///
/// Own reading instead of `fvm_ipld_amt`, which follows links below height 0 and empty leaves without a bound.
///
/// # Errors
/// A missing block, a root or node that is no valid array, or more than `limit` entries.
pub(crate) fn array<V: DeserializeOwned + Serialize, S: Blockstore + ?Sized>(
    store: &S,
    root: &Cid,
    what: &'static str,
    limit: usize,
) -> Result<Vec<V>, LoadError> {
    let malformed =
        |cid: &Cid, detail: &str| LoadError::Malformed { cid: *cid, what, detail: detail.to_owned() };
    let Root(height, count, node) = decoded::<Root<V>, S>(store, root, what)?;
    if height > MAX_HEIGHT {
        return Err(malformed(root, "its height is over 20"));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > limit {
        return Err(LoadError::TooMany { cid: *root, what, limit });
    }
    let mut entries: Vec<V> = Vec::new();
    // Nodes that are still to be visited, the next one last: a loop, so that no input is deep enough for the stack.
    let mut pending = vec![(*root, height, Some(node))];
    while let Some((cid, height, node)) = pending.pop() {
        let node = match node {
            Some(node) => node,
            None => decoded::<Node<V>, S>(store, &cid, what)?,
        };
        let Node(bits, links, values) = node;
        let (children, others) =
            if height == 0 { (values.len(), links.len()) } else { (links.len(), values.len()) };
        if others != 0 || children > WIDTH || bits != bitmap(children) {
            return Err(malformed(&cid, "a node is not dense"));
        }
        if children == 0 && !(height == 0 && count == 0) {
            return Err(malformed(&cid, "a node is empty"));
        }
        if height == 0 {
            entries.extend(values);
            if entries.len() > count {
                return Err(malformed(root, "it holds more entries than it counts"));
            }
        } else {
            pending.extend(links.into_iter().rev().map(|link| (link, height - 1, None)));
        }
    }
    if entries.len() != count {
        return Err(malformed(root, "it holds fewer entries than it counts"));
    }
    if dense_array(&entries).0 != *root {
        return Err(malformed(root, "its entries make another array"));
    }
    Ok(entries)
}

/// The array of `values` as blocks: the root's CID, and every block with its CID, the root last.
#[must_use]
pub fn dense_array<V: Serialize>(values: &[V]) -> (Cid, Vec<(Cid, Vec<u8>)>) {
    let mut blocks = Vec::new();
    let mut keep = |bytes: Vec<u8>| {
        let cid = cid_of(&bytes);
        blocks.push((cid, bytes));
        cid
    };
    let (mut height, mut root) = (0, Node(bitmap(values.len()), vec![], values.iter().take(WIDTH).collect()));
    if values.len() > WIDTH {
        let mut level: Vec<Cid> = values
            .chunks(WIDTH)
            .map(|values| keep(encoded(&Node(bitmap(values.len()), vec![], values.iter().collect()))))
            .collect();
        height = 1;
        while level.len() > WIDTH {
            let node = |links: &[Cid]| Node::<&V>(bitmap(links.len()), links.to_vec(), vec![]);
            level = level.chunks(WIDTH).map(|links| keep(encoded(&node(links)))).collect();
            height += 1;
        }
        root = Node(bitmap(level.len()), level, vec![]);
    }
    let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
    let root = keep(encoded(&Root(height, count, root)));
    (root, blocks)
}

/// The first `children` bits, and no other.
fn bitmap(children: usize) -> Vec<u8> {
    vec![u8::try_from((1_u16 << children.min(WIDTH)) - 1).unwrap_or(u8::MAX)]
}

/// Tuples without maps and floats: serialising into memory has no way to fail.
fn encoded(value: &impl Serialize) -> Vec<u8> {
    fvm_ipld_encoding::to_vec(value).unwrap_or_default()
}
