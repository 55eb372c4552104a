//! `/fil/storage/status/1.2.0`: how far a deal is, by the provider's account.
//!
//! The chain's state is the truth about publication and activation; this is what the provider says.

use std::fmt;

use cid::Cid;
use fvm_shared::crypto::signature::Signature;
use serde::{Deserialize, Serialize};

use crate::cbor::{self, DecodeError, EncodeError, Limits};
use crate::{DealProposal, DealUuid, SignError, Signs};

/// A client asks after a deal of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealStatusRequest {
    /// The deal.
    #[serde(rename = "DealUUID")]
    pub deal_uuid: DealUuid,
    /// The client's, over the 16 bytes of the UUID.
    #[serde(rename = "Signature")]
    pub signature: Signature,
}

/// A provider's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DealStatusResponse {
    /// The deal.
    #[serde(rename = "DealUUID")]
    pub deal_uuid: DealUuid,
    /// Not empty when the provider could not tell: no judgement of the deal.
    pub error: String,
    /// How far it is; `None` with an error.
    pub deal_status: Option<DealStatus>,
    /// Whether the data comes by other ways.
    #[serde(default)]
    pub is_offline: bool,
    /// Bytes of the data.
    #[serde(default)]
    pub transfer_size: u64,
    /// Bytes that have come.
    #[serde(rename = "NBytesReceived", default)]
    pub bytes_received: u64,
}

/// How far a deal is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DealStatus {
    /// Not empty when the deal has failed.
    pub error: String,
    /// The checkpoint that it has reached: see [`Checkpoint`].
    pub status: String,
    /// What the sealing software calls its state.
    #[serde(default)]
    pub sealing_status: String,
    /// What was proposed.
    pub proposal: DealProposal,
    /// Of the proposal with its signature.
    pub signed_proposal_cid: Cid,
    /// Of the message that publishes the deal.
    pub publish_cid: Option<Cid>,
    /// The deal's number on the chain; 0 before it has one.
    #[serde(rename = "ChainDealID")]
    pub chain_deal_id: u64,
}

/// How far a provider can be with a deal (Boost's `dealcheckpoints`), in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checkpoint {
    /// It has said yes.
    Accepted,
    /// It has the data.
    Transferred,
    /// It has sent the message that publishes the deal.
    Published,
    /// The message is on the chain.
    PublishConfirmed,
    /// The piece is in a sector.
    AddedPiece,
    /// The piece is indexed and announced.
    IndexedAndAnnounced,
    /// Nothing is left to do.
    Complete,
}

impl Checkpoint {
    /// Every one, in order.
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Transferred,
        Self::Published,
        Self::PublishConfirmed,
        Self::AddedPiece,
        Self::IndexedAndAnnounced,
        Self::Complete,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Transferred => "Transferred",
            Self::Published => "Published",
            Self::PublishConfirmed => "PublishConfirmed",
            Self::AddedPiece => "AddedPiece",
            Self::IndexedAndAnnounced => "IndexedAndAnnounced",
            Self::Complete => "Complete",
        }
    }

    /// `None` for what is none of them: other software has words of its own.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|checkpoint| checkpoint.as_str() == word)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl DealStatus {
    /// The checkpoint that it has reached, if it is a known one.
    #[must_use]
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        Checkpoint::of(&self.status)
    }
}

impl DealStatusRequest {
    /// Ask after this deal.
    ///
    /// # Errors
    /// When the client does not sign.
    pub fn signed(deal: DealUuid, client: &(impl Signs + ?Sized)) -> Result<Self, SignError> {
        Ok(Self { deal_uuid: deal, signature: client.sign(&deal.0)? })
    }

    /// As DAG-CBOR.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        cbor::encode(self)
    }

    /// From a client.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        cbor::decode("DealStatusRequest", bytes, Limits::REQUEST)
    }
}

impl DealStatusResponse {
    /// As DAG-CBOR.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        cbor::encode(self)
    }

    /// From a provider.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        cbor::decode("DealStatusResponse", bytes, Limits::REPLY)
    }
}
