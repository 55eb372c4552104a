//! `/fil/storage/ask/1.1.0`: what storage costs.

use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::crypto::signature::Signature;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;
use serde::{Deserialize, Serialize};

use crate::cbor::{self, DecodeError, EncodeError, Limits};
use crate::price::per_epoch;

/// A client asks for a provider's ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AskRequest {
    /// The provider.
    pub miner: Address,
}

/// A provider's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AskResponse {
    /// `None` when the peer does not serve that provider.
    pub ask: Option<SignedAsk>,
}

/// An ask with the provider's signature, which is the business of whom has the chain's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignedAsk {
    /// The ask.
    pub ask: Option<StorageAsk>,
    /// Over its DAG-CBOR, by the provider's worker.
    pub signature: Option<Signature>,
}

/// What a provider asks for storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StorageAsk {
    /// attoFIL for a GiB and epoch.
    pub price: TokenAmount,
    /// The same for verified deals.
    pub verified_price: TokenAmount,
    /// Padded bytes of the smallest piece.
    pub min_piece_size: PaddedPieceSize,
    /// Padded bytes of the largest.
    pub max_piece_size: PaddedPieceSize,
    /// The provider.
    pub miner: Address,
    /// The epoch in which it was made.
    pub timestamp: ChainEpoch,
    /// The epoch with which it ends.
    pub expiry: ChainEpoch,
    /// How many came before it.
    pub seq_no: u64,
}

/// Why an ask does not suit, by the rules of a competition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuited {
    /// `ASK_PRICE_OVER_CAP`.
    #[error("the provider asks {asked} for a GiB and epoch; the cap is {cap}")]
    PriceOverCap {
        /// What is asked.
        asked: TokenAmount,
        /// What is paid at most.
        cap: TokenAmount,
    },
    /// `PIECE_SIZE_OUT_OF_RANGE`.
    #[error("a piece of {size} bytes is not between {least} and {most}")]
    PieceSizeOutOfRange {
        /// What would be stored, padded.
        size: u64,
        /// The smallest piece.
        least: u64,
        /// The largest piece.
        most: u64,
    },
}

impl StorageAsk {
    /// What a deal for a piece of this size costs by epoch, if the ask suits: no dearer than `cap` for a GiB and epoch.
    ///
    /// # Errors
    /// See [`Unsuited`].
    pub fn suits(
        &self,
        size: PaddedPieceSize,
        verified: bool,
        cap: &TokenAmount,
    ) -> Result<TokenAmount, Unsuited> {
        let asked = if verified { &self.verified_price } else { &self.price };
        if asked > cap {
            return Err(Unsuited::PriceOverCap { asked: asked.clone(), cap: cap.clone() });
        }
        let (least, most) = (self.min_piece_size.0, self.max_piece_size.0);
        if !(least..=most).contains(&size.0) {
            return Err(Unsuited::PieceSizeOutOfRange { size: size.0, least, most });
        }
        Ok(per_epoch(asked, size))
    }
}

impl AskRequest {
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
        cbor::decode("AskRequest", bytes, Limits::REQUEST)
    }
}

impl AskResponse {
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
    /// See [`DecodeError`]: a price below nothing is one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let response: Self = cbor::decode("AskResponse", bytes, Limits::REPLY)?;
        let ask = response.ask.as_ref().and_then(|signed| signed.ask.as_ref());
        if ask.is_some_and(|ask| ask.price.is_negative() || ask.verified_price.is_negative()) {
            return Err(DecodeError::Value { what: "AskResponse", why: "a price is negative" });
        }
        Ok(response)
    }
}
