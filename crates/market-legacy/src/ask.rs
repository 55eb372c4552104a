use apogee_filecoin::types::json::{InvalidJson, parse_address};
use fvm_shared::address::Address;
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use serde::Deserialize;

use crate::amount;

/// What a miner asks for storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// For a GiB and epoch, in attoFIL.
    pub price: TokenAmount,
    /// The same for verified deals; the nodes of 2020 do not tell.
    pub verified_price: Option<TokenAmount>,
    /// Bytes of the smallest piece, with padding.
    pub min_piece_size: u64,
    /// Bytes of the largest piece, with padding.
    pub max_piece_size: u64,
    /// Who asks.
    pub miner: Address,
    /// Since when.
    pub timestamp: ChainEpoch,
    /// Until when.
    pub expiry: ChainEpoch,
    /// How many asks came before.
    pub seq_no: u64,
    /// What the miner makes deals in, as the node of v1.27 tells.
    pub protocols: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    #[serde(with = "amount")]
    price: TokenAmount,
    #[serde(default)]
    verified_price: Option<Amount>,
    min_piece_size: u64,
    max_piece_size: u64,
    miner: String,
    timestamp: ChainEpoch,
    expiry: ChainEpoch,
    seq_no: u64,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Amount(#[serde(with = "amount")] TokenAmount);

/// In all three shapes: `{Response, DealProtocols}` of v1.27, `{Ask, Signature}` of 2020, and the bare ask of the time between.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer {
    response: Option<Written>,
    ask: Option<Written>,
    deal_protocols: Option<Vec<String>>,
    #[serde(flatten)]
    bare: Option<Written>,
}

impl Answer {
    /// The ask; `None` where the answer holds none.
    pub(crate) fn ask(self) -> Result<Option<Ask>, InvalidJson> {
        let Some(ask) = self.response.or(self.ask).or(self.bare) else { return Ok(None) };
        Ok(Some(Ask {
            price: ask.price,
            verified_price: ask.verified_price.map(|amount| amount.0),
            min_piece_size: ask.min_piece_size,
            max_piece_size: ask.max_piece_size,
            miner: parse_address(&ask.miner)?,
            timestamp: ask.timestamp,
            expiry: ask.expiry,
            seq_no: ask.seq_no,
            protocols: self.deal_protocols.unwrap_or_default(),
        }))
    }
}
