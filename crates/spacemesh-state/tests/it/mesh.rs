use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroU64};

use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::atx::Atx;
use apogee_spacemesh::ballot::{Ballot, EpochData};
use apogee_spacemesh::block::Block;
use apogee_spacemesh::check::{BallotFault, Claims};
use apogee_spacemesh::eligibility::Committee;
use apogee_spacemesh::id::{AtxId, BallotId, Beacon, EpochId, GenesisId, LayerId};
use apogee_spacemesh::scale::{decode, encode};
use apogee_spacemesh::vrf::VrfError;
use apogee_spacemesh::weight::Weight;
use apogee_spacemesh_state::{Applied, BallotReport, Counted, Limits, NotMade, Paid, State};

use crate::recording::{FILES, all, raw, recording};

/// What a smesher declared for the epoch of each of its ballots.
fn declared(ballots: &[Ballot]) -> BTreeMap<BallotId, EpochData> {
    let first: BTreeMap<BallotId, EpochData> =
        ballots.iter().filter_map(|ballot| Some((ballot.id(), ballot.inner.epoch?))).collect();
    let of = |ballot: &Ballot| match ballot.inner.epoch {
        Some(epoch) => epoch,
        None => first[&ballot.inner.reference],
    };
    ballots.iter().map(|ballot| (ballot.id(), of(ballot))).collect()
}

fn activations(state: &State) -> BTreeMap<AtxId, Atx> {
    let all = state.activations(&(EpochId(0)..=EpochId(u32::MAX))).unwrap();
    all.into_iter().map(|atx| (atx.id, atx)).collect()
}

#[test]
fn every_ballot_is_read_as_it_is_written_and_is_signed() {
    let Some(recording) = recording() else { return };
    for (name, expected) in FILES.into_iter().zip([221, 91, 119, 221, 89, 119]) {
        let state = recording.open(name);
        let ballots = state.ballots(&all()).unwrap();
        for ballot in &ballots {
            assert_eq!(ballot.verify(&recording.genesis), Ok(()), "{name}");
            assert!(ballot.verify(&GenesisId([0; 20])).is_err(), "{name}");
        }
        let stored = raw(&recording.path(name), "ballots", "ballot");
        assert!(stored.iter().all(|bytes| encode(&decode::<Ballot>(bytes).unwrap()) == *bytes), "{name}");
        assert_eq!((ballots.len(), stored.len()), (expected, expected), "{name}");
    }
}

#[test]
fn every_ballot_is_what_it_claims() {
    let Some(recording) = recording() else { return };
    for (name, expected) in [("state_a", 221), ("state_b_at_60", 89)] {
        let state = recording.open(name);
        let report = state.check_ballots(&all(), recording.epochs).unwrap();
        assert_eq!(report, BallotReport { passed: expected, ..BallotReport::default() }, "{name}");
        let ballots = state.ballots(&all()).unwrap();
        assert!(ballots.iter().all(|ballot| state.ballot(&ballot.id()).unwrap().as_ref() == Some(ballot)));
        // Smeshers agree with the node on the randomness of their epochs.
        let beacons: BTreeMap<_, _> = state.beacons().unwrap().into_iter().collect();
        let declared = declared(&ballots);
        let beacon = |ballot: &Ballot| beacons[&recording.epochs.of(ballot.inner.layer)];
        assert!(ballots.iter().all(|ballot| declared[&ballot.id()].beacon == beacon(ballot)));
    }
    let draws = recording.open("state_a").ballots(&all()).unwrap();
    assert_eq!(draws.iter().map(|ballot| ballot.proofs.len()).sum::<usize>(), 303);
}

