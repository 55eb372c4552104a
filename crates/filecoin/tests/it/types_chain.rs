use std::collections::BTreeSet;

use apogee_filecoin::car::{CarStore, Limits};
use apogee_filecoin::source::{CarSource, Source};
use apogee_filecoin::types::{
    BlockHeader, BlockMessages, LoadError, Message, MessagesRoot, Receipt, SignatureKind, cid_of,
    dense_array, executed_messages, message_cid,
};
use apogee_testkit::{data, example};
use cid::Cid;
use fvm_ipld_blockstore::{Blockstore, MemoryBlockstore};
use fvm_ipld_encoding::BytesSer;
use fvm_shared::address::Address;
use multihash_codetable::{Code, MultihashDigest};

fn chains() -> Vec<CarSource> {
    let mut paths: Vec<_> =
        ["chain.car.zst", "real-proofs/chain.car.zst"].map(|file| example("devnet-a").join(file)).to_vec();
    for file in ["forest/export40.car", "forest/chain4.car.zst", "cpp-filecoin/block_validator.car"] {
        paths.extend(data(&format!("filecoin/{file}")));
    }
    let open = |path: &std::path::PathBuf| {
        CarSource::open(&[path], &Limits::DEFAULT).unwrap_or_else(|error| panic!("{path:?}: {error:?}"))
    };
    paths.iter().map(open).collect()
}

#[test]
fn every_header_of_every_chain_encodes_back_to_its_cid() {
    let mut headers = 0;
    for source in chains() {
        for tipset in source.chain() {
            for (cid, header) in tipset.cids_and_blocks() {
                let mut bytes = source.blocks().get(&cid).unwrap().unwrap();
                assert_eq!(header.to_cbor(), bytes);
                assert_eq!(header.cid(), cid);
                bytes.push(0);
                assert!(BlockHeader::from_cbor(&bytes).is_err(), "trailing bytes are refused");
                headers += 1;
            }
        }
    }
    assert!(headers >= 573 + 116, "{headers}");
}

#[test]
fn messages_and_receipts_of_the_recorded_chain_are_read_whole() {
    let source = CarSource::open(&[&example("devnet-a/chain.car.zst")], &Limits::DEFAULT).unwrap();
    let blocks = source.blocks();
    let tipsets: Vec<_> = source.chain().cloned().collect();
    let (mut messages, mut receipts, mut delegated) = (0, 0, 0);
    for (parent, child) in tipsets.iter().zip(&tipsets[1..]) {
        let of_blocks: Vec<_> = parent
            .blocks()
            .iter()
            .map(|block| BlockMessages::load(&*blocks, &block.messages).unwrap())
            .collect();
        for block in &of_blocks {
            for (cid, message) in &block.bls {
                assert_eq!(message_cid(message), *cid);
            }
            for (cid, signed) in &block.secp {
                assert_eq!(signed.cid(), *cid);
                delegated += usize::from(signed.signature.kind == SignatureKind::Delegated);
            }
        }
        let executed = executed_messages(&of_blocks, |address| *address);
        let unique: BTreeSet<_> =
            of_blocks.iter().flat_map(BlockMessages::iter).map(|(cid, _)| *cid).collect();
        assert_eq!(executed.iter().map(|message| *message.cid).collect::<BTreeSet<_>>(), unique);
        let of_tipset = Receipt::load_all(&*blocks, &child.first().parent_message_receipts).unwrap();
        assert_eq!(of_tipset.len(), executed.len(), "epoch {}", parent.epoch());
        for receipt in &of_tipset {
            let bytes = fvm_ipld_encoding::to_vec(receipt).unwrap();
            assert_eq!(fvm_ipld_encoding::from_slice::<Receipt>(&bytes).unwrap(), *receipt);
        }
        messages += executed.len();
        receipts += of_tipset.len();
    }
    assert_eq!((messages, receipts), (92, 92));
    assert!(delegated > 0, "run A has Ethereum transactions");
}

#[test]
fn a_missing_block_is_told_apart_from_a_wrong_one() {
    let store = CarStore::open(&example("devnet-a/chain.car.zst"), &Limits::DEFAULT).unwrap();
    let absent = cid_of(b"nowhere");
    assert!(
        matches!(BlockMessages::load(&store, &absent), Err(LoadError::Missing { cid, .. }) if cid == absent)
    );
    let header = store.head()[0];
    assert!(
        matches!(BlockMessages::load(&store, &header), Err(LoadError::Malformed { cid, .. }) if cid == header)
    );
}

