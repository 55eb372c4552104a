//! Structural differences of tries against whole comparisons, on tries that the reference library wrote.

use std::cell::Cell;
use std::collections::BTreeMap;

use apogee_filecoin_state::{Deals, StateTree};
use cid::Cid;
use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
use fvm_ipld_encoding::CborStore;
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use multihash_codetable::Code;
use proptest::prelude::*;

/// Counts what is read.
#[derive(Default)]
struct Counting {
    inner: MemoryBlockstore,
    reads: Cell<usize>,
}

impl Blockstore for Counting {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, anyhow::Error> {
        self.reads.set(self.reads.get() + 1);
        self.inner.get(cid)
    }

    fn put_keyed(&self, cid: &Cid, block: &[u8]) -> Result<(), anyhow::Error> {
        self.inner.put_keyed(cid, block)
    }
}

type Amounts = fvm_shared::econ::TokenAmount;

/// A power actor with these raw powers, alone in its tree.
fn tree<'a>(store: &'a Counting, claims: &BTreeMap<u64, u64>, old_form: bool) -> StateTree<'a, Counting> {
    let entries = claims.iter().map(|(id, raw)| {
        (Address::new_id(*id).to_bytes(), (5_i64, Amounts::from_atto(*raw), Amounts::from_atto(raw * 10)))
    });
    let claims = if old_form {
        let mut map = fvm_ipld_hamt::Hamtv0::<_, (i64, Amounts, Amounts)>::new_with_bit_width(store, 5);
        entries.for_each(|(key, claim)| _ = map.set(key.into(), claim).unwrap());
        map.flush().unwrap()
    } else {
        let mut map = fvm_ipld_hamt::Hamt::<_, (i64, Amounts, Amounts)>::new_with_bit_width(store, 5);
        entries.for_each(|(key, claim)| _ = map.set(key.into(), claim).unwrap());
        map.flush().unwrap()
    };
    let state = fil_actor_power_state::v14::State { claims, ..Default::default() };
    single(store, 4, &state)
}

/// A state tree of one actor.
fn single<'a>(store: &'a Counting, id: u64, state: &impl serde::Serialize) -> StateTree<'a, Counting> {
    single_of(store, id, state, 5)
}

/// The same of a version.
fn single_of<'a>(
    store: &'a Counting,
    id: u64,
    state: &impl serde::Serialize,
    version: u64,
) -> StateTree<'a, Counting> {
    let head = store.put_cbor(state, Code::Blake2b256).unwrap();
    let mut actors =
        fvm_ipld_hamt::Hamt::<_, (Cid, Cid, u64, Amounts, Option<Address>)>::new_with_bit_width(store, 5);
    actors.set(Address::new_id(id).to_bytes().into(), (head, head, 0, Amounts::default(), None)).unwrap();
    if id != 4 {
        let power = store.put_cbor(&fil_actor_power_state::v17::State::default(), Code::Blake2b256).unwrap();
        actors
            .set(Address::new_id(4).to_bytes().into(), (power, power, 0, Amounts::default(), None))
            .unwrap();
    }
    let actors = actors.flush().unwrap();
    let root = store.put_cbor(&(version, actors, head), Code::Blake2b256).unwrap();
    StateTree::open(store, &root).unwrap()
}

