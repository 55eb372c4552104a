use apogee_filecoin::types::json::{InvalidJson, Link, address_text, parse_address};
use cid::Cid;
use fvm_shared::address::{Address, Network};
use fvm_shared::econ::TokenAmount;
use serde::{Deserialize, Serialize};

use crate::amount;

/// Bytes of a text that are kept.
const KEPT: usize = 1 << 10;

/// Who serves, as the node knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The miner, in the node's text.
    #[serde(rename = "Address")]
    pub address: String,
    /// The peer id.
    #[serde(rename = "ID")]
    pub id: String,
    /// The piece that holds the data.
    #[serde(rename = "PieceCID")]
    pub piece: Option<Link>,
}

/// What a miner asks for data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Why there is none; nothing if there is. 1,024 bytes at most.
    pub error: String,
    /// The root of the data.
    pub root: Cid,
    /// The piece that holds it.
    pub piece: Option<Cid>,
    /// Bytes.
    pub size: u64,
    /// For all of it, in attoFIL.
    pub min_price: TokenAmount,
    /// To unseal it, in attoFIL.
    pub unseal_price: TokenAmount,
    /// Bytes until the first payment.
    pub payment_interval: u64,
    /// Bytes that each further interval is longer by.
    pub payment_interval_increase: u64,
    /// Who asks.
    pub miner: Address,
    /// Where.
    pub peer: Option<Peer>,
}

/// What is retrieved, and what is paid for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What was offered.
    pub offer: Offer,
    /// Who pays: an address of the node's wallet.
    pub client: Address,
}

impl Offer {
    /// The order to these terms.
    #[must_use]
    pub const fn order(self, client: Address) -> Order {
        Order { offer: self, client }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Offered {
    #[serde(default)]
    err: String,
    root: Link,
    piece: Option<Link>,
    size: u64,
    #[serde(with = "amount")]
    min_price: TokenAmount,
    #[serde(with = "amount", default)]
    unseal_price: TokenAmount,
    payment_interval: u64,
    payment_interval_increase: u64,
    miner: String,
    miner_peer: Option<Peer>,
}

impl TryFrom<Offered> for Offer {
    type Error = InvalidJson;

    fn try_from(mut offered: Offered) -> Result<Self, InvalidJson> {
        offered.err.truncate(offered.err.floor_char_boundary(KEPT));
        Ok(Self {
            error: offered.err,
            root: offered.root.0,
            piece: offered.piece.map(|link| link.0),
            size: offered.size,
            min_price: offered.min_price,
            unseal_price: offered.unseal_price,
            payment_interval: offered.payment_interval,
            payment_interval_increase: offered.payment_interval_increase,
            miner: parse_address(&offered.miner)?,
            peer: offered.miner_peer,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Ordered<'a> {
    root: Link,
    piece: Option<Link>,
    size: u64,
    #[serde(with = "amount")]
    total: TokenAmount,
    #[serde(with = "amount")]
    unseal_price: TokenAmount,
    payment_interval: u64,
    payment_interval_increase: u64,
    client: String,
    miner: String,
    miner_peer: Option<&'a Peer>,
}

impl Order {
    pub(crate) fn written(&self, network: Network) -> Ordered<'_> {
        let offer = &self.offer;
        Ordered {
            root: Link(offer.root),
            piece: offer.piece.map(Link),
            size: offer.size,
            total: offer.min_price.clone(),
            unseal_price: offer.unseal_price.clone(),
            payment_interval: offer.payment_interval,
            payment_interval_increase: offer.payment_interval_increase,
            client: address_text(&self.client, network),
            miner: address_text(&offer.miner, network),
            miner_peer: offer.peer.as_ref(),
        }
    }
}
