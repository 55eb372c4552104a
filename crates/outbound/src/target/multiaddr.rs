use multiaddr::{Multiaddr, Protocol};

use super::{Host, LONGEST, Scheme, Target, TargetError, host, quoted};
use crate::resolve::Family;

impl Target {
    /// Read a multiaddr in text: a host, `tcp`, and then nothing, `ws`, `wss`, `http` or `https`, with `tls` and `sni` where they belong, and a peer.
    ///
    /// `dnsaddr` is refused: it stands for other multiaddrs, which a miner can as well announce. So is all that is not TCP.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn multiaddr(text: &str) -> Result<Self, TargetError> {
        if text.len() > LONGEST {
            return Err(TargetError::TooLong(text.len()));
        }
        read(
            &text
                .parse()
                .map_err(|error: multiaddr::Error| TargetError::Malformed(quoted(&error.to_string())))?,
        )
    }

    /// Read a multiaddr in bytes, as the chain keeps it.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn multiaddr_bytes(bytes: &[u8]) -> Result<Self, TargetError> {
        if bytes.len() > LONGEST {
            return Err(TargetError::TooLong(bytes.len()));
        }
        let parsed = Multiaddr::try_from(bytes.to_vec());
        read(&parsed.map_err(|error| TargetError::Malformed(quoted(&error.to_string())))?)
    }
}

/// What the parts behind the port have said so far.
#[derive(Default)]
struct Above {
    tls: bool,
    scheme: Option<Scheme>,
    path: Option<String>,
    peer: Option<String>,
}

fn read(address: &Multiaddr) -> Result<Target, TargetError> {
    let mut parts = address.iter();
    let missing = |what: &str| TargetError::Malformed(format!("{what} is missing"));
    let host = match parts.next().ok_or_else(|| missing("the host"))? {
        Protocol::Ip4(address) => Host::Ip(address.into()),
        Protocol::Ip6(address) => Host::Ip(address.into()),
        Protocol::Dns(name) => host(&name, Family::Any)?,
        Protocol::Dns4(name) => host(&name, Family::V4)?,
        Protocol::Dns6(name) => host(&name, Family::V6)?,
        other => return Err(unsupported(&other)),
    };
    let port = match parts.next().ok_or_else(|| missing("the port"))? {
        Protocol::Tcp(port) => port,
        other => return Err(unsupported(&other)),
    };
    let mut above = Above::default();
    for part in parts {
        above.add(part, &host)?;
    }
    let scheme = match (above.scheme, above.tls) {
        (None, false) => Scheme::Tcp,
        (Some(Scheme::Ws), true) => Scheme::Wss,
        (Some(Scheme::Http), true) => Scheme::Https,
        (Some(scheme), _) => scheme,
        (None, true) => return Err(TargetError::Unsupported("tls without ws or http".into())),
    };
    Target::new(scheme, host, port, above.path.as_deref().unwrap_or("/"), above.peer)
}

impl Above {
    fn add(&mut self, part: Protocol<'_>, host: &Host) -> Result<(), TargetError> {
        if self.peer.is_some() {
            // What comes behind a peer is reached through it.
            return Err(unsupported(&part));
        }
        match part {
            Protocol::Tls if self.scheme.is_none() && !self.tls => self.tls = true,
            Protocol::Sni(name) if self.tls && matches!(host, Host::Name(host, _) if *host == name) => {}
            Protocol::Ws(path) if self.scheme.is_none() => self.speak(Scheme::Ws, &path),
            Protocol::Wss(path) if self.scheme.is_none() && !self.tls => self.speak(Scheme::Wss, &path),
            Protocol::Http if self.scheme.is_none() => self.speak(Scheme::Http, "/"),
            Protocol::Https if self.scheme.is_none() && !self.tls => self.speak(Scheme::Https, "/"),
            Protocol::HttpPath(path) if matches!(self.scheme, Some(Scheme::Http | Scheme::Https)) => {
                self.path = Some(format!("/{}", path.trim_start_matches('/')));
            }
            Protocol::P2p(peer) => self.peer = Some(peer.to_string()),
            other => return Err(unsupported(&other)),
        }
        Ok(())
    }

    fn speak(&mut self, scheme: Scheme, path: &str) {
        self.scheme = Some(scheme);
        self.path = Some(path.into());
    }
}

fn unsupported(part: &Protocol<'_>) -> TargetError {
    TargetError::Unsupported(quoted(part.to_string().trim_start_matches('/')))
}
