//! The fuzz targets on stable: a bounded number of seeded mutations of real inputs.

use std::time::{Duration, Instant};

use apogee_filecoin::car::{CarStore, Limits};
use apogee_filecoin::source::{CarSource, Source};
use apogee_testkit::example;

use super::rpc_recording::exchanges;
use super::{car_hostile, fuzz_entries};

/// `SplitMix64`, so that a failure can be repeated by its number.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }
}

/// Heads of enormous CBOR items, varints and JSON that decoders have stumbled over.
const NASTY: &[&[u8]] = &[
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xbb\x00\x00\x00\x00\xff\xff\xff\xff",
    b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x7a\xff\xff\xff\xff",
    b"\xd8\x2a\x58\x00",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81",
    b"-99999999999999999999999999999999999999",
    b"18446744073709551616",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"null",
    b"\"\\ud800\"",
    b"1e999",
];

fn mutated(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(40)).min(bytes.len());
        match random.below(8) {
            0..=2 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            3 if !bytes.is_empty() => bytes[at] = random.below(256) as u8,
            4 => drop(bytes.drain(at..end)),
            5 => bytes.truncate(at),
            6 => drop(bytes.splice(at..end, NASTY[random.below(NASTY.len())].iter().copied())),
            _ => {
                let from = random.below(other.len());
                let to = (from + random.below(200)).min(other.len());
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
        }
    }
    bytes
}

fn run(name: &str, entry: fn(&[u8]), seeds: &[Vec<u8>], count: usize) {
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for seed in seeds {
        entry(seed);
    }
    let start = Instant::now();
    for number in 0..count {
        let mut random = Random(number as u64);
        let (seed, other) = (random.below(seeds.len()), random.below(seeds.len()));
        let input = mutated(&seeds[seed], &seeds[other], &mut random);
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(|| entry(&input));
        assert!(outcome.is_ok(), "mutation {number} of {name}, seed {seed}");
        assert!(started.elapsed() < Duration::from_secs(2), "mutation {number} of {name} hangs");
    }
    eprintln!("{name}: {count} mutations in {:?}", start.elapsed());
}

fn chain() -> CarSource {
    CarSource::open(&[&example("devnet-a/chain.car.zst")], &Limits::DEFAULT).unwrap()
}

fn results(file: &str, method: &str, longest: usize, count: usize) -> Vec<Vec<u8>> {
    let exchanges = exchanges(file).filter(|exchange| exchange.method() == method);
    let results = exchanges.filter_map(|e| e.result().map(|result| result.as_bytes().to_vec()));
    results.filter(|result| result.len() < longest).take(count).collect()
}

#[test]
fn archives_survive_mutation() {
    let genesis = zstd::decode_all(&*std::fs::read(example("devnet-a/genesis.car.zst")).unwrap()).unwrap();
    let store = CarStore::read(&*genesis, &Limits::DEFAULT).unwrap();
    let chain = chain();
    let blocks = chain.blocks();
    let head = chain.chain().next_back().unwrap().clone();
    let named: Vec<_> = head.key().0.iter().map(|cid| (*cid, blocks.get(cid).unwrap().unwrap())).collect();
    let named: Vec<_> = named.iter().map(|(cid, bytes)| (*cid, bytes.as_slice())).collect();
    let small = car_hostile::archive(&head.key().0, &named);
    let packed = zstd::encode_all(&*small, 1).unwrap();
    let mut v2 = b"\x0a\xa1\x67version\x02".to_vec();
    v2.extend([0; 16]);
    v2.extend(51_u64.to_le_bytes());
    v2.extend((small.len() as u64).to_le_bytes());
    v2.extend([0; 8]);
    v2.extend(&small);
    assert!(store.len() > 100);
    run("car", fuzz_entries::car, &[small, packed, v2], 9_000);
    run("car", fuzz_entries::car, &[genesis], 1_000);
}

#[test]
fn headers_survive_mutation() {
    let chain = chain();
    let seeds: Vec<_> =
        chain.chain().flat_map(|tipset| tipset.blocks().iter().map(|block| block.to_cbor())).collect();
    run("header", fuzz_entries::header, &seeds, 20_000);
}

#[test]
fn messages_and_receipts_survive_mutation() {
    let chain = chain();
    let blocks = chain.blocks();
    let mut seeds = vec![];
    for header in chain.chain().flat_map(|tipset| tipset.blocks()) {
        let messages =
            apogee_filecoin::types::BlockMessages::load(&*blocks, &header.messages).unwrap_or_default();
        seeds.extend(messages.iter().map(|(cid, _)| blocks.get(cid).unwrap().unwrap()));
        seeds.extend(blocks.get(&header.parent_message_receipts).unwrap());
        seeds.push(blocks.get(&header.messages).unwrap().unwrap());
        for receipt in
            apogee_filecoin::types::Receipt::load_all(&*blocks, &header.parent_message_receipts).unwrap()
        {
            seeds.push(fvm_ipld_encoding::to_vec(&receipt).unwrap());
        }
    }
    run("message", fuzz_entries::message, &seeds, 20_000);
}

#[test]
fn json_of_tipsets_survives_mutation() {
    let seeds = results("sweep.jsonl.zst", "ChainGetTipSetByHeight", 20_000, 300);
    run("rpc_tipset_json", fuzz_entries::rpc_tipset_json, &seeds, 20_000);
}

#[test]
fn json_of_certificates_survives_mutation() {
    let seeds = results("f3certs.jsonl.zst", "F3GetCertificate", 20_000, 419);
    run("certificate_json", fuzz_entries::certificate_json, &seeds, 20_000);
}

#[test]
fn json_of_traces_survives_mutation() {
    let seeds = results("epochs.jsonl.zst", "StateCompute", 60_000, 20);
    run("trace_json", fuzz_entries::trace_json, &seeds, 5_000);
}
