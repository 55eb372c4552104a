use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, ManualClock, Timestamp};
use apogee_market::{Secp256k1Key, Signs};
use apogee_market_http::{
    Authorization, Client, Endpoint, Failure, Format, Limits, Source, Status, Terms, Ulid, Url, authorization,
};
use apogee_outbound::{
    Connector, Family, Limits as HttpLimits, Reach, ResolveError, Resolver, Target, Timeouts, Trace, Trust,
};
use apogee_piece::Commitment;
use apogee_simprovider::curio::{Market, Misdeed, Recipe};
use apogee_simprovider::gateway::{Gateway, Library};
use async_trait::async_trait;
use cid::Cid;
use fvm_shared::address::{Address, Network};
use http::HeaderValue;

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Resolver for Nobody {
    async fn resolve(&self, _: &str, _: Family) -> Result<Vec<IpAddr>, ResolveError> {
        Err(ResolveError::NoSuchName { servers: 2 })
    }
}

pub(crate) const MINER: Address = Address::new_id(1000);

pub(crate) fn key(seed: u8) -> Secp256k1Key {
    Secp256k1Key::from_bytes(&[seed; 32]).unwrap()
}

pub(crate) fn name(number: u8) -> Ulid {
    Ulid::from_parts(1_780_000_000_000, [number; 10])
}

/// 2,000 bytes and their piece CID of version 2.
pub(crate) fn piece() -> (Vec<u8>, Cid) {
    let bytes: Vec<u8> = (0..2_000_u32).map(|n| (n * n % 251) as u8).collect();
    let mut commitment = Commitment::default();
    commitment.add(&bytes);
    let cid = commitment.finish().unwrap().v2();
    (bytes, cid)
}

pub(crate) fn client(reach: Reach) -> Client {
    Client::new(http(reach, Duration::from_secs(20)), Limits::default())
}

/// One that waits a second for anything, and three for all.
pub(crate) fn impatient() -> Client {
    let total = Duration::from_secs(3);
    Client::new(http(Reach::AlsoPrivate, Duration::from_secs(1)), Limits { total, ..Limits::default() })
}

pub(crate) fn http(reach: Reach, patience: Duration) -> apogee_outbound::Client {
    let timeouts = Timeouts { resolve: patience, connect: patience, handshake: patience };
    let connector = Connector::new(Arc::new(Nobody), reach, timeouts, Trust::Public).unwrap();
    let limits = HttpLimits { first_byte: patience, idle: patience, ..HttpLimits::default() };
    apogee_outbound::Client::new(connector, limits, HeaderValue::from_static("apogee-test"))
}

/// A market, a file server, and a client of both.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) market: Market,
    pub(crate) files: Gateway,
    pub(crate) client: Client,
    pub(crate) key: Secp256k1Key,
    pub(crate) trace: Trace,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Recipe)) -> Self {
        let clock = ManualClock::at(Timestamp::from_seconds(1_780_895_436));
        let mut recipe = Recipe::honest(MINER, Arc::new(clock.clone()));
        change(&mut recipe);
        let mut library = Library::default();
        let (bytes, cid) = piece();
        library.put_piece(cid, bytes);
        Self {
            market: Market::start(recipe).await.unwrap(),
            files: Gateway::start(library).await.unwrap(),
            client: client(Reach::AlsoPrivate),
            key: key(7),
            trace: Trace::new(Arc::new(clock.clone())),
            clock,
        }
    }

    pub(crate) fn base(&self) -> Target {
        Target::parse(&self.market.url()).unwrap()
    }

    pub(crate) fn terms(&self, deal: u8) -> Terms {
        let (_, cid) = piece();
        let url = format!("{}piece/{cid}", self.files.url());
        Terms {
            identifier: name(deal),
            client: self.key.address(),
            provider: MINER,
            network: Network::Testnet,
            piece: cid,
            format: Format::Car {},
            source: Source::SourceHttp {
                urls: vec![Url { url, headers: [].into(), priority: 0, fallback: false }],
            },
            start: None,
            duration: 518_400,
            allocation: None,
            indexing: true,
            announce: false,
        }
    }

    pub(crate) fn minute(&self) -> i64 {
        self.clock.now().seconds() / 60
    }

    pub(crate) fn authorized(&self, endpoint: Endpoint) -> Authorization {
        authorization(&self.key, endpoint.method(), &endpoint.path(&self.base()), self.minute()).unwrap()
    }

    pub(crate) async fn propose_json(&mut self, json: &[u8]) -> Result<(), Failure> {
        let word = self.authorized(Endpoint::Deal);
        self.client.propose(&self.base(), json, &word, &mut self.trace).await
    }

    pub(crate) async fn propose(&mut self, deal: u8) -> Result<(), Failure> {
        let json = self.terms(deal).deal().unwrap().to_json().unwrap();
        self.propose_json(&json).await
    }

    pub(crate) async fn status(&mut self, deal: u8) -> Result<Status, Failure> {
        let word = self.authorized(Endpoint::Status(name(deal)));
        self.client.status(&self.base(), name(deal), &word, &mut self.trace).await
    }

    /// What comes of a proposal that this is done wrong with.
    pub(crate) async fn refused(&mut self, misdeed: Misdeed) -> Failure {
        self.market.misbehave(Some(misdeed));
        self.propose(1).await.unwrap_err()
    }
}
