//! A miner is reached at one of its addresses.

use std::net::IpAddr;

use apogee_dealbot::fault::{Code, Stage};
use apogee_market_libp2p::{Carrier, PeerId, Session, Target as To};
use apogee_outbound::{Host, Place, Scheme, Socket, Target, TargetError};
use tokio::time::{Instant, timeout_at};

use crate::probe::means::Means;
use crate::probe::seen::{Broken, Notes};

/// Most addresses of a miner that are read, and that are dialled, in their order.
const READ: usize = 32;
const DIALLED: usize = 4;

/// A miner that was reached.
pub(super) struct Reached {
    pub(super) session: Session,
    /// Held as long as it is spoken to.
    _place: Option<Place<IpAddr>>,
}

/// Who is there, and says so.
///
/// # Errors
/// What came of the address where most was reached; the first of several.
pub(super) async fn session(
    means: &Means,
    peer: &str,
    addresses: &[String],
    notes: &mut Notes,
) -> Result<Reached, Broken> {
    notes.begin(Stage::Resolve);
    if peer.is_empty() {
        return Err(Broken::own(Code::MinerNoPeerId, "the miner names no peer"));
    }
    let peer = peer.parse::<PeerId>();
    let peer = peer.map_err(|error| Broken::of(Code::MinerNoPeerId.as_str(), &error))?;
    let mut best: Option<(Broken, &String)> = None;
    let mut left = DIALLED;
    let deadline = Instant::now() + means.dialling();
    for address in addresses.iter().take(READ) {
        let broken = match readable(address) {
            Err(error) => Broken::of(error.code(), &error),
            Ok(_) if left == 0 => break,
            Ok((target, carrier)) => {
                left -= 1;
                notes.target.clone_from(address);
                match timeout_at(deadline, dial(means, &target, carrier, peer, notes)).await {
                    Ok(Ok(reached)) => return Ok(reached),
                    Ok(Err(broken)) => broken,
                    Err(_) => Broken::own(Code::TcpTimeout, "all addresses together take too long"),
                }
            }
        };
        // Of what this bot itself lacks, no other address tells more.
        if matches!(broken.code, Code::LocalFdExhausted | Code::LocalBackoff) {
            return Err(broken);
        }
        if best.as_ref().is_none_or(|(best, _)| rank(best) < rank(&broken)) {
            best = Some((broken, address));
        }
    }
    let Some((broken, address)) = best else {
        return Err(Broken::own(Code::NoAddrs, "the miner has no addresses"));
    };
    notes.target.clone_from(address);
    Err(broken)
}

/// How far an attempt came.
const fn rank(broken: &Broken) -> u8 {
    match broken.code.stage() {
        Stage::Resolve => 1,
        Stage::L4 => 2,
        Stage::Handshake => 3,
        _ => 0,
    }
}

/// A multiaddress that libp2p is spoken at.
fn readable(address: &str) -> Result<(Target, Carrier), TargetError> {
    let target = Target::multiaddr(address)?;
    let carrier = match (target.scheme(), target.host()) {
        (Scheme::Tcp, _) => Carrier::Tcp,
        (Scheme::Ws, Host::Name(name, _)) => Carrier::WebSocket(Some(name.clone())),
        (Scheme::Ws, Host::Ip(_)) => Carrier::WebSocket(None),
        (Scheme::Wss, Host::Name(name, _)) => Carrier::SecureWebSocket(name.clone()),
        (Scheme::Wss, Host::Ip(ip)) => Carrier::SecureWebSocket(ip.to_string()),
        (other @ (Scheme::Http | Scheme::Https), _) => {
            return Err(TargetError::Unsupported(other.as_str().to_owned()));
        }
    };
    Ok((target, carrier))
}

async fn dial(
    means: &Means,
    target: &Target,
    carrier: Carrier,
    peer: PeerId,
    notes: &mut Notes,
) -> Result<Reached, Broken> {
    let pinned = means.connector.pin(target, &mut notes.trace).await;
    let pinned = pinned.map_err(|error| Broken::of(error.code(), &error))?;
    let socket = means.connector.tcp(&pinned, &mut notes.trace).await;
    let Socket { tcp, remote, place } = socket.map_err(|error| Broken::of(error.code(), &error))?;
    notes.begin(Stage::Handshake);
    let to = To { address: remote, carrier, peer };
    let session = means.dialer.over(tcp, &to).await;
    let session = session.map_err(|error| Broken::of(error.code(), &error))?;
    Ok(Reached { session, _place: place })
}
