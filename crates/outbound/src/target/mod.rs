//! What miners announce, read strictly: where to connect, and what to speak there.

mod multiaddr;
mod url;

use std::fmt;
use std::net::IpAddr;

use crate::resolve::Family;

/// Longest URL or path, bytes.
const LONGEST: usize = 2048;
/// Longest name, bytes, without the last dot.
const LONGEST_NAME: usize = 253;
/// Ports where an unasked connection is taken for an attack, and bots' addresses end on lists for it: SSH, Telnet, mail, SMB, remote desktops.
const SHUNNED: &[u16] = &[0, 22, 23, 25, 139, 445, 465, 587, 3389];

/// What is spoken at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Bytes: the handshake is the caller's.
    Tcp,
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// Whether TLS comes first.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Wss | Self::Https)
    }

    /// Its name in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn port(self) -> Option<u16> {
        match self {
            Self::Tcp => None,
            Self::Ws | Self::Http => Some(80),
            Self::Wss | Self::Https => Some(443),
        }
    }
}

/// A name or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name in ASCII and lower case, without the last dot.
    Name(String, Family),
    /// An address, whatever it was written like.
    Ip(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name, _) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Where to connect, and what to speak there. Nothing is known yet of the addresses behind a name, or of whether they may be dialled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    scheme: Scheme,
    host: Host,
    port: u16,
    path: String,
    peer: Option<String>,
}

/// The text or bytes are no address that can be dialled: `ADDR_UNPARSEABLE`. What is quoted is the miner's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Longer than addresses are.
    #[error("an address of {0} bytes is too long")]
    TooLong(usize),
    /// Neither a URL nor a multiaddr.
    #[error("it is not an address: {0}")]
    Malformed(String),
    /// A character that some programs drop, or read as another one.
    #[error("an address holds the character {0:?}")]
    Character(char),
    /// `user:password@`.
    #[error("an address holds a user's name or a password")]
    Userinfo,
    /// A part that is not spoken here.
    #[error("{0:?} is not spoken")]
    Unsupported(String),
    /// Not a host.
    #[error("{0:?} is neither a name nor an address")]
    Host(String),
    /// A port that is not dialled.
    #[error("port {0} is not dialled")]
    Port(u16),
    /// Not a path.
    #[error("{0:?} is not a path")]
    Path(String),
}

impl TargetError {
    /// Its code in the taxonomy of faults.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "ADDR_UNPARSEABLE"
    }
}

/// A miner's text, short enough for a message.
fn quoted(text: &str) -> String {
    text.chars().take(80).collect()
}

impl Target {
    /// Read a URL or, where it begins with `/`, a multiaddr.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.starts_with('/') { Self::multiaddr(text) } else { Self::url(text) }
    }

    fn new(
        scheme: Scheme,
        host: Host,
        port: u16,
        path: &str,
        peer: Option<String>,
    ) -> Result<Self, TargetError> {
        if SHUNNED.contains(&port) {
            return Err(TargetError::Port(port));
        }
        Ok(Self { scheme, host, port, path: checked_path(path)?, peer })
    }

    /// The same place with another path, and the query that it may bring.
    ///
    /// # Errors
    /// [`TargetError::Path`] for what does not begin with `/` or holds what no path may hold.
    pub fn with_path(&self, path: &str) -> Result<Self, TargetError> {
        Ok(Self { path: checked_path(path)?, ..self.clone() })
    }

    /// What is spoken there.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name or address.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query: `/` at least.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whom a multiaddr promises there: a peer id.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }

    /// Host and port as in a URL: without the port that the scheme implies.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.scheme.port() == Some(self.port) {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// As a URL, whatever it was read from.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority(), self.path)
    }
}

fn checked_path(path: &str) -> Result<String, TargetError> {
    let good = path.len() <= LONGEST
        && path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"' | b'<' | b'>'));
    if good { Ok(path.into()) } else { Err(TargetError::Path(quoted(path))) }
}

/// A host as the WHATWG URL standard reads it, which is how programs come to read `0x7f.1` as an address: what looks like one is one.
fn host(text: &str, family: Family) -> Result<Host, TargetError> {
    let bad = || TargetError::Host(quoted(text));
    let read = ::url::Host::parse(text).map_err(|_| bad())?;
    let name = match read {
        ::url::Host::Ipv4(address) => return Ok(Host::Ip(address.into())),
        ::url::Host::Ipv6(address) => return Ok(Host::Ip(address.into())),
        ::url::Host::Domain(name) => name,
    };
    let name = name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase();
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letters);
    if name.len() > LONGEST_NAME || !name.split('.').all(label) {
        return Err(bad());
    }
    Ok(Host::Name(name, family))
}