/// A store, and a way to put values into it.
fn put(store: &MemoryBlockstore, value: &impl serde::Serialize) -> Cid {
    let bytes = fvm_ipld_encoding::to_vec(value).unwrap();
    let cid = cid_of(&bytes);
    store.put_keyed(&cid, &bytes).unwrap();
    cid
}

#[test]
fn arrays_that_lie_about_themselves_are_refused_without_much_work() {
    let store = MemoryBlockstore::new();
    type Node<'a> = (BytesSer<'a>, Vec<Cid>, Vec<Cid>);
    let leaf: Node = (BytesSer(&[1]), vec![], vec![cid_of(b"message")]);
    let empty = put(&store, &(0, 0, (BytesSer(&[0]), Vec::<Cid>::new(), Vec::<Cid>::new())));
    let of = |bls: Cid| BlockMessages::load(&store, &put(&store, &MessagesRoot { bls, secp: empty }));
    assert!(of(empty).unwrap().is_empty());
    let refused = |bls: Cid, why: &str| match of(bls) {
        Err(LoadError::Malformed { detail, .. }) => assert_eq!(detail, why),
        other => panic!("{why}: {other:?}"),
    };
    refused(put(&store, &(21, 1, &leaf)), "its height is over 20");
    refused(put(&store, &(0, 2, &leaf)), "it holds fewer entries than it counts");
    refused(put(&store, &(0, 0, &leaf)), "it holds more entries than it counts");
    refused(
        put(&store, &(0, 1, (BytesSer(&[3]), Vec::<Cid>::new(), vec![cid_of(b"x")]))),
        "a node is not dense",
    );
    refused(put(&store, &(1, 1, &leaf)), "a node is not dense");
    assert!(matches!(of(put(&store, &(0, 10_001, &leaf))), Err(LoadError::TooMany { limit: 10_000, .. })));
    assert!(matches!(of(put(&store, &(0, 1, &leaf))), Err(LoadError::Missing { what: "message", .. })));

    // Nine blocks that, followed to the end, would be 8^9 messages; and the same without any message.
    for values in [vec![cid_of(b"message")], vec![]] {
        let bitmap = [u8::from(!values.is_empty())];
        let mut node = put(&store, &(BytesSer(&bitmap), Vec::<Cid>::new(), &values));
        for _ in 0..8 {
            node = put(&store, &(BytesSer(&[0xff]), vec![node; 8], Vec::<Cid>::new()));
        }
        let root = put(&store, &(9, 10_000, (BytesSer(&[1]), vec![node], Vec::<Cid>::new())));
        let why = if values.is_empty() { "a node is empty" } else { "it holds more entries than it counts" };
        refused(root, why);
    }
}

/// Consensus makes the array from the entries and compares roots: what only reads like it is another array.
#[test]
fn arrays_of_another_form_than_their_entries_make_are_refused() {
    let store = MemoryBlockstore::new();
    let link = |i: u8| cid_of(&[i]);
    let leaf = |entries: std::ops::Range<u8>| {
        let marks = [u8::try_from((1_u16 << entries.len()) - 1).unwrap()];
        put(&store, &(BytesSer(&marks), Vec::<Cid>::new(), entries.map(link).collect::<Vec<_>>()))
    };
    let none = Vec::<Cid>::new;
    let half_full = put(&store, &(1, 8, (BytesSer(&[3]), vec![leaf(0..3), leaf(3..8)], none())));
    let too_high = put(&store, &(1, 8, (BytesSer(&[1]), vec![leaf(0..8)], none())));
    let plain = fvm_ipld_encoding::to_vec(&(0, 1, (BytesSer(&[1]), none(), vec![link(0)]))).unwrap();
    // The count in two bytes instead of one.
    let wide = [&plain[..2], &[0x18, 1], &plain[3..]].concat();
    let wide = (cid_of(&wide), wide);
    store.put_keyed(&wide.0, &wide.1).unwrap();
    let (empty, blocks) = dense_array::<Cid>(&[]);
    store.put_keyed(&empty, &blocks[0].1).unwrap();
    for (form, root) in [("half full", half_full), ("too high", too_high), ("wide", wide.0)] {
        let found = BlockMessages::load(&store, &put(&store, &MessagesRoot { bls: root, secp: empty }));
        assert!(matches!(&found, Err(LoadError::Malformed { cid, .. }) if *cid == root), "{form}: {found:?}");
    }
}

