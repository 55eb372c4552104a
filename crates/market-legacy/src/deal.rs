use apogee_filecoin::types::json::{InvalidJson, Link, address_text, parse_address};
use apogee_market::Rejection;
use cid::Cid;
use fvm_shared::address::{Address, Network};
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use serde::{Deserialize, Serialize};

use crate::amount;
use crate::state::{Says, State};

/// Bytes of a text that are kept.
const KEPT: usize = 1 << 10;

/// How the data comes to the miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transfer {
    /// The node sends it.
    Graphsync,
    /// By other ways.
    Manual,
}

/// What is proposed.
#[derive(Clone, Debug)]
pub struct StartDeal {
    /// How the data comes to the miner.
    pub transfer: Transfer,
    /// The root of the data, which the node has.
    pub root: Cid,
    /// The piece, for [`Transfer::Manual`]; otherwise the node computes it.
    pub piece: Option<Cid>,
    /// Bytes of the piece without padding, if it is given.
    pub piece_size: u64,
    /// Bytes of a CAR of the data, if the piece is given.
    pub raw_block_size: u64,
    /// Who pays: an address of the node's wallet.
    pub wallet: Address,
    /// To whom.
    pub miner: Address,
    /// For the whole piece and an epoch, in attoFIL.
    pub epoch_price: TokenAmount,
    /// Epochs.
    pub duration: u64,
    /// In attoFIL; zero leaves it to the node. The nodes of 2020 pass it over.
    pub provider_collateral: TokenAmount,
    /// When it begins; −1 leaves it to the node.
    pub start: ChainEpoch,
    /// Whether the miner shall keep a copy that can be served fast.
    pub fast_retrieval: bool,
    /// Whether it is paid for with `DataCap`.
    pub verified: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Proposed {
    data: Data,
    wallet: String,
    miner: String,
    #[serde(with = "amount")]
    epoch_price: TokenAmount,
    min_blocks_duration: u64,
    #[serde(with = "amount")]
    provider_collateral: TokenAmount,
    deal_start_epoch: ChainEpoch,
    fast_retrieval: bool,
    verified_deal: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    transfer_type: Transfer,
    root: Link,
    piece_cid: Option<Link>,
    piece_size: u64,
    raw_block_size: u64,
}

impl StartDeal {
    pub(crate) fn written(&self, network: Network) -> Proposed {
        Proposed {
            data: Data {
                transfer_type: self.transfer,
                root: Link(self.root),
                piece_cid: self.piece.map(Link),
                piece_size: self.piece_size,
                raw_block_size: self.raw_block_size,
            },
            wallet: address_text(&self.wallet, network),
            miner: address_text(&self.miner, network),
            epoch_price: self.epoch_price.clone(),
            min_blocks_duration: self.duration,
            provider_collateral: self.provider_collateral.clone(),
            deal_start_epoch: self.start,
            fast_retrieval: self.fast_retrieval,
            verified_deal: self.verified,
        }
    }
}

/// How far a deal is, by what the client knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealInfo {
    /// The deal's proposal.
    pub proposal: Option<Cid>,
    /// Where it is.
    pub state: State,
    /// The last words of the client or of the miner; 1,024 bytes at most.
    pub message: String,
    /// The miner.
    pub provider: Address,
    /// The piece.
    pub piece: Option<Cid>,
    /// Bytes of the piece.
    pub size: u64,
    /// In attoFIL.
    pub price_per_epoch: TokenAmount,
    /// Epochs.
    pub duration: u64,
    /// The deal's number on the chain; `None` as long as the client knows of none.
    pub deal_id: Option<u64>,
    /// Whether it is paid for with `DataCap`.
    pub verified: bool,
}

impl DealInfo {
    /// Why the miner has refused the deal, if it has.
    #[must_use]
    pub fn rejection(&self) -> Option<Rejection> {
        (self.state.says() == Says::Rejected).then(|| Rejection::of(&self.message))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Told {
    proposal_cid: Option<Link>,
    state: State,
    #[serde(default)]
    message: String,
    provider: String,
    #[serde(rename = "PieceCID")]
    piece: Option<Link>,
    size: u64,
    #[serde(with = "amount")]
    price_per_epoch: TokenAmount,
    duration: u64,
    #[serde(rename = "DealID", default)]
    deal_id: u64,
    #[serde(default)]
    verified: bool,
}

impl TryFrom<Told> for DealInfo {
    type Error = InvalidJson;

    fn try_from(mut told: Told) -> Result<Self, InvalidJson> {
        told.message.truncate(told.message.floor_char_boundary(KEPT));
        Ok(Self {
            proposal: told.proposal_cid.map(|link| link.0),
            state: told.state,
            message: told.message,
            provider: parse_address(&told.provider)?,
            piece: told.piece.map(|link| link.0),
            size: told.size,
            price_per_epoch: told.price_per_epoch,
            duration: told.duration,
            deal_id: Some(told.deal_id).filter(|id| *id != 0),
            verified: told.verified,
        })
    }
}
