use cid::Cid;
use fvm_ipld_encoding::strict_bytes;
use fvm_ipld_encoding::tuple::*;
use fvm_shared::address::Address;
use fvm_shared::bigint::{BigInt, bigint_ser};
use fvm_shared::crypto::signature::Signature;
use fvm_shared::econ::TokenAmount;
use fvm_shared::sector::PoStProof;

/// A VRF output that orders the blocks of a tipset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize_tuple, Deserialize_tuple)]
pub struct Ticket {
    /// BLS signature of the worker over the ticket randomness.
    #[serde(with = "strict_bytes")]
    pub vrf_proof: Vec<u8>,
}

impl Ticket {
    /// BLAKE2b-256 of the VRF output: what tickets are ordered by.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(blake2b_simd::Params::new().hash_length(32).hash(&self.vrf_proof).as_bytes());
        digest
    }
}

/// Proof that the miner was elected, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ElectionProof {
    /// How many of the epoch's expected wins fall to this block; at least 1, but 0 in genesis.
    pub win_count: i64,
    /// BLS signature of the worker over the election randomness.
    #[serde(with = "strict_bytes")]
    pub vrf_proof: Vec<u8>,
}

/// One round of the randomness beacon.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize_tuple, Deserialize_tuple)]
pub struct BeaconEntry {
    /// Round number of the beacon.
    pub round: u64,
    /// The beacon's signature.
    #[serde(with = "strict_bytes")]
    pub signature: Vec<u8>,
}

/// A block header: a CBOR tuple of 16 fields (specification, "Block"; Lotus `chain/types/blockheader.go`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct BlockHeader {
    /// The miner actor, an ID address.
    pub miner: Address,
    /// Ticket; the smallest of a tipset seeds the next one.
    pub ticket: Option<Ticket>,
    /// Election proof.
    pub election_proof: Option<ElectionProof>,
    /// Beacon rounds since the parent tipset.
    pub beacon_entries: Vec<BeaconEntry>,
    /// WinningPoSt.
    pub winning_post_proof: Vec<PoStProof>,
    /// CIDs of the blocks of the parent tipset, in ticket order.
    pub parents: Vec<Cid>,
    /// Weight of the chain up to the parent tipset.
    #[serde(with = "bigint_ser")]
    pub parent_weight: BigInt,
    /// The block's epoch.
    pub height: i64,
    /// State after the parent tipset was executed.
    pub parent_state_root: Cid,
    /// AMT of the receipts of the parent tipset's messages.
    pub parent_message_receipts: Cid,
    /// Root of the block's messages: a tuple of the AMTs of BLS and secp256k1 messages.
    pub messages: Cid,
    /// Aggregate of the signatures of the BLS messages.
    pub bls_aggregate: Option<Signature>,
    /// Unix time in seconds.
    pub timestamp: u64,
    /// The worker's signature over this tuple with `null` in its place.
    pub block_sig: Option<Signature>,
    /// Reserved.
    pub fork_signaling: u64,
    /// Base fee that holds for the messages of this block, attoFIL a gas unit.
    pub parent_base_fee: TokenAmount,
}

impl BlockHeader {
    /// The header's CBOR.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        // The tuple holds no map with non-text keys and no float: serialising into memory has no way to fail.
        fvm_ipld_encoding::to_vec(self).unwrap_or_default()
    }

    /// The header's CID.
    #[must_use]
    pub fn cid(&self) -> Cid {
        super::cid_of(&self.to_cbor())
    }

    /// What the worker signs: the CBOR with `null` in place of the signature.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        Self { block_sig: None, ..self.clone() }.to_cbor()
    }

    /// Decode, refusing bytes that are not the canonical CBOR of a header.
    ///
    /// # Errors
    /// When the bytes are no header, or do not encode back to themselves (then their CID would not be reproduced).
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, fvm_ipld_encoding::Error> {
        let header: Self = fvm_ipld_encoding::from_slice(bytes)?;
        if header.to_cbor() == bytes {
            return Ok(header);
        }
        Err(fvm_ipld_encoding::Error {
            description: "a block header that is not canonical CBOR".into(),
            protocol: fvm_ipld_encoding::CodecProtocol::Cbor,
        })
    }

    /// The id of the miner actor; `None` when the header carries another kind of address.
    #[must_use]
    pub fn miner_id(&self) -> Option<u64> {
        self.miner.id().ok()
    }

    /// Whether this is a network's first block.
    #[must_use]
    pub const fn is_genesis(&self) -> bool {
        self.height == 0
    }
}
