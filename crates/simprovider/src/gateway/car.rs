use bytes::Bytes;
use cid::Cid;

/// A CARv1's header, with one root.
pub(super) fn header(root: &Cid) -> Vec<u8> {
    // {"roots": [42(h'00…')], "version": 1}
    let link = [&[0][..], &root.to_bytes()].concat();
    let length = u8::try_from(link.len()).unwrap_or(u8::MAX);
    let cbor =
        [&b"\xa2\x65roots\x81\xd8\x2a\x58"[..], &[length], link.as_slice(), b"\x67version\x01"].concat();
    [varint(cbor.len() as u64), cbor].concat()
}

/// A section as long as it says.
pub(super) fn section(cid: &Cid, block: &[u8]) -> Vec<u8> {
    let cid = cid.to_bytes();
    [varint((cid.len() + block.len()) as u64), cid, block.to_vec()].concat()
}

/// All of it. Blocks are not copied.
pub(super) fn write(root: &Cid, blocks: &[(Cid, Bytes)]) -> Vec<Bytes> {
    let sections = blocks.iter().flat_map(|(cid, block)| {
        let name = cid.to_bytes();
        let head = [varint((name.len() + block.len()) as u64), name].concat();
        [head.into(), block.clone()]
    });
    std::iter::once(header(root).into()).chain(sections).collect()
}

pub(super) fn varint(number: u64) -> Vec<u8> {
    unsigned_varint::encode::u64(number, &mut unsigned_varint::encode::u64_buffer()).to_vec()
}
