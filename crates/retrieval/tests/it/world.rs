use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::ManualClock;
use apogee_outbound::{
    Client, Connector, Family, Limits as HttpLimits, Reach, ResolveError, Resolver, Target, Timeouts, Trace,
    Trust,
};
use apogee_piece::Commitment;
use apogee_retrieval::{Gateway, Limits};
use async_trait::async_trait;
use cid::Cid;
use http::HeaderValue;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Resolver for Nobody {
    async fn resolve(&self, _: &str, _: Family) -> Result<Vec<IpAddr>, ResolveError> {
        Err(ResolveError::NoSuchName { servers: 2 })
    }
}

pub(crate) fn trace() -> Trace {
    Trace::new(Arc::new(ManualClock::default()))
}

pub(crate) fn gateway(patience: Duration, total: Duration) -> Gateway {
    paced(patience, total, u64::MAX)
}

pub(crate) fn paced(patience: Duration, total: Duration, rate: u64) -> Gateway {
    let timeouts = Timeouts { resolve: patience, connect: patience, handshake: patience };
    let connector = Connector::new(Arc::new(Nobody), Reach::AlsoPrivate, timeouts, Trust::Public).unwrap();
    let limits = HttpLimits { first_byte: patience, idle: patience, ..HttpLimits::default() };
    let client = Client::new(connector, limits, HeaderValue::from_static("apogee-test"));
    Gateway::new(client, Limits { base: total, rate, ..Limits::default() })
}

pub(crate) fn patient() -> Gateway {
    gateway(Duration::from_secs(30), Duration::from_secs(120))
}

pub(crate) fn target(gateway: &apogee_simprovider::gateway::Gateway) -> Target {
    Target::parse(&gateway.url()).unwrap()
}

pub(crate) fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// Both names of a piece.
pub(crate) fn piece(bytes: &[u8]) -> [Cid; 2] {
    let mut commitment = Commitment::default();
    commitment.add(bytes);
    let piece = commitment.finish().unwrap();
    [piece.v1(), piece.v2()]
}
