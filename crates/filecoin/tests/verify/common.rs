use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use apogee_filecoin::car::{CarStore, Limits};
use apogee_filecoin::crypto::drand::BeaconNetwork;
use apogee_filecoin::source::{Blocks, CarSource};
use apogee_filecoin::types::Tipset;
use apogee_filecoin::verify::{Check, EpochReport, F3Params, NetworkParams, Verifier, settle};
use cid::Cid;

/// A recorded or exported chain with the rules of its network.
pub(crate) struct Chain {
    pub(crate) store: Arc<dyn Blocks>,
    pub(crate) tipsets: Vec<Tipset>,
    pub(crate) params: Arc<NetworkParams>,
    /// State that stands in for missing look-back states.
    pub(crate) assumed: Option<Cid>,
}

pub(crate) fn open(path: &Path) -> (Arc<dyn Blocks>, Vec<Tipset>) {
    let store = Arc::new(CarStore::open(path, &Limits::DEFAULT).unwrap());
    let source = CarSource::new("archive", vec![Arc::clone(&store)]).unwrap();
    (store, source.chain().cloned().collect())
}

fn devnet(folder: &str, block_delay: u64, upgrades: [(u32, i64); 2], f3: (&str, i64)) -> Chain {
    let file = |name: &str| apogee_testkit::example(folder).join(name);
    let (store, tipsets) = open(&file("chain.car.zst"));
    let drand =
        BeaconNetwork::from_chain_info(&std::fs::read_to_string(file("drand.json")).unwrap()).unwrap();
    let genesis_time = tipsets[0].first().timestamp;
    let params = NetworkParams {
        upgrades: BTreeMap::from(upgrades),
        f3: Some(F3Params {
            network_name: f3.0.into(),
            initial_instance: 0,
            bootstrap_epoch: f3.1,
            finality: 10,
            initial_power_table: None,
        }),
        ..NetworkParams::devnet(genesis_time, block_delay, 27, drand)
    };
    Chain { store, tipsets, params: Arc::new(params), assumed: None }
}

/// Run A of the recorded devnet.
pub(crate) fn run_a() -> Chain {
    devnet("devnet-a", 4, [(28, 50), (29, 120)], ("devnet-a", 20))
}

/// Run R, with real proofs.
pub(crate) fn run_r() -> Chain {
    devnet("devnet-a/real-proofs", 8, [(28, 40), (29, 100)], ("trialnet", 16))
}

pub(crate) fn verify(chain: &Chain) -> Vec<EpochReport> {
    let mut verifier = Verifier::new(Arc::clone(&chain.store), Arc::clone(&chain.params));
    if let Some(root) = chain.assumed {
        verifier = verifier.assuming_state(root);
    }
    let pending = chain.tipsets.iter().map(|tipset| verifier.prepare(tipset)).collect();
    settle(&chain.params, pending, &[42; 32])
}

/// Passed, failed and not made of each check over all epochs.
pub(crate) fn totals(reports: &[EpochReport]) -> BTreeMap<Check, (u64, u64, u64)> {
    let mut totals = BTreeMap::new();
    for outcome in reports.iter().flat_map(|report| &report.outcomes) {
        let entry: &mut (u64, u64, u64) = totals.entry(outcome.check).or_default();
        entry.0 += outcome.passed;
        entry.1 += outcome.failed;
        entry.2 += outcome.not_made.iter().map(|not_made| not_made.count).sum::<u64>();
    }
    totals
}

/// What is wrong or missing, for the message of an assertion.
pub(crate) fn complaints(reports: &[EpochReport]) -> String {
    let mut text = String::new();
    for report in reports {
        for outcome in &report.outcomes {
            for failure in &outcome.failures {
                text +=
                    &format!("{} {}: {} {:?}\n", report.epoch, outcome.check, failure.detail, failure.cid);
            }
            for not_made in &outcome.not_made {
                text += &format!("{} {}: not made: {}\n", report.epoch, outcome.check, not_made.example);
            }
        }
    }
    text.truncate(4_000);
    text
}

/// Each of these checks passed so often and was left out nowhere.
pub(crate) fn expect(totals: &BTreeMap<Check, (u64, u64, u64)>, wanted: &[(Check, u64)], complaints: &str) {
    let wanted: Vec<_> = wanted.iter().map(|(check, passed)| (*check, *passed, 0)).collect();
    expect_with_unmade(totals, &wanted, complaints);
}

/// Each of these checks passed and was not made so often.
pub(crate) fn expect_with_unmade(
    totals: &BTreeMap<Check, (u64, u64, u64)>,
    wanted: &[(Check, u64, u64)],
    complaints: &str,
) {
    for (check, passed, not_made) in wanted {
        assert_eq!(totals.get(check), Some(&(*passed, 0, *not_made)), "{check}\n{complaints}");
    }
}

/// A stream of random numbers that is the same in every run (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Flip one bit of these bytes.
    pub(crate) fn flip(&mut self, bytes: &mut [u8]) {
        let at = self.below(bytes.len());
        bytes[at] ^= 1 << self.below(8);
    }
}
