use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

use crate::car::verify_block;
use crate::source::Blocks;

/// Hands on only blocks that hash to their CID, and counts.
#[derive(Debug)]
pub(super) struct CheckedStore {
    inner: Arc<dyn Blocks>,
    right: AtomicU64,
    wrong: Mutex<Vec<Cid>>,
}

impl CheckedStore {
    pub(super) const fn new(inner: Arc<dyn Blocks>) -> Self {
        Self { inner, right: AtomicU64::new(0), wrong: Mutex::new(Vec::new()) }
    }

    /// How many blocks were right and which ones were wrong since the last call.
    pub(super) fn take_counts(&self) -> (u64, Vec<Cid>) {
        (self.right.swap(0, Ordering::Relaxed), std::mem::take(&mut *self.wrong()))
    }

    fn wrong(&self) -> MutexGuard<'_, Vec<Cid>> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blockstore for CheckedStore {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(bytes) = self.inner.get(cid)? else { return Ok(None) };
        match verify_block(cid, &bytes) {
            Ok(true) => {
                self.right.fetch_add(1, Ordering::Relaxed);
                Ok(Some(bytes))
            }
            Ok(false) => {
                self.wrong().push(*cid);
                bail!("the bytes of block {cid} do not hash to it")
            }
            Err(code) => bail!("block {cid} is hashed with the unknown function {code:#x}"),
        }
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        bail!("block {cid} cannot be written: the verifier only reads")
    }

    fn has(&self, cid: &Cid) -> anyhow::Result<bool> {
        self.inner.has(cid)
    }
}
