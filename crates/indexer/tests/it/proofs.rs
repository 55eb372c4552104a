//! SNARKs of blocks and of messages.
#![cfg(feature = "snark")]

use std::path::Path;
use std::sync::Arc;

use apogee_filecoin::verify::{Trust, VerifyingKeys};
use apogee_indexer::recording;
use apogee_store::CheckRecord;

use crate::common::{at, indexer};
use crate::memory::Memory;

fn made(checks: &[CheckRecord], name: &str) -> (u64, u64, u64) {
    let of = checks.iter().find(|record| record.check == name);
    of.map_or((0, 0, 0), |of| (of.passed, of.failed, of.not_made.iter().map(|one| one.count).sum()))
}

async fn proven(folder: &Path, keys: &Path) -> Memory {
    let recording = recording::devnet(folder).unwrap();
    let (memory, source) = (Memory::new(), Arc::new(recording.source.clone()));
    let keys = Arc::new(VerifyingKeys::new(keys, Trust::Folder));
    indexer(&memory, &recording, source, 64).with_keys(keys).backfill_to_head().await.unwrap();
    memory
}

#[tokio::test]
async fn every_proof_of_both_recordings_is_checked_and_holds() {
    // Blocks, WindowPoSts, sectors that were sealed, certificates.
    for (folder, figures) in [("devnet-a", [573, 2, 1, 419]), ("devnet-a/real-proofs", [116, 0, 0, 252])] {
        let folder = apogee_testkit::example(folder);
        let memory = proven(&folder, &folder.join("vk")).await;
        let checks = memory.all().cursor.unwrap().checks;
        let found = ["winning_post", "window_post", "seal", "certificate"].map(|name| made(&checks, name));
        assert_eq!(found, figures.map(|count| (count, 0, 0)), "{}", folder.display());
        assert!(checks.iter().all(|record| record.failed == 0 && record.not_made.is_empty()), "{checks:?}");
    }
}

#[tokio::test]
async fn a_proof_is_checked_in_the_epoch_that_tells_how_its_message_went() {
    let folder = apogee_testkit::example("devnet-a");
    let rows = proven(&folder, &folder.join("vk")).await.all();
    let with = |name: &str| -> Vec<i64> {
        let epochs = rows.epochs.values().filter(|row| row.checks.iter().any(|record| record.check == name));
        epochs.map(|row| row.epoch.height()).collect()
    };
    assert_eq!((with("window_post"), with("seal")), (vec![220, 280], vec![304]));
}

#[tokio::test]
async fn without_keys_proofs_are_not_made_and_never_passed() {
    let folder = apogee_testkit::example("devnet-a");
    let rows = proven(&folder, Path::new("/nonexistent")).await.all();
    let checks = rows.cursor.unwrap().checks;
    let found = ["winning_post", "window_post", "seal"].map(|name| made(&checks, name));
    assert_eq!(found, [(0, 0, 573), (0, 0, 2), (0, 0, 1)]);
    assert!(rows.epochs[&at(304)].checks.iter().any(|record| record.check == "seal"));
}
