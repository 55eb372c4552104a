//! Every figure that the recorded nodes answered, against ours.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::Instant;

use apogee_filecoin_state::{Deals, Ineligible, StateTree, nth};
use base64::Engine;
use cid::Cid;
use fvm_shared::address::{Address, Network, set_current_network};
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;
use serde_json::Value;

use crate::fixture::{Blocks, Header};

/// Consensus parameters of the 2k build.
const MIN_MINERS: i64 = 4;
const MIN_POWER: u64 = 2048;

struct Recording {
    blocks: Blocks,
    answers: Vec<(String, Value, Value)>,
}

impl Recording {
    fn open(folder: &str) -> Self {
        set_current_network(Network::Testnet);
        let folder = apogee_testkit::example(folder);
        let mut blocks = Blocks::load(&folder.join("chain.car.zst"));
        if folder.join("fork-n1.car.zst").exists() {
            blocks.blocks.extend(Blocks::load(&folder.join("fork-n1.car.zst")).blocks);
        }
        let mut answers = Vec::new();
        for name in ["epochs.jsonl.zst", "sweep.jsonl.zst"] {
            let file = std::fs::File::open(folder.join(name)).unwrap();
            for line in std::io::BufReader::new(zstd::Decoder::new(file).unwrap()).lines() {
                let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
                let (Some(request), Some(answer)) = (line["req"].as_str(), line["resp"].as_str()) else {
                    continue;
                };
                let request: Value = serde_json::from_str(request).unwrap();
                let Ok(mut answer) = serde_json::from_str::<Value>(answer) else { continue };
                if answer["error"].is_null() {
                    let method =
                        request["method"].as_str().unwrap().trim_start_matches("Filecoin.").to_owned();
                    answers.push((method, request["params"].clone(), answer["result"].take()));
                }
            }
        }
        Self { blocks, answers }
    }

    /// The first block of the tipset that a key names, where the recording holds its blocks.
    fn header(&self, key: &Value) -> Option<Header> {
        let first = cid(key.as_array()?.first()?)?;
        self.blocks.blocks.contains_key(&first).then(|| self.blocks.header(&first))
    }

    /// Tipsets of the main chain, from genesis on: their headers.
    fn chain(&self) -> Vec<Vec<Header>> {
        let mut chain = Vec::new();
        let mut key = self.blocks.roots.clone();
        while self.blocks.blocks.contains_key(&key[0]) {
            let headers: Vec<Header> = key.iter().map(|cid| self.blocks.header(cid)).collect();
            key.clone_from(&headers[0].parents);
            chain.push(headers);
            if chain.last().is_some_and(|tipset: &Vec<Header>| tipset[0].height == 0) {
                break;
            }
        }
        chain.reverse();
        chain
    }
}

fn cid(value: &Value) -> Option<Cid> {
    value["/"].as_str()?.parse().ok()
}

fn id(value: &Value) -> u64 {
    value.as_str().unwrap()[2..].parse().unwrap()
}

fn big(value: &Value) -> BigInt {
    value.as_str().unwrap().parse().unwrap()
}

fn runs(value: &Value) -> Vec<u64> {
    let (mut bit, mut bits) = (0, Vec::new());
    for (index, run) in value.as_array().unwrap().iter().enumerate() {
        let run = run.as_u64().unwrap();
        if index % 2 == 1 {
            bits.extend(bit..bit + run);
        }
        bit += run;
    }
    bits
}

