use apogee_retrieval::{BlockError, Part, Walk, WalkError};
use cid::Cid;
use cid::multihash::Multihash;

use proptest::prelude::*;

use crate::dag::{DAG_PB, RAW, cid, file, node};
use crate::world::random;

#[test]
fn a_block_that_came_before_need_not_come_again() {
    let (a, b) = (random(1, 100), random(2, 100));
    let (a_cid, b_cid) = (cid(RAW, &a), cid(RAW, &b));
    let (inner, inner_block) = node(&[(a_cid, 100), (b_cid, 100)]);
    let (root, root_block) = node(&[(inner, 200), (a_cid, 100), (inner, 200), (b_cid, 100)]);
    for again in [true, false] {
        let mut walk = Walk::new(root, Part::Whole);
        walk.accept(&root, &root_block).unwrap();
        walk.accept(&inner, &inner_block).unwrap();
        walk.accept(&a_cid, &a).unwrap();
        walk.accept(&b_cid, &b).unwrap();
        if again {
            walk.accept(&a_cid, &a).unwrap();
            walk.accept(&inner, &inner_block).unwrap();
            walk.accept(&a_cid, &a).unwrap();
            walk.accept(&b_cid, &b).unwrap();
            walk.accept(&b_cid, &b).unwrap();
        }
        walk.finish().unwrap();
    }
}

#[test]
fn a_block_inside_its_cid_does_not_come() {
    let inline = Cid::new_v1(RAW, Multihash::wrap(0, b"tiny").unwrap());
    let last = cid(RAW, b"last");
    let (root, block) = node(&[(inline, 4), (last, 4), (inline, 4)]);
    let mut walk = Walk::new(root, Part::Whole);
    walk.accept(&root, &block).unwrap();
    walk.accept(&last, b"last").unwrap();
    assert_eq!(walk.accept(&last, b"last"), Err(WalkError::Extra(last)));
    assert_eq!(Walk::new(inline, Part::Whole).finish(), Ok(()));
}

#[test]
fn what_is_missing_is_named_and_counted() {
    let file = file(&random(3, 10_000), 1_000, 16);
    let (root, block) = file.blocks.last().unwrap();
    let mut walk = Walk::new(*root, Part::Whole);
    walk.accept(root, block).unwrap();
    walk.accept(&file.blocks[0].0, &file.blocks[0].1).unwrap();
    assert_eq!(walk.finish(), Err(WalkError::Incomplete { missing: file.blocks[1].0, more: 8 }));
}

#[test]
fn what_is_not_known_here_is_said_to_be_so() {
    let cbor = cid(0x71, b"\xa0");
    assert_eq!(Walk::new(cbor, Part::Whole).accept(&cbor, b"\xa0"), Err(WalkError::Unfollowed(cbor)));
    let strange = Cid::new_v1(RAW, Multihash::wrap(0x1012, &[0; 32]).unwrap());
    let error = WalkError::Block(BlockError::UnsupportedHash(strange));
    assert_eq!(Walk::new(strange, Part::Whole).accept(&strange, b"x"), Err(error));
}

#[test]
fn files_that_are_nested_or_crowded_without_end_are_not_followed() {
    let mut child = cid(RAW, b"leaf");
    let mut nodes = vec![];
    for _ in 0..40 {
        let (name, block) = node(&[(child, 4)]);
        nodes.push((name, block));
        child = name;
    }
    let mut walk = Walk::new(child, Part::Whole);
    let outcome = nodes.iter().rev().try_for_each(|(name, block)| walk.accept(name, block));
    assert!(matches!(outcome, Err(WalkError::Unfollowed(_))), "{outcome:?}");

    let leaf = cid(RAW, b"leaf");
    for (links, good) in [(8192, true), (8193, false)] {
        let (name, block) = node(&vec![(leaf, 4); links]);
        assert_eq!(Walk::new(name, Part::Whole).accept(&name, &block).is_ok(), good, "{links}");
    }
}

#[test]
fn a_file_whose_nodes_are_all_as_wide_as_they_may_be_is_followed_until_too_much_is_waited_for() {
    let leaf = cid(RAW, b"leaf");
    let mut nodes = vec![node(&vec![(leaf, 4); 8192])];
    for _ in 0..9 {
        let mut children = vec![(leaf, 4); 8192];
        children[0] = (nodes.last().unwrap().0, 4);
        nodes.push(node(&children));
    }
    let mut walk = Walk::new(nodes.last().unwrap().0, Part::Whole);
    let mut outcomes = nodes.iter().rev().map(|(name, block)| walk.accept(name, block));
    assert_eq!(outcomes.position(|outcome| outcome.is_err()), Some(8), "9 × 8,191 are more than 65,536");
}

#[test]
fn a_range_needs_a_file() {
    let leaf = cid(RAW, b"leaf");
    // A directory, in UnixFS's terms: type 1.
    let link = ipld_dagpb::PbLink { cid: leaf, name: Some("a".into()), size: Some(4) };
    let block = ipld_dagpb::PbNode { links: vec![link], data: Some(vec![8, 1].into()) }.into_bytes();
    let name = cid(0x70, &block);
    assert_eq!(Walk::new(name, Part::Bytes(0, 3)).accept(&name, &block), Err(WalkError::Unfollowed(name)));
    assert_eq!(Walk::new(name, Part::Whole).accept(&name, &block), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_node_is_too_much(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        from in any::<u64>(),
        to in any::<u64>(),
    ) {
        let leaf = cid(RAW, b"leaf");
        let mut damaged = node(&[(leaf, 4), (leaf, u64::MAX / 8), (leaf, 7)]).1;
        for (place, byte) in damage {
            let place = place.index(damaged.len());
            damaged[place] = byte;
        }
        for block in [noise, damaged] {
            let name = cid(DAG_PB, &block);
            for part in [Part::Whole, Part::Bytes(from, to)] {
                let mut walk = Walk::new(name, part);
                if walk.accept(&name, &block).is_ok() {
                    let _ = walk.accept(&leaf, b"leaf");
                }
                let _ = walk.finish();
            }
        }
    }
}
