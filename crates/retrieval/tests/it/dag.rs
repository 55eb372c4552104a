use apogee_simprovider::gateway::Library;
use cid::Cid;
use ipld_dagpb::{PbLink, PbNode};
use multihash_codetable::{Code, MultihashDigest};

pub(crate) const RAW: u64 = 0x55;
pub(crate) const DAG_PB: u64 = 0x70;

/// A file as blocks, in the order in which they were made.
pub(crate) struct File {
    pub(crate) root: Cid,
    pub(crate) blocks: Vec<(Cid, Vec<u8>)>,
}

pub(crate) fn cid(codec: u64, block: &[u8]) -> Cid {
    Cid::new_v1(codec, Code::Sha2_256.digest(block))
}

/// A node of a file over children, with the bytes of each.
pub(crate) fn node(children: &[(Cid, u64)]) -> (Cid, Vec<u8>) {
    let varint = |number: u64| {
        unsigned_varint::encode::u64(number, &mut unsigned_varint::encode::u64_buffer()).to_vec()
    };
    let mut data = vec![8, 2, 0x18];
    data.extend(varint(children.iter().map(|(_, size)| size).sum()));
    for (_, size) in children {
        data.push(0x20);
        data.extend(varint(*size));
    }
    let links =
        children.iter().map(|(cid, size)| PbLink { cid: *cid, name: Some(String::new()), size: Some(*size) });
    let block = PbNode { links: links.collect(), data: Some(data.into()) }.into_bytes();
    (cid(DAG_PB, &block), block)
}

/// A balanced file of raw leaves.
pub(crate) fn file(bytes: &[u8], leaf: usize, width: usize) -> File {
    let mut blocks = vec![];
    let mut level: Vec<(Cid, u64)> = vec![];
    for chunk in bytes.chunks(leaf) {
        let name = cid(RAW, chunk);
        blocks.push((name, chunk.to_vec()));
        level.push((name, chunk.len() as u64));
    }
    while level.len() > 1 {
        let parents = level.chunks(width).map(|children| {
            let (name, block) = node(children);
            blocks.push((name, block));
            (name, children.iter().map(|(_, size)| size).sum())
        });
        level = parents.collect();
    }
    File { root: level[0].0, blocks }
}

pub(crate) fn library(file: &File) -> Library {
    let mut library = Library::default();
    for (cid, block) in &file.blocks {
        library.put_block(*cid, block.clone());
    }
    library
}
