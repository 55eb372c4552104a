//! Window proofs and the seal that messages of run A carry, with everything they are about read from the chain.

use std::io::BufRead;

use apogee_filecoin_proofs::{Refusal, Seal, Sector, Trust, Verdict, VerifyingKeys, WindowPost};
use apogee_filecoin_state::StateTree;
use cid::Cid;
use fvm_ipld_encoding::strict_bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::chain::{Chain, draw};

const WINDOW_TAG: i64 = 4;
const SEAL_TAG: i64 = 5;
const INTERACTIVE_TAG: i64 = 6;
/// Constants of the 2k build.
const CHALLENGE_WINDOW: i64 = 60;
const CHALLENGE_LOOKBACK: i64 = 20;
const PRE_COMMIT_DELAY: i64 = 10;

/// A successful message to a miner, with the tipset that it was executed in.
struct Sent {
    miner: u64,
    method: u64,
    params: Vec<u8>,
    tipset: Vec<Cid>,
}

fn sent() -> Vec<Sent> {
    let file = std::fs::File::open(apogee_testkit::example("devnet-a/epochs.jsonl.zst")).unwrap();
    let mut sent = Vec::new();
    for line in std::io::BufReader::new(zstd::Decoder::new(file).unwrap()).lines() {
        let line = line.unwrap();
        if !line.contains("Filecoin.StateCompute") {
            continue;
        }
        let line: Value = serde_json::from_str(&line).unwrap();
        let [request, answer] = ["req", "resp"]
            .map(|part| line[part].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()));
        let (Some(request), Some(answer)) = (request, answer) else { continue };
        let tipset = request["params"][2]
            .as_array()
            .unwrap()
            .iter()
            .map(|cid| cid["/"].as_str().unwrap().parse().unwrap());
        let tipset: Vec<Cid> = tipset.collect();
        for call in answer["result"]["Trace"].as_array().into_iter().flatten() {
            let message = &call["Msg"];
            let miner =
                message["To"].as_str().and_then(|to| to.strip_prefix("t0")).and_then(|id| id.parse().ok());
            if let (Some(miner @ 1000..=1002), Some(params), 0) =
                (miner, message["Params"].as_str(), call["MsgRct"]["ExitCode"].as_u64().unwrap())
            {
                let params =
                    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, params).unwrap();
                sent.push(Sent {
                    miner,
                    method: message["Method"].as_u64().unwrap(),
                    params,
                    tipset: tipset.clone(),
                });
            }
        }
    }
    sent
}

fn address(miner: u64) -> Vec<u8> {
    fvm_ipld_encoding::to_vec(&fvm_shared::address::Address::new_id(miner)).unwrap()
}

fn keys() -> VerifyingKeys {
    VerifyingKeys::new(apogee_testkit::example("devnet-a/vk"), Trust::Folder)
}

#[derive(Deserialize)]
struct Partition(u64, fvm_ipld_bitfield::BitField);

