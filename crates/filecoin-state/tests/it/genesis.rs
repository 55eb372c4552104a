//! Genesis states of real networks: actors v1, v7 and v17.

use apogee_filecoin_state::{ActorKind, ReadError, StateTree, named_version};
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;

use crate::fixture::Blocks;

fn tib(count: u64) -> BigInt {
    BigInt::from(count) << 40
}

/// Claims, their sums and sectors agree with each other; the count of claims and of sectors.
fn consistent(blocks: &Blocks) -> (usize, u64) {
    let state = blocks.header(&blocks.roots[0]).state;
    let tree = StateTree::open(blocks, &state).unwrap();
    let power = tree.power().unwrap();
    let claims = power.claims(blocks).unwrap();
    let sum = |part: fn(&apogee_filecoin_state::PowerPair) -> &BigInt| {
        claims.iter().map(|(_, claim)| part(&claim.power)).sum::<BigInt>()
    };
    assert_eq!(sum(|pair| &pair.raw), power.committed.raw);
    assert_eq!(sum(|pair| &pair.qa), power.committed.qa);
    assert_eq!(power.miners, claims.len() as i64);
    let mut sectors = 0;
    for (id, claim) in &claims {
        assert_eq!(power.claim(blocks, *id).unwrap().as_ref(), Some(claim));
        let actor = tree.actor(*id).unwrap().unwrap();
        assert_eq!(tree.kind(&actor.code).unwrap(), ActorKind::Miner);
        let miner = tree.miner(*id).unwrap().unwrap();
        let info = miner.info(blocks).unwrap();
        let totals = miner.sector_totals(blocks, info.sector_size).unwrap();
        assert_eq!(BigInt::from(totals.active_bytes), claim.power.raw);
        let sets = miner.sector_sets(blocks).unwrap();
        assert_eq!((sets.live.len(), sets.active.len()), (totals.live, totals.active));
        let numbers: Vec<u64> = miner.sectors(blocks).unwrap().iter().map(|sector| sector.number).collect();
        assert_eq!(numbers, sets.live.iter().collect::<Vec<_>>());
        assert_eq!(miner.sector(blocks, numbers[0]).unwrap().unwrap().number, numbers[0]);
        assert_eq!(miner.sector(blocks, 1 << 40).unwrap(), None);
        let key = tree.account_key(&info.worker).unwrap().unwrap();
        assert_eq!(key.to_bytes()[0], 3);
        assert_eq!(tree.resolve(&key).unwrap(), Some(info.worker.id().unwrap()));
        sectors += totals.live;
    }
    assert_eq!(power.claim(blocks, 7_777_777).unwrap(), None);
    assert_eq!(tree.actor(7_777_777).unwrap(), None);
    (claims.len(), sectors)
}

#[test]
fn mainnet_genesis_of_actors_v1_has_three_claims_of_24_tib() {
    let Some(path) = apogee_testkit::data("filecoin/genesis/mainnet-genesis.car") else { return };
    let blocks = Blocks::load(&path);
    assert_eq!(consistent(&blocks).0, 3);
    let tree = StateTree::open(&blocks, &blocks.header(&blocks.roots[0]).state).unwrap();
    assert_eq!(tree.version(), 0);
    assert_eq!(named_version(&tree.actor(1000).unwrap().unwrap().code), Some(1));
    let power = tree.power().unwrap();
    for (_, claim) in power.claims(&blocks).unwrap() {
        assert_eq!((claim.power.raw, claim.power.qa), (tib(24), tib(240)));
    }
    assert_eq!(tree.network_name().unwrap(), "testnetnet");
    let reward = tree.reward().unwrap();
    assert_eq!((reward.epoch, reward.for_tipset(0, 2, &BigInt::default())), (0, None));
}

#[test]
fn calibnet_genesis_of_actors_v1_has_three_claims() {
    let Some(path) = apogee_testkit::data("filecoin/genesis/calibnet-genesis.car") else { return };
    assert_eq!(consistent(&Blocks::load(&path)).0, 3);
}

#[test]
fn interopnet_genesis_of_actors_v7_has_six_claims() {
    let Some(path) = apogee_testkit::data("filecoin/genesis/interopnet.car.zst") else { return };
    let blocks = Blocks::load(&path);
    assert_eq!(consistent(&blocks).0, 6);
    let tree = StateTree::open(&blocks, &blocks.header(&blocks.roots[0]).state).unwrap();
    assert_eq!(tree.version(), 4);
    assert_eq!(named_version(&tree.actor(1000).unwrap().unwrap().code), Some(7));
}