/// Compares every answer that state can give; how many of each method were compared.
fn compare(recording: &Recording) -> BTreeMap<String, usize> {
    let mut compared = BTreeMap::new();
    let blocks = &recording.blocks;
    for (method, params, answer) in &recording.answers {
        let Some(header) = params.as_array().and_then(|params| recording.header(params.last()?)) else {
            continue;
        };
        let Ok(tree) = StateTree::open(blocks, &header.state) else { continue };
        let at = format!("{method} {params}");
        let miner = || tree.miner(id(&params[0])).unwrap().unwrap();
        match method.as_str() {
            "StateMinerPower" => {
                let power = tree.power().unwrap();
                let claim = power.claim(blocks, id(&params[0])).unwrap().unwrap();
                assert_eq!(claim.power.raw, big(&answer["MinerPower"]["RawBytePower"]), "{at}");
                assert_eq!(claim.power.qa, big(&answer["MinerPower"]["QualityAdjPower"]), "{at}");
                assert_eq!(power.total().raw, big(&answer["TotalPower"]["RawBytePower"]), "{at}");
                assert_eq!(power.total().qa, big(&answer["TotalPower"]["QualityAdjPower"]), "{at}");
                assert_eq!(
                    power.meets_minimum(&claim, &MIN_POWER.into(), MIN_MINERS),
                    answer["HasMinPower"],
                    "{at}"
                );
            }
            "StateMinerSectorCount" => {
                let totals = miner().sector_totals(blocks, 2048).unwrap();
                let ours = [totals.live, totals.active, totals.faulty];
                assert_eq!(
                    ours.map(Value::from),
                    [&answer["Live"], &answer["Active"], &answer["Faulty"]].map(Clone::clone),
                    "{at}"
                );
            }
            "StateMinerFaults" => assert_eq!(
                miner().sector_sets(blocks).unwrap().faulty.iter().collect::<Vec<_>>(),
                runs(answer),
                "{at}"
            ),
            "StateMinerRecoveries" => {
                assert_eq!(
                    miner().sector_sets(blocks).unwrap().recovering.iter().collect::<Vec<_>>(),
                    runs(answer),
                    "{at}"
                );
            }
            "StateGetActor" => {
                let address: Address = Network::Testnet
                    .parse_address(&params[0].as_str().unwrap().replacen('f', "t", 1))
                    .unwrap();
                let actor = tree.actor(tree.resolve(&address).unwrap().unwrap()).unwrap().unwrap();
                assert_eq!(
                    (Some(actor.code), Some(actor.state)),
                    (cid(&answer["Code"]), cid(&answer["Head"])),
                    "{at}"
                );
                assert_eq!(
                    (actor.balance.atto(), Value::from(actor.nonce)),
                    (&big(&answer["Balance"]), answer["Nonce"].clone()),
                    "{at}"
                );
            }
            "StateMinerInfo" => {
                let info = miner().info(blocks).unwrap();
                assert_eq!(
                    (info.owner.id().unwrap(), info.worker.id().unwrap()),
                    (id(&answer["Owner"]), id(&answer["Worker"])),
                    "{at}"
                );
                assert_eq!(Value::from(info.sector_size), answer["SectorSize"], "{at}");
                assert_eq!(Value::from(info.proof_type), answer["WindowPoStProofType"], "{at}");
                assert_eq!(
                    Value::from(info.consensus_fault_elapsed),
                    answer["ConsensusFaultElapsed"],
                    "{at}"
                );
                assert_eq!(info.beneficiary.id().unwrap(), id(&answer["Beneficiary"]), "{at}");
                let control: Vec<u64> =
                    answer["ControlAddresses"].as_array().into_iter().flatten().map(id).collect();
                assert_eq!(
                    info.control.iter().map(|address| address.id().unwrap()).collect::<Vec<_>>(),
                    control,
                    "{at}"
                );
                let change = info.pending_worker.map_or(-1, |pending| pending.from);
                assert_eq!(Value::from(change), answer["WorkerChangeEpoch"], "{at}");
                let pending = info.pending_owner.map(|address| address.id().unwrap());
                assert_eq!(
                    pending,
                    (!answer["PendingOwnerAddress"].is_null()).then(|| id(&answer["PendingOwnerAddress"])),
                    "{at}"
                );
            }
            "StateMinerSectors" => {
                let sectors = miner().sectors(blocks).unwrap();
                let theirs = answer.as_array().unwrap();
                assert_eq!(sectors.len(), theirs.len(), "{at}");
                for (ours, theirs) in sectors.iter().zip(theirs) {
                    let number =
                        (Value::from(ours.number), Value::from(ours.seal_proof), Some(ours.sealed_cid));
                    assert_eq!(
                        number,
                        (
                            theirs["SectorNumber"].clone(),
                            theirs["SealProof"].clone(),
                            cid(&theirs["SealedCID"])
                        ),
                        "{at}"
                    );
                    let epochs = (Value::from(ours.activation), Value::from(ours.expiration));
                    assert_eq!(epochs, (theirs["Activation"].clone(), theirs["Expiration"].clone()), "{at}");
                }
            }
            "StateReadState" if params[0] == "f02" || params[0] == "t02" => {
                let (reward, theirs) = (tree.reward().unwrap(), &answer["State"]);
                assert_eq!(reward.this_epoch_reward.atto(), &big(&theirs["ThisEpochReward"]), "{at}");
                assert_eq!(reward.total_minted.atto(), &big(&theirs["TotalStoragePowerReward"]), "{at}");
                assert_eq!(
                    (&reward.cumsum_baseline, &reward.cumsum_realized),
                    (&big(&theirs["CumsumBaseline"]), &big(&theirs["CumsumRealized"])),
                    "{at}"
                );
                assert_eq!(Value::from(reward.epoch), theirs["Epoch"], "{at}");
            }
            "StateReadState" if params[0] == "f04" || params[0] == "t04" => {
                let (power, theirs) = (tree.power().unwrap(), &answer["State"]);
                assert_eq!(power.committed.raw, big(&theirs["TotalBytesCommitted"]), "{at}");
                assert_eq!(power.this_epoch.qa, big(&theirs["ThisEpochQualityAdjPower"]), "{at}");
                assert_eq!(power.pledge.atto(), &big(&theirs["TotalPledgeCollateral"]), "{at}");
                assert_eq!(
                    power.smoothed_qa.position,
                    big(&theirs["ThisEpochQAPowerSmoothed"]["PositionEstimate"]),
                    "{at}"
                );
                assert_eq!(
                    (Value::from(power.miners), Value::from(power.miners_above_minimum)),
                    (theirs["MinerCount"].clone(), theirs["MinerAboveMinPowerCount"].clone()),
                    "{at}"
                );
            }
            _ => continue,
        }
        *compared.entry(method.clone()).or_default() += 1;
    }
    compared
}

