//! Commitments against vectors of others.

use apogee_piece::{Commitment, Piece, TooShort};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

fn piece(bytes: &[u8]) -> Piece {
    let mut commitment = Commitment::default();
    commitment.add(bytes);
    commitment.finish().unwrap()
}

#[test]
fn vectors_of_go_fil_commp_hashhash_come_out() {
    for (file, byte) in [("commp/cc.txt", 0xcc_u8), ("commp/zero.txt", 0)] {
        let Some(path) = apogee_testkit::data(file) else { return };
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let [payload, padded, cid] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
            let payload: usize = payload.parse().unwrap();
            if payload > 1 << 30 {
                continue;
            }
            let found = piece(&vec![byte; payload]);
            assert_eq!(found.v1().to_string(), cid, "{file}: {payload}");
            assert_eq!(found.padded.to_string(), padded, "{file}: {payload}");
        }
    }
}

/// The same by the letter of the specification: bit by bit, and node by node.
fn by_hand(payload: &[u8]) -> [u8; 32] {
    let mut bits: Vec<bool> =
        payload.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect();
    bits.resize(bits.len().div_ceil(127 * 8) * 127 * 8, false);
    let mut nodes: Vec<[u8; 32]> = bits
        .chunks(254)
        .map(|element| {
            let mut node = [0; 32];
            for (place, _) in element.iter().enumerate().filter(|(_, set)| **set) {
                node[place / 8] |= 1 << (place % 8);
            }
            node
        })
        .collect();
    nodes.resize(nodes.len().next_power_of_two(), [0; 32]);
    while nodes.len() > 1 {
        nodes = nodes
            .chunks(2)
            .map(|pair| {
                let mut node: [u8; 32] = Sha256::digest(pair.concat()).into();
                node[31] &= 0x3f;
                node
            })
            .collect();
    }
    nodes[0]
}

#[test]
fn any_payload_in_any_cuts_is_what_the_specification_says() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let block = (64 << 10) / 128 * 127;
    let mut sizes: Vec<usize> = vec![65, 126, 127, 128, 254, 255, 1_016, 1_017];
    for blocks in 1..=5 {
        sizes.extend([blocks * block - 1, blocks * block, blocks * block + 1]);
    }
    sizes.extend((0..12).map(|_| random.random_range(65..600_000)));
    for size in sizes {
        let mut bytes = vec![0; size];
        random.fill_bytes(&mut bytes);
        let expected = by_hand(&bytes);
        assert_eq!(piece(&bytes).root, expected, "{size}");
        let mut commitment = Commitment::default();
        let mut left = bytes.as_slice();
        while !left.is_empty() {
            let (now, later) = left.split_at(random.random_range(0..=left.len().min(100_000)));
            commitment.add(now);
            left = later;
        }
        assert_eq!(commitment.finish().unwrap().root, expected, "{size} in pieces");
    }
}

#[test]
fn a_few_bytes_have_no_commitment() {
    let mut commitment = Commitment::default();
    commitment.add(&[1; 64]);
    assert_eq!(commitment.finish(), Err(TooShort));
}

#[test]
fn the_second_version_holds_the_size() {
    // FRC-0069: empty pieces of 127 bytes and more.
    let cid = piece(&[0; 127]).v2().to_string();
    assert_eq!(cid, "bafkzcibcaabdomn3tgwgrh3g532zopskstnbrd2n3sxfqbze7rxt7vqn7veigmy");
    let cid = piece(&[0; 128]).v2().to_string();
    assert_eq!(cid, "bafkzcibcpybwiktap34inmaex4wbs6cghlq5i2j2yd2bb2zndn5ep7ralzphkdy");
}
