//! What attempts are made with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::Clock;
use apogee_market_libp2p::{Caps, Dialer, Keypair};
use apogee_outbound::{
    Client, Connector, Dns, Limits as HttpLimits, Reach, ResolveError, Resolver, Timeouts, Trust,
};
use apogee_retrieval::{Gateway, Limits};
use http::HeaderValue;
use sha2::{Digest as _, Sha256};

use crate::SOFTWARE;
use crate::settings::Patience;

/// How many connections to one public address are open at once at most: who is slow, or has many names, holds up few others.
pub(crate) const CROWD: u32 = 2;

/// Nothing can be dialled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoProber {
    #[error("there are no name servers")]
    Resolver(#[from] ResolveError),
    #[error("there is no TLS")]
    Tls(#[from] rustls::Error),
    #[error("the key is none that peers have")]
    Key,
    #[error("nobody can be spoken to over libp2p")]
    Libp2p(#[from] apogee_market_libp2p::SetupError),
}

/// What everything is made of that attempts are made with.
#[derive(Clone, Debug)]
pub(crate) struct Basis {
    pub(crate) reach: Reach,
    resolver: Arc<dyn Resolver>,
    patience: Patience,
    peer: Keypair,
    pub(crate) clock: Arc<dyn Clock>,
    /// Connections to one public address at once; `None` for any.
    crowd: Option<u32>,
}

impl Basis {
    /// `secret` decides who this is for peers; it is not used for anything else.
    pub(crate) fn new(
        reach: Reach,
        resolvers: &[SocketAddr],
        patience: Patience,
        secret: &[u8],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NoProber> {
        let dns = if resolvers.is_empty() { Dns::of_system() } else { Dns::new(resolvers) };
        // Peers are to know a bot again, and learn nothing of the key that signs its records.
        let seed = Sha256::new().chain_update(b"apogee-bot libp2p 1\n").chain_update(secret).finalize();
        let peer = Keypair::ed25519_from_bytes(<[u8; 32]>::from(seed)).map_err(|_| NoProber::Key)?;
        Ok(Self { reach, resolver: Arc::new(dns?), patience, peer, clock, crowd: Some(CROWD) })
    }

    /// The same, without a bound for connections to one address: for addresses that the organisers name.
    pub(crate) fn trusting(self) -> Self {
        Self { crowd: None, ..self }
    }
}

/// What attempts are made with that reach so far.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    /// To miners.
    pub(crate) connector: Connector,
    pub(crate) client: Client,
    pub(crate) gateway: Gateway,
    pub(crate) dialer: Dialer,
    /// To the organisers' own servers.
    pub(crate) own: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) patience: Patience,
}

impl Means {
    pub(crate) fn new(basis: &Basis, reach: Reach) -> Result<Self, NoProber> {
        let patience = basis.patience;
        let connect = patience.connect;
        let timeouts = Timeouts { resolve: connect, connect, handshake: connect };
        let any = Connector::new(basis.resolver.clone(), reach, timeouts, Trust::Public)?;
        // Private networks are devnets, where everybody is behind one address.
        let connector = match (reach, basis.crowd) {
            (Reach::Global, Some(most)) => any.clone().bounded(most),
            _ => any.clone(),
        };
        let client = |connector| {
            let limits =
                HttpLimits { first_byte: patience.idle, idle: patience.idle, ..HttpLimits::default() };
            Client::new(connector, limits, HeaderValue::from_static(SOFTWARE))
        };
        let caps = Caps {
            step: connect,
            identify: connect,
            ask: patience.idle,
            propose: patience.deal,
            status: patience.idle,
            transports: patience.idle,
            ..Caps::default()
        };
        let limits = Limits { base: patience.retrieval, ..Limits::default() };
        Ok(Self {
            client: client(connector.clone()),
            gateway: Gateway::new(client(connector.clone()), limits),
            dialer: Dialer::new(&basis.peer, SOFTWARE, caps)?,
            own: client(any),
            connector,
            clock: basis.clock.clone(),
            patience,
        })
    }

    /// How long all addresses of a miner may take together, with their handshakes.
    pub(crate) const fn dialling(&self) -> Duration {
        self.patience.connect.saturating_mul(5)
    }
}
