//! `/fil/storage/mk/1.2.1` and `1.2.0`: a client proposes, a provider takes it or not.

use std::collections::BTreeMap;

use cid::Cid;
use fvm_ipld_encoding::strict_bytes;
use serde::{Deserialize, Serialize};

use crate::cbor::{self, DecodeError, EncodeError, Limits};
use crate::{ClientDealProposal, DealUuid, Rejection, protocol};

/// Which form of a proposal a provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// Without [`DealParams::skip_ipni_announce`] and [`DealParams::remove_unsealed_copy`].
    V1_2_0,
    /// With them.
    V1_2_1,
}

impl Version {
    /// Its name in the negotiation of a stream.
    #[must_use]
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::V1_2_0 => protocol::DEAL_1_2_0,
            Self::V1_2_1 => protocol::DEAL_1_2_1,
        }
    }
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DealParams {
    /// The deal's name.
    #[serde(rename = "DealUUID")]
    pub deal_uuid: DealUuid,
    /// Whether the data comes by other ways.
    pub is_offline: bool,
    /// The proposal, signed.
    pub client_deal_proposal: ClientDealProposal,
    /// The root of the data.
    pub deal_data_root: Cid,
    /// Where the data is fetched.
    pub transfer: Transfer,
    /// Whether the provider need not keep a copy that can be served fast.
    #[serde(default)]
    pub remove_unsealed_copy: bool,
    /// Whether the provider shall not announce the data to indexers.
    #[serde(default, rename = "SkipIPNIAnnounce")]
    pub skip_ipni_announce: bool,
}

/// The form of 1.2.0, for writing.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Older<'a> {
    #[serde(rename = "DealUUID")]
    deal_uuid: DealUuid,
    is_offline: bool,
    client_deal_proposal: &'a ClientDealProposal,
    deal_data_root: &'a Cid,
    transfer: &'a Transfer,
}

/// Where a provider fetches a deal's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// `http`, `libp2p`, or nothing for data that comes by other ways.
    #[serde(rename = "Type")]
    pub kind: String,
    /// The client's own name for it.
    #[serde(rename = "ClientID")]
    pub client_id: String,
    /// Of `http` and `libp2p`, an [`HttpRequest`] in JSON.
    #[serde(rename = "Params", with = "strict_bytes")]
    pub params: Vec<u8>,
    /// Bytes of the data.
    #[serde(rename = "Size")]
    pub size: u64,
}

/// What a provider asks a web server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpRequest {
    /// Where the data is.
    #[serde(rename = "URL")]
    pub url: String,
    /// Sent with the request.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// Go writes an empty map as `null`.
fn null_is_empty<'de, D: serde::Deserializer<'de>>(value: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

/// What a provider answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DealResponse {
    /// Why not; nothing if it does.
    pub message: String,
    /// Whether it takes the deal.
    pub accepted: bool,
}

impl Transfer {
    /// Data of `size` bytes that is fetched with this request.
    ///
    /// # Errors
    /// When the request could not be written.
    pub fn http(request: &HttpRequest, client_id: String, size: u64) -> Result<Self, serde_json::Error> {
        Ok(Self { kind: "http".into(), client_id, params: serde_json::to_vec(request)?, size })
    }

    /// The request with which the data is fetched.
    ///
    /// # Errors
    /// When [`Transfer::params`] is none.
    pub fn request(&self) -> Result<HttpRequest, serde_json::Error> {
        serde_json::from_slice(&self.params)
    }
}

impl DealParams {
    /// As canonical DAG-CBOR, in the form of `version`.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode(&self, version: Version) -> Result<Vec<u8>, EncodeError> {
        match version {
            Version::V1_2_1 => cbor::encode(self),
            Version::V1_2_0 => cbor::encode(&Older {
                deal_uuid: self.deal_uuid,
                is_offline: self.is_offline,
                client_deal_proposal: &self.client_deal_proposal,
                deal_data_root: &self.deal_data_root,
                transfer: &self.transfer,
            }),
        }
    }

    /// From a client, in either form: what is missing is `false`, what is unknown is passed over.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        cbor::decode("DealParams", bytes, Limits::REQUEST)
    }
}

impl DealResponse {
    /// What the answer comes to: `None` if the deal is taken.
    #[must_use]
    pub fn rejection(&self) -> Option<Rejection> {
        (!self.accepted).then(|| Rejection::of(&self.message))
    }

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
        cbor::decode("DealResponse", bytes, Limits::REPLY)
    }
}
