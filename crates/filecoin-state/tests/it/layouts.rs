//! State of every actors version from v8 to v19, written by the published state types and read by us.
//!
//! The types share no code with the reader: a field that moved, was added or was dropped in any version shows here.

use apogee_filecoin_state::{ActorKind, DealLabel, DealState, DealTerms, Market, Reward, StateTree};
use cid::Cid;
use fil_actors_shared::{fvm_shared2, fvm_shared3, fvm_shared4};
use fvm_ipld_bitfield::BitField;
use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_ipld_encoding::CborStore;
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use multihash_codetable::Code;
use serde::Serialize;

const MINER: u64 = 1007;
const WORKER: u64 = 1008;
const SECTOR: u64 = 70_000;
/// Sector or claim of deals.
const EXTRA: u64 = 41;
const BALANCES_WIDTH: u32 = fil_actor_market_state::v8::balance_table::BALANCE_TABLE_BITWIDTH;

fn put(store: &MemoryBlockstore, value: &impl Serialize) -> Cid {
    store.put_cbor(value, Code::Blake2b256).unwrap()
}

fn array<T: Serialize + serde::de::DeserializeOwned>(
    store: &MemoryBlockstore,
    values: impl IntoIterator<Item = (u64, T)>,
) -> Cid {
    let mut array = fvm_ipld_amt::Amt::new_with_bit_width(store, 3);
    for (index, value) in values {
        array.set(index, value).unwrap();
    }
    array.flush().unwrap()
}

fn map<T: Serialize + serde::de::DeserializeOwned + PartialEq>(
    store: &MemoryBlockstore,
    values: impl IntoIterator<Item = (Address, T)>,
) -> Cid {
    let mut map = fvm_ipld_hamt::Hamt::<_, T>::new_with_bit_width(store, 5);
    for (address, value) in values {
        map.set(address.to_bytes().into(), value).unwrap();
    }
    map.flush().unwrap()
}

/// A table of balances by actor, in attoFIL.
fn balances(store: &MemoryBlockstore, values: impl IntoIterator<Item = (u64, u64)>) -> Cid {
    let mut map =
        fvm_ipld_hamt::Hamt::<_, fvm_shared::econ::TokenAmount>::new_with_bit_width(store, BALANCES_WIDTH);
    for (id, value) in values {
        let key = Address::new_id(id).to_bytes();
        map.set(key.into(), fvm_shared::econ::TokenAmount::from_atto(value)).unwrap();
    }
    map.flush().unwrap()
}

fn bits(bits: impl IntoIterator<Item = u64>) -> BitField {
    BitField::try_from_bits(bits).unwrap()
}

fn named(name: &str) -> Cid {
    Cid::new_v1(0x55, multihash_codetable::MultihashDigest::digest(&Code::Blake2b256, name.as_bytes()))
}

/// A state tree of version 5 whose manifest knows the kinds, with the given heads.
fn tree(store: &MemoryBlockstore, heads: &[(u64, &str, Cid)], key: Address) -> Cid {
    let kinds = ["system", "init", "account", "storageminer", "storagepower", "storagemarket", "reward"];
    let manifest = put(store, &kinds.map(|kind| (kind, named(kind))));
    let own = [
        (0, "system", put(store, &(manifest,))),
        (1, "init", put(store, &(map(store, [(key, WORKER)]), 2000_u64, "layouts"))),
        (WORKER, "account", put(store, &(key,))),
    ];
    let actors = own.iter().chain(heads).map(|(id, kind, head)| {
        (
            Address::new_id(*id),
            (named(kind), *head, id + 1, fvm_shared::econ::TokenAmount::from_atto(*id), None::<Address>),
        )
    });
    let actors = map(store, actors);
    let info = put(store, &"info");
    put(store, &(5_u64, actors, info))
}

