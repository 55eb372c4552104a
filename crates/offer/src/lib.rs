#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

use std::collections::BTreeMap;

use apogee_market::deal::{DealParams, HttpRequest, Transfer, Version};
use apogee_market::{ClientDealProposal, DealUuid, Label, Secp256k1Key, Signs, Terms, price};
use apogee_market_http::{Endpoint, Format, Source, Ulid, Url, authorization};
use apogee_outbound::Target;
use apogee_payload::{Car, Dag, Key, Layout, Payload, Sizes};
use cid::Cid;
use fvm_shared::address::{Address, Network};
use fvm_shared::clock::ChainEpoch;
use fvm_shared::econ::TokenAmount;
use fvm_shared::piece::PaddedPieceSize;

/// A slot of storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot<'a> {
    /// The miner, in its ID form: `t01000`.
    pub miner: &'a str,
    /// Its number, from 0.
    pub number: u64,
}

/// What is asked of miners, and given to them. It is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The price, attoFIL for a GiB and epoch. Nobody who asks for more is offered a deal.
    pub price: TokenAmount,
    /// The least collateral of a provider, attoFIL.
    pub collateral: TokenAmount,
    /// Epochs from the offer until the deal has to be in force.
    pub start: ChainEpoch,
    /// Epochs that it lasts.
    pub duration: ChainEpoch,
    /// Whether it spends `DataCap`.
    pub verified: bool,
    /// How large payloads are.
    pub sizes: Sizes,
    /// How many slots of a miner share the bytes that it is sent at most.
    pub window: u64,
}

/// Makes the deals of a competition.
#[derive(Clone, Debug)]
pub struct Offers {
    secret: Secret,
    client: Secp256k1Key,
    conditions: Conditions,
}

#[derive(Clone)]
struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How a miner is spoken to about deals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `/fil/storage/mk/1.2.x`: the chain's market actor holds the deal.
    Market,
    /// Curio's `mk20`, with addresses as this network writes them: the data goes into a sector without the market actor.
    Direct(Network),
}

/// The deal of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its name: a UUID, of `mk20` a ULID.
    pub id: String,
    /// Bytes of the payload.
    pub payload: u64,
    /// Bytes of the CAR that the miner fetches.
    pub size: u64,
    /// The root of the payload.
    pub root: Cid,
    /// The commitment to the CAR.
    pub piece: Cid,
    /// How providers name the signed proposal; `mk20` has none.
    pub proposal: Option<Cid>,
    /// What is sent: `DealParams` of 1.2.1 in canonical DAG-CBOR, or the JSON of `mk20`.
    pub document: Vec<u8>,
    /// The epoch by which it has to be in force.
    pub start: ChainEpoch,
    /// The epoch with which it ends.
    pub end: ChainEpoch,
}

