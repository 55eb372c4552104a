//! Every WinningPoSt of both recordings, with the challenged sectors read from state.

use std::collections::HashMap;
use std::time::Instant;

use apogee_filecoin_proofs::{
    Refusal, Sector, Trust, Verdict, VerifyingKeys, WinningPost, winning_post_challenges,
};
use apogee_filecoin_state::StateTree;
use cid::Cid;
use fvm_ipld_blockstore::MemoryBlockstore;
use fvm_shared::address::Address;
use multihash_codetable::{Code, MultihashDigest};

const WINNING_TAG: i64 = 3;

fn uvarint(bytes: &mut &[u8]) -> usize {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// Roots and blocks of a compressed CARv1.
fn archive(path: &std::path::Path) -> (Vec<Cid>, HashMap<Cid, Vec<u8>>) {
    let bytes = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let mut rest = &bytes[..];
    let header = uvarint(&mut rest);
    #[derive(serde::Deserialize)]
    struct Roots {
        roots: Vec<Cid>,
    }
    let Roots { roots } = fvm_ipld_encoding::from_slice(&rest[..header]).unwrap();
    rest = &rest[header..];
    let mut blocks = HashMap::new();
    while !rest.is_empty() {
        let length = uvarint(&mut rest);
        let cid = Cid::read_bytes(&rest[..length]).unwrap();
        blocks.insert(cid, rest[cid.encoded_len()..length].to_vec());
        rest = &rest[length..];
    }
    (roots, blocks)
}

#[derive(serde::Deserialize)]
struct Beacon(
    #[expect(dead_code, reason = "its place in the tuple")] u64,
    #[serde(with = "fvm_ipld_encoding::strict_bytes")] Vec<u8>,
);

#[derive(serde::Deserialize)]
struct Proof(i64, #[serde(with = "fvm_ipld_encoding::strict_bytes")] Vec<u8>);

type Ignored = serde::de::IgnoredAny;

#[derive(serde::Deserialize)]
struct Header(
    Address,
    Ignored,
    Ignored,
    Vec<Beacon>,
    Vec<Proof>,
    Vec<Cid>,
    Ignored,
    i64,
    Cid,
    Ignored,
    Ignored,
    Ignored,
    Ignored,
    Ignored,
    Ignored,
    Ignored,
);

fn blake(bytes: &[u8]) -> [u8; 32] {
    Code::Blake2b256.digest(bytes).digest().try_into().unwrap()
}

fn draw(base: &[u8], tag: i64, round: i64, entropy: &[u8]) -> [u8; 32] {
    blake(&[&tag.to_be_bytes()[..], &blake(base), &round.to_be_bytes(), entropy].concat())
}

/// A WinningPoSt that owns what it is about.
struct Owned {
    proof_type: i64,
    randomness: [u8; 32],
    miner: u64,
    sectors: Vec<Sector>,
    proof: Vec<u8>,
}

impl Owned {
    fn post(&self) -> WinningPost<'_> {
        WinningPost {
            proof_type: self.proof_type,
            randomness: self.randomness,
            miner: self.miner,
            sectors: &self.sectors,
            proof: &self.proof,
        }
    }
}

/// The WinningPoSt of every block, main chain only, in ascending order.
fn posts(folder: &str) -> Vec<Owned> {
    let (mut key, blocks) = archive(&apogee_testkit::example(folder).join("chain.car.zst"));
    let store = MemoryBlockstore::default();
    for (cid, block) in &blocks {
        fvm_ipld_blockstore::Blockstore::put_keyed(&store, cid, block).unwrap();
    }
    let mut chain: Vec<Vec<Header>> = Vec::new();
    loop {
        let tipset: Vec<Header> =
            key.iter().map(|cid| fvm_ipld_encoding::from_slice(&blocks[cid]).unwrap()).collect();
        key.clone_from(&tipset[0].5);
        let height = tipset[0].7;
        if height == 0 {
            break;
        }
        chain.push(tipset);
    }
    chain.reverse();
    // The recordings are shorter than the look-back of 900 epochs: it is always the state after genesis.
    let tree = StateTree::open(&store, &chain[0][0].8).unwrap();
    let mut active = HashMap::new();
    let (mut beacon, mut posts) = (Vec::new(), Vec::new());
    for tipset in &chain {
        for header in tipset {
            let miner = header.0.id().unwrap();
            let (info, numbers, state) = active.entry(miner).or_insert_with(|| {
                let state = tree.miner(miner).unwrap().unwrap();
                let numbers: Vec<u64> = state.sector_sets(&store).unwrap().active.iter().collect();
                (state.info(&store).unwrap(), numbers, state)
            });
            let base = header.3.last().map_or(&beacon, |entry| &entry.1);
            let randomness =
                draw(base, WINNING_TAG, header.7, &fvm_ipld_encoding::to_vec(&header.0).unwrap());
            let proof_type = info.winning_post_proof_type().unwrap();
            assert_eq!(header.4[0].0, proof_type);
            let challenged =
                winning_post_challenges(proof_type, randomness, miner, numbers.len() as u64).unwrap();
            let sectors = challenged.iter().map(|index| {
                let sector = state.sector(&store, numbers[*index as usize]).unwrap().unwrap();
                Sector { number: sector.number, sealed_cid: sector.sealed_cid }
            });
            posts.push(Owned {
                proof_type,
                randomness,
                miner,
                sectors: sectors.collect(),
                proof: header.4[0].1.clone(),
            });
        }
        if let Some(entry) = tipset[0].3.last() {
            beacon = entry.1.clone();
        }
    }
    posts
}

fn check(folder: &str, blocks: usize) {
    let owned = posts(folder);
    assert_eq!(owned.len(), blocks);
    let keys = VerifyingKeys::new(apogee_testkit::example("devnet-a/vk"), Trust::Folder);
    let posts: Vec<WinningPost<'_>> = owned.iter().map(Owned::post).collect();
    assert_eq!(keys.verify_winning_post(&posts[0]), Verdict::Valid);
    let started = Instant::now();
    let alone = posts.iter().filter(|post| keys.verify_winning_post(post).is_valid()).count();
    let one_by_one = started.elapsed() / u32::try_from(posts.len()).unwrap();
    assert_eq!(alone, blocks);
    for size in [3, 16, 64, 256, posts.len()] {
        let started = Instant::now();
        assert!(
            posts.chunks(size).all(|chunk| keys.verify_winning_posts(chunk).iter().all(Verdict::is_valid))
        );
        let each = started.elapsed() / u32::try_from(posts.len()).unwrap();
        eprintln!("{folder}: {each:?} each in batches of {size}, {one_by_one:?} one by one");
    }

    // Offenders are named, whatever lies beside them.
    let mut posts = posts;
    let bad = [0, 7, 8, blocks - 1];
    for index in bad {
        posts[index].randomness[1] ^= 4;
    }
    let mut flipped = posts[20].proof.to_vec();
    flipped[191] ^= 1;
    posts[20].proof = &flipped;
    posts[21].proof = &[];
    posts[22].proof_type = 3;
    for (index, verdict) in keys.verify_winning_posts(&posts).into_iter().enumerate() {
        match index {
            20 => assert!(matches!(verdict, Verdict::Invalid(Refusal::Points | Refusal::Wrong))),
            21 => assert_eq!(verdict, Refusal::Length { found: 0, expected: 192 }.into()),
            22 => assert!(matches!(verdict, Verdict::NotMade(_))),
            _ if bad.contains(&index) => assert_eq!(verdict, Refusal::Wrong.into(), "{index}"),
            _ => assert_eq!(verdict, Verdict::Valid, "{index}"),
        }
    }
}

#[test]
fn all_573_winning_posts_of_run_a_hold() {
    check("devnet-a", 573);
}

#[test]
fn all_116_winning_posts_that_were_really_computed_hold() {
    check("devnet-a/real-proofs", 116);
}
