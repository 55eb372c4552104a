//! Deals on made chains.

use apogee_filecoin_state::{DealLabel, Market, StateTree};
use apogee_market::{DealProposal, Label};
use apogee_simnet::{Recipe, Simulation};
use cid::Cid;
use fvm_ipld_encoding::DAG_CBOR;
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;
use multihash_codetable::{Code, MultihashDigest};

use super::make::{assert_accepted, reports, source};
use super::wire::epoch;

const PROVIDER: u64 = 1001;

fn simulation() -> Simulation {
    Simulation::new(Recipe { seed: 31, miners: 7, finality: 10, messages: 1, ..Recipe::default() }).unwrap()
}

/// A deal of the first wallet, told from others by its piece.
pub(crate) fn proposal(made: &Simulation, piece: &str, start: i64, end: i64) -> DealProposal {
    DealProposal {
        piece_cid: Cid::new_v1(DAG_CBOR, Code::Blake2b256.digest(piece.as_bytes())),
        piece_size: PaddedPieceSize(2048),
        verified_deal: false,
        client: made.wallet(1).unwrap().address(),
        provider: Address::new_id(PROVIDER),
        label: Label::Bytes(vec![0xff]),
        start_epoch: start,
        end_epoch: end,
        storage_price_per_epoch: TokenAmount::from_atto(3),
        provider_collateral: TokenAmount::from_atto(5),
        client_collateral: TokenAmount::from_atto(7),
    }
}

/// The market before a tipset that shows what was done up to `done`.
fn after(made: &Simulation, done: i64) -> Market {
    made.mine_to(epoch(done)).unwrap();
    let root = made.mine().unwrap().first().parent_state_root;
    StateTree::open(&**made.ledger(), &root).unwrap().market().unwrap()
}

#[test]
fn deals_are_published_activated_slashed_and_time_out_on_a_chain_that_the_verifier_accepts() {
    let made = simulation();
    let store = &**made.ledger();
    let client = made.wallet_id(1).unwrap();
    made.set_escrow(epoch(2), client, &TokenAmount::from_atto(1_000)).unwrap();
    let deals = [("kept", 30, 90), ("slashed", 30, 90), ("late", 20, 60)]
        .map(|(piece, start, end)| proposal(&made, piece, start, end));
    let market = after(&made, 2);
    assert_eq!((market.next_deal, market.available(store, client).unwrap().atto()), (0, &1_000.into()));

    made.publish_deals(epoch(8), &deals).unwrap();
    let market = after(&made, 8);
    assert_eq!(market.next_deal, 3);
    // Price for their epochs, and the collateral.
    assert_eq!(
        market.available(store, client).unwrap().atto(),
        &(1_000 - (3 * 60 + 7) * 2 - (3 * 40 + 7)).into()
    );
    let found = market.proposals(store, (0, 3), 10).unwrap().found;
    for ((id, terms), deal) in found.iter().zip(&deals) {
        assert_eq!(made.deal(deal).unwrap(), Some(*id));
        assert_eq!((terms.piece, terms.start, terms.end), (deal.piece_cid, deal.start_epoch, deal.end_epoch));
        assert_eq!((terms.client, terms.provider), (Address::new_id(client), deal.provider));
        assert_eq!((&terms.label, terms.bytes), (&DealLabel::Bytes(vec![0xff]), 2048));
        assert_eq!((&terms.price, terms.verified), (&deal.storage_price_per_epoch, false));
        assert_eq!(market.deal(store, *id).unwrap(), None);
    }

    let at = made.ledger().head().epoch().height() + 1;
    made.activate_deals(epoch(at), &[0, 1]).unwrap();
    let market = after(&made, at);
    for deal in [0, 1] {
        let state = market.deal(store, deal).unwrap().unwrap();
        assert_eq!((state.sector_start, state.slashed, state.sector), (Some(at), None, Some(0)));
    }
    assert_eq!(market.deals(store).unwrap().totals(at).get(&PROVIDER).unwrap().count, 2);

    let at = made.ledger().head().epoch().height() + 1;
    made.slash_deals(epoch(at), &[1]).unwrap();
    let market = after(&made, at);
    assert_eq!((market.proposal(store, 1).unwrap(), market.deal(store, 1).unwrap()), (None, None));
    assert!(at < 19 && market.proposal(store, 2).unwrap().is_some());

    let market = after(&made, 20);
    assert_eq!(market.proposal(store, 2).unwrap(), None, "nobody activated it in time");
    assert!(market.proposal(store, 0).unwrap().is_some());
    assert_eq!(market.available(store, client).unwrap().atto(), &(1_000 - (3 * 60 + 7)).into());
    assert_eq!(market.next_deal, 3);

    assert_accepted(&reports(&made, &source(&made)));
}