#[test]
fn every_answer_of_run_a_is_what_we_read() {
    let compared = compare(&Recording::open("devnet-a"));
    eprintln!("{compared:?}");
    assert!(
        compared["StateMinerPower"] > 2_300
            && compared["StateMinerFaults"] > 2_300
            && compared["StateMinerRecoveries"] > 2_300,
        "{compared:?}"
    );
    assert!(compared["StateMinerSectorCount"] > 2_300 && compared["StateGetActor"] > 2_300, "{compared:?}");
    assert!(
        compared["StateMinerInfo"] > 250
            && compared["StateMinerSectors"] > 90
            && compared["StateReadState"] > 180,
        "{compared:?}"
    );
}

#[test]
fn every_answer_of_the_run_with_real_proofs_is_what_we_read() {
    let compared = compare(&Recording::open("devnet-a/real-proofs"));
    eprintln!("{compared:?}");
    assert!(compared["StateMinerPower"] > 300 && compared["StateMinerFaults"] > 300, "{compared:?}");
}

/// Awards whose block reward is as computed, without and with null rounds before, and tipsets whose minted total moved by it.
fn awards(recording: &Recording) -> (usize, usize, usize) {
    let (mut plain, mut after_null, mut minted) = (0, 0, 0);
    let blocks = &recording.blocks;
    for (method, params, answer) in &recording.answers {
        if method != "StateCompute" {
            continue;
        }
        let Some(header) = recording.header(&params[2]) else { continue };
        let Ok(tree) = StateTree::open(blocks, &header.state) else { continue };
        let Some(parent) = header.parents.first().filter(|cid| blocks.blocks.contains_key(cid)) else {
            continue;
        };
        let parent = blocks.header(parent).height;
        let null = header.height - parent - 1;
        let state = tree.reward().unwrap();
        let reward =
            state.for_tipset(parent, header.height, &tree.power().unwrap().current(MIN_MINERS).raw).unwrap();
        // Genesis has no cron: the state after it is still for epoch 0.
        assert_eq!(reward.epoch, if header.height == 1 { 0 } else { header.height });
        let mut sum = TokenAmount::default();
        for call in answer["Trace"].as_array().unwrap() {
            let message = &call["Msg"];
            if !message["From"].as_str().unwrap().ends_with("00")
                || !message["To"].as_str().unwrap().ends_with("02")
                || message["Method"] != 2
            {
                continue;
            }
            let award = base64::engine::general_purpose::STANDARD
                .decode(message["Params"].as_str().unwrap())
                .unwrap();
            let (_, _, gas, wins): (Address, TokenAmount, TokenAmount, u64) =
                fvm_ipld_encoding::from_slice(&award).unwrap();
            let paid = &call["ExecutionTrace"]["Subcalls"]
                .as_array()
                .unwrap()
                .iter()
                .find(|call| call["Msg"]["Method"] == 14)
                .unwrap()["Msg"]["Value"];
            let block = reward.block_reward(wins);
            assert_eq!(
                (&block + &gas).atto(),
                &big(paid),
                "height {} after {null} null rounds",
                header.height
            );
            if null > 0 {
                assert_ne!(
                    (&state.block_reward(wins) + &gas).atto(),
                    &big(paid),
                    "null rounds change the reward"
                );
                after_null += 1;
            } else {
                plain += 1;
            }
            sum += block;
        }
        if let Ok(after) = StateTree::open(blocks, &cid(&answer["Root"]).unwrap()) {
            let (own, realized) = (after.power().unwrap().this_epoch.raw, tree.power().unwrap());
            let told = state.for_tipset_before(
                (parent, header.height),
                &realized.current(MIN_MINERS).raw,
                &own,
                &after.reward().unwrap(),
            );
            assert_eq!(told.as_ref(), Some(&reward), "height {}", header.height);
            assert_eq!(
                after.reward().unwrap().total_minted - &state.total_minted,
                sum,
                "height {}",
                header.height
            );
            minted += 1;
        }
    }
    (plain, after_null, minted)
}

