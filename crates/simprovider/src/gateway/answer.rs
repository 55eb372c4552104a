//! What is answered: honestly, and with a fault.

use std::io::Write;

use bytes::Bytes;
use cid::Cid;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::car;
use super::fault::Fault;

pub(super) const CAR: &str = "application/vnd.ipld.car; version=1; order=dfs; dups=y";
pub(super) const RAW: &str = "application/vnd.ipld.raw";
pub(super) const PIECE: &str = "application/piece";
const HTML: &str = "text/html; charset=utf-8";
const SORRY: &[u8] = b"<!doctype html><title>Sorry</title><p>This gateway is being maintained.";

/// A body in pieces, and its type.
pub(super) struct Answer {
    pub(super) content_type: &'static str,
    pub(super) gzip: bool,
    pub(super) body: Vec<Bytes>,
    /// What comes behind it without end, if that is the fault.
    pub(super) again: Bytes,
}

impl Answer {
    /// One block or a piece.
    pub(super) fn of_bytes(content_type: &'static str, bytes: Bytes, fault: Option<&Fault>) -> Self {
        let bytes = match fault {
            Some(Fault::FlippedBit) => flipped(&bytes),
            Some(Fault::WrongBytes | Fault::WrongBlocks) => other(&bytes),
            _ => bytes,
        };
        Self { content_type, gzip: false, body: vec![bytes], again: Bytes::from_static(&[0; 4096]) }
            .with(fault)
    }

    /// A CAR of blocks.
    pub(super) fn of_blocks(root: &Cid, mut blocks: Vec<(Cid, Bytes)>, fault: Option<&Fault>) -> Self {
        let again = blocks.last().map(|(cid, block)| car::section(cid, block)).unwrap_or_default().into();
        match fault {
            Some(Fault::FlippedBit) => {
                if let Some((_, block)) = blocks.last_mut() {
                    *block = flipped(block);
                }
            }
            Some(Fault::WrongBytes) => blocks.iter_mut().for_each(|(_, block)| *block = other(block)),
            Some(Fault::WrongBlocks) => blocks.iter_mut().for_each(|block| *block = stranger(&block.1)),
            Some(Fault::DuplicateBlocks) => {
                blocks = blocks.into_iter().flat_map(|block| [block.clone(), block]).collect();
            }
            Some(Fault::MissingBlock) => drop(blocks.remove(blocks.len() / 2)),
            Some(Fault::ExtraBlock) => blocks.push(stranger(b"extra")),
            Some(Fault::WrongOrder) => {
                if let Some((_, children)) = blocks.split_first_mut() {
                    children.reverse();
                }
            }
            Some(Fault::RootOnly) => blocks.truncate(1),
            _ => {}
        }
        let mut body = car::write(root, &blocks);
        let header = match fault {
            Some(Fault::NestedHeader) => Some(framed(&[0x81; 32 << 10])),
            Some(Fault::CrowdedHeader) => {
                Some(framed(b"\xa2\x65roots\x9b\x00\x00\x01\x00\x00\x00\x00\x00\x67version\x01"))
            }
            Some(Fault::SecondVersion) => Some(framed(b"\xa1\x67version\x02")),
            Some(Fault::OtherRoots) => Some(car::header(&stranger(b"root").0).into()),
            _ => None,
        };
        if let (Some(header), Some(first)) = (header, body.first_mut()) {
            *first = header;
        }
        let section = match fault {
            Some(Fault::HugeVarint) => Some(car::varint(i64::MAX.unsigned_abs())),
            Some(Fault::EndlessVarint) => Some(vec![0xff; 64 << 10]),
            Some(Fault::TinySection) => Some(vec![2, 1, 0x55]),
            Some(Fault::ZeroSection) => Some(vec![0; 64 << 10]),
            _ => None,
        };
        if let Some(section) = section {
            body.insert(1.min(body.len()), section.into());
        }
        if fault == Some(&Fault::HalfSection) {
            let (cid, block) = stranger(b"half a section");
            let whole = Bytes::from(car::section(&cid, &block));
            body.push(whole.slice(..whole.len() / 2));
        }
        Self { content_type: CAR, gzip: false, body, again }.with(fault)
    }

    /// Faults that every answer can have.
    fn with(mut self, fault: Option<&Fault>) -> Self {
        match fault {
            Some(Fault::Empty) => self.body.clear(),
            Some(Fault::Truncated | Fault::Aborted) => {
                let all = self.body.concat();
                // Within the last section, whatever there is.
                let rest = all.len() - self.body.last().map_or(0, |last| last.len() / 2);
                self.body = vec![Bytes::copy_from_slice(all.get(..rest).unwrap_or_default())];
            }
            Some(Fault::GzipBomb) => {
                self.gzip = true;
                self.body = vec![bomb().into()];
            }
            Some(Fault::Html) => {
                self.content_type = HTML;
                self.body = vec![SORRY.into()];
            }
            Some(Fault::HtmlInDisguise) => self.body = vec![SORRY.into()],
            Some(Fault::ContentType(content_type)) => self.content_type = content_type,
            _ => {}
        }
        self
    }
}

fn framed(header: &[u8]) -> Bytes {
    [&car::varint(header.len() as u64), header].concat().into()
}

fn flipped(bytes: &[u8]) -> Bytes {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x10;
    }
    bytes.into()
}

/// As many bytes, others.
fn other(bytes: &[u8]) -> Bytes {
    bytes.iter().map(|byte| !byte).collect::<Vec<_>>().into()
}

/// A block that belongs to nothing, under an identity that nobody checks: its CID is made of its first bytes.
fn stranger(block: &[u8]) -> (Cid, Bytes) {
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().zip(block) {
        *place = !*byte;
    }
    let hash = cid::multihash::Multihash::wrap(0x12, &digest).unwrap_or_default();
    (Cid::new_v1(0x55, hash), Bytes::copy_from_slice(block))
}

/// 64 MiB in 64 KiB.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::best());
    for _ in 0..64 {
        // Writing to memory does not fail.
        let _ = encoder.write_all(&vec![0; 1 << 20]);
    }
    encoder.finish().unwrap_or_default()
}