#[test]
fn butterflynet_genesis_of_actors_v17_has_1440_sectors_and_deals() {
    let Some(path) = apogee_testkit::data("filecoin/genesis/butterflynet.car.zst") else { return };
    let blocks = Blocks::load(&path);
    assert_eq!(consistent(&blocks), (3, 1440));
    let tree = StateTree::open(&blocks, &blocks.header(&blocks.roots[0]).state).unwrap();
    assert_eq!(tree.version(), 5);
    let market = tree.market().unwrap();
    let all = market.proposals(&blocks, (0, u64::MAX), 10_000).unwrap();
    assert_eq!((market.next_deal, all.found.len(), all.next), (1440, 1440, u64::MAX));
    assert!(
        all.found
            .iter()
            .all(|(deal, terms)| market.proposal(&blocks, *deal).unwrap().as_ref() == Some(terms))
    );
    let deals = market.deals(&blocks).unwrap().totals(0);
    assert_eq!(deals.values().map(|total| total.count).sum::<u64>(), 1440);
    assert_eq!(deals.len(), 3);
}

/// Reads all that the crate reads; a number that depends on it.
fn everything(blocks: &Blocks) -> Result<u64, ReadError> {
    let tree = StateTree::open(blocks, &blocks.header(&blocks.roots[0]).state)?;
    let power = tree.power()?;
    let mut sum = power.miners as u64;
    for (id, claim) in power.claims(blocks)? {
        let Some(miner) = tree.miner(id)? else { continue };
        let info = miner.info(blocks)?;
        let key = tree.account_key(&info.worker)?.map_or(0, |key| key.to_bytes().len());
        let totals = miner.sector_totals(blocks, info.sector_size)?;
        sum += totals.live + miner.sectors(blocks)?.len() as u64 + key as u64 + claim.power.raw.bits();
        sum += miner.sector_sets(blocks)?.active.len();
    }
    tree.resolve(&Address::new_actor(b"nobody"))?;
    sum += tree
        .reward()?
        .for_tipset(0, 9, &power.committed.raw)
        .map_or(0, |reward| reward.this_epoch_reward.atto().bits());
    let market = tree.market()?;
    sum += market.available(blocks, 1000)?.atto().bits();
    for (deal, terms) in market.proposals(blocks, (0, market.next_deal), 10_000)?.found {
        sum += terms.bytes + market.deal(blocks, deal)?.is_some_and(|state| state.is_active()) as u64;
    }
    Ok(sum + market.deals(blocks)?.totals(0).len() as u64)
}

#[test]
fn each_missing_node_is_named_and_never_read_as_nothing() {
    let blocks = Blocks::load(&apogee_testkit::example("devnet-a/genesis.car.zst"));
    let whole = everything(&blocks).unwrap();
    let mut named = 0;
    for cid in blocks.blocks.keys().filter(|cid| **cid != blocks.roots[0]) {
        match everything(&blocks.without(cid)) {
            Ok(sum) => assert_eq!(sum, whole, "{cid} is not part of what was read"),
            Err(error) => {
                assert_eq!(error.missing(), Some(*cid));
                named += 1;
            }
        }
    }
    assert!(named > 50, "{named} nodes were read");
}

#[test]
fn a_damaged_node_is_refused_or_read_and_never_a_panic() {
    let blocks = Blocks::load(&apogee_testkit::example("devnet-a/genesis.car.zst"));
    let whole = everything(&blocks).unwrap();
    let (mut refused, mut other, mut same) = (0, 0, 0);
    for (cid, bytes) in blocks.blocks.iter().filter(|(cid, _)| **cid != blocks.roots[0]) {
        for step in 0..12 {
            let at = (step * 7919 + usize::from(cid.hash().digest()[step])) % bytes.len();
            match everything(&blocks.damaged(cid, at, 1 << (step % 8))) {
                Err(_) => refused += 1,
                Ok(sum) if sum == whole => same += 1,
                Ok(_) => other += 1,
            }
        }
    }
    assert!(refused > 200, "{refused} refused, {other} read otherwise, {same} unnoticed");
}
