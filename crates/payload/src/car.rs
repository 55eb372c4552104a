//! What a provider is given.

use apogee_piece::{Commitment, Piece};

use crate::pb::varint;
use crate::{Block, Dag};

/// Bytes that are made at once.
const CHUNK: usize = 256 << 10;

/// A DAG as a CARv1 (ipld.io/specs/transport/car/carv1): its root alone, all blocks depth first. Any range of it can be read, none is held.
#[derive(Clone, Debug)]
pub struct Car {
    dag: Dag,
    header: Vec<u8>,
    /// Where each block's section begins.
    starts: Vec<u64>,
    size: u64,
}

impl Car {
    /// The CAR of a DAG.
    #[must_use]
    pub fn new(dag: Dag) -> Self {
        let header = header(&dag);
        let mut size = header.len() as u64;
        let mut starts = Vec::with_capacity(dag.blocks().len());
        for block in dag.blocks() {
            starts.push(size);
            size += prefix(block).len() as u64 + block.size();
        }
        Self { dag, header, starts, size }
    }

    /// What is in it.
    #[must_use]
    pub const fn dag(&self) -> &Dag {
        &self.dag
    }

    /// Bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes from `offset` on, as many as there are and have room. Returns how many.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let many = left.min(buffer.len());
        let (mut rest, _) = buffer.split_at_mut(many);
        let mut at = offset;
        take(&self.header, 0, &mut at, &mut rest);
        let first = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        for (start, block) in self.starts.iter().zip(self.dag.blocks()).skip(first) {
            if rest.is_empty() {
                break;
            }
            let prefix = prefix(block);
            take(&prefix, *start, &mut at, &mut rest);
            let into = at.saturating_sub(start + prefix.len() as u64);
            let there = usize::try_from(block.size().saturating_sub(into)).unwrap_or(usize::MAX);
            let there = there.min(rest.len());
            let (bytes, behind) = std::mem::take(&mut rest).split_at_mut(there);
            self.dag.read_block(block, into, bytes);
            at += bytes.len() as u64;
            rest = behind;
        }
        many
    }

    /// What a provider commits to by storing it.
    #[must_use]
    pub fn piece(&self) -> Piece {
        let mut commitment = Commitment::default();
        let mut buffer = vec![0; CHUNK];
        let mut at = 0;
        while at < self.size {
            let many = self.read_at(at, &mut buffer);
            let (bytes, _) = buffer.split_at(many);
            commitment.add(bytes);
            at += many as u64;
        }
        commitment.finish().unwrap_or_else(|_| unreachable!("a header and a section are 96 bytes"))
    }
}

/// Move what `bytes`, which begin at `start`, have from `at` on.
fn take(bytes: &[u8], start: u64, at: &mut u64, rest: &mut &mut [u8]) {
    let from = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
    let there = bytes.get(from..).unwrap_or_default();
    let many = there.len().min(rest.len());
    let (to, behind) = std::mem::take(rest).split_at_mut(many);
    for (to, byte) in to.iter_mut().zip(there) {
        *to = *byte;
    }
    *rest = behind;
    *at += many as u64;
}

/// `{"roots": [root], "version": 1}` as DAG-CBOR, behind its length.
fn header(dag: &Dag) -> Vec<u8> {
    let root = dag.root().to_bytes();
    let mut cbor = vec![0xa2, 0x65];
    cbor.extend_from_slice(b"roots");
    // A list of one link: tag 42 around bytes, which begin with a zero.
    cbor.extend_from_slice(&[0x81, 0xd8, 0x2a, 0x58]);
    cbor.push(u8::try_from(root.len() + 1).unwrap_or(0));
    cbor.push(0);
    cbor.extend_from_slice(&root);
    cbor.push(0x67);
    cbor.extend_from_slice(b"version");
    cbor.push(1);
    let mut header = Vec::new();
    varint(&mut header, cbor.len() as u64);
    header.extend_from_slice(&cbor);
    header
}

/// What stands before a block's bytes: the length of all that follows, and its CID.
fn prefix(block: &Block) -> Vec<u8> {
    let cid = block.cid().to_bytes();
    let mut prefix = Vec::new();
    varint(&mut prefix, cid.len() as u64 + block.size());
    prefix.extend_from_slice(&cid);
    prefix
}
