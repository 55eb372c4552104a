//! Made chains and the verifier.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use apogee_filecoin::car::{CarStore, Limits};
use apogee_filecoin::source::{CarSource, Source};
use apogee_filecoin::types::{BlockHeader, BlockMessages, Tipset};
use apogee_filecoin::verify::{Check, EpochReport, Verifier, settle};
use apogee_simnet::{Recipe, Sectors, Simulation};
use futures::{SinkExt, StreamExt};
use fvm_shared::econ::TokenAmount;
use tokio_tungstenite::tungstenite::Message;

use super::wire::{epoch, node};

/// The chain as another process would read it: through an archive.
pub(crate) fn source(made: &Simulation) -> CarSource {
    let mut car = Vec::new();
    made.write_car(&mut car).unwrap();
    let store = CarStore::read(Cursor::new(car), &Limits::DEFAULT).unwrap();
    CarSource::new("made", vec![Arc::new(store)]).unwrap()
}

pub(crate) fn reports(made: &Simulation, source: &CarSource) -> Vec<EpochReport> {
    let params = Arc::new(made.params());
    let mut verifier = Verifier::new(source.blocks(), params.clone());
    let pending = source.chain().map(|tipset| verifier.prepare(tipset)).collect();
    settle(&params, pending, &[7; 32])
}

/// Every check but the SNARK is made and passes.
pub(crate) fn assert_accepted(reports: &[EpochReport]) {
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

#[test]
fn one_flipped_bit_of_a_made_block_is_refused() {
    let recipe = Recipe { seed: 6, miners: 3, messages: 2, ..Recipe::default() };
    let (miner, other) = (Simulation::new(recipe.clone()).unwrap(), Simulation::new(recipe).unwrap());
    let tipset = miner.mine().unwrap();
    let header = tipset.first();
    let messages = BlockMessages::load(&**miner.ledger(), &header.messages).unwrap();
    let bytes = header.to_cbor();
    // Every third byte, another bit each time.
    for at in (0..bytes.len()).step_by(3) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at / 3 % 8);
        if let Ok(header) = BlockHeader::from_cbor(&flipped) {
            assert!(other.submit(&header, &messages).is_err(), "bit of byte {at}");
        }
    }
    assert!(!messages.is_empty());
    for at in 0..messages.len() {
        let mut changed = messages.clone();
        match changed.bls.get_mut(at) {
            Some((_, message)) => message.value += TokenAmount::from_atto(1),
            None => changed.secp[at - messages.bls.len()].1.signature.bytes[3] ^= 1,
        }
        assert!(other.submit(header, &changed).is_err(), "message {at}");
    }
    assert!(other.ledger().head().first().is_genesis());
    other.submit(header, &messages).unwrap();
}

#[test]
fn forks_of_1_to_1000_tipsets_are_chains_that_the_verifier_accepts() {
    let made = Simulation::new(Recipe { miners: 1, finality: 20, messages: 0, ..Recipe::default() }).unwrap();
    made.mine_to(epoch(1_030)).unwrap();
    for (branch, depth) in [(1, 1_usize), (2, 10), (3, 100), (4, 1_000)] {
        let old = made.ledger().head();
        let new = made.fork(depth, depth + 1, branch).unwrap();
        let path = made.ledger().path(&old, &new).unwrap();
        assert_eq!((path.revert.len(), path.apply.len()), (depth, depth + 1));
        assert!(new.first().parent_weight > old.first().parent_weight);
        assert!(path.apply.iter().all(|tipset| tipset.first().fork_signaling == branch));
    }
    assert_accepted(&reports(&made, &source(&made)));
    assert!(made.fork(2_000, 1, 5).is_err(), "no fork begins before genesis");
}

#[test]
fn null_rounds_come_by_chance_by_recipe_and_on_demand() {
    let made = Simulation::new(Recipe { miners: 4, null_rounds: 200, ..Recipe::default() }).unwrap();
    made.mine_to(epoch(50)).unwrap();
    let before = made.ledger().head().epoch().height();
    made.skip(7);
    assert!(made.mine().unwrap().epoch().height() >= before + 8);
    let source = source(&made);
    let epochs = source.chain().count();
    assert!((20..50).contains(&epochs), "{epochs} tipsets in 58 epochs");
    assert_accepted(&reports(&made, &source));
}

#[test]
fn a_recipe_that_no_chain_can_be_made_of_is_refused() {
    for recipe in [
        Recipe { miners: 0, ..Recipe::default() },
        Recipe { network_version: 17, ..Recipe::default() },
        Recipe { block_delay: 0, ..Recipe::default() },
        Recipe { null_rounds: 1_000, ..Recipe::default() },
    ] {
        assert!(Simulation::new(recipe).is_err());
    }
    let made = Simulation::new(Recipe { miners: 1, ..Recipe::default() }).unwrap();
    let sectors = |live, faulty| Sectors { live, faulty };
    made.mine().unwrap();
    assert!(made.set_sectors(epoch(1), 1000, sectors(1, 0)).is_err(), "mined already");
    assert!(made.set_sectors(epoch(9), 1001, sectors(1, 0)).is_err(), "no such miner");
    assert!(made.set_sectors(epoch(9), 1000, sectors(1, 2)).is_err(), "more faulty than live");
    assert!(made.set_sectors(epoch(9), 1000, sectors(2, 1)).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_hears_an_epoch_or_a_fork_in_one_frame() {
    let made = Arc::new(Simulation::new(Recipe { miners: 3, ..Recipe::default() }).unwrap());
    made.mine_to(epoch(5)).unwrap();
    let node = node(made.clone()).await;
    let url = node.url().replace("http", "ws");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let subscribe = r#"{"jsonrpc":"2.0","id":1,"method":"Filecoin.ChainNotify","params":[]}"#;
    socket.send(Message::text(subscribe)).await.unwrap();
    let mut frame = async || {
        let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!() };
        let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
        let steps = frame["params"][1].as_array().cloned().unwrap_or_default();
        steps.iter().map(|step| step["Type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(frame().await.is_empty(), "the answer to the call");
    assert_eq!(frame().await, ["current"]);
    made.mine().unwrap();
    assert_eq!(frame().await, ["apply"]);
    made.fork(3, 4, 1).unwrap();
    assert_eq!(frame().await, [vec!["revert"; 3], vec!["apply"; 4]].concat());
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_made_chain_runs_at_a_chosen_speed_and_outlives_its_node() {
    let made = Arc::new(Simulation::new(Recipe { miners: 1, ..Recipe::default() }).unwrap());
    let first = node(made.clone()).await;
    made.run(Duration::from_millis(1), epoch(5)).await.unwrap();
    first.shutdown().await;
    made.mine().unwrap();
    let second = node(made.clone()).await;
    assert_eq!(super::wire::source(&[&second]).head().await.unwrap(), made.ledger().head());
    second.shutdown().await;
}
