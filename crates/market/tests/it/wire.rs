use apogee_market::ask::{AskRequest, AskResponse, SignedAsk, StorageAsk};
use apogee_market::cbor::DecodeError;
use apogee_market::deal::{DealParams, DealResponse, Transfer, Version};
use apogee_market::status::{Checkpoint, DealStatus, DealStatusRequest, DealStatusResponse};
use apogee_market::transports::{QueryResponse, Transport};
use apogee_market::{Label, Rejection};
use fvm_shared::address::Address;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;

use crate::made::{deal, key, proposal};

/// Where these bytes first are.
fn place(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

#[test]
fn a_deal_is_a_map_with_its_shorter_keys_first() {
    let newer = deal().encode(Version::V1_2_1).unwrap();
    assert_eq!(newer[0], 0xa7);
    let keys: [&[u8]; 7] = [
        b"\x68DealUUID",
        b"\x68Transfer",
        b"\x69IsOffline",
        b"\x6cDealDataRoot",
        b"\x70SkipIPNIAnnounce",
        b"\x72ClientDealProposal",
        b"\x72RemoveUnsealedCopy",
    ];
    let places = keys.map(|key| place(&newer, key));
    assert!(places.is_sorted(), "{places:?}");
    let older = deal().encode(Version::V1_2_0).unwrap();
    assert_eq!(older[0], 0xa5);
    let dropped = keys.iter().filter(|key| !older.windows(key.len()).any(|window| window == **key)).count();
    assert_eq!(dropped, 2);
    // UUID: 16 bytes; the transfer: a map of four, its own keys in order too.
    assert_eq!(&newer[place(&newer, keys[0]) + 9..][..1], [0x50]);
    let transfer = &newer[place(&newer, keys[1]) + 9..];
    assert_eq!(transfer[0], 0xa4);
    let inner =
        [&b"\x64Size"[..], b"\x64Type", b"\x66Params", b"\x68ClientID"].map(|key| place(transfer, key));
    assert!(inner.is_sorted(), "{inner:?}");
    // JSON in bytes, as Go reads it.
    place(&newer, br#"{"URL":"http://192.0.2.1/piece","Headers":{"A":"b"}}"#);
}

#[test]
fn a_proposal_is_a_list_of_eleven_with_amounts_in_bytes() {
    let bytes = proposal().encode().unwrap();
    assert_eq!(bytes[0], 0x8b);
    // The piece's CID behind tag 42 and a zero, then 16 MiB, not verified, an `f1` address, `f01000`.
    assert_eq!(&bytes[1..6], [0xd8, 0x2a, 0x58, 0x28, 0x00]);
    assert_eq!(&bytes[45..51], [0x1a, 0x01, 0x00, 0x00, 0x00, 0xf4]);
    assert_eq!(&bytes[51..53], [0x55, 0x01]);
    assert_eq!(&bytes[73..77], [0x43, 0x00, 0xe8, 0x07]);
    // 1,000,000 attoFIL; 14; nothing.
    assert_eq!(&bytes[bytes.len() - 9..], [0x44, 0x00, 0x0f, 0x42, 0x40, 0x42, 0x00, 0x0e, 0x40]);
    let signed = fvm_ipld_encoding::to_vec(&deal().client_deal_proposal).unwrap();
    assert_eq!(signed[0], 0x82);
    assert_eq!(&signed[1..=bytes.len()], bytes);
    assert_eq!(&signed[bytes.len() + 1..][..3], [0x58, 66, 0x01]);
}

#[test]
fn labels_are_text_or_bytes() {
    let mut proposal = proposal();
    for (label, head) in [(Label::Text("ü".into()), 0x62), (Label::Bytes(vec![0xff, 0xfe]), 0x42)] {
        proposal.label = label;
        let bytes = proposal.encode().unwrap();
        assert_eq!(bytes[77], head);
        assert_eq!(fvm_ipld_encoding::from_slice::<apogee_market::DealProposal>(&bytes).unwrap(), proposal);
    }
}

#[test]
fn both_forms_of_a_deal_are_read() {
    let newer = DealParams::decode(&deal().encode(Version::V1_2_1).unwrap()).unwrap();
    assert_eq!(newer, deal());
    let older = DealParams::decode(&deal().encode(Version::V1_2_0).unwrap()).unwrap();
    assert_eq!(older, DealParams { skip_ipni_announce: false, ..deal() });
    assert_eq!(older.transfer.request().unwrap().url, "http://192.0.2.1/piece");
}

#[test]
fn headers_that_go_writes_as_null_are_none() {
    let params = br#"{"URL":"http://192.0.2.1/","Headers":null}"#.to_vec();
    let transfer = Transfer { kind: "http".into(), client_id: String::new(), params, size: 1 };
    assert!(transfer.request().unwrap().headers.is_empty());
}

#[test]
fn a_response_is_read_from_the_bytes_of_cbor_gen() {
    let bytes = b"\xa2\x67Message\x63too\x68Accepted\xf4";
    let response = DealResponse::decode(bytes).unwrap();
    assert_eq!(response, DealResponse { message: "too".into(), accepted: false });
    assert_eq!(response.rejection(), Some(Rejection::Unknown));
    assert_eq!(response.encode().unwrap(), bytes);
    // The order of keys does not matter to a reader, nor does a key that it does not know.
    let other = b"\xa3\x68Accepted\xf5\x64More\x81\x01\x67Message\x60";
    assert_eq!(DealResponse::decode(other).unwrap().rejection(), None);
}

fn status() -> DealStatusResponse {
    DealStatusResponse {
        deal_uuid: deal().deal_uuid,
        error: String::new(),
        deal_status: Some(DealStatus {
            error: String::new(),
            status: "Published".into(),
            sealing_status: "PreCommit1".into(),
            proposal: proposal(),
            signed_proposal_cid: deal().client_deal_proposal.cid().unwrap(),
            publish_cid: Some(deal().deal_data_root),
            chain_deal_id: 4_711,
        }),
        is_offline: false,
        transfer_size: 10,
        bytes_received: 5,
    }
}

#[test]
fn a_status_is_written_and_read() {
    let bytes = status().encode().unwrap();
    assert_eq!(bytes[0], 0xa6);
    assert_eq!(DealStatusResponse::decode(&bytes).unwrap(), status());
    let inner = bytes.windows(11).position(|window| window == b"\x6aDealStatus").unwrap();
    assert_eq!(bytes[inner + 11], 0xa7);
    let known = status().deal_status.unwrap();
    assert_eq!(known.checkpoint(), Some(Checkpoint::Published));
    assert!(Checkpoint::ALL.is_sorted());
    assert_eq!(DealStatus { status: "Sealing".into(), ..known }.checkpoint(), None);
    let without = DealStatusResponse { error: "no".into(), deal_status: None, ..status() };
    assert_eq!(DealStatusResponse::decode(&without.encode().unwrap()).unwrap(), without);
}

#[test]
fn the_older_status_without_sizes_is_read() {
    // What Boost wrote before it told of sizes.
    let uuid = [7; 16];
    let bytes = [&b"\xa3\x65Error\x62no\x68DealUUID\x50"[..], &uuid, b"\x6aDealStatus\xf6"].concat();
    let read = DealStatusResponse::decode(&bytes).unwrap();
    assert_eq!((read.deal_uuid.0, read.error.as_str(), read.transfer_size), (uuid, "no", 0));
}

#[test]
fn a_question_for_a_status_is_signed_over_the_uuid() {
    let request = DealStatusRequest::signed(deal().deal_uuid, &key()).unwrap();
    let read = DealStatusRequest::decode(&request.encode().unwrap()).unwrap();
    assert_eq!(read, request);
    use apogee_market::Signs;
    apogee_market::verify(&key().address(), &read.deal_uuid.0, &read.signature).unwrap();
}

fn ask() -> StorageAsk {
    StorageAsk {
        price: TokenAmount::from_atto(500),
        verified_price: TokenAmount::from_atto(0),
        min_piece_size: PaddedPieceSize(256),
        max_piece_size: PaddedPieceSize(32 << 30),
        miner: Address::new_id(1_000),
        timestamp: 9,
        expiry: 99,
        seq_no: 3,
    }
}

#[test]
fn an_ask_is_written_and_read_and_may_be_none() {
    let request = AskRequest { miner: Address::new_id(1_000) };
    assert_eq!(request.encode().unwrap(), b"\xa1\x65Miner\x43\x00\xe8\x07");
    let some = AskResponse { ask: Some(SignedAsk { ask: Some(ask()), signature: None }) };
    let bytes = some.encode().unwrap();
    assert_eq!(AskResponse::decode(&bytes).unwrap(), some);
    let keys =
        ["Miner", "Price", "SeqNo", "Expiry", "Timestamp", "MaxPieceSize", "MinPieceSize", "VerifiedPrice"];
    let places = keys.map(|key| {
        let head = 0x60 + u8::try_from(key.len()).unwrap();
        place(&bytes, &[&[head][..], key.as_bytes()].concat())
    });
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(AskResponse::decode(b"\xa1\x63Ask\xf6").unwrap(), AskResponse { ask: None });
}

#[test]
fn a_negative_price_is_no_ask() {
    let cheap = StorageAsk { price: TokenAmount::from_atto(-1), ..ask() };
    let bytes = AskResponse { ask: Some(SignedAsk { ask: Some(cheap), signature: None }) }.encode().unwrap();
    assert!(matches!(AskResponse::decode(&bytes), Err(DecodeError::Value { .. })));
}

#[test]
fn transports_are_names_with_addresses_in_bytes() {
    let response = QueryResponse {
        protocols: vec![Transport {
            name: "http".into(),
            addresses: vec![fvm_ipld_encoding::strict_bytes::ByteBuf(vec![4, 192, 0, 2, 1])],
        }],
    };
    let bytes = response.encode().unwrap();
    assert_eq!(bytes, b"\xa1\x69Protocols\x81\xa2\x64Name\x64http\x69Addresses\x81\x45\x04\xc0\x00\x02\x01");
    assert_eq!(QueryResponse::decode(&bytes).unwrap(), response);
}
