//! Chain types. Their CBOR is byte for byte what the chain carries, so that it reproduces every CID.

mod certificate;
mod gas;
mod header;
pub mod json;
mod load;
mod message;
pub mod multisig;
mod receipt;
mod tipset;
mod trace;

pub use certificate::{EcTipset, FinalityCertificate, PowerDelta, PowerEntry, SupplementalData};
pub use gas::{GasOutputs, fee_split, gas_outputs, inclusion_gas};
pub use header::{BeaconEntry, BlockHeader, ElectionProof, Ticket};
pub use load::{LoadError, dense_array};
pub use message::{
    BlockMessages, Executed, Message, MessageSignature, MessagesRoot, SignatureKind, SignedMessage,
    executed_messages, message_cid,
};
pub use receipt::{Receipt, ReceiptForm};
pub use tipset::{InvalidTipset, Tipset, TipsetKey};
pub use trace::{ApplyRewardParams, Award, AwardParams, Call, ExecutionTrace, MessageTrace, Payment};

use cid::Cid;
use fvm_ipld_encoding::DAG_CBOR;
use multihash_codetable::{Code, MultihashDigest};

/// The CID the chain gives to a block of DAG-CBOR: version 1, BLAKE2b-256.
#[must_use]
pub fn cid_of(bytes: &[u8]) -> Cid {
    Cid::new_v1(DAG_CBOR, Code::Blake2b256.digest(bytes))
}
