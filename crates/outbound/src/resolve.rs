//! Names to addresses.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

/// Which addresses of a name count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// All.
    Any,
    /// IPv4: `dns4`.
    V4,
    /// IPv6: `dns6`.
    V6,
}

/// A name has no addresses, or they are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such name, or it has no address of the family that is asked for: `DNS_NXDOMAIN`.
    #[error("there is no such name, as {servers} name servers say")]
    NoSuchName {
        /// How many servers were asked and say so.
        servers: usize,
    },
    /// A server failed, or servers contradict each other: `DNS_SERVFAIL`.
    #[error("a name could not be resolved: {0}")]
    Failed(String),
    /// No answer in time: `DNS_TIMEOUT`.
    #[error("no name server answered in time")]
    TimedOut,
}

impl ResolveError {
    /// Its code in the taxonomy of faults.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSuchName { .. } => "DNS_NXDOMAIN",
            Self::Failed(_) => "DNS_SERVFAIL",
            Self::TimedOut => "DNS_TIMEOUT",
        }
    }
}

/// Resolves names. Called once for a connection; whatever it answers is checked by the caller.
#[async_trait]
pub trait Resolver: Send + Sync + fmt::Debug {
    /// The addresses of `name`, at least one.
    ///
    /// # Errors
    /// [`ResolveError`].
    async fn resolve(&self, name: &str, family: Family) -> Result<Vec<IpAddr>, ResolveError>;
}

/// Asks name servers, each by itself, so that it is known how many agree that a name does not exist. Keeps nothing, reads no file of hosts, adds no domain.
pub struct Dns {
    servers: Vec<TokioResolver>,
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").field("servers", &self.servers.len()).finish()
    }
}

/// How long one server may take, twice.
const PATIENCE: Duration = Duration::from_secs(3);

impl Dns {
    /// The name servers of this system.
    ///
    /// # Errors
    /// Where they cannot be told.
    pub fn of_system() -> Result<Self, ResolveError> {
        let (config, _) =
            hickory_resolver::system_conf::read_system_conf().map_err(|error| failed(&error))?;
        Self::of(config.name_servers().to_vec())
    }

    /// These name servers.
    ///
    /// # Errors
    /// Where there are none.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, ResolveError> {
        let server = |address: &SocketAddr| {
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            server.connections.iter_mut().for_each(|connection| connection.port = address.port());
            server
        };
        Self::of(servers.iter().map(server).collect())
    }

    fn of(servers: Vec<NameServerConfig>) -> Result<Self, ResolveError> {
        if servers.is_empty() {
            return Err(ResolveError::Failed("no name server is configured".into()));
        }
        let server = |server| {
            let config = ResolverConfig::from_parts(None, vec![], vec![server]);
            let mut options = ResolverOpts::default();
            options.timeout = PATIENCE;
            options.attempts = 1;
            options.cache_size = 0;
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            options.use_hosts_file = ResolveHosts::Never;
            let provider = TokioRuntimeProvider::default();
            TokioResolver::builder_with_config(config, provider).with_options(options).build()
        };
        let servers = servers.into_iter().map(server).collect::<Result<_, _>>();
        Ok(Self { servers: servers.map_err(|error| failed(&error))? })
    }
}

fn failed(error: &NetError) -> ResolveError {
    match error {
        NetError::Timeout => ResolveError::TimedOut,
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NXDomain | ResponseCode::NoError) =>
        {
            ResolveError::NoSuchName { servers: 1 }
        }
        other => ResolveError::Failed(other.to_string()),
    }
}

async fn ask(server: &TokioResolver, name: &str, family: Family) -> Result<Vec<IpAddr>, ResolveError> {
    // With its last dot a name is whole: no domain of this system is tried behind it.
    let found = server.lookup_ip(format!("{name}.")).await.map_err(|error| failed(&error))?;
    let of_family = |address: &IpAddr| match family {
        Family::Any => true,
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    };
    let addresses: Vec<IpAddr> = found.iter().filter(of_family).collect();
    if addresses.is_empty() { Err(ResolveError::NoSuchName { servers: 1 }) } else { Ok(addresses) }
}

#[async_trait]
impl Resolver for Dns {
    async fn resolve(&self, name: &str, family: Family) -> Result<Vec<IpAddr>, ResolveError> {
        let mut denied = 0;
        let mut trouble = None;
        for server in &self.servers {
            match ask(server, name, family).await {
                Ok(_) if denied > 0 => {
                    return Err(ResolveError::Failed("name servers contradict each other".into()));
                }
                Ok(addresses) => return Ok(addresses),
                Err(ResolveError::NoSuchName { .. }) => denied += 1,
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            // One that says no is not enough where another one could not be asked.
            Some(error) if denied < 2 => Err(error),
            _ => Err(ResolveError::NoSuchName { servers: denied }),
        }
    }
}
