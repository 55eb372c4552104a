use std::io::Read;
use std::ops::Range;

use super::{CarError, Limits};

const ZSTD_FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Skippable frames: 0x184D2A50 to 0x184D2A5F, little-endian.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Section length 10, then the map `{"version": 2}`: what every CARv2 starts with.
const V2_PRAGMA: [u8; 11] = [0x0a, 0xa1, 0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x02];
/// Characteristics (16), data offset, data size, index offset: 8 each, little-endian.
const V2_HEADER: usize = 40;

/// Read all of `archive`, decompressing it when it starts like zstd, and stop at `limits.bytes`.
///
/// # Errors
/// When reading or decompressing fails, or the content is over the limit.
pub fn unpack(mut archive: impl Read, limits: &Limits) -> Result<Vec<u8>, CarError> {
    let mut magic = [0; 4];
    let mut have = 0;
    while have < magic.len() {
        let rest = magic.get_mut(have..).unwrap_or_default();
        match archive.read(rest) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(CarError::Read { offset: have, cause }),
        }
    }
    let start = magic.get(..have).unwrap_or_default();
    let whole = start.chain(archive);
    let compressed = start == ZSTD_FRAME
        || (start.ends_with(&ZSTD_SKIPPABLE) && start.first().is_some_and(|byte| byte & 0xf0 == 0x50));
    if compressed {
        let decoder = zstd::Decoder::new(whole).map_err(|cause| CarError::Read { offset: 0, cause })?;
        read_capped(decoder, limits.bytes)
    } else {
        read_capped(whole, limits.bytes)
    }
}

fn read_capped(reader: impl Read, limit: usize) -> Result<Vec<u8>, CarError> {
    let mut bytes = Vec::new();
    let cap = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match reader.take(cap).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() > limit => Err(CarError::TooLarge { offset: limit, what: "the archive", limit }),
        Ok(_) => Ok(bytes),
        Err(cause) => Err(CarError::Read { offset: bytes.len(), cause }),
    }
}

/// Where the CARv1 content lies: all of the file, or what the header of a CARv2 says.
pub(super) fn content(file: &[u8]) -> Result<Range<usize>, CarError> {
    let Some(header) = file.strip_prefix(&V2_PRAGMA) else {
        return Ok(0..file.len());
    };
    let at = V2_PRAGMA.len();
    let header =
        header.get(..V2_HEADER).ok_or(CarError::Truncated { offset: at, what: "the CARv2 header" })?;
    let field = |from: usize| {
        let bytes = header.get(from..from + 8).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
        u64::from_le_bytes(bytes)
    };
    let (offset, size) = (field(16), field(24));
    let outside = || CarError::Malformed {
        offset: at + 16,
        detail: format!("the CARv2 content, {size} bytes at {offset}, does not lie inside the file"),
    };
    let start = usize::try_from(offset).ok().filter(|start| *start >= at + V2_HEADER).ok_or_else(outside)?;
    let end = usize::try_from(size).ok().and_then(|size| start.checked_add(size)).ok_or_else(outside)?;
    if end <= file.len() { Ok(start..end) } else { Err(outside()) }
}
