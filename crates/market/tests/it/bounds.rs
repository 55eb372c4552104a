use apogee_market::ask::AskResponse;
use apogee_market::cbor::{Bound, DecodeError, Limits, Scanner, decode};
use apogee_market::deal::{DealParams, DealResponse, Version};
use apogee_market::status::DealStatusResponse;
use apogee_market::transports::QueryResponse;
use proptest::prelude::*;

use crate::made::deal;

const SMALL: Limits = Limits { bytes: 64, string: 32, depth: 3, items: 10 };

fn scan(bytes: &[u8]) -> Result<Option<usize>, Bound> {
    Scanner::new(SMALL).advance(bytes)
}

#[test]
fn an_item_ends_where_it_ends() {
    assert_eq!(scan(&[0x00, 0xff]), Ok(Some(1)));
    assert_eq!(scan(&[0x19, 0x01, 0x00]), Ok(Some(3)));
    assert_eq!(scan(&[0x43, 1, 2, 3]), Ok(Some(4)));
    assert_eq!(scan(&[0x82, 0x01, 0x80]), Ok(Some(3)));
    assert_eq!(scan(&[0xa1, 0x61, b'a', 0xf5, 0x00]), Ok(Some(4)));
    assert_eq!(scan(&[0xd8, 0x2a, 0x41, 0x00]), Ok(Some(4)));
    assert_eq!(scan(&[0xa0]), Ok(Some(1)));
    for cut in [&[][..], &[0x19, 0x01], &[0x43, 1, 2], &[0x82, 0x01], &[0xa1, 0x61, b'a'], &[0xd8]] {
        assert_eq!(scan(cut), Ok(None), "{cut:02x?}");
    }
}

#[test]
fn a_bomb_is_refused_at_its_head() {
    let wide = Limits { items: 10, ..SMALL };
    assert_eq!(Scanner::new(wide).advance(&[0x9b, 0, 0, 0, 1, 0, 0, 0, 0]), Err(Bound::Items(10)));
    assert_eq!(scan(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Bound::Items(10)));
    assert_eq!(scan(&[0x8a; 3]), Ok(None));
    assert_eq!(scan(&[0x81; 60]), Err(Bound::Depth(3)));
    assert_eq!(
        scan(&[0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Err(Bound::String { at: 0, length: u64::MAX, most: 32 })
    );
    assert_eq!(scan(&[0x58, 33]), Err(Bound::String { at: 0, length: 33, most: 32 }));
    assert_eq!(scan(&[0x83, 0x58, 32]), Ok(None));
    for head in [0x9f, 0xbf, 0x5f, 0x7f, 0xff, 0x1c, 0xfd] {
        assert_eq!(scan(&[head, 0]), Err(Bound::Head { at: 0, byte: head }), "{head:#04x}");
    }
}

#[test]
fn all_bounds_count_over_the_whole_item() {
    // Eleven items in three lists, and three strings of 30 bytes in a bound of 64.
    let lists = [0x83, 0x82, 0, 0, 0x82, 0, 0, 0x83, 0, 0, 0];
    assert_eq!(scan(&lists), Err(Bound::Items(10)));
    let strings = [&[0x83][..], &[0x58, 30], &[1; 30], &[0x58, 30], &[1; 30], &[0x58, 30]].concat();
    assert_eq!(scan(&strings), Err(Bound::Bytes(64)));
}

#[test]
fn nothing_may_follow_and_nothing_may_lack() {
    let good = DealResponse { message: String::new(), accepted: true }.encode().unwrap();
    assert!(DealResponse::decode(&good).unwrap().accepted);
    let cut = DealResponse::decode(&good[..good.len() - 1]);
    assert!(matches!(cut, Err(DecodeError::Cut(_))), "{cut:?}");
    let more = DealResponse::decode(&[&good[..], &[0]].concat());
    assert!(matches!(more, Err(DecodeError::Rest(1))), "{more:?}");
    let other: Result<DealResponse, _> = decode("DealResponse", &[0x80], Limits::REPLY);
    assert!(
        matches!(other, Err(DecodeError::Value { what: "DealResponse", why: "it is no map" })),
        "{other:?}"
    );
    let typed = DealResponse::decode(b"\xa1\x67Message\x01");
    assert!(matches!(typed, Err(DecodeError::Type { what: "DealResponse", .. })), "{typed:?}");
}

proptest! {
    /// Fed by any pieces, a scanner says the same as at once.
    #[test]
    fn an_item_in_pieces_is_the_same_item(bytes in proptest::collection::vec(any::<u8>(), 0..80), step in 1_usize..9) {
        let whole = scan(&bytes);
        let mut scanner = Scanner::new(SMALL);
        let mut found = Ok(None);
        for end in (0..=bytes.len()).step_by(step).chain([bytes.len()]) {
            found = scanner.advance(&bytes[..end]);
            if found != Ok(None) {
                break;
            }
        }
        prop_assert_eq!(found, whole);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = DealParams::decode(&bytes);
        let _ = DealResponse::decode(&bytes);
        let _ = DealStatusResponse::decode(&bytes);
        let _ = AskResponse::decode(&bytes);
        let _ = QueryResponse::decode(&bytes);
    }

    /// A deal with one byte changed is refused, or decodes to something that does not pass for the signed one.
    #[test]
    fn a_changed_proposal_does_not_verify(place in 0_usize..600, flip in 1_u8..) {
        let deal = deal();
        let mut bytes = deal.encode(Version::V1_2_1).unwrap();
        let place = place % bytes.len();
        bytes[place] ^= flip;
        if let Ok(read) = DealParams::decode(&bytes) {
            let same = read.client_deal_proposal == deal.client_deal_proposal;
            prop_assert_eq!(read.client_deal_proposal.verify().is_ok(), same);
        }
    }
}
