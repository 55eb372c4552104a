use std::sync::Arc;

use apogee_filecoin::car::{CarStore, Limits};
use apogee_filecoin::source::CarSource;
use apogee_filecoin::verify::{Check, CheckOutcome, Verifier, settle};

use crate::common::{complaints, expect, run_a, totals};

/// The side of the partition that lost: 132 blocks with genesis left out (README of the recording, "Checked").
#[test]
fn the_reverted_fork_of_run_a_passes() {
    let path = apogee_testkit::example("devnet-a/fork-n1.car.zst");
    let store = Arc::new(CarStore::open(&path, &Limits::DEFAULT).unwrap());
    let source = CarSource::new("fork", vec![Arc::clone(&store)]).unwrap();
    let params = run_a().params;
    let mut verifier = Verifier::new(store, Arc::clone(&params));
    let pending = source.chain().map(|tipset| verifier.prepare(tipset)).collect();
    let reports = settle(&params, pending, &[5; 32]);
    let checks = [Check::BlockSignature, Check::ElectionVrf, Check::TicketVrf, Check::WinCount]
        .map(|check| (check, 132));
    expect(&totals(&reports), &checks, &complaints(&reports));
}

/// One verifier that is led down the fork and back reports what fresh ones report.
#[test]
fn a_verifier_follows_a_fork_and_returns() {
    let chain = run_a();
    let open =
        |name: &str| Arc::new(CarStore::open(&apogee_testkit::example(name), &Limits::DEFAULT).unwrap());
    let (main, side) = (open("devnet-a/chain.car.zst"), open("devnet-a/fork-n1.car.zst"));
    let source = CarSource::new("both", vec![main, side]).unwrap();
    let fork = source.clone().with_head(&source.heads()[1]).unwrap();
    let store = apogee_filecoin::source::Source::blocks(&source);
    let to = |epoch: i64| chain.tipsets.iter().filter(move |tipset| tipset.epoch().height() <= epoch);
    let branch: Vec<_> = fork.chain().filter(|tipset| tipset.epoch().height() > 60).collect();
    assert!(branch.len() >= 13);

    let mut verifier = Verifier::new(Arc::clone(&store), Arc::clone(&chain.params));
    let mut pending: Vec<_> = to(82).map(|tipset| verifier.prepare(tipset)).collect();
    let before = pending.len();
    pending.extend(branch.iter().map(|tipset| verifier.prepare(tipset)));
    let back = chain.tipsets.iter().filter(|tipset| (61..=90).contains(&tipset.epoch().height()));
    pending.extend(back.map(|tipset| verifier.prepare(tipset)));
    let reports = settle(&chain.params, pending, &[5; 32]);
    for report in &reports {
        assert_eq!(report.failed(), 0, "{}", complaints(&reports));
        let made =
            |outcome: &CheckOutcome| outcome.not_made.is_empty() || outcome.check == Check::WinningPost;
        assert!(report.outcomes.iter().all(made), "{}", complaints(&reports));
    }
    assert_eq!(reports[before].key, *branch[0].key());
}
