//! Every WinningPoSt of both recordings, with the challenged sectors read from state.

use std::collections::HashMap;
use std::time::Instant;

use apogee_filecoin_proofs::{
    Refusal, Sector, Trust, Verdict, VerifyingKeys, WinningPost, winning_post_challenges,
};
use apogee_filecoin_state::{StateTree, nth};
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

#[derive(serde::Deserialize)]
struct Bytes(#[serde(with = "fvm_ipld_encoding::strict_bytes")] Vec<u8>);

type Ignored = serde::de::IgnoredAny;

#[derive(serde::Deserialize)]
struct Tuple(
    Address,
    Option<(Bytes,)>,
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

/// What proofs need of a block header.
pub(crate) struct Header {
    pub(crate) miner: Address,
    pub(crate) ticket: Vec<u8>,
    pub(crate) beacon: Option<Vec<u8>>,
    pub(crate) winning: Option<(i64, Vec<u8>)>,
    pub(crate) parents: Vec<Cid>,
    pub(crate) height: i64,
    pub(crate) state: Cid,
}

/// The main chain of a recording.
pub(crate) struct Chain {
    pub(crate) store: MemoryBlockstore,
    /// From genesis on, each with its key.
    pub(crate) tipsets: Vec<(Vec<Cid>, Vec<Header>)>,
}

impl Chain {
    pub(crate) fn open(folder: &str) -> Self {
        let (mut key, blocks) = archive(&apogee_testkit::example(folder).join("chain.car.zst"));
        let store = MemoryBlockstore::default();
        for (cid, block) in &blocks {
            fvm_ipld_blockstore::Blockstore::put_keyed(&store, cid, block).unwrap();
        }
        let header = |cid: &Cid| {
            let mut tuple: Tuple = fvm_ipld_encoding::from_slice(&blocks[cid]).unwrap();
            Header {
                miner: tuple.0,
                ticket: tuple.1.unwrap().0.0,
                beacon: tuple.3.pop().map(|entry| entry.1),
                winning: tuple.4.pop().map(|proof| (proof.0, proof.1)),
                parents: tuple.5,
                height: tuple.7,
                state: tuple.8,
            }
        };
        let mut tipsets = Vec::new();
        loop {
            let headers: Vec<Header> = key.iter().map(header).collect();
            let (parents, height) = (headers[0].parents.clone(), headers[0].height);
            tipsets.push((key, headers));
            if height == 0 {
                break;
            }
            key = parents;
        }
        tipsets.reverse();
        Self { store, tipsets }
    }

    /// The last tipset at or before an epoch, genesis at the earliest.
    pub(crate) fn at(&self, epoch: i64) -> &[Header] {
        &self.tipsets.iter().rev().find(|(_, headers)| headers[0].height <= epoch.max(0)).unwrap().1
    }

    /// The last beacon entry at or before an epoch.
    pub(crate) fn beacon(&self, epoch: i64) -> &[u8] {
        let mut before = self.tipsets.iter().rev().filter(|(_, headers)| headers[0].height <= epoch);
        before.find_map(|(_, headers)| headers[0].beacon.as_deref()).unwrap()
    }
}

fn blake(bytes: &[u8]) -> [u8; 32] {
    Code::Blake2b256.digest(bytes).digest().try_into().unwrap()
}

pub(crate) fn draw(base: &[u8], tag: i64, round: i64, entropy: &[u8]) -> [u8; 32] {
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

/// The WinningPoSt of every block, in ascending order.
fn posts(folder: &str) -> Vec<Owned> {
    let chain = Chain::open(folder);
    let store = &chain.store;
    // The recordings are shorter than the look-back of 900 epochs: it is always the state after genesis.
    let tree = StateTree::open(store, &chain.tipsets[1].1[0].state).unwrap();
    let mut active = HashMap::new();
    let mut posts = Vec::new();
    for header in chain.tipsets.iter().skip(1).flat_map(|(_, headers)| headers) {
        let miner = header.miner.id().unwrap();
        let (info, numbers, state) = active.entry(miner).or_insert_with(|| {
            let state = tree.miner(miner).unwrap().unwrap();
            (state.info(store).unwrap(), state.sector_sets(store).unwrap().active, state)
        });
        let base = header.beacon.as_deref().unwrap_or_else(|| chain.beacon(header.height - 1));
        let entropy = fvm_ipld_encoding::to_vec(&header.miner).unwrap();
        let randomness = draw(base, WINNING_TAG, header.height, &entropy);
        let proof_type = info.winning_post_proof_type().unwrap();
        let (found, proof) = header.winning.clone().unwrap();
        assert_eq!(found, proof_type);
        let challenged = winning_post_challenges(proof_type, randomness, miner, numbers.len()).unwrap();
        let sectors = challenged.iter().map(|index| {
            let sector = state.sector(store, nth(numbers, *index).unwrap()).unwrap().unwrap();
            Sector { number: sector.number, sealed_cid: sector.sealed_cid }
        });
        posts.push(Owned { proof_type, randomness, miner, sectors: sectors.collect(), proof });
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
