use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use apogee_domain::Epoch;
use apogee_filecoin::car::CarStore;
use apogee_filecoin::source::ChainPath;
use apogee_filecoin::types::{Tipset, TipsetKey};
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use fvm_shared::address::Network;
use tokio::sync::broadcast;

/// Frames a slow subscriber may be behind before it is cut off.
const BACKLOG: usize = 4096;

/// What happens to a tipset in a change of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is the head: the first frame of a subscription.
    Current,
    /// It joins the chain.
    Apply,
    /// It leaves the chain.
    Revert,
}

impl ChangeKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Apply => "apply",
            Self::Revert => "revert",
        }
    }
}

/// One step of a change of the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadChange {
    /// What happens.
    pub kind: ChangeKind,
    /// To which tipset.
    pub tipset: Tipset,
}

/// All steps of one change, in order: reverts from the head down, then applies upward.
pub(crate) type Changes = Arc<Vec<HeadChange>>;

/// Everything a node holds: blocks, tipsets, and which of them is the head.
pub struct Ledger {
    network: Network,
    genesis: Tipset,
    archives: Vec<Arc<CarStore>>,
    held: RwLock<Held>,
    changes: broadcast::Sender<Changes>,
}

struct Held {
    head: Tipset,
    tipsets: HashMap<TipsetKey, Tipset>,
    blocks: HashMap<Cid, Vec<u8>>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger({:?})", self.head())
    }
}

impl Ledger {
    /// A ledger whose head is genesis, over the blocks of `archives`.
    #[must_use]
    pub fn new(network: Network, genesis: Tipset, archives: Vec<Arc<CarStore>>) -> Self {
        let held = Held { head: genesis.clone(), tipsets: HashMap::new(), blocks: HashMap::new() };
        let ledger = Self {
            network,
            genesis: genesis.clone(),
            archives,
            held: RwLock::new(held),
            changes: broadcast::Sender::new(BACKLOG),
        };
        ledger.add(&genesis);
        ledger
    }

    /// Which letter addresses begin with.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The first tipset.
    #[must_use]
    pub const fn genesis(&self) -> &Tipset {
        &self.genesis
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> Tipset {
        self.read().head.clone()
    }

    /// The tipset of that name, on the chain or not.
    #[must_use]
    pub fn tipset(&self, key: &TipsetKey) -> Option<Tipset> {
        self.read().tipsets.get(key).cloned()
    }

    /// The parent tipset; `None` for genesis.
    #[must_use]
    pub fn parent(&self, of: &Tipset) -> Option<Tipset> {
        if of.first().is_genesis() { None } else { self.tipset(&of.parents()) }
    }

    /// The bytes of a block.
    #[must_use]
    pub fn block(&self, cid: &Cid) -> Option<Vec<u8>> {
        let archived = self.archives.iter().find_map(|archive| archive.block(cid)).map(<[u8]>::to_vec);
        archived.or_else(|| self.read().blocks.get(cid).cloned())
    }

    /// Hold a tipset and the headers of its blocks.
    pub fn add(&self, tipset: &Tipset) {
        let mut held = self.write();
        held.tipsets.insert(tipset.key().clone(), tipset.clone());
        for (cid, header) in tipset.cids_and_blocks() {
            held.blocks.entry(cid).or_insert_with(|| header.to_cbor());
        }
    }

    /// Hold a block.
    pub fn put(&self, cid: Cid, bytes: Vec<u8>) {
        self.write().blocks.insert(cid, bytes);
    }

    /// Hold all blocks that another ledger holds itself.
    pub(crate) fn take_blocks(&self, other: Self) {
        let other = other.held.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.write().blocks.extend(other.blocks);
    }

    /// The names of the blocks outside the archives, in order.
    #[must_use]
    pub fn cids(&self) -> Vec<Cid> {
        let mut cids: Vec<_> = self.read().blocks.keys().copied().collect();
        cids.sort_unstable();
        cids
    }

    /// Move the head: the last step tells whereto. Subscribers hear of all steps in one frame.
    pub fn change(&self, changes: Vec<HeadChange>) {
        let Some(last) = changes.last() else { return };
        let head = match last.kind {
            ChangeKind::Current | ChangeKind::Apply => Some(last.tipset.clone()),
            ChangeKind::Revert => self.parent(&last.tipset),
        };
        let mut held = self.write();
        if let Some(head) = head {
            held.head = head;
        }
        // Under the lock, so that a subscriber's first frame and the next one never leave a gap. Nobody may be listening.
        let _ = self.changes.send(Arc::new(changes));
    }

    /// The head now and every change from now on.
    pub(crate) fn subscribe(&self) -> (Tipset, broadcast::Receiver<Changes>) {
        let held = self.read();
        (held.head.clone(), self.changes.subscribe())
    }

    /// The tipset at `epoch`, or the nearest one before it, on the chain of `from`.
    #[must_use]
    pub fn at_or_before(&self, epoch: Epoch, from: &Tipset) -> Option<Tipset> {
        let mut at = from.clone();
        while at.epoch() > epoch {
            at = self.parent(&at)?;
        }
        Some(at)
    }

    /// The tipset at `epoch`, or the nearest one after it, on the chain of `from`.
    #[must_use]
    pub fn at_or_after(&self, epoch: Epoch, from: &Tipset) -> Option<Tipset> {
        let mut at = from.clone();
        loop {
            match self.parent(&at) {
                Some(parent) if parent.epoch() >= epoch => at = parent,
                _ => return Some(at),
            }
        }
    }

    /// The way from one tipset to another; `None` when they share no ancestor here.
    #[must_use]
    pub fn path(&self, from: &Tipset, to: &Tipset) -> Option<ChainPath> {
        let (mut left, mut right) = (from.clone(), to.clone());
        let mut path = ChainPath::default();
        while left.key() != right.key() {
            if left.epoch() >= right.epoch() {
                let parent = self.parent(&left)?;
                path.revert.push(std::mem::replace(&mut left, parent));
            } else {
                let parent = self.parent(&right)?;
                path.apply.push(std::mem::replace(&mut right, parent));
            }
        }
        path.apply.reverse();
        Some(path)
    }
}

impl Blockstore for Ledger {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.block(cid))
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.put(*cid, block.to_vec());
        Ok(())
    }
}
