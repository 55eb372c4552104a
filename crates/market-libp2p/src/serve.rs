//! What a peer may ask of us, and the sign of life that we give.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p_identity::PublicKey;
use multistream_select::listener_select_proto;
use tokio::sync::oneshot;
use tokio::time::timeout;
use yamux::Stream;

use crate::agree::agree;
use crate::identify;

pub(crate) const IDENTIFY: &str = "/ipfs/id/1.0.0";
const PING: &str = "/ipfs/ping/1.0.0";
/// Bytes of a ping.
const PING_SIZE: usize = 32;
/// For one stream of a peer, whatever it is for.
const CAP: Duration = Duration::from_secs(60);
/// For one ping of ours.
const PING_CAP: Duration = Duration::from_secs(10);
/// Pings of one stream that are answered.
const MOST_PINGS: usize = 64;

/// What we answer.
#[derive(Debug)]
pub(crate) struct Server {
    identity: Vec<u8>,
}

impl Server {
    pub(crate) fn new(key: &PublicKey, agent: &str) -> Self {
        Self { identity: identify::message(key, agent, &[IDENTIFY, PING]) }
    }
}

/// Answer a stream of the peer, or refuse it. What goes wrong in it is the peer's loss.
pub(crate) async fn answer(stream: Stream, server: Arc<Server>) {
    let _ = timeout(CAP, async {
        let (protocol, mut io) =
            listener_select_proto(stream, [IDENTIFY, PING]).await.map_err(io::Error::from)?;
        if protocol == IDENTIFY {
            io.write_all(&server.identity).await?;
        } else {
            let mut ping = [0; PING_SIZE];
            for _ in 0..MOST_PINGS {
                if io.read_exact(&mut ping).await.is_err() {
                    break;
                }
                io.write_all(&ping).await?;
                io.flush().await?;
            }
        }
        io.close().await
    })
    .await;
}

/// A sign of life. That a peer does not answer it says nothing: bytes went both ways.
pub(crate) async fn ping(stream: oneshot::Receiver<Stream>) {
    let _ = timeout(PING_CAP, async {
        let stream = stream.await.map_err(io::Error::other)?;
        let (_, mut io) = agree(stream, vec![PING]).await.map_err(io::Error::from)?;
        let mut ping = [0; PING_SIZE];
        io.write_all(&ping).await?;
        io.flush().await?;
        io.read_exact(&mut ping).await?;
        io.close().await
    })
    .await;
}