#[test]
fn a_message_under_another_name_than_the_chain_gives_it_is_refused() {
    let source = CarSource::open(&[&example("devnet-a/chain.car.zst")], &Limits::DEFAULT).unwrap();
    let blocks = source.blocks();
    let load = |header: &BlockHeader| BlockMessages::load(&*blocks, &header.messages).unwrap();
    let headers = source.chain().flat_map(|tipset| tipset.blocks());
    let messages = headers.map(load).find(|messages| !messages.bls.is_empty()).unwrap();
    let bytes = fvm_ipld_encoding::to_vec(&messages.bls[0].1).unwrap();
    let (empty, empty_blocks) = dense_array::<Cid>(&[]);
    let raw = Cid::new_v1(0x55, *messages.bls[0].0.hash());
    let sha256 = Cid::new_v1(0x71, Code::Sha2_256.digest(&bytes));
    for (cid, good) in [(messages.bls[0].0, true), (raw, false), (sha256, false)] {
        let store = MemoryBlockstore::new();
        let (bls, array) = dense_array(&[cid]);
        for (cid, bytes) in array.iter().chain(&empty_blocks) {
            store.put_keyed(cid, bytes).unwrap();
        }
        store.put_keyed(&cid, &bytes).unwrap();
        let found = BlockMessages::load(&store, &put(&store, &MessagesRoot { bls, secp: empty }));
        assert_eq!(found.is_ok(), good, "{cid}: {found:?}");
    }
}

#[test]
fn a_message_of_several_blocks_is_executed_once_and_one_out_of_turn_not_at_all() {
    let message = |from, sequence| Message {
        version: 0,
        from: Address::new_id(from),
        to: Address::new_id(1),
        sequence,
        value: Default::default(),
        method_num: 0,
        params: Default::default(),
        gas_limit: 1,
        gas_fee_cap: Default::default(),
        gas_premium: Default::default(),
    };
    let block = |messages: &[(u64, u64)]| BlockMessages {
        bls: messages
            .iter()
            .map(|&(from, nonce)| message(from, nonce))
            .map(|m| (message_cid(&m), m))
            .collect(),
        secp: vec![],
    };
    let blocks = [block(&[(7, 3), (8, 0)]), block(&[(7, 3), (7, 4), (8, 2), (9, 5)])];
    let executed: Vec<_> = executed_messages(&blocks, |address| *address)
        .iter()
        .map(|one| (one.block, one.message.from.id().unwrap(), one.message.sequence))
        .collect();
    assert_eq!(executed, [(0, 7, 3), (0, 8, 0), (1, 7, 4), (1, 9, 5)]);
}

#[test]
fn dense_arrays_have_the_roots_of_the_chain_at_every_size() {
    for size in [0, 1, 7, 8, 9, 63, 64, 65, 511, 513, 5_000] {
        let values: Vec<u64> = (0..size).collect();
        let store = MemoryBlockstore::new();
        let (root, blocks) = dense_array(&values);
        for (cid, bytes) in &blocks {
            store.put_keyed(cid, bytes).unwrap();
        }
        let other = MemoryBlockstore::new();
        let reference = fvm_ipld_amt::Amtv0::new_from_iter(&other, values.iter().copied()).unwrap();
        assert_eq!(root, reference, "{size}");
    }
    let source = CarSource::open(&[&example("devnet-a/chain.car.zst")], &Limits::DEFAULT).unwrap();
    let store = source.blocks();
    let mut receipts = 0;
    for header in source.chain().flat_map(|tipset| tipset.blocks()) {
        let of_parent = Receipt::load_all(&*store, &header.parent_message_receipts).unwrap();
        assert_eq!(dense_array(&of_parent).0, header.parent_message_receipts);
        assert_eq!(BlockMessages::load(&*store, &header.messages).unwrap().to_blocks().0, header.messages);
        receipts += of_parent.len();
    }
    assert!(receipts > 92);
}
