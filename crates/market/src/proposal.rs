use std::fmt;

use cid::Cid;
use fvm_ipld_encoding::DAG_CBOR;
use fvm_ipld_encoding::tuple::{Deserialize_tuple, Serialize_tuple, serde_tuple};
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::crypto::signature::Signature;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;
use multihash_codetable::{Code, MultihashDigest};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cbor::{self, EncodeError};
use crate::price::{LONGEST, SHORTEST, provider_collateral};
use crate::{SignError, SignatureError, Signs, verify};

/// Bytes of the longest label (`DEAL_MAX_LABEL_SIZE` of the market actor).
const LONGEST_LABEL: usize = 256;
/// `fil-commitment-unsealed` and `sha2-256-trunc254-padded` of the table of multicodecs.
const UNSEALED: u64 = 0xf101;
const TRUNC254_PADDED: u64 = 0x1012;

/// What a client writes on a deal: text, or bytes that are none.
#[derive(Clone, PartialEq, Eq)]
pub enum Label {
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Label {
    /// Bytes of it.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether nothing is written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => write!(f, "0x{}", hex::encode(bytes)),
        }
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Label;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or bytes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Label, E> {
                Ok(Label::Text(text.into()))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Label, E> {
                Ok(Label::Bytes(bytes.into()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A deal as the chain's market actor takes it (`go-state-types/builtin/v9/market/deal.go`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct DealProposal {
    /// The piece's commitment, as a CID of version 1.
    pub piece_cid: Cid,
    /// Padded bytes: a power of two.
    pub piece_size: PaddedPieceSize,
    /// Whether it spends `DataCap`.
    pub verified_deal: bool,
    /// Who pays: an `f1` address.
    pub client: Address,
    /// Who stores: an `f0` address.
    pub provider: Address,
    /// Anything of at most 256 bytes.
    pub label: Label,
    /// The epoch by which it must be in a sector.
    pub start_epoch: ChainEpoch,
    /// The epoch with which it ends.
    pub end_epoch: ChainEpoch,
    /// attoFIL by epoch, for the deal as a whole.
    pub storage_price_per_epoch: TokenAmount,
    /// attoFIL that the provider locks.
    pub provider_collateral: TokenAmount,
    /// attoFIL that the client locks.
    pub client_collateral: TokenAmount,
}

impl DealProposal {
    /// Epochs that it lasts.
    #[must_use]
    pub const fn duration(&self) -> ChainEpoch {
        self.end_epoch.saturating_sub(self.start_epoch)
    }

    /// What its client has to have in escrow: the whole price and the collateral, in attoFIL.
    #[must_use]
    pub fn client_balance(&self) -> TokenAmount {
        crate::price::total(&self.storage_price_per_epoch, self.duration()) + &self.client_collateral
    }

    /// The DAG-CBOR that is signed, and that providers store.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        cbor::encode(self)
    }
}

/// What a deal shall be; [`Terms::proposal`] makes one of it that every provider finds in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The piece's commitment, as a CID of version 1.
    pub piece_cid: Cid,
    /// Its padded bytes.
    pub piece_size: PaddedPieceSize,
    /// Whether it spends `DataCap`.
    pub verified: bool,
    /// Who pays.
    pub client: Address,
    /// Who stores.
    pub provider: Address,
    /// At most 256 bytes.
    pub label: Label,
    /// The epoch by which it must be in a sector.
    pub start: ChainEpoch,
    /// Epochs that it lasts.
    pub duration: ChainEpoch,
    /// attoFIL by epoch, for the deal as a whole: [`crate::price::per_epoch`].
    pub price: TokenAmount,
    /// The least collateral of `StateDealProviderCollateralBounds`, in attoFIL.
    pub least_collateral: TokenAmount,
}

/// Terms that no provider could take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Not of a piece, or not of version 1.
    #[error("{0} is no piece commitment")]
    PieceCid(Cid),
    /// Not a power of two from 128 on.
    #[error("{0} bytes are no size of a padded piece")]
    PieceSize(u64),
    /// Too long.
    #[error("the label has {0} bytes; {LONGEST_LABEL} is the most")]
    Label(usize),
    /// Before the chain's beginning, or too late to be counted.
    #[error("no deal lasts from epoch {start} for {duration} epochs")]
    Epochs {
        /// Where it would start.
        start: ChainEpoch,
        /// How long it would last.
        duration: ChainEpoch,
    },
    /// Too short or too long for the market actor.
    #[error("a deal lasts from {SHORTEST} to {LONGEST} epochs, not {0}")]
    Duration(ChainEpoch),
    /// An amount below nothing.
    #[error("an amount is negative")]
    Amount,
}

impl Terms {
    /// The proposal on these terms. The client locks nothing beyond the price.
    ///
    /// # Errors
    /// See [`TermsError`].
    pub fn proposal(self) -> Result<DealProposal, TermsError> {
        let hash = self.piece_cid.hash();
        if (self.piece_cid.codec(), hash.code(), hash.size()) != (UNSEALED, TRUNC254_PADDED, 32) {
            return Err(TermsError::PieceCid(self.piece_cid));
        }
        self.piece_size.validate().map_err(|_| TermsError::PieceSize(self.piece_size.0))?;
        if self.label.len() > LONGEST_LABEL {
            return Err(TermsError::Label(self.label.len()));
        }
        if !(SHORTEST..=LONGEST).contains(&self.duration) {
            return Err(TermsError::Duration(self.duration));
        }
        let epochs = TermsError::Epochs { start: self.start, duration: self.duration };
        let end_epoch = self.start.checked_add(self.duration).filter(|_| self.start >= 0).ok_or(epochs)?;
        if self.price.is_negative() || self.least_collateral.is_negative() {
            return Err(TermsError::Amount);
        }
        Ok(DealProposal {
            piece_cid: self.piece_cid,
            piece_size: self.piece_size,
            verified_deal: self.verified,
            client: self.client,
            provider: self.provider,
            label: self.label,
            start_epoch: self.start,
            end_epoch,
            storage_price_per_epoch: self.price,
            provider_collateral: provider_collateral(&self.least_collateral),
            client_collateral: TokenAmount::default(),
        })
    }
}

/// A proposal with its client's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize_tuple, Deserialize_tuple)]
pub struct ClientDealProposal {
    /// The proposal.
    pub proposal: DealProposal,
    /// Over [`DealProposal::encode`].
    pub client_signature: Signature,
}

/// A proposal that is not signed.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// It could not be written.
    #[error("the proposal could not be written")]
    Encode(#[from] EncodeError),
    /// The client has not signed.
    #[error("the client does not sign")]
    Sign(#[from] SignError),
    /// The signature is not its client's.
    #[error("the proposal's signature does not verify")]
    Signature(#[from] SignatureError),
}

impl ClientDealProposal {
    /// Have `client` sign, and check that it is the proposal's client who has.
    ///
    /// # Errors
    /// See [`NotSigned`]: a provider would refuse.
    pub fn sign(proposal: DealProposal, client: &(impl Signs + ?Sized)) -> Result<Self, NotSigned> {
        let client_signature = client.sign(&proposal.encode()?)?;
        let signed = Self { proposal, client_signature };
        signed.verify()?;
        Ok(signed)
    }

    /// Check that the proposal's client has signed it.
    ///
    /// # Errors
    /// See [`NotSigned`].
    pub fn verify(&self) -> Result<(), NotSigned> {
        verify(&self.proposal.client, &self.proposal.encode()?, &self.client_signature)?;
        Ok(())
    }

    /// How providers name it: of its DAG-CBOR, by BLAKE2b-256.
    ///
    /// # Errors
    /// See [`EncodeError`].
    pub fn cid(&self) -> Result<Cid, EncodeError> {
        Ok(Cid::new_v1(DAG_CBOR, Code::Blake2b256.digest(&cbor::encode(self)?)))
    }
}
