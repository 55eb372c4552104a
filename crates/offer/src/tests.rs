use apogee_payload::Class;
use apogee_piece::Commitment;

use super::*;

const SLOT: Slot<'static> = Slot { miner: "t01000", number: 3 };

fn conditions() -> Conditions {
    let classes = [(1_000, 500_000), (300_000, 500_000)];
    let classes = classes.map(|(bytes, weight)| Class { bytes, weight }).to_vec();
    Conditions {
        price: TokenAmount::from_atto(5_000_000_u64),
        collateral: TokenAmount::from_atto(600),
        start: 5_760,
        duration: 518_400,
        verified: false,
        sizes: Sizes::new(classes, 1_000_000).unwrap(),
        window: 8,
    }
}

fn offers(secret: u8) -> Offers {
    let client = Secp256k1Key::from_bytes(&[1; 32]).unwrap();
    Offers::new([secret; 32], client, conditions()).unwrap()
}

fn made(offers: &Offers, slot: Slot<'_>, head: ChainEpoch) -> Made {
    by(offers, slot, Protocol::Market, head)
}

fn by(offers: &Offers, slot: Slot<'_>, protocol: Protocol, head: ChainEpoch) -> Made {
    let payload = offers.payload(slot).unwrap();
    let url = "https://board.example/data/1";
    offers.make(slot, (protocol, Address::new_id(1000)), payload, head, url).unwrap().0
}

#[test]
fn a_provider_finds_the_deal_in_order() {
    let offers = offers(7);
    let made = made(&offers, SLOT, 100);
    let deal = DealParams::decode(&made.document).unwrap();
    let proposal = &deal.client_deal_proposal.proposal;
    let price = &proposal.storage_price_per_epoch * (proposal.end_epoch - proposal.start_epoch);
    assert_eq!(offers.cost(made.size), price + &proposal.client_collateral);
    assert!(offers.cost(made.size) <= offers.need());
    let signed = &deal.client_deal_proposal;
    signed.verify().unwrap();
    assert_eq!(Some(signed.cid().unwrap()), made.proposal);
    let proposal = &signed.proposal;
    assert_eq!((proposal.start_epoch, proposal.end_epoch), (5_860, 524_260));
    assert_eq!((proposal.client, proposal.provider), (offers.client(), Address::new_id(1000)));
    assert_eq!(proposal.provider_collateral, TokenAmount::from_atto(720));
    assert_eq!(deal.deal_uuid.to_string(), made.id);
    assert_eq!(deal.transfer.request().unwrap().url, "https://board.example/data/1");
    assert_eq!(deal.transfer.size, made.size);
    // What the miner will fetch is what the proposal is of.
    let car = offers.data(SLOT, made.payload);
    let mut bytes = vec![0; usize::try_from(car.size()).unwrap()];
    assert_eq!(car.read_at(0, &mut bytes), bytes.len());
    let mut commitment = Commitment::default();
    commitment.add(&bytes);
    let piece = commitment.finish().unwrap();
    assert_eq!((piece.v1(), piece.padded), (proposal.piece_cid, proposal.piece_size.0));
    assert_eq!((*car.dag().root(), made.root), (deal.deal_data_root, deal.deal_data_root));
}

#[test]
fn the_deal_of_a_slot_has_one_name_and_one_payload_whenever_it_is_made() {
    let offers = offers(7);
    let (first, later) = (made(&offers, SLOT, 100), made(&offers, SLOT, 900));
    assert_eq!((&first.id, first.piece, first.payload), (&later.id, later.piece, later.payload));
    assert_ne!(first.proposal, later.proposal);
    assert_eq!(first.id.as_bytes()[14], b'4');
    for other in [Slot { number: 4, ..SLOT }, Slot { miner: "t01001", ..SLOT }] {
        let other = made(&offers, other, 100);
        assert_ne!(other.id, first.id);
        assert_ne!(other.piece, first.piece);
    }
    let other = self::offers(8);
    assert_ne!(made(&other, SLOT, 100).id, first.id);
    assert_ne!(made(&other, SLOT, 100).piece, first.piece);
}

#[test]
fn a_miner_is_sent_no_more_than_the_bytes_of_a_window() {
    let offers = offers(9);
    for miner in ["t01000", "t01001", "t01002"] {
        for window in 0..20 {
            let sizes = (0..8).map(|slot| offers.payload(Slot { miner, number: window * 8 + slot }));
            let sum: u64 = sizes.map(Option::unwrap_or_default).sum();
            assert!(sum <= 1_000_000, "{sum}");
            assert!(sum >= 300_000, "of eight draws one is a large one, mostly: {sum}");
        }
    }
}

#[test]
fn terms_that_no_market_takes_are_refused_before_anybody_waits() {
    let client = Secp256k1Key::from_bytes(&[1; 32]).unwrap();
    let short = Conditions { duration: 100, ..conditions() };
    assert!(matches!(Offers::new([0; 32], client, short), Err(NoOffer::Terms(_))));
}

#[test]
fn a_question_for_the_status_is_the_clients() {
    let offers = offers(7);
    let id: DealUuid = offers.id(SLOT, Protocol::Market).parse().unwrap();
    let signature = offers.ask_status(SLOT).unwrap();
    let (kind, bytes) = signature.split_first().unwrap();
    assert_eq!(*kind, 1, "secp256k1");
    let signature = fvm_shared::crypto::signature::Signature::new_secp256k1(bytes.to_vec());
    apogee_market::verify(&offers.client(), &id.0, &signature).unwrap();
}

#[test]
fn a_deal_for_curio_is_signed_for_its_path_and_minute() {
    use apogee_market_http::{Deal, verify_authorization};
    let offers = offers(7);
    let made = by(&offers, SLOT, Protocol::Direct(Network::Testnet), 100);
    let deal = Deal::from_json(&made.document).unwrap();
    assert_eq!(deal.identifier.to_string(), made.id);
    assert_eq!(deal.products.ddo_v1.provider, "t01000");
    assert_eq!(deal.products.ddo_v1.start_epoch, Some(5_860));
    assert_eq!((made.proposal, made.piece), (None, self::made(&offers, SLOT, 100).piece));
    let base = Target::parse("https://curio.example/sub").unwrap();
    let pass = offers.pass(SLOT, &base, 29_000_000).unwrap();
    let path = "/sub/market/mk20/deal";
    let verified = verify_authorization(&pass.propose, "POST", path, 29_000_001).unwrap();
    assert_eq!(verified, offers.client());
    let status = format!("/sub/market/mk20/status/{}", made.id);
    assert_eq!(verify_authorization(&pass.status, "GET", &status, 29_000_000).unwrap(), offers.client());
    assert!(verify_authorization(&pass.propose, "POST", path, 29_000_003).is_err());
    assert!(verify_authorization(&pass.propose, "GET", path, 29_000_000).is_err());
}
