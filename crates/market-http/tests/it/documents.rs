use apogee_market::Signs;
use apogee_market_http::{
    Deal, DealCode, Format, Source, State, Status, Terms, TermsError, Ulid, Url, payload,
};
use apogee_piece::Commitment;
use cid::Cid;
use fvm_shared::address::{Address, Network};
use proptest::prelude::*;

use crate::world::{MINER, key, piece};

#[test]
fn a_ulid_is_what_its_specification_says() {
    let text = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let ulid: Ulid = text.parse().unwrap();
    assert_eq!(hex::encode(ulid.0), "01563e3ab5d3d6764c61efb99302bd5b");
    assert_eq!(ulid.to_string(), text);
    assert_eq!(text.to_lowercase().parse(), Ok(ulid));
    let parts =
        Ulid::from_parts(0x0156_3e3a_b5d3, hex::decode("d6764c61efb99302bd5b").unwrap().try_into().unwrap());
    assert_eq!(parts, ulid);
    assert_eq!(Ulid([0xff; 16]).to_string(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    let bad = [
        "",
        "01ARZ3NDEKTSV4RRFFQ69G5FA",
        "01ARZ3NDEKTSV4RRFFQ69G5FAVV",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "01ARZ3NDEKTSV4RRFFQ69G5FAé",
    ];
    for text in bad {
        assert!(text.parse::<Ulid>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_sixteen_bytes_are_a_ulid_and_sort_like_their_text(a: [u8; 16], b: [u8; 16]) {
        let (a, b) = (Ulid(a), Ulid(b));
        prop_assert_eq!(a.to_string().parse(), Ok(a));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn no_text_is_read_as_a_ulid_that_is_written_otherwise(text in "[0-9A-Za-z]{26}") {
        if let Ok(ulid) = text.parse::<Ulid>() {
            prop_assert_eq!(ulid.to_string(), text.to_uppercase());
        }
    }

    #[test]
    fn a_status_never_panics(json in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Status::from_json(&json);
        let _ = Deal::from_json(&json);
    }

    #[test]
    fn a_piece_cid_tells_how_much_it_names(length in 65_usize..5_000) {
        let mut commitment = Commitment::default();
        commitment.add(&vec![1; length]);
        let piece = commitment.finish().unwrap();
        prop_assert_eq!(payload(&piece.v2()), Some(length as u64));
        prop_assert_eq!(payload(&piece.v1()), None);
    }
}

fn terms() -> Terms {
    Terms {
        identifier: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        client: key(7).address(),
        provider: MINER,
        network: Network::Testnet,
        piece: piece().1,
        format: Format::Car {},
        source: Source::SourceHttp { urls: vec![url()] },
        start: None,
        duration: 518_400,
        allocation: None,
        indexing: true,
        announce: false,
    }
}

fn url() -> Url {
    Url { url: "https://bot.example/piece/x".into(), headers: [].into(), priority: 0, fallback: false }
}

#[test]
fn a_deal_is_written_as_curio_reads_it() {
    let (_, cid) = piece();
    let client = key(7).address().to_string().replacen('f', "t", 1);
    let begin = format!(
        r#"{{"identifier":"01ARZ3NDEKTSV4RRFFQ69G5FAV","client":"{client}","data":{{"piece_cid":{{"/":"{cid}"}},"format":{{"car":{{}}}},"#
    );
    let ddo = r#""ddo_v1":{"provider":"t01000","start_epoch":null,"duration":518400,"market_address":"","market_deal_id":null}"#;
    let retrieval = r#""retrieval_v1":{"indexing":true,"announce_payload":false,"announce_piece":false}"#;
    let source = r#""source_http":{"urls":[{"url":"https://bot.example/piece/x","headers":{},"priority":0,"fallback":false}]}"#;
    let expected = format!(r#"{begin}{source}}},"products":{{{ddo},{retrieval}}}}}"#);
    let deal = terms().deal().unwrap();
    assert_eq!(String::from_utf8(deal.to_json().unwrap()).unwrap(), expected);
    assert_eq!(Deal::from_json(expected.as_bytes()).unwrap(), deal);

    let pushed = Terms { source: Source::SourceHttpPut {}, start: Some(5), allocation: Some(9), ..terms() };
    let deal = pushed.deal().unwrap();
    let json = String::from_utf8(deal.to_json().unwrap()).unwrap();
    assert!(json.contains(r#""source_http_put":{}}"#), "{json}");
    assert!(json.contains(r#""start_epoch":5,"duration":518400,"allocation_id":9,"#), "{json}");
    assert_eq!(Deal::from_json(json.as_bytes()).unwrap(), deal);
    let main = Terms { network: Network::Mainnet, ..terms() }.deal().unwrap();
    assert_eq!((main.client.get(..2), main.products.ddo_v1.provider.as_str()), (Some("f1"), "f01000"));
}

#[test]
fn a_deal_that_curio_would_refuse_for_its_form_is_not_made() {
    let v1: Cid = "baga6ea4seaqao7s73y24kcutaosvacpdjgfe5pw76ooefnyqw4ynr3d2y6x2mpq".parse().unwrap();
    let crowded = Url { headers: (0..11).map(|n| (n.to_string(), vec![])).collect(), ..url() };
    let of = |urls: Vec<Url>| Terms { source: Source::SourceHttp { urls }, ..terms() };
    let cases = [
        (Terms { client: MINER, ..terms() }, TermsError::Client(MINER)),
        (
            Terms { provider: Address::new_actor(b"x"), ..terms() },
            TermsError::Provider(Address::new_actor(b"x")),
        ),
        (Terms { piece: v1, ..terms() }, TermsError::Piece(v1)),
        (of(vec![]), TermsError::Urls(0)),
        (of(vec![url(); 11]), TermsError::Urls(11)),
        (of(vec![crowded]), TermsError::Headers(11)),
        (Terms { start: Some(0), ..terms() }, TermsError::Start(0)),
        (Terms { duration: 518_399, ..terms() }, TermsError::Duration(518_399)),
        (Terms { duration: 3_680_641, ..terms() }, TermsError::Duration(3_680_641)),
        (Terms { allocation: Some(1), duration: 0, ..terms() }, TermsError::Duration(0)),
        (Terms { format: Format::Raw {}, ..terms() }, TermsError::Indexing),
        (Terms { indexing: false, announce: true, ..terms() }, TermsError::Indexing),
    ];
    for (terms, error) in cases {
        assert_eq!(terms.deal(), Err(error));
    }
}

#[test]
fn a_status_is_read_and_cut_to_size() {
    let words = [
        ("accepted", State::Accepted),
        ("uploading", State::Uploading),
        ("processing", State::Processing),
        ("sealing", State::Sealing),
        ("indexing", State::Indexing),
        ("failed", State::Failed),
        ("complete", State::Complete),
        ("levitating", State::Unknown),
    ];
    for (word, state) in words {
        let json = format!(r#"{{"ddo_v1":{{"status":"{word}","errorMsg":"","more":[1]}},"pdp_v1":null}}"#);
        let status = Status::from_json(json.as_bytes()).unwrap();
        assert_eq!(status.ddo_v1.unwrap().state, state);
        assert_eq!(status.pdp_v1, None);
    }
    let long = format!(r#"{{"ddo_v1":{{"status":"failed","error_msg":"{}"}}}}"#, "ä".repeat(3_000));
    assert_eq!(Status::from_json(long.as_bytes()).unwrap().ddo_v1.unwrap().error.len(), 1_024);
    assert_eq!(Status::from_json(b"{}").unwrap(), Status::default());
    let deep = "[".repeat(60_000);
    let bad = [
        "",
        "null",
        "[]",
        "7",
        r#"{"ddo_v1":[]}"#,
        r#"{"ddo_v1":{"status":7}}"#,
        r#"{"ddo_v1":{}}"#,
        "\"",
        &deep,
    ];
    for json in bad {
        assert!(Status::from_json(json.as_bytes()).is_err(), "{}", &json[..json.len().min(40)]);
    }
}

#[test]
fn every_code_has_its_status() {
    for code in DealCode::ALL {
        assert_eq!(DealCode::of(code.status()), Some(*code));
    }
    assert_eq!(DealCode::of(200), None);
}
