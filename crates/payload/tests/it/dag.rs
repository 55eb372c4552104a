use apogee_payload::{Dag, InvalidLayout, Layout};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::{all, payload};

/// Three leaves a node, so that a few kilobytes have several levels.
fn narrow(size: u64) -> Dag {
    Dag::new(payload("a", size), Layout::new(256, 3).unwrap())
}

#[test]
fn every_block_made_again_hashes_to_its_cid() {
    for size in [0, 1, 255, 256, 257, 768, 769, 2_304, 2_305, 10_000] {
        let dag = narrow(size);
        for block in dag.blocks() {
            let bytes = dag.bytes(block);
            assert_eq!(bytes.len() as u64, block.size());
            assert_eq!(block.cid().hash().digest(), Sha256::digest(&bytes).as_slice(), "{size}");
            assert_eq!(block.cid().codec(), if block.is_leaf() { 0x55 } else { 0x70 });
        }
    }
}

#[test]
fn leaves_are_the_payload_in_its_order() {
    for size in [1, 256, 769, 10_000] {
        let dag = narrow(size);
        let whole = all(dag.payload());
        let joined: Vec<u8> = dag.leaves().flat_map(|leaf| dag.bytes(leaf)).collect();
        assert_eq!(joined, whole);
        let mut end = 0;
        for leaf in dag.leaves() {
            assert_eq!(leaf.range().start, end);
            end = leaf.range().end;
        }
        assert_eq!(dag.blocks()[0].range(), 0..size);
        assert_eq!(dag.root(), dag.blocks()[0].cid());
    }
}

#[test]
fn a_range_needs_the_leaves_that_hold_it_and_all_above_them() {
    let dag = narrow(10_000);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..200 {
        let from = random.random_range(0..10_000_u64);
        let to = random.random_range(from + 1..=10_000);
        let needed: Vec<_> = dag.covering(from..to).collect();
        assert_eq!(needed[0].cid(), dag.root());
        let leaves: Vec<_> = needed.iter().filter(|block| block.is_leaf()).collect();
        assert_eq!(leaves[0].range().start, from / 256 * 256);
        assert_eq!(leaves.last().unwrap().range().end, (to.div_ceil(256) * 256).min(10_000));
        // Every block but the root is linked from one before it.
        for (place, block) in needed.iter().enumerate().skip(1) {
            let cid = block.cid().to_bytes();
            let linked = needed[..place]
                .iter()
                .filter(|above| !above.is_leaf())
                .any(|above| dag.bytes(above).windows(cid.len()).any(|window| window == cid));
            assert!(linked, "{from}..{to}");
        }
    }
    assert_eq!(dag.covering(5..5).count(), 1, "the root alone");
    assert_eq!(dag.covering(20_000..30_000).count(), 1);
}

#[test]
fn roots_are_those_that_others_publish() {
    // The empty raw block, known to everybody who works with IPFS.
    let root = Dag::new(payload("a", 0), Layout::default()).root().to_string();
    assert_eq!(root, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
}

#[test]
fn layouts_that_make_no_sense_are_refused() {
    assert_eq!(Layout::new(255, 2), Err(InvalidLayout::Leaf { bytes: 255 }));
    assert_eq!(Layout::new((2 << 20) + 1, 2), Err(InvalidLayout::Leaf { bytes: 2_097_153 }));
    assert_eq!(Layout::new(256, 1), Err(InvalidLayout::Links { links: 1 }));
    assert_eq!(Layout::new(256, 8_193), Err(InvalidLayout::Links { links: 8_193 }));
}
