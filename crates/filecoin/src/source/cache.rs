use std::collections::{BTreeMap, HashMap};
use std::fmt;

use cid::Cid;

/// A lasting store of blocks, such as a table of the database. What it gives is checked against its CID before it is used.
pub trait ObjectCache: Send + Sync + fmt::Debug {
    /// The bytes of a block, if it is there. A failure counts as absence.
    fn get(&self, cid: &Cid) -> Option<Vec<u8>>;

    /// Keep a block. A failure may be passed over: it is only a cache.
    fn put(&self, cid: &Cid, bytes: &[u8]);
}

/// Blocks in memory up to a number of bytes; the one that was used longest ago leaves first.
#[derive(Debug)]
pub(super) struct Recent {
    limit: usize,
    bytes: usize,
    used: u64,
    blocks: HashMap<Cid, (u64, Vec<u8>)>,
    order: BTreeMap<u64, Cid>,
}

impl Recent {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, used: 0, blocks: HashMap::new(), order: BTreeMap::new() }
    }

    pub(super) fn get(&mut self, cid: &Cid) -> Option<Vec<u8>> {
        let (used, bytes) = self.blocks.get_mut(cid)?;
        self.order.remove(used);
        self.used += 1;
        *used = self.used;
        self.order.insert(self.used, *cid);
        Some(bytes.clone())
    }

    pub(super) fn contains(&self, cid: &Cid) -> bool {
        self.blocks.contains_key(cid)
    }

    pub(super) fn put(&mut self, cid: Cid, bytes: Vec<u8>) {
        if bytes.len() > self.limit || self.blocks.contains_key(&cid) {
            return;
        }
        self.used += 1;
        self.bytes += bytes.len();
        self.order.insert(self.used, cid);
        self.blocks.insert(cid, (self.used, bytes));
        while self.bytes > self.limit {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            if let Some((_, bytes)) = self.blocks.remove(&oldest) {
                self.bytes -= bytes.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::cid_of;

    #[test]
    fn the_block_used_longest_ago_leaves_first() {
        let mut recent = Recent::new(10);
        let [a, b, c] = ["a", "b", "c"].map(|text| cid_of(text.as_bytes()));
        recent.put(a, vec![0; 5]);
        recent.put(b, vec![0; 5]);
        assert!(recent.get(&a).is_some());
        recent.put(c, vec![0; 1]);
        assert!(recent.contains(&a) && recent.contains(&c) && !recent.contains(&b));
        recent.put(b, vec![0; 11]);
        assert!(!recent.contains(&b), "a block over the limit is not kept");
        assert_eq!((recent.bytes, recent.order.len()), (6, 2));
    }
}