/// No recording has it: a deadline with faults that closes in a null round.
#[test]
fn the_null_round_in_which_power_changed_is_found() {
    let recording = Recording::open("devnet-a");
    let chain = recording.chain();
    let at = chain.iter().map(|tipset| &tipset[0]).find(|header| header.height == 60).unwrap();
    let before = StateTree::open(&recording.blocks, &at.state).unwrap().reward().unwrap();
    let parent = before.epoch - 1;
    let (power, fallen) = (BigInt::from(61_440), BigInt::from(40_960));
    let plain = before.for_tipset(parent, parent + 6, &power).unwrap();
    for early in 0..=5 {
        // Five null rounds, the first ones with the old power; then the tipset's own round.
        let fell = before.for_tipset(parent, parent + 1 + early, &power).unwrap();
        let awarded = fell.for_tipset(parent + early, parent + 6, &fallen).unwrap();
        let after = awarded.for_tipset(parent + 5, parent + 7, &fallen).unwrap();
        let found = before.for_tipset_before((parent, parent + 6), &power, &fallen, &after).unwrap();
        assert_eq!(found, awarded, "{early} early rounds");
        assert_eq!(found == plain, early == 5);
        assert_eq!(found.this_epoch_reward == plain.this_epoch_reward, early == 5);
    }
    // A sum that two powers do not make.
    let mut odd = plain.clone();
    odd.cumsum_realized += 1_u8;
    odd.epoch += 1;
    assert_eq!(before.for_tipset_before((parent, parent + 6), &power, &fallen, &odd), Some(plain));
}

#[test]
fn block_rewards_of_run_a_are_as_computed_null_rounds_included() {
    let found = awards(&Recording::open("devnet-a"));
    eprintln!("{found:?}");
    assert!(found.0 == 1_125 && found.1 == 33 && found.2 > 300, "{found:?}");
}

#[test]
fn block_rewards_of_the_run_with_real_proofs_are_as_computed() {
    let found = awards(&Recording::open("devnet-a/real-proofs"));
    eprintln!("{found:?}");
    assert!(found.0 > 100 && found.1 >= 5, "{found:?}");
}

