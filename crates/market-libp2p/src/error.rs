use std::io;
use std::time::Duration;

use apogee_market::cbor::DecodeError;
use libp2p_identity::PeerId;
use multistream_select::NegotiationError;

/// A dialer that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The key signs no handshake.
    #[error("the key signs no handshake")]
    Key(#[source] libp2p_noise::Error),
    /// The TLS library supports none of its own versions.
    #[error("TLS could not be configured")]
    Tls(#[source] rustls::Error),
}

/// Where on the way to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// TCP.
    Tcp,
    /// TLS of a secure WebSocket.
    Tls,
    /// The WebSocket's handshake.
    WebSocket,
    /// Agreeing on Noise.
    Security,
    /// Noise.
    Noise,
    /// Agreeing on Yamux.
    Multiplexer,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::WebSocket => "WebSocket",
            Self::Security => "the negotiation of security",
            Self::Noise => "Noise",
            Self::Multiplexer => "the negotiation of a multiplexer",
        })
    }
}

/// What the operating system said of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TcpFault {
    /// Nobody listens.
    Refused,
    /// No answer.
    Timeout,
    /// Cut by the other side.
    Reset,
    /// No way there.
    NoRoute,
    /// No more files may be opened here.
    FdExhausted,
    /// The network is down here.
    NetDown,
    /// Anything else.
    Other,
}

impl TcpFault {
    /// What this error is.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        // EMFILE and ENFILE have no kind of their own.
        if matches!(error.raw_os_error(), Some(23 | 24)) {
            return Self::FdExhausted;
        }
        match error.kind() {
            Kind::ConnectionRefused => Self::Refused,
            Kind::TimedOut => Self::Timeout,
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
                Self::Reset
            }
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::NoRoute,
            Kind::NetworkDown => Self::NetDown,
            _ => Self::Other,
        }
    }

    /// Its row in the table of faults.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Refused => "TCP_REFUSED",
            Self::Timeout => "TCP_TIMEOUT",
            Self::Reset => "TCP_RESET",
            Self::NoRoute => "NO_ROUTE",
            Self::FdExhausted => "LOCAL_FD_EXHAUSTED",
            Self::NetDown => "LOCAL_NET_DOWN",
            Self::Other => "UNCLASSIFIED",
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// TCP was not established.
    #[error("TCP was not established ({fault:?})")]
    Tcp {
        /// What it comes to.
        fault: TcpFault,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A step took too long.
    #[error("{step} was not done within {cap:?}")]
    Timeout {
        /// Which.
        step: Step,
        /// Its time.
        cap: Duration,
    },
    /// The connection broke in a step.
    #[error("the connection broke in {step} ({fault:?})")]
    Broken {
        /// Which.
        step: Step,
        /// What it comes to.
        fault: TcpFault,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The certificate is not one for the host.
    #[error("the certificate of {host} is not valid")]
    Certificate {
        /// For whom it should be.
        host: String,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// TLS failed otherwise.
    #[error("TLS with {host} failed")]
    Tls {
        /// With whom.
        host: String,
        /// How.
        #[source]
        source: io::Error,
    },
    /// The host is no name that TLS knows.
    #[error("{0:?} is no name of a host")]
    Host(String),
    /// The server does not speak WebSocket there.
    #[error("there is no WebSocket")]
    WebSocket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// The peer does not speak Noise, or no libp2p at all.
    #[error("the peer does not agree to Noise")]
    Security(#[source] NegotiationError),
    /// Noise failed.
    #[error("the handshake of Noise failed")]
    Noise(#[source] libp2p_noise::Error),
    /// Another peer answers.
    #[error("{found} answers where {expected} should")]
    PeerIdMismatch {
        /// Who should.
        expected: PeerId,
        /// Who does.
        found: PeerId,
    },
    /// The peer does not speak Yamux.
    #[error("the peer does not agree to Yamux")]
    Multiplexer(#[source] NegotiationError),
}

impl ConnectError {
    /// Its row in the table of faults. A handshake that is cut or does not come is one of TCP's rows: the network may have
    /// done it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Tcp { fault, .. } | Self::Broken { fault, .. } => fault.code(),
            Self::Timeout { .. } => "TCP_TIMEOUT",
            Self::Certificate { .. } => "TLS_CERT_INVALID",
            Self::Host(_) => "ADDR_UNPARSEABLE",
            Self::PeerIdMismatch { .. } => "PEER_ID_MISMATCH",
            Self::Tls { .. }
            | Self::WebSocket(_)
            | Self::Security(_)
            | Self::Noise(_)
            | Self::Multiplexer(_) => "NOISE_FAIL",
        }
    }
}

/// What is spoken over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// Who are you?
    Identify,
    /// What does storage cost?
    Ask,
    /// Take this deal.
    Propose,
    /// How far is this deal?
    Status,
    /// Where do you serve?
    Transports,
}

impl std::fmt::Display for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Identify => "identify",
            Self::Ask => "ask",
            Self::Propose => "propose",
            Self::Status => "status",
            Self::Transports => "transports",
        })
    }
}

