use std::fmt;
use std::net::SocketAddr;

use libp2p_identity::PeerId;

/// What carries libp2p's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// TCP alone.
    Tcp,
    /// WebSocket, for this host: a name, or `None` for the address itself.
    WebSocket(Option<String>),
    /// WebSocket over TLS, for this host: a name, or an address in its certificate.
    SecureWebSocket(String),
}

/// One provider at one address.
///
/// The address comes from a connector that has resolved the name once and has refused what nobody may dial; the name is for
/// the `Host` header and for TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where it is dialled: there, and nowhere else.
    pub address: SocketAddr,
    /// How.
    pub carrier: Carrier,
    /// Who must answer.
    pub peer: PeerId,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, peer) = (self.address, self.peer);
        match &self.carrier {
            Carrier::Tcp => write!(f, "{peer} at {address}"),
            Carrier::WebSocket(None) => write!(f, "{peer} at ws://{address}"),
            Carrier::WebSocket(Some(host)) => write!(f, "{peer} at ws://{host} ({address})"),
            Carrier::SecureWebSocket(host) => write!(f, "{peer} at wss://{host} ({address})"),
        }
    }
}