/// Changes between two maps, by comparing all of both.
fn naive(before: &BTreeMap<u64, u64>, after: &BTreeMap<u64, u64>) -> Vec<(u64, Option<u64>, Option<u64>)> {
    let mut keys: Vec<u64> = before.keys().chain(after.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .map(|key| (key, before.get(&key).copied(), after.get(&key).copied()))
        .filter(|(_, old, new)| old != new)
        .collect()
}

fn power(claim: Option<apogee_filecoin_state::Claim>) -> Option<u64> {
    claim.map(|claim| {
        assert_eq!(&claim.power.raw * 10, claim.power.qa);
        u64::try_from(claim.power.raw).unwrap()
    })
}

fn edited() -> impl Strategy<Value = (BTreeMap<u64, u64>, BTreeMap<u64, u64>)> {
    let map = prop::collection::btree_map(0_u64..3_000, 0_u64..1_000, 0..600);
    let edits = prop::collection::vec((0_u64..3_000, prop::option::of(0_u64..1_000)), 0..60);
    (map, edits, any::<bool>()).prop_map(|(before, edits, shrink)| {
        let mut after = before.clone();
        if shrink {
            after.retain(|key, _| key % 17 == 0);
        }
        for (key, value) in edits {
            match value {
                Some(value) => after.insert(key, value),
                None => after.remove(&key),
            };
        }
        (before, after)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_difference_of_claims_is_that_of_whole_comparison((before, after) in edited(), forms in any::<(bool, bool)>()) {
        let store = Counting::default();
        let (old, new) = (tree(&store, &before, forms.0).power().unwrap(), tree(&store, &after, forms.1).power().unwrap());
        let read: BTreeMap<u64, u64> = new.claims(&store).unwrap().into_iter().map(|(id, claim)| (id, power(Some(claim)).unwrap())).collect();
        prop_assert_eq!(&read, &after);
        let changes: Vec<_> = new.claim_changes(&store, &old.claims).unwrap().into_iter().map(|change| (change.miner, power(change.before), power(change.after))).collect();
        prop_assert_eq!(changes, naive(&before, &after));
    }

    #[test]
    fn deals_that_are_carried_are_those_read_afresh((before, after) in edited(), stretch in 1_u64..5_000) {
        let store = Counting::default();
        let market = |deals: &BTreeMap<u64, u64>| {
            let mut proposals = fvm_ipld_amt::Amt::new_with_bit_width(&store, 5);
            let mut states = fvm_ipld_amt::Amt::new_with_bit_width(&store, 6);
            // A deal's value is whether it is slashed; keys are stretched so that heights differ.
            for (deal, value) in deals {
                proposals.set(deal * stretch, fil_actor_market_state::v17::DealProposal {
                    piece_cid: Cid::default(), piece_size: fvm_shared::piece::PaddedPieceSize(1024), verified_deal: false,
                    client: Address::new_id(1), provider: Address::new_id(deal % 7), label: fil_actor_market_state::v17::Label::String(String::new()),
                    start_epoch: 0, end_epoch: 10, storage_price_per_epoch: Amounts::default(),
                    provider_collateral: Amounts::default(), client_collateral: Amounts::default(),
                }).unwrap();
                let slash_epoch = if value % 3 == 0 { 5 } else { -1 };
                states.set(deal * stretch, fil_actor_market_state::v17::DealState { sector_number: *value, sector_start_epoch: 1, last_updated_epoch: -1, slash_epoch }).unwrap();
            }
            let state = fil_actor_market_state::v17::State { proposals: proposals.flush().unwrap(), states: states.flush().unwrap(), ..Default::default() };
            single(&store, 5, &state).market().unwrap()
        };
        let (old, new) = (market(&before), market(&after));
        let mut deals: Deals = old.deals(&store).unwrap();
        prop_assert_eq!(deals.totals(9).values().map(|total| total.count).sum::<u64>(), before.values().filter(|value| *value % 3 != 0).count() as u64);
        deals.advance(&store, &new).unwrap();
        prop_assert_eq!(&deals, &new.deals(&store).unwrap());
        deals.advance(&store, &old).unwrap();
        prop_assert_eq!(&deals, &old.deals(&store).unwrap());
    }
}

/// Deals of one provider, with what tells them apart for a label.
fn market_of(store: &Counting, deals: impl IntoIterator<Item = u64>) -> apogee_filecoin_state::Market {
    let mut proposals = fvm_ipld_amt::Amt::new_with_bit_width(store, 5);
    for deal in deals {
        let nothing = Amounts::default;
        let proposal = fil_actor_market_state::v17::DealProposal {
            piece_cid: Cid::default(),
            piece_size: fvm_shared::piece::PaddedPieceSize(1024),
            verified_deal: false,
            client: Address::new_id(1),
            provider: Address::new_id(2),
            label: fil_actor_market_state::v17::Label::String(deal.to_string()),
            start_epoch: 0,
            end_epoch: 10,
            storage_price_per_epoch: nothing(),
            provider_collateral: nothing(),
            client_collateral: nothing(),
        };
        proposals.set(deal, proposal).unwrap();
    }
    let state =
        fil_actor_market_state::v17::State { proposals: proposals.flush().unwrap(), ..Default::default() };
    single(store, 5, &state).market().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn proposals_of_a_range_are_those_of_the_whole_in_it(
        deals in prop::collection::btree_set(0_u64..5_000, 0..300),
        stretch in prop::sample::select(vec![1, 3, 40, 1_000_000_007]),
        range in (0_u64..6_000, 0_u64..6_000),
        limit in 1_usize..40,
    ) {
        let store = Counting::default();
        let market = market_of(&store, deals.iter().map(|deal| deal * stretch));
        let (from, to) = (range.0 * stretch, range.1 * stretch);
        let expected: Vec<_> = deals.iter().map(|deal| deal * stretch).filter(|deal| (from..to).contains(deal)).collect();
        let (mut found, mut at) = (Vec::new(), from);
        while at < to {
            let some = market.proposals(&store, (at, to), limit).unwrap();
            prop_assert!(some.found.len() <= limit && some.next > at);
            prop_assert!(some.next == to || some.found.len() == limit);
            for (deal, terms) in some.found {
                prop_assert_eq!(terms.label, apogee_filecoin_state::DealLabel::Text(deal.to_string()));
                found.push(deal);
            }
            at = some.next;
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn the_newest_deals_of_a_hundred_thousand_cost_few_reads() {
    let store = Counting::default();
    let market = market_of(&store, 0..100_000);
    store.reads.set(0);
    let newest = market.proposals(&store, (99_900, 100_000), 1_000).unwrap();
    assert_eq!((newest.found.len(), newest.next), (100, 100_000));
    assert!(store.reads.get() <= 10, "{} reads", store.reads.get());
}

#[test]
fn balances_are_found_in_tries_of_either_width() {
    let store = Counting::default();
    let amount = |id: u64| Amounts::from_atto(id * 7 + 1);
    let read = |table: Cid, version: u64| {
        let empty = fvm_ipld_hamt::Hamt::<_, Amounts>::new_with_bit_width(&store, 5).flush().unwrap();
        let state = fil_actor_market_state::v8::State {
            escrow_table: table,
            locked_table: empty,
            ..Default::default()
        };
        let market = single_of(&store, 5, &state, version).market().unwrap();
        (0..3_001).map(|id| market.available(&store, id).unwrap()).collect::<Vec<_>>()
    };
    let mut expected: Vec<_> = (0..3_000).map(amount).collect();
    expected.push(Amounts::default());
    let mut wide = fvm_ipld_hamt::Hamt::<_, Amounts>::new_with_bit_width(&store, 6);
    let mut old = fvm_ipld_hamt::Hamtv0::<_, Amounts>::new_with_bit_width(&store, 5);
    for id in 0..3_000 {
        let key = Address::new_id(id).to_bytes();
        wide.set(key.clone().into(), amount(id)).unwrap();
        old.set(key.into(), amount(id)).unwrap();
    }
    assert_eq!(read(wide.flush().unwrap(), 5), expected);
    assert_eq!(read(old.flush().unwrap(), 1), expected);
}

#[test]
fn seventy_changed_claims_of_a_hundred_thousand_cost_few_reads() {
    let store = Counting::default();
    let before: BTreeMap<u64, u64> = (1_000..101_000).map(|id| (id, id)).collect();
    let mut after = before.clone();
    for id in (1_000..101_000).step_by(1_430) {
        after.insert(id, 7);
    }
    let (old, new) =
        (tree(&store, &before, false).power().unwrap(), tree(&store, &after, false).power().unwrap());
    store.reads.set(0);
    let changes = new.claim_changes(&store, &old.claims).unwrap();
    assert_eq!(changes.len(), 70);
    assert!(store.reads.get() < 2 * 70 * 4, "{} reads", store.reads.get());
    assert_eq!(
        new.claims(&store).unwrap().iter().map(|(_, claim)| &claim.power.raw).sum::<BigInt>(),
        after.values().map(|raw| BigInt::from(*raw)).sum()
    );
}

#[test]
fn a_trie_whose_nodes_all_point_to_one_child_is_refused_at_once() {
    let store = Counting::default();
    // A leaf with one key, and above it thirty levels that point to the level below from every slot.
    let bucket: Vec<(serde_bytes::ByteBuf, u64)> = vec![(serde_bytes::ByteBuf::from(vec![0, 1]), 1)];
    let mut child =
        store.put_cbor(&(serde_bytes::ByteBuf::from(vec![1]), vec![bucket]), Code::Blake2b256).unwrap();
    for _ in 0..30 {
        child = store
            .put_cbor(&(serde_bytes::ByteBuf::from(vec![0xff; 4]), vec![child; 32]), Code::Blake2b256)
            .unwrap();
    }
    let tree = single(&store, 4, &fil_actor_power_state::v14::State { claims: child, ..Default::default() });
    store.reads.set(0);
    let error = tree.power().unwrap().claims(&store).unwrap_err();
    assert!(store.reads.get() < 50, "{error}: {} reads", store.reads.get());
}