/// An exchange that came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("{exchange} failed after {sent} bytes sent and {received} received")]
pub struct ExchangeError {
    /// Which.
    pub exchange: Exchange,
    /// Bytes of the request that went out: with none, the peer has seen nothing of it.
    pub sent: usize,
    /// Bytes of the reply that came in.
    pub received: usize,
    /// How.
    #[source]
    pub fault: StreamFault,
}

/// How an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum StreamFault {
    /// The peer speaks none of these protocols.
    #[error("the peer does not speak {}", .0.join(" or "))]
    Unsupported(Vec<&'static str>),
    /// The peer ended or reset the stream before its reply was whole.
    #[error("the stream was reset")]
    Reset,
    /// The connection is gone.
    #[error("the connection was lost")]
    Lost,
    /// The negotiation was not understood.
    #[error("the negotiation of the stream broke")]
    Negotiation(#[source] NegotiationError),
    /// It took too long.
    #[error("there was no whole reply within {0:?}")]
    Timeout(Duration),
    /// The reply is none: too big, too deep, or not of its type.
    #[error("the reply is malformed")]
    Malformed(#[source] DecodeError),
    /// The reply of `identify` is none.
    #[error("the reply of identify is malformed: {0}")]
    NoIdentity(&'static str),
    /// The request could not be written: nothing was sent.
    #[error("the request could not be written")]
    Encode(#[source] apogee_market::cbor::EncodeError),
}

impl ExchangeError {
    /// Its row in the table of faults. The table has rows of their own for the ask alone; for all else what HTTP has is meant as it is there: an answer
    /// that did not begin, that did not end, that is something else. A proposal that is left without an answer may have been taken, and the rows that say so
    /// are those that nobody decides from one place.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match (self.exchange, &self.fault) {
            (_, StreamFault::Unsupported(_)) => "PROTOCOL_UNSUPPORTED",
            (Exchange::Ask, StreamFault::Reset | StreamFault::Lost | StreamFault::Negotiation(_)) => {
                "ASK_STREAM_RESET"
            }
            (Exchange::Ask, StreamFault::Timeout(_)) => "ASK_TIMEOUT",
            (_, StreamFault::Reset | StreamFault::Lost) => "TCP_RESET",
            (_, StreamFault::Timeout(_)) if self.received == 0 => "TTFB_TIMEOUT",
            (_, StreamFault::Timeout(_)) => "STALLED",
            (_, StreamFault::Negotiation(_) | StreamFault::Malformed(_) | StreamFault::NoIdentity(_)) => {
                "WRONG_CONTENT_TYPE"
            }
            (_, StreamFault::Encode(_)) => "UNCLASSIFIED",
        }
    }
}