#[derive(Deserialize)]
struct Proof(i64, #[serde(with = "strict_bytes")] Vec<u8>);

#[derive(Deserialize)]
struct SubmitWindowedPost(u64, Vec<Partition>, Vec<Proof>, serde::de::IgnoredAny, serde::de::IgnoredAny);

#[test]
fn both_window_posts_of_run_a_hold_the_skipped_sector_left_out() {
    let chain = Chain::open("devnet-a");
    let (mut checked, mut skipped, mut seen) = (0, 0, std::collections::BTreeSet::new());
    for message in sent().iter().filter(|message| message.method == 5) {
        let Some((_, headers)) = chain.tipsets.iter().find(|(key, _)| *key == message.tipset) else {
            continue;
        };
        let SubmitWindowedPost(deadline, partitions, proofs, ..) =
            fvm_ipld_encoding::from_slice(&message.params).unwrap();
        if !seen.insert(deadline) {
            continue;
        }
        let tree = StateTree::open(&chain.store, &headers[0].state).unwrap();
        let miner = tree.miner(message.miner).unwrap().unwrap();
        let standing = miner.partitions(&chain.store, deadline).unwrap();
        let mut sectors = Vec::new();
        for Partition(index, left_out) in &partitions {
            let (_, sets) = standing.iter().find(|(found, _)| found == index).unwrap();
            let proven = &(&sets.live - &(&sets.faulty - &sets.recovering)) - left_out;
            skipped += left_out.len();
            for number in proven.iter() {
                let sector = miner.sector(&chain.store, number).unwrap().unwrap();
                sectors.push(Sector { number, sealed_cid: sector.sealed_cid });
            }
        }
        let challenge = miner.proving_period_start + i64::try_from(deadline).unwrap() * CHALLENGE_WINDOW
            - CHALLENGE_LOOKBACK;
        let randomness = draw(chain.beacon(challenge), WINDOW_TAG, challenge, &address(message.miner));
        let post = WindowPost {
            proof_type: proofs[0].0,
            randomness,
            miner: message.miner,
            sectors: &sectors,
            proof: &proofs[0].1,
        };
        assert_eq!(keys().verify_window_post(&post), Verdict::Valid, "deadline {deadline}");
        let other = draw(chain.beacon(challenge), WINDOW_TAG, challenge + 1, &address(message.miner));
        assert_eq!(
            keys().verify_window_post(&WindowPost { randomness: other, ..post }),
            Refusal::Wrong.into()
        );
        checked += 1;
    }
    assert_eq!((checked, skipped), (2, 1));
}

#[derive(Deserialize)]
struct ProveCommit(
    Vec<(u64, serde::de::IgnoredAny)>,
    Vec<fvm_ipld_encoding::RawBytes>,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
);

#[test]
fn the_seal_of_run_a_holds() {
    let chain = Chain::open("devnet-a");
    let sent = sent();
    // A tipset may have been recorded before its last block arrived: the whole one counts.
    let whole = |message: &&Sent| chain.tipsets.iter().any(|(key, _)| *key == message.tipset);
    let message = sent.iter().filter(|message| message.method == 34).find(whole).unwrap();
    let (_, headers) = chain.tipsets.iter().find(|(key, _)| *key == message.tipset).unwrap();
    let tree = StateTree::open(&chain.store, &headers[0].state).unwrap();
    let ProveCommit(sectors, proofs, ..) = fvm_ipld_encoding::from_slice(&message.params).unwrap();
    let number = sectors[0].0;
    let miner = tree.miner(message.miner).unwrap().unwrap();
    let pre = miner.pre_commit(&chain.store, number).unwrap().unwrap();
    assert_eq!((number, pre.epoch, pre.seal_epoch, pre.unsealed_cid), (4, 232, -849, None));
    // CommD of 2 KiB of zeros.
    let zero: Cid = "baga6ea4seaqpy7usqklokfx2vxuynmupslkeutzexe2uqurdg5vhtebhxqmpqmy".parse().unwrap();
    let entropy = address(message.miner);
    let tickets = chain.at(pre.seal_epoch).iter().map(|header| header.ticket.clone());
    let ticket =
        draw(&tickets.min_by_key(|ticket| draw_hash(ticket)).unwrap(), SEAL_TAG, pre.seal_epoch, &entropy);
    let interactive = pre.epoch + PRE_COMMIT_DELAY;
    let seed = draw(chain.beacon(interactive), INTERACTIVE_TAG, interactive, &entropy);
    let seal = Seal {
        proof_type: pre.seal_proof,
        miner: message.miner,
        number,
        sealed_cid: pre.sealed_cid,
        unsealed_cid: zero,
        ticket,
        seed,
        proof: proofs[0].bytes(),
    };
    assert_eq!(keys().verify_seal(&seal), Verdict::Valid);
    let seed = draw(chain.beacon(interactive + 1), INTERACTIVE_TAG, interactive + 1, &entropy);
    assert_eq!(keys().verify_seal(&Seal { seed, ..seal }), Refusal::Wrong.into());
}

/// Tickets are ordered by the hash of their proof.
fn draw_hash(ticket: &[u8]) -> Vec<u8> {
    use multihash_codetable::{Code, MultihashDigest};
    Code::Blake2b256.digest(ticket).digest().to_vec()
}
