use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_filecoin::source::Source;
use apogee_indexer::recording::{self, Recording};
use apogee_indexer::{Indexer, Options};

use crate::memory::Memory;

pub(crate) fn recording() -> Recording {
    recording::devnet(&apogee_testkit::example("devnet-a")).unwrap()
}

pub(crate) fn options(batch: u32) -> Options {
    Options { batch, ..Options::new(Arc::new(|| [7; 32])) }
}

pub(crate) fn indexer(
    memory: &Memory,
    recording: &Recording,
    source: Arc<dyn Source>,
    batch: u32,
) -> Indexer {
    Indexer::new(
        Arc::new(memory.clone()),
        source,
        recording.network.clone(),
        recording.params.clone(),
        options(batch),
    )
}

/// Run A from genesis to its head.
pub(crate) async fn indexed(batch: u32) -> Memory {
    let (memory, recording) = (Memory::new(), recording());
    let source = Arc::new(recording.source.clone());
    indexer(&memory, &recording, source, batch).backfill_to_head().await.unwrap();
    memory
}

pub(crate) fn at(epoch: i64) -> Epoch {
    Epoch::new(epoch).unwrap()
}
