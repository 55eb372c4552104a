//! A source that fails at a chosen call.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use apogee_domain::Epoch;
use apogee_filecoin::source::{Blocks, ChainPath, Source, SourceError};
use apogee_filecoin::types::{ExecutionTrace, FinalityCertificate, Tipset, TipsetKey};
use async_trait::async_trait;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;

/// Calls that still succeed; below zero all do.
#[derive(Clone, Debug)]
pub(crate) struct Fuse(Arc<AtomicI64>);

impl Fuse {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(-1)))
    }

    /// Let this many calls succeed, then fail one; `-1`: fail none.
    pub(crate) fn set(&self, calls: i64) {
        self.0.store(calls, Ordering::SeqCst);
    }

    /// Whether the failure is still to come.
    pub(crate) fn is_live(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= 0
    }

    fn blows(&self) -> bool {
        let step = |left: i64| (left >= 0).then_some(left - 1);
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step) == Ok(0)
    }
}

/// Another source, and when its calls and its blocks fail.
#[derive(Clone, Debug)]
pub(crate) struct Flaky {
    inner: Arc<dyn Source>,
    pub(crate) calls: Fuse,
    pub(crate) blocks: Fuse,
}

impl Flaky {
    pub(crate) fn new(inner: Arc<dyn Source>) -> Self {
        Self { inner, calls: Fuse::new(), blocks: Fuse::new() }
    }

    fn call(&self) -> Result<(), SourceError> {
        if self.calls.blows() {
            let cause = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            return Err(SourceError::Unreachable { source_name: "flaky".into(), cause: cause.into() });
        }
        Ok(())
    }
}

#[derive(Debug)]
struct FlakyBlocks(Arc<dyn Blocks>, Fuse);

impl Blockstore for FlakyBlocks {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        anyhow::ensure!(!self.1.blows(), "the connection broke");
        self.0.get(cid)
    }
    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> anyhow::Result<()> {
        self.0.put_keyed(cid, block)
    }
}

#[async_trait]
impl Source for Flaky {
    fn name(&self) -> &str {
        "flaky"
    }
    async fn oldest(&self) -> Result<Tipset, SourceError> {
        self.call()?;
        self.inner.oldest().await
    }
    async fn head(&self) -> Result<Tipset, SourceError> {
        self.call()?;
        self.inner.head().await
    }
    async fn tipset(&self, key: &TipsetKey) -> Result<Tipset, SourceError> {
        self.call()?;
        self.inner.tipset(key).await
    }
    async fn range(&self, head: &TipsetKey, from: Epoch, to: Epoch) -> Result<Vec<Tipset>, SourceError> {
        self.call()?;
        self.inner.range(head, from, to).await
    }
    async fn path(&self, from: &TipsetKey, to: &TipsetKey) -> Result<ChainPath, SourceError> {
        self.call()?;
        self.inner.path(from, to).await
    }
    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(FlakyBlocks(self.inner.blocks(), self.blocks.clone()))
    }
    async fn trace(&self, tipset: &Tipset) -> Result<Option<ExecutionTrace>, SourceError> {
        self.call()?;
        self.inner.trace(tipset).await
    }
    async fn certificates(
        &self,
        instance: u64,
        limit: usize,
    ) -> Result<Vec<FinalityCertificate>, SourceError> {
        self.call()?;
        self.inner.certificates(instance, limit).await
    }
    async fn changed(&self) {
        self.inner.changed().await;
    }
}
