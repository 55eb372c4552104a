//! Chain types. Their CBOR is byte for byte what the chain carries, so that it reproduces every CID.

mod header;
mod tipset;

pub use header::{BeaconEntry, BlockHeader, ElectionProof, Ticket};
pub use tipset::{InvalidTipset, Tipset, TipsetKey};

use cid::Cid;
use fvm_ipld_encoding::DAG_CBOR;
use multihash_codetable::{Code, MultihashDigest};

/// The CID the chain gives to a block of DAG-CBOR: version 1, BLAKE2b-256.
#[must_use]
pub fn cid_of(bytes: &[u8]) -> Cid {
    Cid::new_v1(DAG_CBOR, Code::Blake2b256.digest(bytes))
}
