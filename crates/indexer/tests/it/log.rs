//! Every message of the recording's event log, in the series and at the epoch where it belongs.

use std::collections::BTreeMap;

use apogee_domain::SeriesName;
use apogee_domain::series::*;
use apogee_filecoin::source::Source;
use apogee_filecoin::types::BlockMessages;
use apogee_store::EpochKind;
use serde::Deserialize;

use crate::common::{at, indexed, recording};
use crate::memory::Memory;

/// A line of the log that tells how a message went: `height` is the epoch that names its receipt.
#[derive(Deserialize)]
struct Landed {
    event: String,
    cid: String,
    height: i64,
    exit: i64,
    gas: Option<u128>,
}

/// Where a message is on chain: its epoch, the block's miner, its method.
struct Mined {
    epoch: i64,
    miner: String,
    method: u64,
}

fn mined() -> BTreeMap<String, Mined> {
    let (recording, mut mined) = (recording(), BTreeMap::new());
    let blocks = recording.source.blocks();
    for tipset in recording.source.chain() {
        for block in tipset.blocks() {
            let messages = BlockMessages::load(&*blocks, &block.messages).unwrap();
            let secp = messages.secp.iter().map(|(cid, signed)| (cid, signed.message.method_num));
            let bls = messages.bls.iter().map(|(cid, message)| (cid, message.method_num));
            for (cid, method) in bls.chain(secp) {
                let miner = format!("t0{}", block.miner_id().unwrap());
                // The first block that carries a message is paid for it.
                mined.entry(cid.to_string()).or_insert(Mined {
                    epoch: tipset.epoch().height(),
                    miner,
                    method,
                });
            }
        }
    }
    mined
}

/// By how much a sum grew in an epoch.
fn grew(memory: &Memory, series: &SeriesName, who: &str, epoch: i64) -> u128 {
    let sum = |epoch| memory.at(series, who, epoch).unwrap_or(0);
    sum(epoch) - sum(epoch - 1)
}

#[tokio::test]
async fn every_message_of_the_event_log_counts_in_its_series_at_its_epoch() {
    let (memory, mined) = (indexed().await, mined());
    let rows = memory.all();
    let log = std::fs::read_to_string(apogee_testkit::example("devnet-a/events.jsonl")).unwrap();
    let (mut ran, mut penalised) = (0, 0);
    for landed in log.lines().filter_map(|line| serde_json::from_str::<Landed>(line).ok()) {
        let what = &landed.event;
        let Some(message) = mined.get(&landed.cid) else { panic!("{what}: not on the chain") };
        let tells = rows.epochs.range(at(message.epoch + 1)..).find(|(_, row)| row.kind == EpochKind::Tipset);
        assert_eq!(tells.unwrap().0.height(), landed.height, "{what}: the next tipset names the receipt");
        let series = match message.method {
            0 => BURN_GAS_SEND,
            _ => BURN_GAS_OTHER,
        };
        match landed.gas {
            // It could not pay: nothing was used, and the miner that included it bears the cost.
            Some(0) => {
                assert!([2, 7].contains(&landed.exit), "{what}");
                if landed.exit == 7 || message.epoch == 59 {
                    assert!(grew(&memory, &PENALTY, &message.miner, message.epoch) > 0, "{what}");
                }
                penalised += 1;
            }
            gas => {
                assert!(grew(&memory, &GAS_USED, "network", message.epoch) >= gas.unwrap_or(1), "{what}");
                assert!(grew(&memory, &series, "network", message.epoch) > 0, "{what}");
                ran += 1;
            }
        }
        assert!(grew(&memory, &GAS_LIMIT, "network", message.epoch) > 0, "{what}");
    }
    assert!(ran > 30 && penalised == 3, "{ran} {penalised}");
}

#[tokio::test]
async fn while_the_others_were_frozen_only_the_third_miner_won_and_finality_stood() {
    let memory = indexed().await;
    for epoch in 98..=105 {
        for frozen in ["t01000", "t01001"] {
            assert_eq!(grew(&memory, &BLOCKS_WON, frozen, epoch), 0, "{frozen} at {epoch}");
        }
    }
    let won: u128 = (98..=105).map(|epoch| grew(&memory, &BLOCKS_WON, "t01002", epoch)).sum();
    assert_eq!(won, 4, "98, 100, 101 and 104 are null rounds");
    let expected: u128 = (98..=105).map(|epoch| grew(&memory, &EXPECTED_WINS, "t01000", epoch)).sum();
    assert_eq!(expected, 8 * 3_333_333_333, "what they could have won counts all the same");
}
