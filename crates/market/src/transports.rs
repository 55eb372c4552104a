//! `/fil/retrieval/transports/1.0.0`: where a provider serves what it stores.

use fvm_ipld_encoding::strict_bytes::ByteBuf;
use serde::{Deserialize, Serialize};

use crate::cbor::{self, DecodeError, EncodeError, Limits};

/// What a provider says as soon as the stream is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueryResponse {
    /// One for each way.
    pub protocols: Vec<Transport>,
}

/// A way to retrieve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Transport {
    /// `http`, `libp2p`, `bitswap`, …
    pub name: String,
    /// Multiaddresses in binary. They are the provider's word: nobody dials them unchecked.
    pub addresses: Vec<ByteBuf>,
}

impl QueryResponse {
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
        cbor::decode("QueryResponse", bytes, Limits::REPLY)
    }
}
