use std::sync::Arc;

use apogee_filecoin::types::{BlockHeader, Tipset};
use apogee_filecoin::verify::{Check, EpochReport, Verifier, settle};
use apogee_filecoin_proofs::{Trust, VerifyingKeys};

use crate::common::{Chain, Random, complaints, run_a, run_r, totals};

fn keys(folder: &str) -> Arc<VerifyingKeys> {
    Arc::new(VerifyingKeys::new(apogee_testkit::example(folder).join("vk"), Trust::Folder))
}

fn verifier(chain: &Chain, keys: &Arc<VerifyingKeys>) -> Verifier {
    Verifier::new(Arc::clone(&chain.store), Arc::clone(&chain.params)).with_keys(Arc::clone(keys))
}

fn verify(chain: &Chain, keys: &Arc<VerifyingKeys>) -> Vec<EpochReport> {
    let mut verifier = verifier(chain, keys);
    let pending = chain.tipsets.iter().map(|tipset| verifier.prepare(tipset)).collect();
    settle(&chain.params, pending, &[42; 32])
}

#[test]
fn every_winning_post_of_both_recordings_passes_from_state() {
    for (folder, chain, count) in [("devnet-a", run_a(), 573), ("devnet-a/real-proofs", run_r(), 116)] {
        let reports = verify(&chain, &keys(folder));
        assert_eq!(totals(&reports)[&Check::WinningPost], (count, 0, 0), "{}", complaints(&reports));
    }
}

#[test]
fn a_changed_proof_or_challenge_is_named() {
    let chain = run_r();
    let keys = keys("devnet-a/real-proofs");
    let mut verifier = verifier(&chain, &keys);
    let mut random = Random(30);
    for tipset in &chain.tipsets[1..40] {
        let mut blocks: Vec<BlockHeader> = tipset.blocks().to_vec();
        match random.below(3) {
            0 => random.flip(&mut blocks[0].winning_post_proof[0].proof_bytes),
            1 => random.flip(&mut blocks[0].beacon_entries.last_mut().unwrap().signature),
            _ => blocks[0].winning_post_proof.clear(),
        }
        let changed = verifier.prepare(&Tipset::new(blocks).unwrap());
        let pending = vec![changed, verifier.prepare(tipset)];
        let reports = settle(&chain.params, pending, &[4; 32]);
        let failed = |report: &EpochReport| report.outcome(Check::WinningPost).unwrap().failed;
        assert_eq!((failed(&reports[0]), failed(&reports[1])), (1, 0), "epoch {}", tipset.epoch());
    }
}

#[test]
fn without_its_key_a_proof_is_not_made() {
    let mut chain = run_r();
    chain.tipsets.truncate(5);
    let keys = Arc::new(VerifyingKeys::new("/nonexistent", Trust::Folder));
    let (passed, failed, not_made) = totals(&verify(&chain, &keys))[&Check::WinningPost];
    assert!(passed == 0 && failed == 0 && not_made > 0);
}