macro_rules! version {
    ($name:ident, $version:ident, $shared:ident, $proof:ident, $id:expr, $minted:ident, { $($extra:ident: $value:expr)? }) => {
        #[test]
        fn $name() {
            use $shared::econ::TokenAmount;
            use $shared::sector::RegisteredPoStProof::$proof as PROOF;
            use fil_actor_market_state::$version as market;
            use fil_actor_miner_state::$version as miner;
            use fil_actor_power_state::$version as power;
            use fil_actor_reward_state::$version as reward;
            type Other = $shared::address::Address;

            let store = &MemoryBlockstore::default();
            let key = Address::new_bls(&[9; 48]).unwrap();

            let claims = map(store, [(Address::new_id(MINER), power::Claim { window_post_proof_type: PROOF, raw_byte_power: 6144.into(), quality_adj_power: 61440.into() })]);
            let power_head = put(
                store,
                &power::State {
                    total_raw_byte_power: 1.into(),
                    total_bytes_committed: 2.into(),
                    total_quality_adj_power: 3.into(),
                    total_qa_bytes_committed: 4.into(),
                    total_pledge_collateral: TokenAmount::from_atto(5),
                    this_epoch_raw_byte_power: 6.into(),
                    this_epoch_quality_adj_power: 7.into(),
                    this_epoch_pledge_collateral: TokenAmount::from_atto(8),
                    miner_count: 9,
                    miner_above_min_power_count: 10,
                    claims,
                    ..Default::default()
                },
            );

            // Sectors 0 to 9: 0 terminated, 1 and 2 faulty, 2 recovering, 3 unproven.
            let mut partition = miner::Partition::new(store).unwrap();
            partition.sectors = bits(0..10);
            partition.terminated = bits([0]);
            partition.faults = bits([1, 2]);
            partition.recoveries = bits([2]);
            partition.unproven = bits([3]);
            let partitions = array(store, [(0, partition)]);
            let deadline = put(store, &miner::Deadline { partitions, live_sectors: 9, total_sectors: 10, ..Default::default() });
            let empty = put(store, &miner::Deadline { partitions: array::<miner::Partition>(store, []), ..Default::default() });
            let deadlines = put(store, &miner::Deadlines { due: vec![empty, deadline, empty, deadline] });
            let sealed = named("sealed");
            let sector = miner::SectorOnChainInfo { sector_number: SECTOR, sealed_cid: sealed, activation: 11, expiration: 12, ..Default::default() };
            let info = miner::MinerInfo::new($id(1), $id(WORKER), vec![$id(2)], vec![7, 8], vec![], PROOF).unwrap();
            let info = put(store, &info);
            let mut state = miner::State::new(&Default::default(), store, info, 13, 1).unwrap();
            state.fee_debt = TokenAmount::from_atto(14);
            state.locked_funds = TokenAmount::from_atto(15);
            state.initial_pledge = TokenAmount::from_atto(16);
            state.sectors = array(store, [(SECTOR, sector)]);
            state.deadlines = deadlines;
            state.early_terminations = bits([1]);
            let miner_head = put(store, &state);

            let proposal = |end, label| market::DealProposal {
                piece_cid: sealed,
                piece_size: $shared::piece::PaddedPieceSize(2048),
                verified_deal: true,
                client: Other::new_id(3),
                provider: Other::new_id(MINER),
                label,
                start_epoch: 17,
                end_epoch: end,
                storage_price_per_epoch: TokenAmount::from_atto(18),
                provider_collateral: TokenAmount::from_atto(19),
                client_collateral: TokenAmount::from_atto(20),
            };
            // Deal 4 is active, 5 slashed, 6 never activated, 7 ended at 50.
            let deal = |slash_epoch| market::DealState { sector_start_epoch: 30, last_updated_epoch: 40, slash_epoch, $($extra: $value)? };
            let states = [(4, deal(-1)), (5, deal(31)), (7, deal(-1))];
            let proposals = [4, 5, 6, 7].map(|deal| {
                let text = market::Label::String("label".into());
                let label = if deal == 6 { market::Label::Bytes(vec![0xff, 0]) } else { text };
                (deal, proposal(if deal == 7 { 50 } else { 99 }, label))
            });
            let market_head = put(
                store,
                &market::State {
                    proposals: array(store, proposals),
                    states: array(store, states),
                    // So many that they need more than a node.
                    escrow_table: balances(store, (0..500).map(|id| (id, id + 1_000))),
                    locked_table: balances(store, [(3, 600)]),
                    next_id: 9,
                    ..Default::default()
                },
            );
            let reward_head = put(
                store,
                &reward::State {
                    cumsum_baseline: 21.into(),
                    cumsum_realized: 22.into(),
                    effective_network_time: 23,
                    effective_baseline_power: 24.into(),
                    this_epoch_reward: TokenAmount::from_atto(25),
                    this_epoch_baseline_power: 26.into(),
                    epoch: 27,
                    $minted: TokenAmount::from_atto(28),
                    ..Default::default()
                },
            );

            let heads = [
                (2, "reward", reward_head),
                (4, "storagepower", power_head),
                (5, "storagemarket", market_head),
                (MINER, "storageminer", miner_head),
            ];
            let root = tree(store, &heads, key);
            check(store, &root, key, sealed);
            // Which of the versions this is: its deals have a claim, a sector or neither.
            let sector = concat!($(stringify!($extra))?) == "sector_number";
            check_deals(store, &StateTree::open(store, &root).unwrap().market().unwrap(), sealed, sector);
        }
    };
}