#[test]
fn miners_are_eligible_where_the_node_said_so() {
    let recording = Recording::open("devnet-a");
    let (mut compared, mut challenged) = (0, 0);
    for (method, params, answer) in &recording.answers {
        let Some(header) = recording.header(&params[2]).filter(|_| method == "MinerGetBaseInfo") else {
            continue;
        };
        let Ok(tree) = StateTree::open(&recording.blocks, &header.state) else { continue };
        let miner = id(&params[0]);
        assert_eq!(tree.ineligible(miner, header.height).unwrap().is_none(), answer["EligibleForMining"]);
        compared += 1;
        // The elections of the recording look back to genesis: the challenged sector is one of its active ones.
        let sets = tree.miner(miner).unwrap().unwrap().sector_sets(&recording.blocks).unwrap();
        let numbers: Vec<u64> = sets.active.iter().collect();
        for (index, number) in numbers.iter().enumerate() {
            assert_eq!(nth(&sets.active, index as u64), Some(*number));
            challenged += 1;
        }
        assert_eq!(nth(&sets.active, numbers.len() as u64), None);
    }
    assert!(compared > 250 && challenged > 1_000, "{compared} {challenged}");
    let tree = StateTree::open(&recording.blocks, &recording.chain()[5][0].state).unwrap();
    assert_eq!(tree.ineligible(7_777, 5).unwrap(), Some(Ineligible::NoClaim));
    assert_eq!(tree.ineligible(1_000, -1).unwrap(), Some(Ineligible::ConsensusFault(-1)));
}

#[test]
fn claims_and_deals_carried_from_tipset_to_tipset_are_those_read_afresh() {
    for folder in ["devnet-a", "devnet-a/real-proofs"] {
        let recording = Recording::open(folder);
        let blocks = &recording.blocks;
        let (mut claims, mut deals) = (BTreeMap::new(), None::<Deals>);
        let (mut before, mut changes) = (None, 0);
        let chain = recording.chain();
        let (mut carried, mut miners) = (0, std::time::Duration::ZERO);
        for header in chain.iter().map(|tipset| &tipset[0]) {
            let started = Instant::now();
            let tree = StateTree::open(blocks, &header.state).unwrap();
            let power = tree.power().unwrap();
            for id in [1000, 1001, 1002] {
                let miner = tree.miner(id).unwrap().unwrap();
                miner.sector_totals(blocks, miner.info(blocks).unwrap().sector_size).unwrap();
            }
            miners += started.elapsed();
            let fresh: BTreeMap<_, _> = power.claims(blocks).unwrap().into_iter().collect();
            assert_eq!(fresh.values().map(|claim| &claim.power.raw).sum::<BigInt>(), power.committed.raw);
            assert_eq!(fresh.values().map(|claim| &claim.power.qa).sum::<BigInt>(), power.committed.qa);
            match before {
                None => claims = fresh.clone(),
                Some(before) => {
                    for change in power.claim_changes(blocks, &before).unwrap() {
                        changes += 1;
                        assert_eq!(claims.get(&change.miner), change.before.as_ref());
                        match change.after {
                            Some(claim) => claims.insert(change.miner, claim),
                            None => claims.remove(&change.miner),
                        };
                    }
                }
            }
            assert_eq!(claims, fresh);
            before = Some(power.claims);
            let market = tree.market().unwrap();
            let fresh = market.deals(blocks).unwrap();
            if let Some(deals) = &mut deals {
                deals.advance(blocks, &market).unwrap();
                assert_eq!(*deals, fresh);
                carried += 1;
            }
            deals = Some(fresh);
        }
        let totals = deals.unwrap().totals(chain.last().unwrap()[0].height);
        eprintln!(
            "{folder}: {} tipsets, {changes} claim changes, deals {totals:?}, {:?} a tipset for power and three miners",
            chain.len(),
            miners / u32::try_from(chain.len()).unwrap()
        );
        assert!(carried > 100 && (folder != "devnet-a" || changes >= 4));
    }
}
