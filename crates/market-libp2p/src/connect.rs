use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use libp2p_core::upgrade::OutboundConnectionUpgrade;
use libp2p_identity::{Keypair, PeerId};
use multistream_select::{NegotiationError, ProtocolError};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::agree::{Agreed, agree};
use crate::error::{ConnectError, SetupError, Step, TcpFault};
use crate::link::{Link, carry};
use crate::mux;
use crate::serve::Server;
use crate::session::Session;
use crate::target::Target;

const NOISE: &str = "/noise";
const YAMUX: &str = "/yamux/1.0.0";

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// TCP, and then each step of the handshake.
    pub step: Duration,
    /// `identify`.
    pub identify: Duration,
    /// `ask`.
    pub ask: Duration,
    /// `propose`: a provider may run its filters.
    pub propose: Duration,
    /// `status`.
    pub status: Duration,
    /// `transports`.
    pub transports: Duration,
    /// Between signs of life: proxies of providers cut what is silent for 15 seconds (`market/libp2p/redirector.go` of Curio).
    pub keep_alive: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            step: seconds(10),
            identify: seconds(10),
            ask: seconds(20),
            propose: seconds(60),
            status: seconds(20),
            transports: seconds(20),
            keep_alive: seconds(5),
        }
    }
}

/// Makes connections in one name.
#[derive(Clone)]
pub struct Dialer {
    noise: libp2p_noise::Config,
    server: Arc<Server>,
    tls: Arc<ClientConfig>,
    caps: Caps,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("caps", &self.caps).finish_non_exhaustive()
    }
}

impl Dialer {
    /// A dialer with this key, which tells peers `agent` of itself and believes the web's certificate authorities.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub fn new(key: &Keypair, agent: &str, caps: Caps) -> Result<Self, SetupError> {
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(SetupError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let noise = libp2p_noise::Config::new(key).map_err(SetupError::Key)?;
        let server = Arc::new(Server::new(&key.public(), agent));
        Ok(Self { noise, server, tls: Arc::new(tls), caps })
    }

    /// The same, with another idea of TLS.
    #[must_use]
    pub fn with_tls(self, tls: Arc<ClientConfig>) -> Self {
        Self { tls, ..self }
    }

    /// Dial the target's address and shake hands.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(&self, target: &Target) -> Result<Session, ConnectError> {
        let tcp = self
            .timer()
            .run(Step::Tcp, async {
                let tcp = TcpStream::connect(target.address).await;
                tcp.map_err(|source| ConnectError::Tcp { fault: TcpFault::of(&source), source })
            })
            .await?;
        self.over(tcp, target).await
    }

    /// Shake hands over a connection to the target's address that somebody else has made.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn over(&self, tcp: TcpStream, target: &Target) -> Result<Session, ConnectError> {
        let link = carry(tcp, target.address, &target.carrier, &self.tls, self.timer()).await?;
        let (peer, secured) = self.secure(link).await?;
        if peer != target.peer {
            return Err(ConnectError::PeerIdMismatch { expected: target.peer, found: peer });
        }
        let multiplexed = self.timer().run(Step::Multiplexer, async {
            let negotiated = agree(secured, vec![YAMUX]).await;
            negotiated.map_err(|error| refused(error, Step::Multiplexer))
        });
        let (_, io) = multiplexed.await?;
        let opener = mux::start(io, Arc::clone(&self.server), self.caps.keep_alive);
        Ok(Session::new(peer, opener, self.caps))
    }

    async fn secure(&self, link: Link) -> Result<(PeerId, libp2p_noise::Output<Agreed<Link>>), ConnectError> {
        let negotiated = self.timer().run(Step::Security, async {
            let negotiated = agree(link, vec![NOISE]).await;
            negotiated.map_err(|error| refused(error, Step::Security))
        });
        let (_, io) = negotiated.await?;
        self.timer()
            .run(Step::Noise, async {
                self.noise.clone().upgrade_outbound(io, NOISE).await.map_err(|error| match error {
                    // What is no message of Noise comes as an error of the stream, too.
                    libp2p_noise::Error::Io(source) if source.kind() != io::ErrorKind::InvalidData => {
                        broken(source, Step::Noise)
                    }
                    other => ConnectError::Noise(other),
                })
            })
            .await
    }

    const fn timer(&self) -> Timer {
        Timer(self.caps.step)
    }
}

/// Gives each step its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer(Duration);

impl Timer {
    pub(crate) async fn run<T>(
        self,
        step: Step,
        work: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        timeout(self.0, work).await.unwrap_or(Err(ConnectError::Timeout { step, cap: self.0 }))
    }
}

fn broken(source: io::Error, step: Step) -> ConnectError {
    ConnectError::Broken { step, fault: TcpFault::of(&source), source }
}

fn refused(error: NegotiationError, step: Step) -> ConnectError {
    match error {
        NegotiationError::ProtocolError(ProtocolError::IoError(source)) => broken(source, step),
        error if step == Step::Security => ConnectError::Security(error),
        error => ConnectError::Multiplexer(error),
    }
}
