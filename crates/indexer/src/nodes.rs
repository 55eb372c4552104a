use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::bail;
use apogee_domain::Epoch;
use apogee_filecoin::source::Blocks;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

/// How much may be read of state, messages and receipts for one epoch, every reading counted.
///
/// Facts are derived beside the checks of the same epochs, and a state root is only what a block claims: a few nodes that link to each other
/// in layers make a tree that nobody comes to the end of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Blocks.
    pub nodes: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Reads {
    /// For what differs from the epoch before. Where all of a state has to be read, at the start and after a gap, [`Self::WHOLE`] times as
    /// much.
    pub const DEFAULT: Self = Self { nodes: 250_000, bytes: 256 << 20 };
    /// How much more may be read where all of a state has to be.
    pub const WHOLE: u64 = 256;

    /// For all of a state.
    pub(crate) const fn whole(self) -> Self {
        Self { nodes: self.nodes.saturating_mul(Self::WHOLE), bytes: self.bytes.saturating_mul(Self::WHOLE) }
    }
}

/// A source's blocks as a sized store that is only read. The source has checked them against their CIDs.
///
/// It notes what it could not give: a view that meets a failure of the source says "unknown" like one that meets a missing block, and the two
/// must not be confused. Every handle has a budget: past it nothing is given any more, to no handle.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    blocks: Arc<dyn Blocks>,
    shared: Arc<Shared>,
    budget: Arc<Mutex<Budget>>,
}

#[derive(Debug, Default)]
struct Shared {
    trouble: Mutex<Trouble>,
    /// A budget was used up.
    stopped: AtomicBool,
}

/// What one epoch may still read.
#[derive(Clone, Copy, Debug)]
struct Budget {
    epoch: Epoch,
    limit: Reads,
    left: Reads,
}

/// What could not be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    /// The first failure of the source, in words.
    pub(crate) failed: Option<String>,
    /// The first block that the source says it does not have.
    pub(crate) missing: Option<Cid>,
    /// The epoch that wanted more than this.
    pub(crate) exceeded: Option<(Epoch, Reads)>,
}

impl Nodes {
    /// A handle without a limit.
    pub(crate) fn new(blocks: Arc<dyn Blocks>) -> Self {
        let all = Reads { nodes: u64::MAX, bytes: u64::MAX };
        let budget = Budget { epoch: Epoch::GENESIS, limit: all, left: all };
        Self { blocks, shared: Arc::default(), budget: Arc::new(Mutex::new(budget)) }
    }

    /// Another handle, with a budget of its own.
    pub(crate) fn within(&self, epoch: Epoch, limit: Reads) -> Self {
        let budget = Arc::new(Mutex::new(Budget { epoch, limit, left: limit }));
        Self { budget, ..self.clone() }
    }

    /// Begin this handle's budget anew.
    pub(crate) fn renew(&self, epoch: Epoch, limit: Reads) {
        *lock(&self.budget) = Budget { epoch, limit, left: limit };
    }

    /// What went wrong since this was last asked.
    pub(crate) fn take_trouble(&self) -> Trouble {
        self.shared.stopped.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.trouble())
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        lock(&self.shared.trouble)
    }

    /// Count a block of so many bytes.
    fn spend(&self, bytes: usize) -> anyhow::Result<()> {
        let mut budget = lock(&self.budget);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let left = budget.left.nodes.checked_sub(1).zip(budget.left.bytes.checked_sub(bytes));
        if let Some((nodes, bytes)) = left {
            budget.left = Reads { nodes, bytes };
            return Ok(());
        }
        let Budget { epoch, limit, .. } = *budget;
        drop(budget);
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.trouble().exceeded.get_or_insert((epoch, limit));
        bail!("epoch {epoch} reads more than {} blocks or {} bytes", limit.nodes, limit.bytes)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Blockstore for Nodes {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        if self.shared.stopped.load(Ordering::Relaxed) {
            bail!("nothing is read any more: an epoch has read too much");
        }
        let block = self.blocks.get(cid);
        match &block {
            Ok(Some(bytes)) => self.spend(bytes.len())?,
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