fn check_deals(store: &MemoryBlockstore, market: &Market, sealed: Cid, sector: bool) {
    assert_eq!(market.next_deal, 9);
    let atto = |id| market.available(store, id).unwrap().atto().clone();
    assert_eq!([3, 4, 499, 500].map(atto), [403, 1_004, 1_499, 0].map(BigInt::from));

    let terms = DealTerms {
        piece: sealed,
        bytes: 2048,
        verified: true,
        client: Address::new_id(3),
        provider: Address::new_id(MINER),
        label: DealLabel::Text("label".into()),
        start: 17,
        end: 99,
        price: fvm_shared::econ::TokenAmount::from_atto(18),
        provider_collateral: fvm_shared::econ::TokenAmount::from_atto(19),
        client_collateral: fvm_shared::econ::TokenAmount::from_atto(20),
    };
    assert_eq!(market.proposal(store, 4).unwrap().as_ref(), Some(&terms));
    assert_eq!(market.proposal(store, 7).unwrap(), Some(DealTerms { end: 50, ..terms.clone() }));
    let six = market.proposal(store, 6).unwrap().unwrap();
    assert_eq!(six, DealTerms { label: DealLabel::Bytes(vec![0xff, 0]), ..terms });
    assert_eq!([3, 8, u64::MAX].map(|deal| market.proposal(store, deal).unwrap()), [None, None, None]);

    let found = |range, limit| {
        let some = market.proposals(store, range, limit).unwrap();
        (some.found.iter().map(|(deal, _)| *deal).collect::<Vec<_>>(), some.next)
    };
    assert_eq!(found((0, 9), 9), (vec![4, 5, 6, 7], 9));
    assert_eq!(found((0, 9), 2), (vec![4, 5], 6));
    assert_eq!(found((5, 7), 2), (vec![5, 6], 7));
    assert_eq!(found((6, 6), 2), (vec![], 6));
    assert_eq!(found((8, u64::MAX), 2), (vec![], u64::MAX));

    let state = DealState {
        sector_start: Some(30),
        last_updated: Some(40),
        slashed: None,
        sector: sector.then_some(EXTRA),
    };
    assert_eq!(market.deal(store, 4).unwrap(), Some(state));
    assert_eq!(market.deal(store, 5).unwrap(), Some(DealState { slashed: Some(31), ..state }));
    assert_eq!(market.deal(store, 6).unwrap(), None);
}

