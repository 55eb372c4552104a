//! The swarm: how the provider is reached.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apogee_market::protocol;
use futures::StreamExt;
use futures::future::Either;
use libp2p_core::Transport;
use libp2p_core::multiaddr::{Multiaddr, Protocol};
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_core::transport::Boxed;
use libp2p_core::upgrade::Version;
use libp2p_identity::PeerId;
use libp2p_swarm::{NetworkBehaviour, StreamProtocol, Swarm, SwarmEvent};
use libp2p_websocket as websocket;
use tokio::task::{JoinHandle, JoinSet};

use super::book::{Book, Client};
use super::{Listen, Recipe, StartError, Talk, counter, lock};

/// Streams of one protocol that are served at once.
const MOST_SERVED: usize = 64;

#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p_swarm::derive_prelude")]
struct Behaviour {
    identify: libp2p_identify::Behaviour,
    ping: libp2p_ping::Behaviour,
    streams: libp2p_stream::Behaviour,
}

type Started = (Vec<(Listen, SocketAddr)>, Vec<JoinHandle<()>>);

pub(super) async fn start(
    recipe: &Recipe,
    at: &[(Listen, SocketAddr)],
    book: &Arc<Mutex<Book>>,
) -> Result<Started, StartError> {
    let key = &recipe.key;
    let identify = libp2p_identify::Config::new("ipfs/0.1.0".into(), key.public())
        .with_agent_version(recipe.agent.clone());
    let behaviour = Behaviour {
        identify: libp2p_identify::Behaviour::new(identify),
        ping: libp2p_ping::Behaviour::default(),
        streams: libp2p_stream::Behaviour::new(),
    };
    let config =
        libp2p_swarm::Config::with_tokio_executor().with_idle_connection_timeout(Duration::from_secs(60));
    let mut control = behaviour.streams.new_control();
    let mut swarm = Swarm::new(transport(recipe)?, behaviour, key.public().to_peer_id(), config);
    let mut listens = Vec::new();
    for &(listen, address) in at {
        swarm
            .listen_on(multiaddr(listen, address))
            .map_err(|source| StartError::Listen { at: address, source })?;
        listens.push((listen, bound(&mut swarm).await?));
    }
    for &address in &recipe.announces {
        swarm.add_external_address(multiaddr(Listen::Tcp, address));
    }
    let mut tasks = Vec::new();
    for &name in &recipe.speaks {
        let talk = talk(name).ok_or(StartError::Protocol(name))?;
        let incoming = control.accept(StreamProtocol::new(name)).map_err(|_| StartError::Protocol(name))?;
        tasks.push(tokio::spawn(serve(talk, incoming, Arc::clone(book))));
    }
    tasks.push(tokio::spawn(run(swarm, Arc::clone(book))));
    Ok((listens, tasks))
}

fn talk(name: &str) -> Option<Talk> {
    match name {
        protocol::DEAL_1_2_0 | protocol::DEAL_1_2_1 => Some(Talk::Deal),
        protocol::STATUS_1_2_0 => Some(Talk::Status),
        protocol::ASK_1_1_0 => Some(Talk::Ask),
        protocol::TRANSPORTS_1_0_0 => Some(Talk::Transports),
        _ => None,
    }
}

fn transport(recipe: &Recipe) -> Result<Boxed<(PeerId, StreamMuxerBox)>, StartError> {
    let tcp = || libp2p_tcp::tokio::Transport::new(libp2p_tcp::Config::default().nodelay(true));
    let noise = libp2p_noise::Config::new(&recipe.key).map_err(StartError::Key)?;
    let mut web_socket = websocket::Config::new(tcp());
    if let Some((certificate, key)) = &recipe.tls {
        let key = websocket::tls::PrivateKey::new(key.clone());
        let certificate = websocket::tls::Certificate::new(certificate.clone());
        let tls = websocket::tls::Config::new(key, [certificate]).map_err(StartError::Tls)?;
        web_socket.set_tls_config(tls);
    }
    let web_socket = web_socket
        .upgrade(Version::V1)
        .authenticate(noise.clone())
        .multiplex(libp2p_yamux::Config::default());
    let plain = tcp().upgrade(Version::V1).authenticate(noise).multiplex(libp2p_yamux::Config::default());
    let either = web_socket.or_transport(plain).map(|either, _| match either {
        Either::Left((peer, muxer)) => (peer, StreamMuxerBox::new(muxer)),
        Either::Right((peer, muxer)) => (peer, StreamMuxerBox::new(muxer)),
    });
    Ok(either.boxed())
}

fn multiaddr(listen: Listen, address: SocketAddr) -> Multiaddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) => Multiaddr::from(ip),
        IpAddr::V6(ip) => Multiaddr::from(ip),
    };
    let tcp = ip.with(Protocol::Tcp(address.port()));
    match listen {
        Listen::Tcp => tcp,
        Listen::WebSocket => tcp.with(Protocol::Ws("/".into())),
        Listen::SecureWebSocket => tcp.with(Protocol::Tls).with(Protocol::Ws("/".into())),
    }
}

/// Where the swarm has come to listen.
async fn bound(swarm: &mut Swarm<Behaviour>) -> Result<SocketAddr, StartError> {
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                let mut ip = None;
                for part in &address {
                    match part {
                        Protocol::Ip4(v4) => ip = Some(IpAddr::from(v4)),
                        Protocol::Ip6(v6) => ip = Some(IpAddr::from(v6)),
                        Protocol::Tcp(port) => {
                            return ip.map(|ip| SocketAddr::new(ip, port)).ok_or(StartError::Stopped);
                        }
                        _ => {}
                    }
                }
            }
            SwarmEvent::ListenerClosed { .. } => return Err(StartError::Stopped),
            _ => {}
        }
    }
}

async fn serve(talk: Talk, mut incoming: libp2p_stream::IncomingStreams, book: Arc<Mutex<Book>>) {
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            came = incoming.next() => {
                let Some((_, stream)) = came else { break };
                if serving.len() < MOST_SERVED {
                    let book = Arc::clone(&book);
                    serving.spawn(async move { counter::serve(talk, stream, &book).await });
                }
            }
            _ = serving.join_next(), if !serving.is_empty() => {}
        }
    }
}

async fn run(mut swarm: Swarm<Behaviour>, book: Arc<Mutex<Book>>) {
    loop {
        let event = swarm.select_next_some().await;
        if let SwarmEvent::Behaviour(BehaviourEvent::Identify(libp2p_identify::Event::Received {
            info,
            ..
        })) = event
        {
            let protocols = info.protocols.iter().map(ToString::to_string).collect();
            lock(&book).meet(Client { agent: info.agent_version, protocols });
        }
    }
}
