use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use apogee_filecoin::source::Blocks;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

/// A source's blocks as a sized store that is only read. The source has checked them against their CIDs.
///
/// It notes what it could not give: a view that meets a failure of the source says "unknown" like one that meets a missing block, and the two
/// must not be confused.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    blocks: Arc<dyn Blocks>,
    trouble: Arc<Mutex<Trouble>>,
}

/// What could not be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    /// The first failure of the source, in words.
    pub(crate) failed: Option<String>,
    /// The first block that the source says it does not have.
    pub(crate) missing: Option<Cid>,
}

impl Nodes {
    pub(crate) fn new(blocks: Arc<dyn Blocks>) -> Self {
        Self { blocks, trouble: Arc::default() }
    }

    /// What went wrong since this was last asked.
    pub(crate) fn take_trouble(&self) -> Trouble {
        std::mem::take(&mut *self.trouble())
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blockstore for Nodes {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        let block = self.blocks.get(cid);
        match &block {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.trouble().missing.get_or_insert(*cid);
            }
            Err(error) => {
                self.trouble().failed.get_or_insert_with(|| format!("{error:#}"));
            }
        }
        block
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        bail!("block {cid} cannot be written: the indexer only reads")
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        self.blocks.has(cid)
    }
}
