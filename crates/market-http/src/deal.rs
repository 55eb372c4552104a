//! What is proposed: the document that `POST /market/mk20/deal` takes.

use std::collections::BTreeMap;

use cid::Cid;
use serde::{Deserialize, Serialize};

use crate::Ulid;
use crate::link;

/// A deal. [`crate::Terms`] make one that is in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// Its name.
    pub identifier: Ulid,
    /// Who proposes: the address behind the `CurioAuth` header, in the very text that the provider writes it in, `t1…` on test networks.
    pub client: String,
    /// What is to be stored.
    pub data: Data,
    /// What is to be done with it.
    pub products: Products,
}

/// What is to be stored, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// The piece, by its CID of version 2, which tells its size.
    #[serde(with = "link")]
    pub piece_cid: Cid,
    /// What the bytes are.
    pub format: Format,
    /// Where they come from.
    #[serde(flatten)]
    pub source: Source,
}

/// What the bytes of a piece are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A CAR, which can be indexed.
    Car {},
    /// Just bytes.
    Raw {},
}

/// Where a provider has the bytes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It fetches them.
    SourceHttp {
        /// From any of these; ten at most.
        urls: Vec<Url>,
    },
    /// They are sent to it, once it has taken the deal.
    SourceHttpPut {},
}

/// What a provider gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Url {
    /// `http` or `https`, with a host of the public internet.
    pub url: String,
    /// Sent with the request; ten at most.
    #[serde(default)]
    pub headers: BTreeMap<String, Vec<String>>,
    /// The lowest is tried first.
    #[serde(default)]
    pub priority: i32,
    /// Whether it is only for when the others fail.
    #[serde(default)]
    pub fallback: bool,
}

/// What is to be done with the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Products {
    /// It is sealed into a sector.
    pub ddo_v1: Ddo,
    /// It can be retrieved.
    pub retrieval_v1: Retrieval,
}

/// Direct data onboarding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ddo {
    /// The miner.
    pub provider: String,
    /// By when the sector has to be active; `null` leaves it to the provider.
    pub start_epoch: Option<i64>,
    /// Epochs from then on.
    pub duration: i64,
    /// The client's allocation of `DataCap`. Curio's later versions take no new deals with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<u64>,
    /// The contract that the deal was made by, `0x…`; none here.
    pub market_address: String,
    /// The deal in that contract.
    pub market_deal_id: Option<u64>,
}

/// How the data can be retrieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retrieval {
    /// Its blocks are indexed, and found by their CIDs.
    pub indexing: bool,
    /// Its blocks are announced to indexers.
    pub announce_payload: bool,
    /// The piece is announced to indexers; never with [`Ddo`].
    pub announce_piece: bool,
}

impl Deal {
    /// As JSON: the same bytes each time.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// From JSON. What is unknown is passed over.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}
