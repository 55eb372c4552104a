//! Slices of mainnet state of April 2023 (actors v10): only what one message touched is there.

use std::io::Read;

use apogee_filecoin_state::{ReadError, StateTree};
use base64::Engine;
use cid::Cid;
use fvm_shared::bigint::BigInt;
use serde_json::Value;

use crate::fixture::Blocks;

/// Keeps what could be read; a missing node is expected in a slice, anything else is not.
fn known<T>(result: Result<T, ReadError>, unknown: &mut usize) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(ReadError::Missing(_)) => {
            *unknown += 1;
            None
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn slices_of_mainnet_are_read_or_unknown_and_never_wrong() {
    let Some(folder) = apogee_testkit::data("filecoin/fvm-test-vectors") else { return };
    let (mut slices, mut powers, mut infos, mut totals, mut diffs, mut unknown) = (0, 0, 0, 0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(vector) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()) else { continue };
        let Some(car) = vector["car"].as_str() else { continue };
        let car = base64::engine::general_purpose::STANDARD.decode(car).unwrap();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&car[..]).read_to_end(&mut bytes).unwrap();
        let blocks = Blocks::parse(bytes);
        slices += 1;
        let mut claims: Option<Cid> = None;
        for state in ["preconditions", "postconditions"] {
            let root: Cid = vector[state]["state_tree"]["root_cid"]["/"].as_str().unwrap().parse().unwrap();
            let Some(tree) = known(StateTree::open(&blocks, &root), &mut unknown) else { continue };
            if let Some(power) = known(tree.power(), &mut unknown) {
                powers += 1;
                assert!((590_000..610_000).contains(&power.miners), "{}", power.miners);
                assert!(
                    (3_000..4_000).contains(&power.miners_above_minimum),
                    "{}",
                    power.miners_above_minimum
                );
                // Exabytes of 10^18 bytes.
                let exa = |power: &BigInt| u64::try_from(power / 1_000_000_000_000_000_000_u64).unwrap();
                let total = (exa(&power.total().raw), exa(&power.total().qa));
                assert_eq!(total, (14, 22));
                if let Some(before) = claims {
                    diffs +=
                        usize::from(known(power.claim_changes(&blocks, &before), &mut unknown).is_some());
                }
                claims = Some(power.claims);
            }
            // Miners, wherever the slice holds one: the ids that its messages and receipts touch are not listed, so look for their nodes.
            for id in miners(&blocks) {
                let Some(Some(miner)) = known(tree.miner(id), &mut unknown) else { continue };
                let Some(info) = known(miner.info(&blocks), &mut unknown) else { continue };
                infos += 1;
                assert!([34_359_738_368, 68_719_476_736].contains(&info.sector_size), "{}", info.sector_size);
                totals += usize::from(
                    known(miner.sector_totals(&blocks, info.sector_size), &mut unknown).is_some(),
                );
            }
        }
    }
    eprintln!(
        "{slices} slices: {powers} power states, {infos} miners, {totals} with all partitions, {diffs} differences; {unknown} unknown"
    );
    assert!(slices > 20 && powers > 10 && infos > 10 && unknown > 10, "{slices} {powers} {infos} {unknown}");
}

/// Ids of the actors whose state in any state tree node of the slice is a tuple as long as a miner's.
fn miners(blocks: &Blocks) -> Vec<u64> {
    type Actor = (Cid, Cid, u64, fvm_shared::econ::TokenAmount, Option<fvm_shared::address::Address>);
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Pointer {
        Bucket(Vec<(serde_bytes::ByteBuf, Actor)>),
        Other(serde::de::IgnoredAny),
    }
    let mut found = std::collections::BTreeSet::new();
    for block in blocks.blocks.values() {
        let Ok((_, pointers)) = fvm_ipld_encoding::from_slice::<(serde_bytes::ByteBuf, Vec<Pointer>)>(block)
        else {
            continue;
        };
        for pointer in pointers {
            let Pointer::Bucket(entries) = pointer else { continue };
            for (key, actor) in entries {
                let is_miner = blocks.blocks.get(&actor.1).is_some_and(|state| state[0] == 0x8f);
                if let (true, Ok(address)) = (is_miner, fvm_shared::address::Address::from_bytes(&key)) {
                    found.insert(address.id().unwrap());
                }
            }
        }
    }
    // f04 of actors v10 is a tuple of 15 as well.
    found.remove(&4);
    found.into_iter().collect()
}