#[test]
fn a_ballot_that_claims_too_much_is_told_what() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a_at_60");
    let (ballots, activations) = (state.ballots(&all()).unwrap(), activations(&state));
    let ballot = ballots.iter().find(|ballot| ballot.proofs.len() > 1).unwrap();
    let (declared, atx) = (declared(&ballots)[&ballot.id()], activations[&ballot.inner.atx]);
    let epochs = recording.epochs;
    let nonce = atx.nonce.unwrap();
    let claims = Claims { genesis: &recording.genesis, epochs, atx: &atx, nonce, declared: &declared };
    assert_eq!(ballot.check(&claims), Ok(()));

    let first = ballot.proofs[0].index;
    let fault = |claims: Claims<'_>| ballot.check(&claims).unwrap_err();
    let other = |change: &dyn Fn(&mut Atx)| {
        let mut other = atx;
        change(&mut other);
        fault(Claims { atx: &other, ..claims })
    };
    let genesis = GenesisId([1; 20]);
    assert!(matches!(fault(Claims { genesis: &genesis, ..claims }), BallotFault::Signature(_)));
    assert_eq!(other(&|atx| atx.id.0[0] ^= 1), BallotFault::Activation(atx.id));
    assert!(matches!(other(&|atx| atx.smesher.0[0] ^= 1), BallotFault::Smesher(_)));
    let epoch = epochs.of(ballot.inner.layer);
    assert_eq!(other(&|atx| atx.published.0 += 1), BallotFault::Epoch(epoch));
    let draw = BallotFault::Draw { index: first, source: VrfError::Mismatch };
    assert_eq!(fault(Claims { nonce: nonce + 1, ..claims }), draw);
    let unlucky = EpochData { beacon: Beacon([0; 4]), ..declared };
    assert_eq!(fault(Claims { declared: &unlucky, ..claims }), draw);
    let few = EpochData { slots: first, ..declared };
    assert_eq!(
        fault(Claims { declared: &few, ..claims }),
        BallotFault::Beyond { index: first, slots: first }
    );

    // Proofs are not signed, so that anybody can change them.
    let changed = |change: &dyn Fn(&mut Ballot)| {
        let mut changed = ballot.clone();
        change(&mut changed);
        changed.check(&claims).unwrap_err()
    };
    assert_eq!(changed(&|ballot| ballot.proofs.clear()), BallotFault::NoSlot);
    assert_eq!(changed(&|ballot| ballot.proofs[1] = ballot.proofs[0]), BallotFault::Order(first));
    assert!(matches!(changed(&|ballot| ballot.proofs.reverse()), BallotFault::Order(_)));
    // A draw of the same smesher that falls into another layer of the epoch.
    let elsewhere = ballots.iter().find(|other| {
        other.smesher == ballot.smesher
            && other.inner.layer != ballot.inner.layer
            && epochs.of(other.inner.layer) == epoch
    });
    let elsewhere = elsewhere.unwrap();
    let (index, drawn) = (elsewhere.proofs[0].index, Some(elsewhere.inner.layer));
    let layer = changed(&|ballot| ballot.proofs = vec![elsewhere.proofs[0]]);
    assert_eq!(layer, BallotFault::Layer { index, drawn });
}

#[test]
fn what_cannot_be_checked_is_said() {
    let Some(recording) = recording() else { return };
    let after = |statements: &str| {
        let folder = tempfile::tempdir().unwrap();
        let copy = recording.changed("state_a_at_60", folder.path(), statements);
        let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
        state.check_ballots(&(LayerId(0)..=LayerId(48)), recording.epochs).unwrap()
    };
    let whole = after("SELECT 1");
    let not_made = |statements: &str, why: NotMade| {
        let report = after(statements);
        assert!(report.failed.is_empty() && report.not_made.iter().all(|(_, reason)| *reason == why));
        assert!(!report.not_made.is_empty() && report.passed + report.not_made.len() <= whole.passed);
    };
    not_made("DELETE FROM atxs WHERE epoch = 1", NotMade::Activation);
    not_made("UPDATE atxs SET nonce = NULL", NotMade::Nonce);
    not_made("DELETE FROM ballots WHERE layer < 40", NotMade::Reference);
    // A nonce that only an earlier activation carries is as good.
    let report = after("UPDATE atxs SET nonce = NULL WHERE epoch > 1");
    assert_eq!((report.passed, report.not_made.len()), (whole.passed, 0));
}

