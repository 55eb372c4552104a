use apogee_retrieval::{Car, CarError};
use bytes::Bytes;
use cid::Cid;
use proptest::prelude::*;

use crate::dag::{RAW, cid};
use crate::world::random;

const LIMIT: usize = 1 << 16;

fn varint(number: u64) -> Vec<u8> {
    unsigned_varint::encode::u64(number, &mut unsigned_varint::encode::u64_buffer()).to_vec()
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn written(blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut car = framed(b"\xa2\x65roots\x80\x67version\x01");
    for block in blocks {
        car.extend(framed(&[cid(RAW, block).to_bytes(), block.clone()].concat()));
    }
    car
}

/// All blocks of bytes that are fed in pieces of so many bytes, and how it ends.
fn read(bytes: &[u8], piece: usize) -> (Vec<(Cid, Bytes)>, Result<(), CarError>) {
    let (mut car, mut blocks) = (Car::new(LIMIT), vec![]);
    for piece in bytes.chunks(piece) {
        car.feed(piece);
        loop {
            match car.read() {
                Ok(Some(block)) => blocks.push(block),
                Ok(None) => break,
                Err(error) => return (blocks, Err(error)),
            }
        }
    }
    (blocks, car.finish())
}

#[test]
fn blocks_are_read_however_they_come() {
    let blocks: Vec<Vec<u8>> = (0..20).map(|seed| random(seed, seed as usize * 37)).collect();
    let car = written(&blocks);
    for piece in [1, 2, 3, 17, 1000, car.len()] {
        let (found, end) = read(&car, piece);
        assert_eq!(end, Ok(()));
        assert_eq!(found.len(), blocks.len());
        assert!(
            found
                .iter()
                .zip(&blocks)
                .all(|((name, found), block)| found == block && *name == cid(RAW, block))
        );
    }
}

#[test]
fn an_end_in_a_section_is_none() {
    let car = written(&[random(1, 300), random(2, 300)]);
    let clean = [car.len(), car.len() - 338, car.len() - 2 * 338];
    for length in 0..=car.len() {
        let (_, end) = read(&car[..length], 50);
        assert_eq!(end.is_ok(), clean.contains(&length), "{length}");
        assert!(matches!(end, Ok(()) | Err(CarError::Truncated { .. })), "{length}: {end:?}");
    }
}

#[test]
fn headers_are_those_of_version_one() {
    for (header, good) in [
        (&b"\xa2\x65roots\x80\x67version\x01"[..], true),
        (b"\xa2\x67version\x01\x65roots\x80", true),
        (b"\xa1\x67version\x01", false),
        (b"\xa1\x67version\x02", false),
        (b"\xa2\x65roots\x80\x67version\x02", false),
        (b"\xa2\x65roots\xf6\x67version\x01", false),
        (b"\xa3\x65roots\x80\x67version\x01\x61x\x01", false),
        (b"\xa2\x65roots\x80\x67version\x01\x00", false),
        (b"\xa2\x65roots\x81\x01\x67version\x01", false),
        (b"\x80", false),
        (b"<!doctype html>", false),
    ] {
        let (_, end) = read(&framed(header), 5);
        assert_eq!(end.is_ok(), good, "{header:?}: {end:?}");
    }
}

#[test]
fn lengths_that_cannot_be_are_refused_before_their_bytes_come() {
    let header = written(&[]);
    for (section, expected) in [
        (varint(0), "section"),
        (varint(LIMIT as u64 + 1000), "section"),
        (varint(u64::MAX), "section"),
        (vec![0xff; 10], "length"),
        (vec![0x80, 0x00], "length"),
        (framed(&[1]), "cid"),
        (framed(&[0x12, 0x20, 1, 2]), "cid"),
        (framed(&[&[1, 0x55, 0x12, 200, 1][..], &[7; 300]].concat()), "cid"),
        (framed(&[cid(RAW, b"").to_bytes(), vec![0; LIMIT + 1]].concat()), "section"),
    ] {
        let (_, end) = read(&[header.clone(), section.clone()].concat(), 4096);
        let kind = match end {
            Err(CarError::Section { .. }) => "section",
            Err(CarError::Length { .. }) => "length",
            Err(CarError::Cid { .. }) => "cid",
            _ => "something else",
        };
        assert_eq!(kind, expected, "{:?}", &section[..section.len().min(20)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_to_the_same_end_however_they_come(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        piece in 1_usize..300,
    ) {
        let whole = read(&bytes, bytes.len().max(1));
        prop_assert_eq!(&whole, &read(&bytes, piece));
    }

    #[test]
    fn a_car_that_is_damaged_anywhere_is_read_to_the_same_end_however_it_comes(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
        piece in 1_usize..300,
    ) {
        let mut car = written(&[random(1, 200), vec![], random(2, 400), random(3, 60)]);
        for (place, byte, way) in damage {
            let place = place.index(car.len());
            match way {
                0 => car[place] = byte,
                1 => car.insert(place, byte),
                _ => drop(car.remove(place)),
            }
        }
        let whole = read(&car, car.len());
        prop_assert!(whole.0.len() <= car.len() / 4);
        prop_assert_eq!(&whole, &read(&car, piece));
    }
}
