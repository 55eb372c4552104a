//! Made chains and the verifier.

use std::io::Cursor;
use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_filecoin::car::{CarStore, Limits};
use apogee_filecoin::source::CarSource;
use apogee_filecoin::types::Tipset;
use apogee_filecoin::verify::{Check, EpochReport, Verifier, settle};
use apogee_simnet::{Recipe, Sectors, Simulation};

fn epoch(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

/// The chain as another process would read it: through an archive.
fn source(made: &Simulation) -> CarSource {
    let mut car = Vec::new();
    made.write_car(&mut car).unwrap();
    let store = CarStore::read(Cursor::new(car), &Limits::DEFAULT).unwrap();
    CarSource::new("made", vec![Arc::new(store)]).unwrap()
}

fn reports(made: &Simulation, source: &CarSource) -> Vec<EpochReport> {
    use apogee_filecoin::source::Source;
    let params = Arc::new(made.params());
    let mut verifier = Verifier::new(source.blocks(), params.clone());
    let pending = source.chain().map(|tipset| verifier.prepare(tipset)).collect();
    settle(&params, pending, &[7; 32])
}

/// Every check but the SNARK is made and passes.
fn assert_accepted(reports: &[EpochReport]) {
    for report in reports {
        for outcome in &report.outcomes {
            assert_eq!(outcome.failures, [], "{} {}", report.epoch, outcome.check.name());
            if outcome.check != Check::WinningPost {
                assert_eq!(outcome.not_made, [], "{} {}", report.epoch, outcome.check.name());
            }
        }
    }
}

fn passed(reports: &[EpochReport], check: Check) -> u64 {
    reports.iter().filter_map(|report| report.outcome(check)).map(|outcome| outcome.passed).sum()
}

fn recipes() -> Vec<Recipe> {
    let quiet = Recipe { miners: 7, ..Recipe::default() };
    vec![
        Recipe { seed: 1, miners: 1, messages: 2, ..quiet.clone() },
        Recipe { seed: 2, miners: 3, network_version: 27, messages: 5, null_rounds: 100, ..quiet.clone() },
        Recipe { seed: 3, finality: 7, messages: 20, null_rounds: 300, ..quiet.clone() },
        Recipe { seed: 4, finality: 0, network_version: 18, messages: 1, ..quiet.clone() },
        Recipe { seed: 5, miners: 40, block_delay: 1, messages: 3, ..quiet },
    ]
}

#[test]
fn the_verifier_accepts_every_epoch_with_every_check_made() {
    for recipe in recipes() {
        let made = Simulation::new(recipe.clone()).unwrap();
        // One more sector is faulty every epoch, so that look-back power matters.
        for height in 1..30 {
            let miner = made.miners().next().unwrap();
            made.set_sectors(epoch(height), miner, Sectors { live: 64, faulty: height as u64 }).unwrap();
        }
        made.mine_to(epoch(40)).unwrap();
        let source = source(&made);
        let reports = reports(&made, &source);
        assert_accepted(&reports);
        let blocks: usize = source.chain().skip(1).map(|tipset| tipset.blocks().len()).sum();
        let blocks = blocks as u64;
        for check in [
            Check::BlockSignature,
            Check::ElectionVrf,
            Check::TicketVrf,
            Check::WinCount,
            Check::MinerEligible,
            Check::ParentWeight,
            Check::BaseFee,
        ] {
            assert_eq!(passed(&reports, check), blocks, "{check:?} of {recipe:?}");
        }
        assert!(passed(&reports, Check::MessageSignatureBls) > 0);
        assert!(passed(&reports, Check::MessageSignatureSecp) > 0);
        assert!(passed(&reports, Check::Beacon) >= 40);
    }
}

#[test]
fn the_same_recipe_makes_the_same_chain_and_another_seed_another_one() {
    let car = |seed| {
        let made = Simulation::new(Recipe { seed, miners: 5, messages: 3, ..Recipe::default() }).unwrap();
        made.mine_to(epoch(12)).unwrap();
        let mut car = Vec::new();
        made.write_car(&mut car).unwrap();
        (made.ledger().head(), car)
    };
    let (first, again, other): ((Tipset, Vec<u8>), _, _) = (car(1), car(1), car(2));
    assert_eq!(first, again);
    assert_ne!(first.0, other.0);
}
