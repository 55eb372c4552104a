use apogee_filecoin::car::{CarError, CarStore, Limits};
use apogee_filecoin::types::cid_of;
use apogee_testkit::example;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use proptest::prelude::*;

/// The bytes of a CARv1 with these roots and blocks.
pub(crate) fn archive(roots: &[Cid], blocks: &[(Cid, &[u8])]) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Header<'a> {
        roots: &'a [Cid],
        version: u64,
    }
    let mut bytes = section(&fvm_ipld_encoding::to_vec(&Header { roots, version: 1 }).unwrap());
    for (cid, data) in blocks {
        bytes.extend(section(&[&cid.to_bytes(), *data].concat()));
    }
    bytes
}

fn section(content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(content.len() as u64);
    bytes.extend_from_slice(content);
    bytes
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn small() -> Vec<u8> {
    let blocks = [&b"one"[..], b"two", b"three"];
    let named: Vec<_> = blocks.iter().map(|data| (cid_of(data), *data)).collect();
    archive(&[cid_of(b"one")], &named)
}

fn read(bytes: &[u8]) -> Result<CarStore, CarError> {
    CarStore::read(bytes, &Limits::DEFAULT)
}

#[test]
fn an_archive_cut_anywhere_is_refused_with_the_place_or_holds_fewer_blocks() {
    let whole = small();
    for cut in 0..whole.len() {
        match read(&whole[..cut]) {
            Ok(store) => assert!(store.len() < 3, "cut at {cut}"),
            Err(CarError::Truncated { offset, .. }) => assert!(offset <= cut, "cut at {cut}, said {offset}"),
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
    assert_eq!(read(&whole).unwrap().len(), 3);
}

#[test]
fn one_flipped_bit_in_a_block_or_its_name_is_caught() {
    let whole = small();
    let header = whole[0] as usize + 1;
    for byte in header..whole.len() {
        for bit in 0..8 {
            let mut bad = whole.clone();
            bad[byte] ^= 1 << bit;
            // The version and the codec of a CID name no content: those two bytes may change.
            if let Ok(store) = read(&bad) {
                assert!(whole[byte] == 0x71 && store.len() == 3, "byte {byte} bit {bit}: {store:?}");
            }
        }
    }
}

#[test]
fn claims_beyond_the_limits_are_refused_before_anything_is_allocated() {
    let limits = Limits { bytes: 10_000, blocks: 2, block_bytes: 100, header_bytes: 50, roots: 1 };
    let read = |bytes: &[u8]| CarStore::read(bytes, &limits);
    let too_large = |bytes: &[u8], what: &str| match read(bytes) {
        Err(CarError::TooLarge { what: said, .. }) => assert_eq!(said, what),
        other => panic!("{what}: {other:?}"),
    };
    let one = cid_of(b"one");
    too_large(&small()[..], "the header");
    let limits = Limits { header_bytes: 500, ..limits };
    let read = |bytes: &[u8]| CarStore::read(bytes, &limits);
    let too_large = |bytes: &[u8], what: &str| match read(bytes) {
        Err(CarError::TooLarge { what: said, .. }) => assert_eq!(said, what),
        other => panic!("{what}: {other:?}"),
    };
    too_large(&small(), "the number of blocks");
    too_large(&archive(&[one, one], &[]), "the number of roots");
    let big = [0; 101];
    too_large(&archive(&[one], &[(cid_of(&big), &big)]), "a block");
    too_large(&vec![0; 10_001], "the archive");
    let mut lies = archive(&[one], &[]);
    lies.extend(varint(u64::MAX >> 1));
    too_large(&lies, "a block");
}

#[test]
fn section_lengths_that_are_no_lengths_are_refused() {
    let head = archive(&[cid_of(b"one")], &[]);
    for bad in [&[0x80; 10][..], &[0xff; 9], &[0x81, 0x00], &[0x00], &[0x80]] {
        let error = read(&[&head, bad].concat()).unwrap_err();
        assert!(!matches!(error, CarError::WrongHash { .. }), "{bad:?}: {error}");
    }
}

#[test]
fn a_small_zstd_frame_that_becomes_large_stops_at_the_limit() {
    let bomb = zstd::encode_all(&vec![0; 64 << 20][..], 1).unwrap();
    assert!(bomb.len() < 10_000);
    let limits = Limits { bytes: 1 << 20, ..Limits::DEFAULT };
    let error = CarStore::read(&*bomb, &limits).unwrap_err();
    assert!(matches!(error, CarError::TooLarge { what: "the archive", .. }), "{error}");
}

#[test]
fn a_carv2_reads_like_its_content_and_offsets_outside_the_file_are_refused() {
    let content = small();
    let v2 = |offset: u64, size: u64| {
        let mut bytes = b"\x0a\xa1\x67version\x02".to_vec();
        bytes.extend([0; 16]);
        bytes.extend(offset.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend(&content);
        bytes
    };
    let size = content.len() as u64;
    assert_eq!(read(&v2(51, size)).unwrap().len(), 3);
    let outside = [(51, size + 1), (50, size), (0, size), (u64::MAX, size), (51, u64::MAX), (52 + size, 0)];
    for (offset, size) in outside {
        let error = read(&v2(offset, size)).unwrap_err();
        assert!(matches!(error, CarError::Malformed { .. }), "{offset} {size}: {error}");
    }
    assert!(matches!(read(&v2(51, size)[..30]), Err(CarError::Truncated { .. })));
}

#[test]
fn names_by_other_hash_functions_are_refused_and_identity_carries_its_own_content() {
    let keccak = Cid::new_v1(0x71, cid::multihash::Multihash::wrap(0x1b, &[7; 32]).unwrap());
    let error = read(&archive(&[keccak], &[(keccak, b"x")])).unwrap_err();
    assert!(matches!(error, CarError::UnknownHash { code: 0x1b, .. }), "{error}");
    // The digest of a block that is there, said to be by another function, names another block.
    let store = read(&small()).unwrap();
    for code in [0x12, 0x1b] {
        let digest = cid::multihash::Multihash::wrap(code, cid_of(b"one").hash().digest()).unwrap();
        assert_eq!(store.block(&Cid::new_v1(0x71, digest)), None);
    }
    let identity = Cid::new_v1(0x55, cid::multihash::Multihash::wrap(0, b"fil/1/system").unwrap());
    let store = read(&archive(&[identity], &[(identity, b"fil/1/system")])).unwrap();
    assert_eq!(store.get(&identity).unwrap().unwrap(), b"fil/1/system");
    assert!(read(&archive(&[identity], &[(identity, b"fil/1/other!")])).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutation_of_a_real_archive_panics_or_passes_off_other_content(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = zstd::decode_all(&*std::fs::read(example("devnet-a/real-proofs/genesis.car.zst")).unwrap()).unwrap();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(store) = read(&bytes) {
            for root in store.roots() {
                if let Some(block) = store.block(root) {
                    prop_assert_eq!(apogee_filecoin::car::verify_block(root, block), Ok(true));
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
        let _ = read(&[&b"\x28\xb5\x2f\xfd"[..], &bytes].concat());
        let _ = read(&[&b"\x0a\xa1\x67version\x02"[..], &bytes].concat());
    }
}
