use apogee_market::Rejection;
use apogee_market_legacy::{DealSize, Failure, Import, Says, StartDeal, State, Transfer};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use serde_json::{Value, json};

use crate::stub::{CID, MINER, PEER, Stub, cid, link};

fn atto(amount: u64) -> TokenAmount {
    TokenAmount::from_atto(amount)
}

fn ask() -> Value {
    json!({
        "Price": "500000000", "VerifiedPrice": "7", "MinPieceSize": 256, "MaxPieceSize": 34_359_738_368_u64,
        "Miner": "t01234", "Timestamp": 10_101, "Expiry": 20_202, "SeqNo": 42
    })
}

#[tokio::test]
async fn an_ask_is_read_in_the_shapes_of_all_years() {
    let mut oldest = ask();
    oldest.as_object_mut().unwrap().remove("VerifiedPrice");
    let shapes = [
        (json!({ "Response": ask(), "DealProtocols": ["/fil/storage/mk/1.1.0"] }), Some(7), 1),
        (json!({ "Response": ask(), "DealProtocols": null }), Some(7), 0),
        (ask(), Some(7), 0),
        (json!({ "Ask": ask(), "Signature": { "Type": 2, "Data": "Ynl0ZSBhcnJheQ==" } }), Some(7), 0),
        (json!({ "Ask": oldest, "Signature": null }), None, 0),
    ];
    for (shape, verified, protocols) in shapes {
        let stub = Stub::answering(shape).await;
        let ask = stub.node.query_ask(PEER, &MINER).await.unwrap();
        assert_eq!((ask.price, ask.verified_price), (atto(500_000_000), verified.map(atto)));
        assert_eq!((ask.min_piece_size, ask.max_piece_size), (256, 34_359_738_368));
        assert_eq!((ask.miner, ask.timestamp, ask.expiry, ask.seq_no), (MINER, 10_101, 20_202, 42));
        assert_eq!(ask.protocols.len(), protocols);
        assert_eq!(stub.asked(), ("ClientQueryAsk".into(), json!([PEER, "t01234"])));
    }
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_none() {
    let mut other = ask();
    other["Miner"] = json!("t09999");
    let stub = Stub::answering(other).await;
    assert!(matches!(stub.node.query_ask(PEER, &MINER).await, Err(Failure::Other { .. })));
    for nothing in [json!({}), json!({ "Response": null, "DealProtocols": null }), json!({ "Price": "1" })] {
        let stub = Stub::answering(nothing).await;
        assert!(matches!(stub.node.query_ask(PEER, &MINER).await, Err(Failure::Nothing("ClientQueryAsk"))));
    }
    let mut mangled = ask();
    mangled["Miner"] = json!("nobody");
    let stub = Stub::answering(mangled).await;
    assert!(matches!(stub.node.query_ask(PEER, &MINER).await, Err(Failure::Malformed { .. })));
}

fn deal() -> StartDeal {
    StartDeal {
        transfer: Transfer::Graphsync,
        root: cid(),
        piece: None,
        piece_size: 0,
        raw_block_size: 0,
        wallet: Address::new_id(7),
        miner: MINER,
        epoch_price: atto(62_500_000),
        duration: 518_400,
        provider_collateral: atto(0),
        start: -1,
        fast_retrieval: true,
        verified: false,
    }
}

#[tokio::test]
async fn a_deal_is_started_in_the_documented_words() {
    let stub = Stub::answering(link()).await;
    assert_eq!(stub.node.start_deal(&deal()).await.unwrap(), cid());
    let data = json!({ "TransferType": "graphsync", "Root": link(), "PieceCid": null, "PieceSize": 0, "RawBlockSize": 0 });
    let expected = json!([{
        "Data": data, "Wallet": "t07", "Miner": "t01234", "EpochPrice": "62500000", "MinBlocksDuration": 518_400,
        "ProviderCollateral": "0", "DealStartEpoch": -1, "FastRetrieval": true, "VerifiedDeal": false
    }]);
    assert_eq!(stub.asked(), ("ClientStartDeal".into(), expected));
    let stub = Stub::answering(link()).await;
    let manual = StartDeal {
        transfer: Transfer::Manual,
        piece: Some(cid()),
        piece_size: 1_016,
        raw_block_size: 900,
        ..deal()
    };
    stub.node.start_deal(&manual).await.unwrap();
    let (_, params) = stub.asked();
    assert_eq!(
        (&params[0]["Data"]["TransferType"], &params[0]["Data"]["PieceCid"]),
        (&json!("manual"), &link())
    );
    let stub = Stub::answering(json!(null)).await;
    assert!(matches!(stub.node.start_deal(&deal()).await, Err(Failure::Nothing("ClientStartDeal"))));
}

fn info(state: u64, message: &str) -> Value {
    json!({
        "ProposalCid": link(), "State": state, "Message": message, "DealStages": { "Stages": null }, "Provider": "t01234",
        "DataRef": null, "PieceCID": link(), "Size": 1_016, "PricePerEpoch": "0", "Duration": 518_400, "DealID": 5_432,
        "CreationTime": "0001-01-01T00:00:00Z", "Verified": true, "TransferChannelID": null, "DataTransfer": null
    })
}

#[tokio::test]
async fn a_deal_is_followed() {
    let stub = Stub::answering(info(7, "")).await;
    let active = stub.node.deal_info(&cid()).await.unwrap();
    assert_eq!(
        (active.state, active.state.says(), active.deal_id),
        (State::ACTIVE, Says::Active, Some(5_432))
    );
    assert_eq!((active.proposal, active.piece, active.provider), (Some(cid()), Some(cid()), MINER));
    assert_eq!(
        (active.size, active.duration, active.verified, active.rejection()),
        (1_016, 518_400, true, None)
    );
    assert_eq!(stub.asked(), ("ClientGetDealInfo".into(), json!([link()])));

    let words = "storage price per epoch less than asking price: 1 < 2";
    let rejected = Stub::answering(info(2, words)).await.node.deal_info(&cid()).await.unwrap();
    assert_eq!(rejected.rejection(), Some(Rejection::Params));
    // Of v1.27's documentation: what is not known yet.
    let bare = json!({
        "ProposalCid": null, "State": 42, "Message": "x".repeat(5_000), "DealStages": null, "Provider": "t01234", "DataRef": null,
        "PieceCID": null, "Size": 42, "PricePerEpoch": "<nil>", "Duration": 42, "DealID": 0
    });
    let bare = Stub::answering(bare).await.node.deal_info(&cid()).await.unwrap();
    assert_eq!((bare.deal_id, bare.message.len(), bare.state.says()), (None, 1_024, Says::LookOnChain));
    let mut other = info(7, "");
    other["ProposalCid"] = json!({ "/": "bafkqaaa" });
    let stub = Stub::answering(other).await;
    assert!(matches!(stub.node.deal_info(&cid()).await, Err(Failure::Other { .. })));
}

fn offer() -> Value {
    json!({
        "Err": "", "Root": link(), "Piece": null, "Size": 42, "MinPrice": "84", "UnsealPrice": "3", "PricePerByte": "2",
        "PaymentInterval": 10, "PaymentIntervalIncrease": 5, "Miner": "t01234",
        "MinerPeer": { "Address": "t01234", "ID": PEER, "PieceCID": null }
    })
}

#[tokio::test]
async fn an_offer_becomes_an_order() {
    let stub = Stub::answering(offer()).await;
    let offer = stub.node.query_offer(&MINER, &cid(), None).await.unwrap();
    assert_eq!(stub.asked(), ("ClientMinerQueryOffer".into(), json!(["t01234", link(), null])));
    let order = offer.order(Address::new_id(7));
    let expected = json!({
        "Root": link(), "Piece": null, "Size": 42, "Total": "84", "UnsealPrice": "3", "PaymentInterval": 10,
        "PaymentIntervalIncrease": 5, "Client": "t07", "Miner": "t01234",
        "MinerPeer": { "Address": "t01234", "ID": PEER, "PieceCID": null }
    });
    let stub = Stub::answering(json!({ "DealID": 5 })).await;
    assert_eq!(stub.node.retrieve(&order).await.unwrap(), 5);
    assert_eq!(stub.asked(), ("ClientRetrieve".into(), json!([expected])));
    for done in [json!({}), json!(null)] {
        let stub = Stub::answering(done).await;
        stub.node.retrieve_to(&order, "/tmp/x", true).await.unwrap();
        let file = json!({ "Path": "/tmp/x", "IsCAR": true });
        assert_eq!(stub.asked(), ("ClientRetrieve".into(), json!([expected, file])));
    }
    // What the node of 2020 does is no number, and no consent to it either.
    let stub = Stub::answering(json!({})).await;
    assert!(matches!(stub.node.retrieve(&order).await, Err(Failure::Rpc(_))));
}

#[tokio::test]
async fn an_offer_that_is_none_says_why() {
    let mut none = offer();
    none["Err"] = json!("get dht peer: ".to_owned() + &"not found".repeat(500));
    none["MinPrice"] = json!("<nil>");
    none["MinerPeer"] = json!(null);
    let stub = Stub::answering(none).await;
    let offer = stub.node.query_offer(&MINER, &cid(), Some(&cid())).await.unwrap();
    assert_eq!((offer.error.len(), offer.min_price, offer.peer), (1_024, atto(0), None));
    assert_eq!(stub.asked().1[2], link());
}

#[tokio::test]
async fn a_file_is_taken_in_and_measured() {
    let stub = Stub::answering(json!({ "Root": link(), "ImportID": 50 })).await;
    assert_eq!(stub.node.import("/data/x.car", true).await.unwrap(), Import { root: cid(), id: Some(50) });
    let expected = json!([{ "Path": "/data/x.car", "IsCAR": true }]);
    assert_eq!(stub.asked(), ("ClientImport".into(), expected));
    let stub = Stub::answering(json!({ "/": CID })).await;
    assert_eq!(stub.node.import("/data/x", false).await.unwrap(), Import { root: cid(), id: None });
    let stub = Stub::answering(json!({ "PayloadSize": 9, "PieceSize": 1_016 })).await;
    let size = stub.node.deal_size(&cid()).await.unwrap();
    assert_eq!(size, DealSize { payload_size: 9, piece_size: 1_016 });
    assert_eq!(stub.asked(), ("ClientDealSize".into(), json!([link()])));
}
