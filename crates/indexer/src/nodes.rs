use std::sync::Arc;

use anyhow::bail;
use apogee_filecoin::source::Blocks;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

/// A source's blocks as a sized store that is only read. The source has checked them against their CIDs.
#[derive(Clone, Debug)]
pub(crate) struct Nodes(pub(crate) Arc<dyn Blocks>);

impl Blockstore for Nodes {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.get(cid)
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        bail!("block {cid} cannot be written: the indexer only reads")
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        self.0.has(cid)
    }
}
