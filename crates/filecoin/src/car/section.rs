use std::ops::Range;

use cid::Cid;
use serde::Deserialize;

use super::{CarError, Limits};

const IDENTITY: u64 = 0x00;
const SHA2_256: u64 = 0x12;
const BLAKE2B_256: u64 = 0xb220;

/// Bytes with the position at which they begin in the file.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) end: usize,
}

impl<'a> Cursor<'a> {
    /// An unsigned LEB128 number in its shortest form, as section lengths are; at most 9 bytes (multiformats "unsigned varint").
    fn length(&mut self) -> Result<usize, CarError> {
        let start = self.at;
        let malformed = |detail: &str| CarError::Malformed { offset: start, detail: detail.to_owned() };
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = *self
                .bytes
                .get(..self.end)
                .and_then(|bytes| bytes.get(self.at))
                .ok_or(CarError::Truncated { offset: start, what: "a section's length" })?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(malformed("a section's length is not in its shortest form"));
                }
                return usize::try_from(value).map_err(|_| malformed("a section's length is out of range"));
            }
        }
        Err(malformed("a section's length has more than 9 bytes"))
    }

    /// The next section's content: where it begins, and its bytes.
    fn section(&mut self, what: &'static str, limit: usize) -> Result<(usize, &'a [u8]), CarError> {
        let offset = self.at;
        let length = self.length()?;
        if length > limit {
            return Err(CarError::TooLarge { offset, what, limit });
        }
        let start = self.at;
        let end = start.checked_add(length).filter(|end| *end <= self.end);
        let bytes = end.and_then(|end| self.bytes.get(start..end));
        let bytes = bytes.ok_or(CarError::Truncated { offset, what })?;
        self.at = start + length;
        Ok((start, bytes))
    }
}

#[derive(Deserialize)]
struct Header {
    roots: Vec<Cid>,
    version: u64,
}

/// The header's roots.
pub(super) fn header(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<Vec<Cid>, CarError> {
    let (offset, bytes) = cursor.section("the header", limits.header_bytes)?;
    let malformed = |detail: String| CarError::Malformed { offset, detail };
    let header: Header = fvm_ipld_encoding::from_slice(bytes)
        .map_err(|error| malformed(format!("the header is not that of a CAR: {error}")))?;
    if header.version != 1 {
        return Err(malformed(format!("version {} is not 1", header.version)));
    }
    if header.roots.len() > limits.roots {
        return Err(CarError::TooLarge { offset, what: "the number of roots", limit: limits.roots });
    }
    Ok(header.roots)
}

/// A block as it lies in the file, not yet checked.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) offset: usize,
    pub(super) cid: Cid,
    pub(super) data: Range<usize>,
}

/// A CID in its binary form is never longer: two varints, multihash code and length, 64 bytes of digest.
const CID_BYTES: usize = 128;

/// All blocks that follow the header.
pub(super) fn sections(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<Vec<Section>, CarError> {
    let mut sections = Vec::new();
    while cursor.at < cursor.end {
        let offset = cursor.at;
        if sections.len() >= limits.blocks {
            return Err(CarError::TooLarge { offset, what: "the number of blocks", limit: limits.blocks });
        }
        let (start, bytes) = cursor.section("a block", limits.block_bytes.saturating_add(CID_BYTES))?;
        let mut rest = bytes;
        let cid = Cid::read_bytes(&mut rest)
            .map_err(|error| CarError::Malformed { offset, detail: format!("no CID: {error}") })?;
        if rest.len() > limits.block_bytes {
            return Err(CarError::TooLarge { offset, what: "a block", limit: limits.block_bytes });
        }
        let end = start + bytes.len();
        sections.push(Section { offset, cid, data: end - rest.len()..end });
    }
    Ok(sections)
}

/// Whether `data` hashes to `cid`; `Err` with the multihash code when it is none that Filecoin uses.
///
/// # Errors
/// A hash function other than blake2b-256, sha2-256 and identity.
pub fn verify_block(cid: &Cid, data: &[u8]) -> Result<bool, u64> {
    let digest = cid.hash().digest();
    match cid.hash().code() {
        BLAKE2B_256 => Ok(blake2b_simd::Params::new().hash_length(32).hash(data).as_bytes() == digest),
        SHA2_256 => Ok(<[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(data)) == *digest),
        IDENTITY => Ok(data == digest),
        code => Err(code),
    }
}

/// The bytes that an identity CID carries in itself.
pub(super) fn inline(cid: &Cid) -> Option<&[u8]> {
    (cid.hash().code() == IDENTITY).then(|| cid.hash().digest())
}