/// Who had slots where was written down when the network was recorded.
#[test]
fn smeshers_use_the_slots_that_they_drew() {
    let Some(recording) = recording() else { return };
    let ballots = recording.open("state_a").ballots(&all()).unwrap();
    let declared = declared(&ballots);
    let mut used = 0;
    for expected in recording.expected["smeshers"].as_array().unwrap() {
        let own = ballots.iter().filter(|b| b.smesher.to_string() == expected["smesher"].as_str().unwrap());
        for ballot in own {
            let epoch = recording.epochs.of(ballot.inner.layer).to_string();
            let slots = expected["slots_by_epoch"][&epoch].as_u64();
            assert_eq!(slots, Some(declared[&ballot.id()].slots.into()));
            let layers = expected["eligible_layers_by_epoch"][&epoch].as_array().unwrap();
            let here = layers.iter().filter(|layer| layer.as_u64() == Some(ballot.inner.layer.0.into()));
            assert!(here.count() > 0, "{} in {}", ballot.smesher, ballot.inner.layer);
            used += 1;
        }
    }
    assert_eq!(used, 221);
}

#[test]
fn slots_are_what_smeshers_declare() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let (ballots, activations) = (state.ballots(&all()).unwrap(), activations(&state));
    let committee = Committee {
        size: NonZeroU32::new(recording.expected["committee"].as_u64().unwrap() as u32).unwrap(),
        least_weight: 0,
        epochs: recording.epochs,
    };
    for ballot in &ballots {
        let Some(data) = ballot.inner.epoch else { continue };
        let epoch = recording.epochs.of(ballot.inner.layer);
        let known = activations.values().filter(|atx| atx.target() == Some(epoch));
        let total: u64 = known.map(|atx| atx.weight).sum();
        let atx = &activations[&ballot.inner.atx];
        assert_eq!(atx.target(), Some(epoch));
        assert_eq!(atx.weight, u64::from(atx.units) * atx.ticks);
        assert_eq!(committee.slots(atx.weight, total), Some(data.slots.into()), "{}", ballot.smesher);
    }
}

#[test]
fn every_block_is_read_as_it_is_written_and_weighs_its_ballots() {
    let Some(recording) = recording() else { return };
    for name in FILES {
        let state = recording.open(name);
        let stored = raw(&recording.path(name), "blocks", "block");
        assert!(stored.iter().all(|bytes| encode(&decode::<Block>(bytes).unwrap()) == *bytes), "{name}");
        let blocks = state.blocks(&all()).unwrap();
        assert_eq!(blocks.len(), stored.len(), "{name}");
        let (ballots, activations) = (state.ballots(&all()).unwrap(), activations(&state));
        let declared = declared(&ballots);
        let weights: BTreeMap<(LayerId, AtxId), Weight> = ballots
            .iter()
            .map(|ballot| {
                let slots = NonZeroU64::from(NonZeroU32::new(declared[&ballot.id()].slots).unwrap());
                let weight = activations[&ballot.inner.atx].weight;
                let weight = Weight::of_ballot(weight, slots, ballot.proofs.len() as u64).unwrap();
                ((ballot.inner.layer, ballot.inner.atx), weight)
            })
            .collect();
        let mut shares = 0;
        for row in &blocks {
            assert_eq!(state.block(&row.id).unwrap().as_ref(), Some(row));
            for share in &row.block.rewards {
                assert_eq!(weights[&(row.block.layer, share.atx)], share.weight, "{name}");
                shares += 1;
            }
        }
        assert!(shares > 80, "{name}: {shares}");
    }
}

#[test]
fn layers_say_what_was_executed() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    let layers = state.layers(&all()).unwrap();
    assert_eq!(layers.len(), 65);
    assert_eq!(state.last_layer().unwrap(), Some(LayerId(95)));
    // Nobody had a slot in 43, and the hare did not end in 41.
    let empty: Vec<u32> =
        layers.iter().filter(|row| row.applied == Applied::Empty).map(|row| row.layer.0).collect();
    assert_eq!(empty, [41, 43]);
    assert_eq!(layers[0].applied, Applied::NotYet);
    assert!(layers[1..].iter().all(|row| row.tallied && row.coin.is_some() && row.opinion.is_some()));
    let slots: BTreeSet<LayerId> = state.ballots(&all()).unwrap().iter().map(|b| b.inner.layer).collect();
    let none: Vec<u64> = (32..=95).filter(|layer| !slots.contains(&LayerId(*layer as u32))).collect();
    assert_eq!(serde_json::json!(none), recording.expected["zero_ballot_layers"]);

    let outputs = state.hare_outputs(&all()).unwrap();
    assert_eq!(outputs.len(), 63);
    assert!(outputs.iter().all(|output| output.valid && output.layer != LayerId(41)));
    let empty: Vec<u32> =
        outputs.iter().filter(|output| output.block.is_none()).map(|output| output.layer.0).collect();
    assert_eq!(empty, [43]);
}

