use std::sync::{Arc, LazyLock};

use apogee_domain::Epoch;
use apogee_filecoin::source::Source;
use apogee_filecoin::types::TipsetKey;
use apogee_indexer::recording::{self, Recording};
use apogee_indexer::{Indexer, Options};
use tokio::sync::OnceCell;

use crate::memory::Memory;

/// Run A.
pub(crate) fn recording() -> Recording {
    static RUN_A: LazyLock<Recording> =
        LazyLock::new(|| recording::devnet(&apogee_testkit::example("devnet-a")).unwrap());
    RUN_A.clone()
}

/// Run A as it was when its head was at an epoch.
pub(crate) fn recording_to(epoch: i64) -> Recording {
    let mut recording = recording();
    let head = recording.source.chain().rfind(|tipset| tipset.epoch() <= at(epoch)).unwrap().key().clone();
    recording.source = recording.source.with_head(&head).unwrap();
    recording
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
pub(crate) async fn indexed() -> Memory {
    static WHOLE: OnceCell<Memory> = OnceCell::const_new();
    WHOLE.get_or_init(|| straight(recording(), 64)).await.copy()
}

/// A recording from genesis to its head, at one go.
pub(crate) async fn straight(recording: Recording, batch: u32) -> Memory {
    let memory = Memory::new();
    let source = Arc::new(recording.source.clone());
    indexer(&memory, &recording, source, batch).backfill_to_head().await.unwrap();
    memory
}

pub(crate) fn at(epoch: i64) -> Epoch {
    Epoch::new(epoch).unwrap()
}

/// The key of a recording's head.
pub(crate) fn head_of(recording: &Recording) -> TipsetKey {
    recording.source.chain().next_back().unwrap().key().clone()
}

/// Whether long tests run in full: `APOGEE_FULL=1`.
pub(crate) fn full() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "people ask for the long form of a test by the environment"
    )]
    std::env::var("APOGEE_FULL").is_ok()
}
