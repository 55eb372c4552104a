//! Recordings whose folders hold more, less or other files than the bundled one's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use apogee_domain::series::NETWORK_VERSION;
use apogee_filecoin::types::TipsetKey;
use apogee_indexer::recording::{self, InvalidRecording};

use crate::common::{at, indexer};
use crate::memory::Memory;

fn copied(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        std::fs::copy(apogee_testkit::example("devnet-a").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn unpacked(folder: &Path, from: &str, to: &str) {
    let file = std::fs::File::open(apogee_testkit::example("devnet-a").join(from)).unwrap();
    let bytes = apogee_filecoin::car::unpack(file, &apogee_filecoin::car::Limits::DEFAULT).unwrap();
    std::fs::write(folder.join(to), bytes).unwrap();
}

/// Run R: another epoch length, other upgrades, constant forks, real proofs, no `net.json`.
#[tokio::test]
async fn a_recording_without_net_json_is_indexed_by_what_its_chain_and_answers_tell() {
    let recording = recording::devnet(&apogee_testkit::example("devnet-a/real-proofs")).unwrap();
    assert_eq!(recording.network.id.as_str(), "trialnet");
    assert_eq!((recording.params.block_delay, recording.params.genesis_version), (8, 27));
    assert_eq!(recording.params.upgrades, BTreeMap::from([(28, 40), (29, 100)]));
    assert_eq!(recording.params.genesis_time, 1_795_226_564);
    let memory = Memory::new();
    let source = Arc::new(recording.source.clone());
    let cursor = indexer(&memory, &recording, source, 64).backfill_to_head().await.unwrap();
    assert_eq!(cursor.epoch, at(118));
    for record in &cursor.checks {
        assert_eq!(record.failed, 0, "{record:?}");
    }
    let of = |name: &str| cursor.checks.iter().find(|record| record.check == name).unwrap().passed;
    assert_eq!((of("block_signature"), of("win_count"), of("base_fee")), (116, 116, 116));
    assert!(of("certificate") > 200 && cursor.final_epoch > Some(at(110)), "{:?}", cursor.final_epoch);
    for (epoch, version) in [(40, 27), (41, 28), (99, 28), (101, 29)] {
        assert_eq!(memory.at(&NETWORK_VERSION, "network", epoch), Some(version), "epoch {epoch}");
    }
    for sum in memory.all().epochs.values().flat_map(|row| &row.reconciled) {
        assert_eq!(sum.agrees(), Some(true), "{sum:?}");
    }
}

#[tokio::test]
async fn a_recording_without_finality_and_compression_is_one_all_the_same() {
    let folder = copied(&["drand.json", "net.json"]);
    unpacked(folder.path(), "chain.car.zst", "chain.car");
    unpacked(folder.path(), "fork-n1.car.zst", "fork-b.car");
    let recording = recording::devnet(folder.path()).unwrap();
    assert!(recording.params.f3.is_none() && !recording.network.finality.certificates);
    assert_eq!(recording.params.upgrades, BTreeMap::from([(28, 50), (29, 120)]));
    let heads: Vec<TipsetKey> = recording.source.heads();
    assert_eq!(heads.len(), 2);
    let (memory, source) = (Memory::new(), Arc::new(recording.source.clone()));
    let cursor = indexer(&memory, &recording, source, 64).backfill_to_head().await.unwrap();
    assert!(cursor.checks.iter().all(|record| record.failed == 0));
    assert_eq!((cursor.epoch, cursor.final_epoch), (at(313), None));
}

#[test]
fn what_nothing_in_the_folder_tells_is_named() {
    let folder = copied(&["drand.json", "chain.car.zst"]);
    let error = recording::devnet(folder.path()).unwrap_err();
    assert!(matches!(error, InvalidRecording::Untold { .. }), "{error:?}");
    assert!(error.to_string().ends_with("its network version: net.json may say so as \"nv\""), "{error}");
    // The template of genesis tells that of genesis.
    let folder = copied(&["drand.json", "chain.car.zst", "genesis.json"]);
    let recording = recording::devnet(folder.path()).unwrap();
    assert_eq!(recording.params.genesis_version, 27);
    assert!(recording.params.upgrades.is_empty());
    assert_eq!((recording.network.id.as_str(), recording.params.block_delay), ("devnet-a", 4));
}
