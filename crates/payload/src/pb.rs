//! Inner blocks: DAG-PB around `UnixFS`, in the one form that is canonical.

use cid::Cid;

/// A part of a file.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) cid: Cid,
    /// Bytes of the file.
    pub(crate) file: u64,
    /// Bytes of all blocks below and including the one that is linked to.
    pub(crate) total: u64,
}

/// A file in parts (`UnixFS`, `Data` and `PBNode` schemas; DAG-PB: links before data, names present and empty).
pub(crate) fn encode(links: &[Link]) -> Vec<u8> {
    let mut data = vec![0x08, 2];
    number(&mut data, 3, links.iter().map(|link| link.file).sum());
    for link in links {
        number(&mut data, 4, link.file);
    }
    let mut block = Vec::new();
    for link in links {
        let mut inner = Vec::new();
        bytes(&mut inner, 1, &link.cid.to_bytes());
        bytes(&mut inner, 2, &[]);
        number(&mut inner, 3, link.total);
        bytes(&mut block, 2, &inner);
    }
    bytes(&mut block, 1, &data);
    block
}

fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    varint(out, value);
}

fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// LEB128, as protobuf and CAR have it.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}
