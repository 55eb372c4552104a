use fvm_shared::address::Network;
use fvm_shared::crypto::signature::{Signature as HeaderSignature, SignatureType};
use fvm_shared::sector::{PoStProof, RegisteredPoStProof};
use serde::{Deserialize, Serialize};

use super::message::Signature;
use super::scalar::{Bytes, Int, Link, address_text, or_empty, or_null, parse_address};
use super::{InvalidJson, same_cid};
use crate::types::{self, BlockHeader, TipsetKey};

/// A block header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Header {
    miner: String,
    ticket: Option<Ticket>,
    election_proof: Option<ElectionProof>,
    #[serde(deserialize_with = "or_empty", serialize_with = "or_null")]
    beacon_entries: Vec<BeaconEntry>,
    #[serde(rename = "WinPoStProof", deserialize_with = "or_empty", serialize_with = "or_null")]
    winning_post_proof: Vec<Proof>,
    #[serde(deserialize_with = "or_empty", serialize_with = "or_null")]
    parents: Vec<Link>,
    parent_weight: Int,
    height: i64,
    parent_state_root: Link,
    parent_message_receipts: Link,
    messages: Link,
    #[serde(rename = "BLSAggregate")]
    bls_aggregate: Option<Signature>,
    timestamp: u64,
    block_sig: Option<Signature>,
    fork_signaling: u64,
    parent_base_fee: Int,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ticket {
    #[serde(rename = "VRFProof")]
    vrf_proof: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ElectionProof {
    #[serde(rename = "WinCount")]
    win_count: i64,
    #[serde(rename = "VRFProof")]
    vrf_proof: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct BeaconEntry {
    #[serde(rename = "Round")]
    round: u64,
    #[serde(rename = "Data")]
    data: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Proof {
    #[serde(rename = "PoStProof")]
    kind: i64,
    #[serde(rename = "ProofBytes")]
    bytes: Bytes,
}

impl Header {
    /// The JSON of `header`.
    #[must_use]
    pub fn of(header: &BlockHeader, network: Network) -> Self {
        let signature = |signature: &HeaderSignature| Signature {
            kind: signature.sig_type as u8,
            data: signature.bytes.clone(),
        };
        Self {
            miner: address_text(&header.miner, network),
            ticket: header.ticket.as_ref().map(|t| Ticket { vrf_proof: Bytes(t.vrf_proof.clone()) }),
            election_proof: header
                .election_proof
                .as_ref()
                .map(|p| ElectionProof { win_count: p.win_count, vrf_proof: Bytes(p.vrf_proof.clone()) }),
            beacon_entries: header
                .beacon_entries
                .iter()
                .map(|entry| BeaconEntry { round: entry.round, data: Bytes(entry.signature.clone()) })
                .collect(),
            winning_post_proof: header
                .winning_post_proof
                .iter()
                .map(|p| Proof { kind: p.post_proof.into(), bytes: Bytes(p.proof_bytes.clone()) })
                .collect(),
            parents: header.parents.iter().copied().map(Link).collect(),
            parent_weight: Int(header.parent_weight.clone()),
            height: header.height,
            parent_state_root: Link(header.parent_state_root),
            parent_message_receipts: Link(header.parent_message_receipts),
            messages: Link(header.messages),
            bls_aggregate: header.bls_aggregate.as_ref().map(signature),
            timestamp: header.timestamp,
            block_sig: header.block_sig.as_ref().map(signature),
            fork_signaling: header.fork_signaling,
            parent_base_fee: Int::from(&header.parent_base_fee),
        }
    }
}

impl TryFrom<Header> for BlockHeader {
    type Error = InvalidJson;

    fn try_from(json: Header) -> Result<Self, InvalidJson> {
        let signature = |signature: Signature| {
            let sig_type = match signature.kind {
                1 => SignatureType::Secp256k1,
                2 => SignatureType::BLS,
                other => return Err(InvalidJson::new("a block's signature", format!("type {other}"))),
            };
            Ok(HeaderSignature { sig_type, bytes: signature.data })
        };
        Ok(Self {
            miner: parse_address(&json.miner)?,
            ticket: json.ticket.map(|ticket| types::Ticket { vrf_proof: ticket.vrf_proof.0 }),
            election_proof: json
                .election_proof
                .map(|p| types::ElectionProof { win_count: p.win_count, vrf_proof: p.vrf_proof.0 }),
            beacon_entries: json
                .beacon_entries
                .into_iter()
                .map(|entry| types::BeaconEntry { round: entry.round, signature: entry.data.0 })
                .collect(),
            winning_post_proof: json
                .winning_post_proof
                .into_iter()
                .map(|p| PoStProof { post_proof: RegisteredPoStProof::from(p.kind), proof_bytes: p.bytes.0 })
                .collect(),
            parents: json.parents.into_iter().map(|Link(cid)| cid).collect(),
            parent_weight: json.parent_weight.0,
            height: json.height,
            parent_state_root: json.parent_state_root.0,
            parent_message_receipts: json.parent_message_receipts.0,
            messages: json.messages.0,
            bls_aggregate: json.bls_aggregate.map(signature).transpose()?,
            timestamp: json.timestamp,
            block_sig: json.block_sig.map(signature).transpose()?,
            fork_signaling: json.fork_signaling,
            parent_base_fee: json.parent_base_fee.into(),
        })
    }
}

/// A tipset: the CIDs of its blocks, the blocks, the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tipset {
    #[serde(deserialize_with = "or_empty")]
    cids: Vec<Link>,
    #[serde(deserialize_with = "or_empty")]
    blocks: Vec<Header>,
    height: i64,
}

impl Tipset {
    /// The JSON of `tipset`.
    #[must_use]
    pub fn of(tipset: &types::Tipset, network: Network) -> Self {
        Self {
            cids: tipset.key().0.iter().copied().map(Link).collect(),
            blocks: tipset.blocks().iter().map(|block| Header::of(block, network)).collect(),
            height: tipset.epoch().height(),
        }
    }

    /// The name that is claimed, unchecked.
    #[must_use]
    pub fn claimed_key(&self) -> TipsetKey {
        TipsetKey(self.cids.iter().map(|Link(cid)| *cid).collect())
    }
}

impl TryFrom<Tipset> for types::Tipset {
    type Error = InvalidJson;

    /// Fails unless the blocks reproduce the claimed CIDs, in ticket order, and the claimed height.
    fn try_from(json: Tipset) -> Result<Self, InvalidJson> {
        if json.cids.len() != json.blocks.len() {
            let detail = format!("{} CIDs and {} blocks", json.cids.len(), json.blocks.len());
            return Err(InvalidJson::new("a tipset", detail));
        }
        let blocks = json.blocks.into_iter().map(BlockHeader::try_from).collect::<Result<Vec<_>, _>>()?;
        let tipset = Self::new(blocks).map_err(|error| InvalidJson::new("a tipset", error.to_string()))?;
        for (claimed, real) in json.cids.iter().zip(&tipset.key().0) {
            same_cid("a block of a tipset", Some(claimed), *real)?;
        }
        if tipset.epoch().height() != json.height {
            let detail = format!("height {} of blocks at {}", json.height, tipset.epoch());
            return Err(InvalidJson::new("a tipset", detail));
        }
        Ok(tipset)
    }
}
