//! The recorded archive with blocks left out.

use std::fs::File;
use std::sync::Arc;

use apogee_filecoin::car::{CarStore, Limits, unpack};
use cid::Cid;

/// Run A's archive without some of its blocks.
pub(crate) fn without(gone: impl Fn(&Cid) -> bool) -> Arc<CarStore> {
    let file = File::open(apogee_testkit::example("devnet-a/chain.car.zst")).unwrap();
    let bytes = unpack(file, &Limits::DEFAULT).unwrap();
    let (mut kept, mut rest) = (Vec::new(), bytes.as_slice());
    while !rest.is_empty() {
        let (length, varint) = varint(rest);
        let (section, after) = rest.split_at(varint + length);
        // The first section is the header.
        let header = kept.is_empty();
        if header || !gone(&Cid::read_bytes(&section[varint..]).unwrap()) {
            kept.extend_from_slice(section);
        }
        rest = after;
    }
    Arc::new(CarStore::read(kept.as_slice(), &Limits::DEFAULT).unwrap())
}

/// An unsigned LEB128 and how many bytes it takes.
fn varint(bytes: &[u8]) -> (usize, usize) {
    let length = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let value = bytes[..length].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f));
    (value, length)
}