fn check(store: &MemoryBlockstore, root: &Cid, key: Address, sealed: Cid) {
    let tree = StateTree::open(store, root).unwrap();
    let actor = tree.actor(MINER).unwrap().unwrap();
    assert_eq!((tree.kind(&actor.code).unwrap(), actor.nonce), (ActorKind::Miner, MINER + 1));
    assert_eq!(tree.resolve(&key).unwrap(), Some(WORKER));
    assert_eq!(tree.account_key(&Address::new_id(WORKER)).unwrap(), Some(key));
    assert_eq!(tree.account_key(&Address::new_id(MINER)).unwrap(), None);

    let power = tree.power().unwrap();
    let figures = [
        &power.above_minimum.raw,
        &power.committed.raw,
        &power.above_minimum.qa,
        &power.committed.qa,
        power.pledge.atto(),
        &power.this_epoch.raw,
        &power.this_epoch.qa,
        power.this_epoch_pledge.atto(),
    ];
    assert_eq!(figures.map(Clone::clone), [1, 2, 3, 4, 5, 6, 7, 8].map(BigInt::from));
    assert_eq!((power.miners, power.miners_above_minimum), (9, 10));
    let claims = power.claims(store).unwrap();
    assert_eq!((claims.len(), claims[0].0), (1, MINER));
    assert_eq!((&claims[0].1.power.raw, &claims[0].1.power.qa), (&6144.into(), &61440.into()));

    let miner = tree.miner(MINER).unwrap().unwrap();
    assert_eq!(
        [&miner.fee_debt, &miner.locked_funds, &miner.initial_pledge].map(|amount| amount.atto().clone()),
        [14, 15, 16].map(BigInt::from)
    );
    assert_eq!(
        (
            miner.proving_period_start,
            miner.current_deadline,
            miner.early_terminations.iter().collect::<Vec<_>>()
        ),
        (13, 1, vec![1])
    );
    let info = miner.info(store).unwrap();
    assert_eq!(
        (info.owner, info.worker, info.control),
        (Address::new_id(1), Address::new_id(WORKER), vec![Address::new_id(2)])
    );
    assert_eq!((info.sector_size, info.partition_sectors, info.peer_id), (2048, 2, vec![7, 8]));
    assert_eq!((info.consensus_fault_elapsed, info.beneficiary), (Some(-1), Address::new_id(1)));
    let totals = miner.sector_totals(store, 2048).unwrap();
    assert_eq!((totals.live, totals.active, totals.faulty), (18, 12, 4));
    assert_eq!(
        (totals.recovering, totals.terminated, totals.unproven, totals.active_bytes),
        (2, 2, 2, 12 * 2048)
    );
    let sets = miner.sector_sets(store).unwrap();
    assert_eq!(sets.active.iter().collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9]);
    assert_eq!(sets.not_faulty.iter().collect::<Vec<_>>(), [0, 3, 4, 5, 6, 7, 8, 9]);
    let sector = miner.sector(store, SECTOR).unwrap().unwrap();
    assert_eq!(
        (sector.number, sector.sealed_cid, sector.activation, sector.expiration),
        (SECTOR, sealed, 11, 12)
    );

    let partitions = miner.partitions(store, 1).unwrap();
    assert_eq!((partitions.len(), partitions[0].0, partitions[0].1.active.len()), (1, 0, 6));
    assert_eq!(
        (miner.partitions(store, 0).unwrap().len(), miner.partitions(store, 99).unwrap().len()),
        (0, 0)
    );
    assert_eq!(miner.pre_commit(store, 300).unwrap(), None);

    let deals = tree.market().unwrap().deals(store).unwrap();
    let totals = |epoch| deals.totals(epoch).get(&MINER).map(|total| (total.count, total.bytes));
    assert_eq!((totals(49), totals(50), totals(99)), (Some((2, 4096)), Some((1, 2048)), None));

    let reward: Reward = tree.reward().unwrap();
    assert_eq!(
        [
            &reward.cumsum_baseline,
            &reward.cumsum_realized,
            &reward.effective_baseline,
            &reward.this_epoch_baseline
        ]
        .map(Clone::clone),
        [21, 22, 24, 26].map(BigInt::from)
    );
    assert_eq!((reward.effective_network_time, reward.epoch), (23, 27));
    assert_eq!((reward.this_epoch_reward.atto(), reward.total_minted.atto()), (&25.into(), &28.into()));
}

use std::convert::identity as id;

version!(
    actors_v8_are_read,
    v8,
    fvm_shared2,
    StackedDRGWindow2KiBV1,
    Other::new_id,
    total_storage_power_reward,
    {}
);
version!(actors_v9_are_read, v9, fvm_shared2, StackedDRGWindow2KiBV1, Other::new_id, total_storage_power_reward, { verified_claim: EXTRA });
version!(actors_v10_are_read, v10, fvm_shared3, StackedDRGWindow2KiBV1, id, total_storage_power_reward, { verified_claim: EXTRA });
version!(actors_v11_are_read, v11, fvm_shared3, StackedDRGWindow2KiBV1, id, total_storage_power_reward, { verified_claim: EXTRA });
version!(actors_v12_are_read, v12, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_storage_power_reward, { verified_claim: EXTRA });
version!(actors_v13_are_read, v13, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_storage_power_reward, { sector_number: EXTRA });
version!(actors_v14_are_read, v14, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_storage_power_reward, { sector_number: EXTRA });
version!(actors_v15_are_read, v15, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_storage_power_reward, { sector_number: EXTRA });
version!(actors_v16_are_read, v16, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_storage_power_reward, { sector_number: EXTRA });
version!(actors_v17_are_read, v17, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_storage_power_reward, { sector_number: EXTRA });
version!(actors_v18_are_read, v18, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_storage_power_reward, { sector_number: EXTRA });
version!(actors_v19_are_read, v19, fvm_shared4, StackedDRGWindow2KiBV1P1, id, total_minted_reward, { sector_number: EXTRA });