/// Why there is no deal.
#[derive(Debug, thiserror::Error)]
pub enum NoOffer {
    /// The bytes that a miner is sent in a window are used up.
    #[error("the bytes of this window are used up")]
    Spent,
    /// No market takes these terms.
    #[error("no market takes these terms")]
    Terms(#[from] apogee_market::TermsError),
    /// Curio's does not.
    #[error("no market of Curio's takes these terms")]
    Direct(#[from] apogee_market_http::TermsError),
    /// It is not signed.
    #[error("the deal is not signed")]
    Signed(#[from] apogee_market::NotSigned),
    /// A request is not signed.
    #[error("a request is not signed")]
    NotAuthorized(#[from] apogee_market_http::NotAuthorized),
    /// It could not be written.
    #[error("the deal could not be written")]
    Written(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl NoOffer {
    fn written(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Written(Box::new(error))
    }
}

impl Offers {
    /// The offers of a competition. The secret decides payloads, sizes and names, and is told when the last slot is over.
    ///
    /// # Errors
    /// [`NoOffer`] where no market takes such terms: a deal of nothing is made to see.
    pub fn new(secret: [u8; 32], client: Secp256k1Key, conditions: Conditions) -> Result<Self, NoOffer> {
        let offers = Self { secret: Secret(secret), client, conditions };
        for protocol in [Protocol::Market, Protocol::Direct(Network::Testnet)] {
            offers.make(Slot { miner: "", number: 0 }, (protocol, Address::new_id(0)), 256, 0, "")?;
        }
        Ok(offers)
    }

    /// Whose money stands behind the deals.
    #[must_use]
    pub fn client(&self) -> Address {
        self.client.address()
    }

    /// What is asked of miners, and given to them.
    #[must_use]
    pub const fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// What the client has to have in escrow for the largest deal, attoFIL.
    #[must_use]
    pub fn need(&self) -> TokenAmount {
        let of = &self.conditions;
        let largest = of.sizes.classes().iter().map(|class| class.bytes).max().unwrap_or(0);
        // A CAR is less than a fiftieth longer than its payload.
        self.cost(largest.saturating_add(largest / 50).saturating_add(1 << 10))
    }

    /// What a deal of so many bytes takes of the client's escrow when it is published, attoFIL.
    #[must_use]
    pub fn cost(&self, size: u64) -> TokenAmount {
        let of = &self.conditions;
        // 127 bytes become 128, and a piece is 128 bytes at least.
        let padded = size.saturating_add(size / 127).saturating_add(1).max(128).next_power_of_two();
        price::total(&price::per_epoch(&of.price, PaddedPieceSize(padded)), of.duration)
    }

    fn key(&self, slot: Slot<'_>) -> Key {
        Key::derive(&self.secret.0, &format!("payload/{}/{}", slot.miner, slot.number))
    }

    /// What a slot's deal is called.
    fn name(&self, slot: Slot<'_>) -> [u8; 16] {
        let key = Key::derive(&self.secret.0, &format!("deal/{}/{}", slot.miner, slot.number));
        let mut bytes = [0; 16];
        for (to, byte) in bytes.iter_mut().zip(key.as_bytes()) {
            *to = *byte;
        }
        bytes
    }

    /// The name of a slot's deal.
    #[must_use]
    pub fn id(&self, slot: Slot<'_>, protocol: Protocol) -> String {
        match protocol {
            Protocol::Market => self.uuid(slot).to_string(),
            Protocol::Direct(_) => self.ulid(slot).to_string(),
        }
    }

    fn uuid(&self, slot: Slot<'_>) -> DealUuid {
        DealUuid::from_random(self.name(slot))
    }

    fn ulid(&self, slot: Slot<'_>) -> Ulid {
        Ulid(self.name(slot))
    }

    /// Bytes of a slot's payload; `None` where the slots before it in its window took all that there is.
    #[must_use]
    pub fn payload(&self, slot: Slot<'_>) -> Option<u64> {
        let window = self.conditions.window.max(1);
        let first = slot.number - slot.number % window;
        let mut spent: u64 = 0;
        let mut size = None;
        for number in first..=slot.number {
            size = self.conditions.sizes.choose(&self.key(Slot { number, ..slot }), spent);
            spent = spent.saturating_add(size.unwrap_or(0));
        }
        size
    }

    /// The data of a slot's deal, made again. Every byte of it is hashed once.
    #[must_use]
    pub fn data(&self, slot: Slot<'_>, payload: u64) -> Car {
        let bytes = Payload::new(self.key(slot), payload.min(Payload::MOST));
        let bytes = bytes.unwrap_or_else(|_| unreachable!("it was bounded"));
        Car::new(Dag::new(bytes, Layout::default()))
    }

    /// The deal of a slot with a payload of so many bytes, offered to a provider while the chain is at `head`, and its data; `url` is where the miner gets
    /// that.
    ///
    /// # Errors
    /// [`NoOffer`].
    pub fn make(
        &self,
        slot: Slot<'_>,
        (protocol, provider): (Protocol, Address),
        payload: u64,
        head: ChainEpoch,
        url: &str,
    ) -> Result<(Made, Car), NoOffer> {
        let car = self.data(slot, payload);
        let piece = car.piece();
        let start = head.saturating_add(self.conditions.start);
        let mut made = Made {
            id: self.id(slot, protocol),
            payload,
            size: car.size(),
            root: *car.dag().root(),
            piece: piece.v1(),
            proposal: None,
            document: Vec::new(),
            start,
            end: start.saturating_add(self.conditions.duration),
        };
        match protocol {
            Protocol::Market => {
                let signed = self.signed(&made, provider, PaddedPieceSize(piece.padded))?;
                made.proposal = Some(signed.cid().map_err(NoOffer::written)?);
                made.document = self.params(&made, self.uuid(slot), signed, url)?;
            }
            Protocol::Direct(network) => {
                let terms = apogee_market_http::Terms {
                    identifier: self.ulid(slot),
                    client: self.client(),
                    provider,
                    network,
                    piece: piece.v2(),
                    format: Format::Car {},
                    source: Source::SourceHttp { urls: vec![source(url)] },
                    start: Some(start),
                    duration: self.conditions.duration,
                    allocation: None,
                    indexing: true,
                    announce: false,
                };
                made.document = terms.deal()?.to_json().map_err(NoOffer::written)?;
            }
        }
        Ok((made, car))
    }

    /// The proposal of the market actor.
    fn signed(
        &self,
        made: &Made,
        provider: Address,
        piece_size: PaddedPieceSize,
    ) -> Result<ClientDealProposal, NoOffer> {
        let of = &self.conditions;
        let terms = Terms {
            piece_cid: made.piece,
            piece_size,
            verified: of.verified,
            client: self.client(),
            provider,
            label: Label::Text(made.root.to_string()),
            start: made.start,
            duration: of.duration,
            price: price::per_epoch(&of.price, piece_size),
            least_collateral: of.collateral.clone(),
        };
        Ok(ClientDealProposal::sign(terms.proposal()?, &self.client)?)
    }

    fn params(
        &self,
        made: &Made,
        deal_uuid: DealUuid,
        signed: ClientDealProposal,
        url: &str,
    ) -> Result<Vec<u8>, NoOffer> {
        let request = HttpRequest { url: url.to_owned(), headers: BTreeMap::new() };
        let transfer = Transfer::http(&request, made.id.clone(), made.size).map_err(NoOffer::written)?;
        let deal = DealParams {
            deal_uuid,
            is_offline: false,
            client_deal_proposal: signed,
            deal_data_root: made.root,
            transfer,
            remove_unsealed_copy: false,
            skip_ipni_announce: true,
        };
        deal.encode(Version::V1_2_1).map_err(NoOffer::written)
    }

    /// The client's signature of the name of a deal with the market actor, with which its status is asked for: `sigtype || sig`.
    ///
    /// # Errors
    /// [`NoOffer::Signed`].
    pub fn ask_status(&self, slot: Slot<'_>) -> Result<Vec<u8>, NoOffer> {
        let signature = self.client.sign(&self.uuid(slot).0).map_err(apogee_market::NotSigned::from)?;
        Ok([&[signature.sig_type as u8], signature.bytes.as_slice()].concat())
    }

    /// What authorises to post a slot's deal to the `mk20` at `base`, and to ask for its status, around a minute (of those since 1970).
    ///
    /// # Errors
    /// [`NoOffer::NotAuthorized`].
    pub fn pass(&self, slot: Slot<'_>, base: &Target, minute: i64) -> Result<Pass, NoOffer> {
        let pass =
            |endpoint: Endpoint| authorization(&self.client, endpoint.method(), &endpoint.path(base), minute);
        let (propose, status) = (pass(Endpoint::Deal)?, pass(Endpoint::Status(self.ulid(slot)))?);
        Ok(Pass { propose: propose.header, status: status.header })
    }
}

/// Values of the header `Authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// To post a deal.
    pub propose: String,
    /// To ask for its status.
    pub status: String,
}

fn source(url: &str) -> Url {
    Url { url: url.to_owned(), headers: BTreeMap::new(), priority: 0, fallback: false }
}

#[cfg(test)]
mod tests;
