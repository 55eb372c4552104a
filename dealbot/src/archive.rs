//! A log as a file: CAR of version 1 (<https://ipld.io/specs/transport/car/carv1/>).
//!
//! Its one root is the newest batch. Batches stand in their order; behind each come its [`Seal`](crate::log::Seal), and its entries, each with the record that
//! it names behind it. So whoever reads it needs no more memory than for a block.

use std::io::{self, Read};

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::canonical::{self, LONGEST, Link};

/// What names of blocks begin with: version 1, DAG-CBOR, SHA-256 of 32 bytes.
const PREFIX: [u8; 4] = [1, 0x71, 0x12, 32];
/// Bytes of a name.
const NAME: usize = 36;
/// Most bytes of a header.
const HEADER: usize = 256;

/// The first section of a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    roots: Vec<Link>,
    version: u64,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum BadArchive {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// It ends within a section.
    #[error("it ends in the middle of a block")]
    Torn,
    /// It is no CAR of version 1 with one root.
    #[error("it does not begin as a CAR of version 1 with one root")]
    Header,
    /// A length is written in more bytes than it needs, or is more than any block has.
    #[error("the length of a block is none")]
    Length,
    /// A block has a name of another kind.
    #[error("the name of a block is no CID of version 1 for DAG-CBOR by SHA-256")]
    Name,
    /// A block is not what its name says.
    #[error("the bytes of {0} have another hash")]
    Hash(Cid),
}

/// The beginning of a file whose newest batch has this name.
#[must_use]
pub fn header(root: Cid) -> Vec<u8> {
    let header = canonical::encode(&Header { roots: vec![Link(root)], version: 1 });
    [length(header.len()), header].concat()
}

/// A block as it stands in a file.
#[must_use]
pub fn section(block: &[u8]) -> Vec<u8> {
    let name = canonical::name(block).to_bytes();
    [length(name.len().saturating_add(block.len())), name, block.to_vec()].concat()
}

/// A number in groups of seven bits, the lowest first.
fn length(of: usize) -> Vec<u8> {
    let (mut left, mut bytes) = (of, Vec::new());
    loop {
        let low = u8::try_from(left & 0x7f).unwrap_or(0);
        left >>= 7;
        if left == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A block that is what its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub cid: Cid,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The blocks of a file, one at a time. Whatever is wrong is the last that it gives.
#[derive(Debug)]
pub struct Blocks<R> {
    input: R,
    root: Cid,
    over: bool,
}

impl<R: Read> Blocks<R> {
    /// Those of a file.
    ///
    /// # Errors
    /// Where it does not begin as one.
    pub fn open(mut input: R) -> Result<Self, BadArchive> {
        let size = read_length(&mut input, HEADER)?.ok_or(BadArchive::Header)?;
        let header = canonical::decode::<Header>(&exactly(&mut input, size)?);
        let header = header.ok().filter(|header| header.version == 1);
        match header.as_ref().map(|header| header.roots.as_slice()) {
            Some([root]) => Ok(Self { input, root: root.0, over: false }),
            _ => Err(BadArchive::Header),
        }
    }

    /// The newest batch, as the file says.
    #[must_use]
    pub const fn root(&self) -> Cid {
        self.root
    }

    fn block(&mut self) -> Result<Option<Block>, BadArchive> {
        let Some(size) = read_length(&mut self.input, NAME + LONGEST)? else { return Ok(None) };
        let size = size.checked_sub(NAME).ok_or(BadArchive::Name)?;
        let name = exactly(&mut self.input, NAME)?;
        let cid = name.starts_with(&PREFIX).then(|| Cid::try_from(name.as_slice()).ok()).flatten();
        let cid = cid.ok_or(BadArchive::Name)?;
        let bytes = exactly(&mut self.input, size)?;
        if canonical::name(&bytes) != cid {
            return Err(BadArchive::Hash(cid));
        }
        Ok(Some(Block { cid, bytes }))
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = Result<Block, BadArchive>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let block = self.block().transpose();
        self.over = !matches!(block, Some(Ok(_)));
        block
    }
}

/// A length in its shortest writing, up to a most; `None` where the file ends before it.
fn read_length(input: &mut impl Read, most: usize) -> Result<Option<usize>, BadArchive> {
    let (mut of, mut shift) = (0_usize, 0);
    loop {
        let mut byte = [0];
        match input.read_exact(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return if shift == 0 { Ok(None) } else { Err(BadArchive::Torn) };
            }
            read => read?,
        }
        let [byte] = byte;
        of |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || shift == 0;
            return if shortest && of > 0 && of <= most { Ok(Some(of)) } else { Err(BadArchive::Length) };
        }
        shift += 7;
        if shift > 21 {
            return Err(BadArchive::Length);
        }
    }
}

/// So many bytes and no fewer.
fn exactly(input: &mut impl Read, size: usize) -> Result<Vec<u8>, BadArchive> {
    let mut bytes = vec![0; size];
    input.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BadArchive::Torn,
        _ => BadArchive::Read(error),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_back_and_bounded() {
        let blocks = [canonical::encode(&"one"), canonical::encode(&"x".repeat(300))];
        let mut file = header(canonical::name(&blocks[1]));
        file.extend(blocks.iter().flat_map(|block| section(block)));
        let read = Blocks::open(file.as_slice()).unwrap();
        assert_eq!(read.root(), canonical::name(&blocks[1]));
        let found: Vec<Vec<u8>> = read.map(|block| block.unwrap().bytes).collect();
        assert_eq!(found, blocks);
        for end in 0..file.len() {
            let mut read = Blocks::open(&file[..end]);
            let whole = read.as_mut().is_ok_and(|read| read.all(|block| block.is_ok()));
            let at_an_end =
                [header(canonical::name(&blocks[1])).len(), file.len() - section(&blocks[1]).len()];
            assert_eq!(whole, at_an_end.contains(&end), "{end}");
        }
        for huge in
            [&[0xff, 0xff, 0xff, 0xff, 0x7f][..], &[0xff, 0xff, 0x7f], &[0x80, 0], &[0], &[5, 1, 2, 3, 4, 5]]
        {
            let file = [&header(canonical::name(b"")), huge].concat();
            assert!(Blocks::open(file.as_slice()).unwrap().next().unwrap().is_err(), "{huge:?}");
        }
    }
}
