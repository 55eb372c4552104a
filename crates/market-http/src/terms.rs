//! From what is agreed to a document that Curio does not refuse for its form.

use cid::Cid;
use fvm_shared::address::{Address, Network, Payload};
use fvm_shared::clock::ChainEpoch;

use crate::deal::{Data, Ddo, Deal, Format, Products, Retrieval, Source};
use crate::link::payload;
use crate::ulid::Ulid;

/// Shortest deal without an allocation, epochs: 180 days.
const SHORTEST: ChainEpoch = 518_400;
/// Longest life of a sector, epochs: 1,278 days.
const LONGEST: ChainEpoch = 3_680_640;
/// Most URLs, and most headers of one.
const URLS: usize = 10;
const HEADERS: usize = 10;

/// What is proposed.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The deal's name.
    pub identifier: Ulid,
    /// Who proposes: an `f1` address.
    pub client: Address,
    /// To whom.
    pub provider: Address,
    /// How addresses are written there.
    pub network: Network,
    /// The piece, by its CID of version 2.
    pub piece: Cid,
    /// What its bytes are.
    pub format: Format,
    /// Where they come from.
    pub source: Source,
    /// By when the sector has to be active; `None` leaves it to the provider.
    pub start: Option<ChainEpoch>,
    /// Epochs from then on.
    pub duration: ChainEpoch,
    /// The client's allocation of `DataCap`.
    pub allocation: Option<u64>,
    /// Whether the blocks are indexed.
    pub indexing: bool,
    /// Whether they are announced to indexers.
    pub announce: bool,
}

/// Terms that no deal can be made of: Curio would refuse it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// The client cannot sign.
    #[error("{0} is no address of a key of secp256k1")]
    Client(Address),
    /// Not a miner's id address.
    #[error("{0} is no id address")]
    Provider(Address),
    /// Not of version 2, or of nothing.
    #[error("{0} is no piece CID of version 2")]
    Piece(Cid),
    /// None, or too many.
    #[error("a source has 1 to {URLS} URLs, not {0}")]
    Urls(usize),
    /// Too many.
    #[error("a URL has {HEADERS} headers at most, not {0}")]
    Headers(usize),
    /// Below one.
    #[error("a deal does not start at epoch {0}")]
    Start(ChainEpoch),
    /// Too short, or longer than any sector lives.
    #[error("a deal lasts from {SHORTEST} to {LONGEST} epochs, not {0}")]
    Duration(ChainEpoch),
    /// Only the blocks of a CAR are indexed, and only what is indexed is announced.
    #[error("what is not indexed is not announced, and bytes are not indexed")]
    Indexing,
}

impl Terms {
    /// The deal on these terms.
    ///
    /// # Errors
    /// See [`TermsError`].
    pub fn deal(self) -> Result<Deal, TermsError> {
        if !matches!(self.client.payload(), Payload::Secp256k1(_)) {
            return Err(TermsError::Client(self.client));
        }
        if !matches!(self.provider.payload(), Payload::ID(_)) {
            return Err(TermsError::Provider(self.provider));
        }
        if payload(&self.piece).is_none() {
            return Err(TermsError::Piece(self.piece));
        }
        if let Source::SourceHttp { urls } = &self.source {
            if !(1..=URLS).contains(&urls.len()) {
                return Err(TermsError::Urls(urls.len()));
            }
            if let Some(url) = urls.iter().find(|url| url.headers.len() > HEADERS) {
                return Err(TermsError::Headers(url.headers.len()));
            }
        }
        if let Some(start) = self.start.filter(|start| *start < 1) {
            return Err(TermsError::Start(start));
        }
        let shortest = if self.allocation.is_some() { 1 } else { SHORTEST };
        if !(shortest..=LONGEST).contains(&self.duration) {
            return Err(TermsError::Duration(self.duration));
        }
        if (self.announce && !self.indexing) || (self.indexing && matches!(self.format, Format::Raw {})) {
            return Err(TermsError::Indexing);
        }
        Ok(Deal {
            identifier: self.identifier,
            client: address_text(&self.client, self.network),
            data: Data { piece_cid: self.piece, format: self.format, source: self.source },
            products: Products {
                ddo_v1: Ddo {
                    provider: address_text(&self.provider, self.network),
                    start_epoch: self.start,
                    duration: self.duration,
                    allocation_id: self.allocation,
                    market_address: String::new(),
                    market_deal_id: None,
                },
                retrieval_v1: Retrieval {
                    indexing: self.indexing,
                    announce_payload: self.announce,
                    announce_piece: false,
                },
            },
        })
    }
}

/// An address as it is written on `network`, whatever this process calls its own.
#[must_use]
pub fn address_text(address: &Address, network: Network) -> String {
    let prefix = match network {
        Network::Mainnet => 'f',
        Network::Testnet => 't',
    };
    format!("{prefix}{}", address.to_string().get(1..).unwrap_or_default())
}
