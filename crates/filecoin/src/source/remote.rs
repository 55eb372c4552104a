use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tokio::runtime::Handle;

use super::cache::{ObjectCache, Recent};
use crate::car::verify_block;
use crate::rpc::{Meaning, Pool, RpcError};
use crate::types::BlockMessages;

/// Blocks of nodes, by `ChainReadObj`, behind a cache in memory and perhaps one that lasts.
///
/// Call it from threads that may block (`spawn_blocking`, rayon, a plain thread), never from a runtime's own worker: the answer
/// is awaited on the runtime whose handle it was made with.
pub(super) struct RemoteBlocks {
    pool: Arc<Pool>,
    handle: Handle,
    recent: Mutex<Recent>,
    lasting: Option<Arc<dyn ObjectCache>>,
}

impl fmt::Debug for RemoteBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteBlocks({:?})", self.pool)
    }
}

impl RemoteBlocks {
    pub(super) fn new(
        pool: Arc<Pool>,
        handle: Handle,
        cache_bytes: usize,
        lasting: Option<Arc<dyn ObjectCache>>,
    ) -> Self {
        Self { pool, handle, recent: Mutex::new(Recent::new(cache_bytes)), lasting }
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block that needs no node.
    fn cached(&self, cid: &Cid) -> Option<Vec<u8>> {
        if let Some(bytes) = self.recent().get(cid) {
            return Some(bytes);
        }
        let bytes = self.lasting.as_ref()?.get(cid)?;
        if verify_block(cid, &bytes) != Ok(true) {
            tracing::warn!(%cid, "the lasting cache holds other bytes than its key says; they are not used");
            return None;
        }
        self.recent().put(*cid, bytes.clone());
        Some(bytes)
    }

    fn keep(&self, cid: Cid, bytes: Vec<u8>) {
        if let Some(lasting) = &self.lasting {
            lasting.put(&cid, &bytes);
        }
        self.recent().put(cid, bytes);
    }

    pub(super) fn has_cached(&self, cid: &Cid) -> bool {
        self.recent().contains(cid)
    }

    /// Keep the blocks that `messages` consist of, provided that they are what `root` names.
    ///
    /// Returns whether they are.
    pub(super) fn keep_messages(&self, root: &Cid, messages: &BlockMessages) -> bool {
        let (real, blocks) = messages.to_blocks();
        if real != *root {
            return false;
        }
        for (cid, bytes) in blocks {
            self.keep(cid, bytes);
        }
        true
    }
}

impl Blockstore for RemoteBlocks {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        if cid.hash().code() == 0 {
            return Ok(Some(cid.hash().digest().to_vec()));
        }
        if let Some(bytes) = self.cached(cid) {
            return Ok(Some(bytes));
        }
        let (pool, cid) = (self.pool.clone(), *cid);
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        self.handle.spawn(async move {
            let answer = pool.ask(|client| async move { client.chain_read_obj(&cid).await }).await;
            // Nobody waits any more: nothing to do.
            let _ = send.send(answer);
        });
        let answer: Result<Vec<u8>, RpcError> = receive
            .recv()
            .map_err(|_| anyhow::anyhow!("the runtime that reads block {cid} has been shut down"))?;
        match answer {
            Ok(bytes) => {
                self.keep(cid, bytes.clone());
                Ok(Some(bytes))
            }
            Err(error) if error.fault.meaning() == Some(Meaning::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("block {cid} cannot be added: nodes are only read")
    }
}