macro_rules! multisig {
    ($name:ident, $version:ident, $shared:ident, |$id:ident| $key:expr) => {
        #[test]
        fn $name() {
            use fil_actor_multisig_state::$version as multisig;
            use $shared::address::Address as Other;
            use $shared::econ::TokenAmount;

            let store = &MemoryBlockstore::default();
            let mut pending = fvm_ipld_hamt::Hamt::<_, multisig::Transaction>::new_with_bit_width(store, 5);
            // As many as need a second level, and keys of two bytes.
            for number in 0..200_i64 {
                let transaction = multisig::Transaction {
                    to: Other::new_id(1000 + number.unsigned_abs()),
                    value: TokenAmount::from_atto(number),
                    method: 2,
                    params: vec![7].into(),
                    approved: vec![Other::new_id(11), Other::new_id(12)],
                };
                let $id = multisig::TxnID(number);
                pending.set($key, transaction).unwrap();
            }
            let state = multisig::State {
                signers: vec![Other::new_id(11), Other::new_id(12), Other::new_id(13)],
                num_approvals_threshold: 3,
                next_tx_id: multisig::TxnID(200),
                initial_balance: TokenAmount::from_atto(5),
                start_epoch: -6,
                unlock_duration: 7,
                pending_txs: pending.flush().unwrap(),
            };
            let read = multisig_of(store, put(store, &state));
            assert_eq!(read.signers, [11, 12, 13].map(Address::new_id));
            assert_eq!((read.threshold, read.next), (3, 200));
            for number in 0..200 {
                let found = read.pending(store, number).unwrap().unwrap();
                assert_eq!(found.to, Address::new_id(1000 + number.unsigned_abs()));
                assert_eq!((found.value.atto(), found.method), (&number.into(), 2));
                assert_eq!(
                    (&*found.params, &*found.approved),
                    (&[7][..], &[11, 12].map(Address::new_id)[..])
                );
            }
            assert_eq!(read.pending(store, 200).unwrap(), None);
            assert_eq!(read.pending(store, -1).unwrap(), None);
        }
    };
}

fn multisig_of(store: &MemoryBlockstore, state: Cid) -> apogee_filecoin_state::Multisig {
    let kinds = ["system", "multisig"];
    let manifest = put(store, &kinds.map(|kind| (kind, named(kind))));
    let actor = |id: u64, kind: &str, head: Cid| {
        let nothing = fvm_shared::econ::TokenAmount::default();
        (Address::new_id(id), (named(kind), head, 0_u64, nothing, None::<Address>))
    };
    let system = actor(0, "system", put(store, &(manifest,)));
    let actors = map(store, [system, actor(77, "multisig", state)]);
    let info = put(store, &"info");
    let root = put(store, &(5_u64, actors, info));
    let tree = StateTree::open(store, &root).unwrap();
    assert_eq!(tree.multisig(&Address::new_id(0)).unwrap(), None, "the system actor is no multisig");
    assert_eq!(tree.multisig(&Address::new_id(78)).unwrap(), None);
    tree.multisig(&Address::new_id(77)).unwrap().unwrap()
}

fn varint(id: i64) -> fvm_ipld_hamt::BytesKey {
    use fil_actors_shared::v18::MapKey;
    id.to_bytes().unwrap().into()
}

multisig!(multisigs_of_v8_are_read, v8, fvm_shared2, |id| id.key());
multisig!(multisigs_of_v12_are_read, v12, fvm_shared4, |id| varint(id.0));
multisig!(multisigs_of_v18_are_read, v18, fvm_shared4, |id| varint(id.0));
multisig!(multisigs_of_v19_are_read, v19, fvm_shared4, |id| varint(id.0));
