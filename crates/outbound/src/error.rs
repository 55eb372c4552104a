use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::address::Special;
use crate::resolve::ResolveError;
use crate::target::TargetError;

/// No connection came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address cannot be read.
    #[error("the address is unusable")]
    Target(#[from] TargetError),
    /// The address, or one of those that the name stands for, is not of the public internet.
    #[error("{address} is {special}")]
    NotGlobal {
        /// The address.
        address: IpAddr,
        /// What it is.
        special: Special,
    },
    /// The name has no addresses, or they are not known.
    #[error("the name {name} was not resolved")]
    Resolve {
        /// The name.
        name: String,
        /// Why.
        source: ResolveError,
    },
    /// Nobody listens.
    #[error("{0} refuses connections")]
    Refused(SocketAddr),
    /// Nobody answers.
    #[error("{0} does not answer in time")]
    TimedOut(SocketAddr),
    /// The other side, or somebody on the way, broke the connection before anything was answered.
    #[error("{0} resets connections")]
    Reset(SocketAddr),
    /// No way leads there, as this machine or another on the way says. That this machine has no network at all is not told by one address.
    #[error("there is no route to {0}")]
    NoRoute(SocketAddr),
    /// The network of this machine is down.
    #[error("the network that leads to {0} is down")]
    NetDown(SocketAddr),
    /// This process or machine has no descriptor left.
    #[error("no file descriptor is left")]
    NoDescriptors,
    /// As many connections to the address are open as may be. Nothing was dialled.
    #[error("no more connections to {0} may be open at once")]
    Crowded(IpAddr),
    /// The certificate is not one for this name that anybody vouches for, or none was shown: what answers does not speak TLS as it should.
    #[error("{address} did not prove to be {name}")]
    Certificate {
        /// Who answered.
        address: SocketAddr,
        /// Who should have.
        name: String,
        /// What TLS says.
        source: rustls::Error,
    },
    /// Something else, of this machine.
    #[error("{address} was not dialled")]
    Local {
        /// Where to.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// `ENFILE` and `EMFILE` of every Unix.
const NO_DESCRIPTORS: [i32; 2] = [23, 24];
/// `ENONET`, `ENOPROTOOPT`, `EOPNOTSUPP` and `EHOSTDOWN` of Linux: what the rarer answers of ICMP to a dial come to. Anybody on the way can send them.
const UNREACHABLE: [i32; 4] = [64, 92, 95, 112];

impl DialError {
    /// Its code in the taxonomy of faults.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Target(error) => error.code(),
            Self::NotGlobal { .. } => "ADDR_PRIVATE",
            Self::Resolve { source, .. } => source.code(),
            Self::Refused(_) => "TCP_REFUSED",
            Self::TimedOut(_) => "TCP_TIMEOUT",
            Self::Reset(_) => "TCP_RESET",
            Self::NoRoute(_) => "NO_ROUTE",
            Self::NetDown(_) => "LOCAL_NET_DOWN",
            Self::NoDescriptors => "LOCAL_FD_EXHAUSTED",
            Self::Crowded(_) => "LOCAL_BACKOFF",
            Self::Certificate { .. } => "TLS_CERT_INVALID",
            Self::Local { .. } => "UNCLASSIFIED",
        }
    }

    pub(crate) fn of(error: io::Error, address: SocketAddr) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Self::Refused(address),
            Kind::TimedOut => Self::TimedOut(address),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
                Self::Reset(address)
            }
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::NoRoute(address),
            Kind::NetworkDown => Self::NetDown(address),
            _ if error.raw_os_error().is_some_and(|code| NO_DESCRIPTORS.contains(&code)) => {
                Self::NoDescriptors
            }
            _ if error.raw_os_error().is_some_and(|code| UNREACHABLE.contains(&code)) => {
                Self::NoRoute(address)
            }
            _ => Self::Local { address, source: error },
        }
    }
}