#[test]
fn counts_and_sweeps_say_what_the_rows_say() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_a");
    assert_eq!(state.executed_layers().unwrap(), Some(LayerId(32)..=LayerId(95)));
    let mut counts: BTreeMap<LayerId, u64> = BTreeMap::new();
    for ballot in state.ballots(&all()).unwrap() {
        *counts.entry(ballot.inner.layer).or_default() += 1;
    }
    assert_eq!(state.ballot_counts(&all()).unwrap(), counts.into_iter().collect::<Vec<_>>());

    let folder = tempfile::tempdir().unwrap();
    // Rows of an epoch that lie together, and rows that lie far apart.
    for statements in
        ["SELECT 1", "UPDATE atxs SET rowid = rowid * 1000; UPDATE rewards SET rowid = rowid * 1000"]
    {
        let copy = recording.changed("state_a", folder.path(), statements);
        let state = State::open(&copy, &recording.genesis, Limits::default()).unwrap();
        let mut swept = Vec::new();
        let keep = |one: Counted| {
            swept.push((one.smesher, one.units, one.weight));
            Ok(())
        };
        state.sweep_activations(EpochId(3), keep).unwrap();
        let read = state.activations(&(EpochId(3)..=EpochId(3))).unwrap();
        let mut read: Vec<_> = read.iter().map(|atx| (atx.smesher, atx.units, atx.weight)).collect();
        swept.sort_unstable();
        read.sort_unstable();
        assert_eq!((swept.len(), swept), (15, read));

        let layers = LayerId(48)..=LayerId(63);
        let mut swept = Vec::new();
        let keep = |one: Paid| {
            swept.push((one.smesher, one.total, one.subsidy));
            Ok(())
        };
        state.sweep_rewards(&layers, keep).unwrap();
        let read = state.rewards(&layers).unwrap();
        let mut read: Vec<_> = read.iter().map(|r| (r.smesher, r.amount.total, r.amount.subsidy)).collect();
        swept.sort_unstable();
        read.sort_unstable();
        assert_eq!(swept, read);
        assert!(read.len() > 40);
    }
    state.sweep_activations(EpochId(99), |_| panic!("nobody")).unwrap();
}

#[test]
fn smeshers_are_those_that_were_recorded() {
    let Some(recording) = recording() else { return };
    let state = recording.open("state_b");
    let activations = activations(&state);
    assert_eq!(activations.len(), 79);
    for expected in recording.expected["smeshers"].as_array().unwrap() {
        let own: Vec<&Atx> = activations
            .values()
            .filter(|atx| atx.smesher.to_string() == expected["smesher"].as_str().unwrap())
            .collect();
        assert!(!own.is_empty());
        for atx in own {
            assert_eq!(atx.coinbase.text(Prefix::TEST), expected["coinbase"].as_str().unwrap());
            assert_eq!(u64::from(atx.units), expected["units"].as_u64().unwrap());
            assert_eq!(atx.nonce, expected["vrf_nonce"].as_u64());
            assert_eq!(atx.height(), Some(atx.base_height + atx.ticks));
            assert_eq!(state.activation(&atx.id).unwrap().as_ref(), Some(atx));
        }
    }
    let malicious = state.malicious().unwrap();
    let caught: Vec<String> = malicious.keys().map(ToString::to_string).collect();
    assert_eq!(caught, [recording.expected["malicious_from_layer_84"].as_str().unwrap()]);
    assert!(recording.open("state_b_at_60").malicious().unwrap().is_empty());
}
