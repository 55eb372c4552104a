//! CARv1, while it comes.

use bytes::{Buf, Bytes, BytesMut};
use cid::Cid;
use serde::Deserialize;
use unsigned_varint::decode;

/// Longest header, bytes.
const HEADER: usize = 64 << 10;
/// Longest CID, bytes: version, codec, hash, length, 64 bytes of digest.
const LONGEST_CID: usize = 4 * 10 + 64;

/// The bytes are no CARv1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarError {
    /// A length that is none.
    #[error("byte {at}: a length is malformed")]
    Length {
        /// Where.
        at: u64,
    },
    /// A section or a header that is longer than they may be, or shorter than they can be.
    #[error("byte {at}: a section is {length} bytes long")]
    Section {
        /// Where.
        at: u64,
        /// How long.
        length: u64,
    },
    /// The header is not that of a CARv1.
    #[error("the header is malformed: {0}")]
    Header(String),
    /// Another version.
    #[error("the header says version {0}")]
    Version(u64),
    /// A block without a CID.
    #[error("byte {at}: no CID: {reason}")]
    Cid {
        /// Where.
        at: u64,
        /// Why not.
        reason: String,
    },
    /// The end comes within a section, or before the first one.
    #[error("byte {at}: it ends within a section or the header")]
    Truncated {
        /// Where.
        at: u64,
    },
}

/// What a header says. Roots are read because it is no header without them, and ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u64,
    #[serde(default)]
    roots: Option<Vec<Cid>>,
}

/// A CAR that is fed bytes and gives blocks. It holds one section, and what it was fed behind it.
#[derive(Debug)]
pub struct Car {
    buffer: BytesMut,
    /// Longest block.
    block: usize,
    begun: bool,
    /// Bytes that were read.
    at: u64,
}

impl Car {
    /// Nothing yet. No block may be longer than `block` bytes.
    #[must_use]
    pub fn new(block: usize) -> Self {
        Self { buffer: BytesMut::new(), block, begun: false, at: 0 }
    }

    /// More bytes. Read what is there before more are fed: the reader holds all of them.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next block, as it is named; nothing of it is checked. `None` until more bytes are fed.
    ///
    /// # Errors
    /// [`CarError`]; what comes behind it means nothing.
    pub fn read(&mut self) -> Result<Option<(Cid, Bytes)>, CarError> {
        if !self.begun {
            let Some(header) = self.section(HEADER)? else { return Ok(None) };
            check(&header)?;
            self.begun = true;
        }
        let at = self.at;
        let Some(mut section) = self.section(self.block.saturating_add(LONGEST_CID))? else {
            return Ok(None);
        };
        let mut rest = section.as_ref();
        let cid = Cid::read_bytes(&mut rest)
            .map_err(|error| CarError::Cid { at, reason: error.to_string().chars().take(200).collect() })?;
        section.advance(section.len().saturating_sub(rest.len()));
        if section.len() > self.block {
            return Err(CarError::Section { at, length: section.len() as u64 });
        }
        Ok(Some((cid, section)))
    }

    /// The end comes.
    ///
    /// # Errors
    /// [`CarError::Truncated`] where it does not come between two sections.
    pub fn finish(&self) -> Result<(), CarError> {
        if self.begun && self.buffer.is_empty() {
            Ok(())
        } else {
            Err(CarError::Truncated { at: self.at.saturating_add(self.buffer.len() as u64) })
        }
    }

    /// The next section, once it is there.
    fn section(&mut self, limit: usize) -> Result<Option<Bytes>, CarError> {
        let at = self.at;
        let (length, width) = match decode::u64(&self.buffer) {
            Ok((length, rest)) => (length, self.buffer.len().saturating_sub(rest.len())),
            Err(decode::Error::Insufficient) => return Ok(None),
            Err(_) => return Err(CarError::Length { at }),
        };
        let held = usize::try_from(length).ok().filter(|length| (1..=limit).contains(length));
        let held = held.ok_or(CarError::Section { at, length })?;
        let whole = held.saturating_add(width);
        if self.buffer.len() < whole {
            self.buffer.reserve(whole.saturating_sub(self.buffer.len()));
            return Ok(None);
        }
        self.buffer.advance(width);
        self.at = self.at.saturating_add(whole as u64);
        Ok(Some(self.buffer.split_to(held).freeze()))
    }
}

fn check(header: &[u8]) -> Result<(), CarError> {
    let header: Header = serde_ipld_dagcbor::from_slice(header)
        .map_err(|error| CarError::Header(error.to_string().chars().take(200).collect()))?;
    match header {
        Header { version: 1, roots: Some(_) } => Ok(()),
        Header { version: 1, roots: None } => Err(CarError::Header("roots are missing".into())),
        Header { version, .. } => Err(CarError::Version(version)),
    }
}
