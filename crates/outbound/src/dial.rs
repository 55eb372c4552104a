use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::address::Reach;
use crate::error::DialError;
use crate::places::{Place, Places};
use crate::resolve::{ResolveError, Resolver};
use crate::target::{Host, Target};
use crate::tls::{self, Trust};
use crate::trace::{Stage, Trace};

/// Most addresses of one name that are dialled.
const DIALLED: usize = 4;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To resolve a name.
    pub resolve: Duration,
    /// To open a connection, for each address of a name; four are dialled at most.
    pub connect: Duration,
    /// To agree on TLS.
    pub handshake: Duration,
}

impl Default for Timeouts {
    /// Ten seconds each.
    fn default() -> Self {
        let ten = Duration::from_secs(10);
        Self { resolve: ten, connect: ten, handshake: ten }
    }
}

/// Bytes to and from the other side, through TLS where the scheme has it.
pub type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    /// To be spoken over.
    pub stream: Stream,
    /// Who is at the other end.
    pub remote: SocketAddr,
    /// Held as long as the connection is.
    pub place: Option<Place<IpAddr>>,
}

/// An open socket.
#[derive(Debug)]
pub struct Socket {
    /// To be spoken over.
    pub tcp: TcpStream,
    /// Who is at the other end.
    pub remote: SocketAddr,
    /// To be held as long as the socket is.
    pub place: Option<Place<IpAddr>>,
}

/// Addresses that were checked: the only ones that are dialled. A connector makes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    addresses: Vec<SocketAddr>,
}

impl Pinned {
    /// Where to connect; at least one.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// Opens connections to addresses that miners choose.
#[derive(Clone, Debug)]
pub struct Connector {
    resolver: Arc<dyn Resolver>,
    reach: Reach,
    timeouts: Timeouts,
    tls: Arc<ClientConfig>,
    places: Option<Places<IpAddr>>,
}

impl Connector {
    /// A connector.
    ///
    /// # Errors
    /// Where a certificate of `trust` is none.
    pub fn new(
        resolver: Arc<dyn Resolver>,
        reach: Reach,
        timeouts: Timeouts,
        trust: Trust,
    ) -> Result<Self, rustls::Error> {
        Ok(Self { resolver, reach, timeouts, tls: tls::config(trust)?, places: None })
    }

    /// The same, with so many connections at once to one address at most; of IPv6, to one network of 64 bits.
    #[must_use]
    pub fn bounded(self, most: u32) -> Self {
        Self { places: Some(Places::new(most)), ..self }
    }

    /// How far it reaches.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// Resolve the host of `target`, once, and check every address.
    ///
    /// A name of which any address is not admitted is refused as a whole. To use the others would be to let the miner choose, query by query, which ones the
    /// check sees, and nobody who serves the public announces a private address beside a public one.
    ///
    /// # Errors
    /// [`DialError::NotGlobal`], [`DialError::Resolve`].
    pub async fn pin(&self, target: &Target, trace: &mut Trace) -> Result<Pinned, DialError> {
        trace.begin(Stage::Resolve);
        let addresses = match target.host() {
            Host::Ip(address) => vec![*address],
            Host::Name(name, family) => {
                let resolved = timeout(self.timeouts.resolve, self.resolver.resolve(name, *family)).await;
                let unresolved = |source| DialError::Resolve { name: name.clone(), source };
                let addresses = resolved.unwrap_or(Err(ResolveError::TimedOut)).map_err(unresolved)?;
                if addresses.is_empty() {
                    return Err(unresolved(ResolveError::NoSuchName { servers: 1 }));
                }
                addresses
            }
        };
        trace.resolved(&addresses);
        for address in &addresses {
            self.admit(*address)?;
        }
        let at_port = |address: IpAddr| SocketAddr::new(address, target.port());
        Ok(Pinned { addresses: addresses.into_iter().take(DIALLED).map(at_port).collect() })
    }

    pub(crate) fn admit(&self, address: IpAddr) -> Result<(), DialError> {
        self.reach.admit(address).map_err(|special| DialError::NotGlobal { address, special })
    }

    /// Open a socket to one of the addresses, in their order.
    ///
    /// # Errors
    /// The first address's that says something of the other side. [`DialError::Crowded`] where one was not dialled: then nobody knows.
    pub async fn tcp(&self, pinned: &Pinned, trace: &mut Trace) -> Result<Socket, DialError> {
        trace.begin(Stage::L4);
        let mut first: Option<DialError> = None;
        for &remote in &pinned.addresses {
            trace.remote = Some(remote);
            let place = self.place(remote.ip())?;
            let error = match timeout(self.timeouts.connect, TcpStream::connect(remote)).await {
                Ok(Ok(tcp)) => {
                    // Small requests: an option that fails costs only time.
                    let _ = tcp.set_nodelay(true);
                    return Ok(Socket { tcp, remote, place });
                }
                Ok(Err(error)) => DialError::of(error, remote),
                Err(_) => DialError::TimedOut(remote),
            };
            match (&first, error) {
                (_, error @ DialError::NoDescriptors) => return Err(error),
                (None | Some(DialError::NetDown(_)), error) => first = Some(error),
                (Some(_), _) => {}
            }
        }
        Err(first.unwrap_or(DialError::NoDescriptors))
    }

    fn place(&self, address: IpAddr) -> Result<Option<Place<IpAddr>>, DialError> {
        let Some(places) = &self.places else { return Ok(None) };
        let of = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        };
        places.take(&of).map(Some).ok_or(DialError::Crowded(address))
    }

    /// Resolve, check, open a socket, and agree on TLS where the scheme has it.
    ///
    /// # Errors
    /// [`DialError`].
    pub async fn connect(&self, target: &Target, trace: &mut Trace) -> Result<Connection, DialError> {
        let pinned = self.pin(target, trace).await?;
        let Socket { tcp, remote, place } = self.tcp(&pinned, trace).await?;
        if !target.scheme().is_secure() {
            return Ok(Connection { stream: Either::Left(tcp), remote, place });
        }
        trace.begin(Stage::Tls);
        let handshake = tls::secure(self.tls.clone(), tcp, remote, target);
        let stream =
            timeout(self.timeouts.handshake, handshake).await.map_err(|_| DialError::TimedOut(remote))??;
        Ok(Connection { stream: Either::Right(Box::new(stream)), remote, place })
    }
}
