//! Blocks of a CAR, checked, in memory.

use std::collections::HashMap;
use std::path::Path;

use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use multihash_codetable::{Code, MultihashDigest};

#[derive(Default)]
pub(crate) struct Blocks {
    pub(crate) blocks: HashMap<Cid, Vec<u8>>,
    pub(crate) roots: Vec<Cid>,
}

impl Blockstore for Blocks {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, anyhow::Error> {
        Ok(self.blocks.get(cid).cloned())
    }

    fn put_keyed(&self, _: &Cid, _: &[u8]) -> Result<(), anyhow::Error> {
        unreachable!("nothing is written here")
    }
}

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

impl Blocks {
    /// Loads a CARv1, compressed or not, and checks every block.
    pub(crate) fn load(path: &Path) -> Self {
        Self::parse(std::fs::read(path).unwrap())
    }

    /// The same from bytes.
    pub(crate) fn parse(mut bytes: Vec<u8>) -> Self {
        if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            bytes = zstd::decode_all(&bytes[..]).unwrap();
        }
        let mut rest = &bytes[..];
        let header = uvarint(&mut rest);
        let (header, mut rest) = rest.split_at(header);
        #[derive(serde::Deserialize)]
        struct Header {
            roots: Vec<Cid>,
        }
        let Header { roots } = fvm_ipld_encoding::from_slice(header).unwrap();
        let mut blocks = HashMap::new();
        while !rest.is_empty() {
            let length = uvarint(&mut rest);
            let (block, after) = rest.split_at(length);
            rest = after;
            let cid = Cid::read_bytes(block).unwrap();
            let data = &block[cid.encoded_len()..];
            if cid.hash().code() != 0 {
                assert_eq!(*cid.hash(), Code::try_from(cid.hash().code()).unwrap().digest(data), "{cid}");
            }
            blocks.insert(cid, data.to_vec());
        }
        Self { blocks, roots }
    }

    /// The same without one block.
    pub(crate) fn without(&self, cid: &Cid) -> Self {
        let mut blocks = self.blocks.clone();
        assert!(blocks.remove(cid).is_some());
        Self { blocks, roots: self.roots.clone() }
    }

    /// The same with one byte of one block changed under its old CID.
    pub(crate) fn damaged(&self, cid: &Cid, at: usize, mask: u8) -> Self {
        let mut blocks = self.blocks.clone();
        blocks.get_mut(cid).unwrap()[at] ^= mask;
        Self { blocks, roots: self.roots.clone() }
    }

    /// State root of a block header, a tuple of 16.
    pub(crate) fn header(&self, cid: &Cid) -> Header {
        Header::parse(&self.blocks[cid])
    }
}

/// What tests need of a block header.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) parents: Vec<Cid>,
    pub(crate) height: i64,
    pub(crate) state: Cid,
}

impl Header {
    fn parse(bytes: &[u8]) -> Self {
        type Ignored = serde::de::IgnoredAny;
        #[derive(serde::Deserialize)]
        struct Tuple(
            Ignored,
            Ignored,
            Ignored,
            Ignored,
            Ignored,
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
        let tuple: Tuple = fvm_ipld_encoding::from_slice(bytes).unwrap();
        Self { parents: tuple.5, height: tuple.7, state: tuple.8 }
    }
}