#[test]
fn what_the_market_actor_would_refuse_is_refused() {
    let made = simulation();
    let client = made.wallet_id(1).unwrap();
    let good = proposal(&made, "good", 30, 90);
    let publish = |deals: &[DealProposal]| {
        made.publish_deals(epoch(12), deals).map_err(|error| error.to_string()).unwrap_err()
    };
    assert_eq!(publish(&[proposal(&made, "x", 30, 30)]), "a deal ends before it starts");
    assert_eq!(publish(&[proposal(&made, "x", 11, 30)]), "the start of a deal has passed");
    assert_eq!(publish(&[good.clone(), good.clone()]), "the same deal was published before");
    let strange = DealProposal { provider: Address::new_id(PROVIDER + 100), ..good.clone() };
    assert_eq!(publish(&[strange]), "a provider is no miner of the chain");
    let unknown = Address::new_bls(&[7; 48]).unwrap();
    assert_eq!(
        publish(&[DealProposal { client: unknown, ..good.clone() }]),
        "a client is no account of the chain"
    );

    made.set_escrow(epoch(1), client, &TokenAmount::from_atto(3 * 60 + 7)).unwrap();
    after(&made, 1);
    made.publish_deals(epoch(12), std::slice::from_ref(&good)).unwrap();
    assert_eq!(publish(std::slice::from_ref(&good)), "the same deal was published before");
    let known_by_id = DealProposal { client: Address::new_id(client), ..good.clone() };
    assert_eq!(publish(&[known_by_id]), "the same deal was published before");
    let next = after(&made, 12).next_deal;
    assert_eq!(next, 1);
    let at = |more: i64| epoch(made.ledger().head().epoch().height() + more);
    let words = |result: Result<(), apogee_simnet::MakeError>| result.unwrap_err().to_string();
    assert_eq!(words(made.publish_deals(at(1), &[good])), "the same deal was published before");
    assert_eq!(
        words(made.publish_deals(at(1), &[proposal(&made, "more", 30, 90)])),
        "the client's escrow does not suffice"
    );
    assert_eq!(words(made.set_escrow(at(1), client, &TokenAmount::from_atto(1))), "more is locked");
    assert_eq!(words(made.set_escrow(at(1), 99_999, &TokenAmount::from_atto(1))), "there is no such client");
    assert_eq!(words(made.publish_deals(at(0), &[])), "that epoch has been mined");
    assert_eq!(words(made.activate_deals(at(1), &[1])), "there is no such deal");
    assert_eq!(words(made.activate_deals(epoch(31), &[0])), "the start of a deal has passed");
    assert_eq!(words(made.slash_deals(at(1), &[0])), "a deal is not active");
    made.activate_deals(at(1), &[0]).unwrap();
    after(&made, at(1).height());
    assert_eq!(words(made.activate_deals(at(1), &[0])), "a deal is active already");
    assert_eq!(words(made.slash_deals(epoch(90), &[0])), "a deal has ended");
}

#[test]
fn a_branch_may_have_other_deals_under_the_same_ids() {
    let made = simulation();
    let store = &**made.ledger();
    let (first, second) = (proposal(&made, "first", 60, 90), proposal(&made, "second", 60, 90));
    after(&made, 10);
    let from = made.ledger().head().epoch().height();
    made.publish_deals_on(0, epoch(from + 2), std::slice::from_ref(&first)).unwrap();
    after(&made, from + 4);
    assert_eq!(made.deal(&first).unwrap(), Some(0));
    made.publish_deals_on(1, epoch(from + 1), std::slice::from_ref(&second)).unwrap();
    made.publish_deals_on(1, epoch(from + 3), std::slice::from_ref(&first)).unwrap();
    let mut depth = 0;
    let mut at = made.ledger().head();
    while at.epoch().height() > from {
        at = made.ledger().parent(&at).unwrap();
        depth += 1;
    }
    made.fork(depth, depth + 3, 1).unwrap();
    assert_eq!((made.deal(&second).unwrap(), made.deal(&first).unwrap()), (Some(0), Some(1)));
    let market = after(&made, made.ledger().head().epoch().height() + 1);
    assert_eq!(market.proposal(store, 0).unwrap().unwrap().piece, second.piece_cid);
    assert_eq!(market.proposal(store, 1).unwrap().unwrap().piece, first.piece_cid);
    let words = made.publish_deals_on(1, epoch(from + 2), &[proposal(&made, "third", 60, 90)]);
    assert_eq!(words.unwrap_err().to_string(), "that epoch has been mined");
    assert_accepted(&reports(&made, &source(&made)));
}
