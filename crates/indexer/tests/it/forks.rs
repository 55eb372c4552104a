use std::sync::{Arc, Mutex};

use apogee_domain::Epoch;
use apogee_filecoin::source::{Blocks, CarSource, ChainPath, Source, SourceError};
use apogee_filecoin::types::{BlockHeader, ExecutionTrace, FinalityCertificate, Tipset, TipsetKey};
use apogee_indexer::IndexError;
use async_trait::async_trait;

use crate::common::{at, indexer, recording, straight};
use crate::memory::Memory;

/// A chain whose head is moved by hand.
#[derive(Clone, Debug)]
pub(crate) struct Moving {
    pub(crate) source: Arc<Mutex<CarSource>>,
    /// A tipset whose chain is handed over from epoch 64 to 79, whatever head is asked for.
    instead: Arc<Mutex<Option<TipsetKey>>>,
    /// A head that is on no chain.
    pretended: Option<Tipset>,
}

impl Moving {
    pub(crate) fn new(source: CarSource) -> Self {
        Self { source: Arc::new(Mutex::new(source)), instead: Arc::default(), pretended: None }
    }
    pub(crate) fn to(&self, head: &TipsetKey) {
        let mut source = self.source.lock().unwrap();
        *source = source.clone().with_head(head).unwrap();
    }
    fn now(&self) -> CarSource {
        self.source.lock().unwrap().clone()
    }
}

#[async_trait]
impl Source for Moving {
    fn name(&self) -> &str {
        "moving"
    }
    async fn oldest(&self) -> Result<Tipset, SourceError> {
        self.now().oldest().await
    }
    async fn head(&self) -> Result<Tipset, SourceError> {
        match &self.pretended {
            Some(head) => Ok(head.clone()),
            None => self.now().head().await,
        }
    }
    async fn tipset(&self, key: &TipsetKey) -> Result<Tipset, SourceError> {
        self.now().tipset(key).await
    }
    async fn range(&self, head: &TipsetKey, from: Epoch, to: Epoch) -> Result<Vec<Tipset>, SourceError> {
        let instead = self.instead.lock().unwrap().clone().filter(|_| from >= at(64) && to <= at(79));
        let now = self.now();
        match &self.pretended {
            Some(pretended) if to < pretended.epoch() => now.range(&pretended.parents(), from, to).await,
            _ => now.range(instead.as_ref().unwrap_or(head), from, to).await,
        }
    }
    async fn path(&self, from: &TipsetKey, to: &TipsetKey) -> Result<ChainPath, SourceError> {
        self.now().path(from, to).await
    }
    fn blocks(&self) -> Arc<dyn Blocks> {
        self.now().blocks()
    }
    async fn trace(&self, tipset: &Tipset) -> Result<Option<ExecutionTrace>, SourceError> {
        self.now().trace(tipset).await
    }
    async fn certificates(
        &self,
        instance: u64,
        limit: usize,
    ) -> Result<Vec<FinalityCertificate>, SourceError> {
        self.now().certificates(instance, limit).await
    }
    async fn changed(&self) {
        std::future::pending().await
    }
}

/// Without what depends on how much a check still had in memory.
pub(crate) fn facts(memory: &Memory) -> crate::memory::Rows {
    let mut rows = memory.all();
    rows.epochs.values_mut().for_each(|row| row.checks.clear());
    if let Some(cursor) = &mut rows.cursor {
        cursor.checks.clear();
    }
    rows
}

#[tokio::test]
async fn the_recorded_fork_is_unwound_and_leaves_no_trace() {
    let recording = recording();
    let (main, fork) = (recording.source.heads()[0].clone(), recording.source.heads()[1].clone());
    let moving = Moving::new(recording.source.clone());
    moving.to(&fork);
    let memory = Memory::new();
    let mut over = indexer(&memory, &recording, Arc::new(moving.clone()), 16);
    let forked = over.backfill_to_head().await.unwrap();
    assert_eq!(forked.key, fork.to_string());
    moving.to(&main);
    let cursor = over.backfill_to_head().await.unwrap();
    assert_eq!(cursor.epoch, at(313));

    let direct = Memory::new();
    let source = Arc::new(recording.source.clone());
    let straight = indexer(&direct, &recording, source, 16).backfill_to_head().await.unwrap();
    assert_eq!(cursor.digest, straight.digest);
    assert!(facts(&memory) == facts(&direct));
}

#[tokio::test]
async fn a_head_that_is_indexed_already_changes_nothing() {
    let recording = recording();
    let moving = Moving::new(recording.source.clone());
    let memory = Memory::new();
    let mut indexer = indexer(&memory, &recording, Arc::new(moving.clone()), 64);
    indexer.backfill_to_head().await.unwrap();
    let before = memory.all();
    let older = recording.source.chain().nth(100).unwrap().key().clone();
    moving.to(&older);
    indexer.backfill_to_head().await.unwrap();
    assert!(before == memory.all());
}

/// Every one of its blocks is sound; only that they are not on the chain that was asked for tells.
#[tokio::test]
async fn a_source_that_hands_over_another_branch_is_stopped_where_it_leaves_the_chain() {
    let recording = recording();
    let moving = Moving::new(recording.source.clone());
    let memory = Memory::new();
    let mut over = indexer(&memory, &recording, Arc::new(moving.clone()), 16);
    *moving.instead.lock().unwrap() = Some(recording.source.heads()[1].clone());
    let error = over.backfill_to_head().await.unwrap_err();
    assert!(matches!(&error, IndexError::Source(SourceError::Dishonest { .. })), "{error:?}");
    assert_eq!(memory.all().cursor.unwrap().epoch, at(63));
    *moving.instead.lock().unwrap() = None;
    let direct = straight(recording.clone(), 16).await;
    assert_eq!(over.backfill_to_head().await.unwrap().digest, direct.all().cursor.unwrap().digest);
}

#[tokio::test]
async fn a_head_at_the_end_of_time_is_refused_without_counting_the_epochs_up_to_it() {
    let recording = recording();
    let first = recording.source.chain().nth(1).unwrap().first().clone();
    let mut moving = Moving::new(recording.source.clone());
    moving.pretended = Some(Tipset::new(vec![BlockHeader { height: 1 << 60, ..first }]).unwrap());
    let memory = Memory::new();
    let error = indexer(&memory, &recording, Arc::new(moving), 64).backfill_to_head().await.unwrap_err();
    assert!(matches!(&error, IndexError::Source(SourceError::Dishonest { .. })), "{error:?}");
    assert!(memory.all().epochs.len() <= 1);
}
