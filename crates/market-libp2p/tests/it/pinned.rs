//! Nothing but the given address is dialled, and a connection lives and ends with its session.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use apogee_market::transports::Transport;
use apogee_market_libp2p::{Caps, Carrier, Keypair, Target};
use apogee_simprovider::storage::{Listen, Misdeed, Recipe, Talk};
use futures::AsyncWrite;
use fvm_ipld_encoding::strict_bytes::ByteBuf;
use libp2p_core::upgrade::InboundConnectionUpgrade;
use multistream_select::listener_select_proto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::made::{MINER, any_port, caps, dialer, provider, recipe, target};

/// A proxy that cuts who is silent for this long, and counts connections.
async fn proxy(to: Target, silence: Duration) -> (Target, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let here = Target { address: listener.local_addr().unwrap(), ..to.clone() };
    let open = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&open);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let provider = TcpStream::connect(to.address).await.unwrap();
            let counted = Arc::clone(&counted);
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let ((mut from, mut into), (mut back, mut forth)) =
                    (client.into_split(), provider.into_split());
                let up = async {
                    let mut chunk = [0; 4_096];
                    while let Ok(Ok(count @ 1..)) = timeout(silence, from.read(&mut chunk)).await {
                        if forth.write_all(&chunk[..count]).await.is_err() {
                            break;
                        }
                    }
                };
                tokio::select! { () = up => {}, _ = tokio::io::copy(&mut back, &mut into) => {} }
                counted.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (here, open)
}

#[tokio::test]
async fn a_proxy_that_cuts_the_silent_does_not_cut_us() {
    let provider = provider(recipe()).await;
    provider.misbehave(Talk::Ask, Some(Misdeed::Slow(Duration::from_secs(4))));
    let (through, _) = proxy(target(&provider, Listen::Tcp), Duration::from_secs(2)).await;
    let patient = Caps { ask: Duration::from_secs(20), ..caps() };
    let lively = Caps { keep_alive: Duration::from_millis(500), ..patient };
    let session = dialer(lively).connect(&through).await.unwrap();
    assert!(session.ask(MINER).await.is_ok());
    // Without a sign of life, the same proxy does.
    let mute = Caps { keep_alive: Duration::from_secs(60), ..patient };
    let session = dialer(mute).connect(&through).await.unwrap();
    assert_eq!(session.ask(MINER).await.unwrap_err().code(), "ASK_STREAM_RESET");
}

#[tokio::test]
async fn a_session_that_is_dropped_closes_its_connection() {
    let provider = provider(recipe()).await;
    let (through, open) = proxy(target(&provider, Listen::Tcp), Duration::from_secs(60)).await;
    let session = dialer(caps()).connect(&through).await.unwrap();
    session.identify().await.unwrap();
    assert_eq!(open.load(Ordering::SeqCst), 1);
    drop(session);
    for _ in 0..50 {
        if open.load(Ordering::SeqCst) == 0 {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("it is still open");
}

/// The provider's `identify` names where it listens: here at a second address too, where a canary counts.
#[tokio::test]
async fn addresses_that_the_peer_tells_are_not_dialled() {
    let canary = TcpListener::bind(any_port()).await.unwrap();
    let port = canary.local_addr().unwrap().port();
    let bytes = [&[4, 127, 0, 0, 1, 6][..], &port.to_be_bytes()].concat();
    let transport = Transport { name: "libp2p".into(), addresses: vec![ByteBuf(bytes)] };
    let announces = vec![canary.local_addr().unwrap()];
    let provider = provider(Recipe { transports: vec![transport], announces, ..recipe() }).await;
    let session = dialer(caps()).connect(&target(&provider, Listen::Tcp)).await.unwrap();
    session.identify().await.unwrap();
    assert_eq!(session.transports().await.unwrap().protocols[0].addresses.len(), 1);
    session.ask(MINER).await.unwrap();
    assert!(timeout(Duration::from_millis(500), canary.accept()).await.is_err(), "it was dialled");
}

/// A peer that shakes hands, and then opens streams and writes into them without end. How many it was let open.
async fn flooder(listener: TcpListener, opened: Arc<AtomicUsize>) {
    let (tcp, _) = listener.accept().await.unwrap();
    let noise = libp2p_noise::Config::new(&flooding()).unwrap();
    let (_, io) = listener_select_proto(tcp.compat(), ["/noise"]).await.unwrap();
    let (_, io) = noise.upgrade_inbound(io, "/noise").await.unwrap();
    let (_, io) = listener_select_proto(io, ["/yamux/1.0.0"]).await.unwrap();
    let mut connection = yamux::Connection::new(io, yamux::Config::default(), yamux::Mode::Server);
    let mut streams = Vec::new();
    poll_fn(|cx| {
        // What comes is not answered, and what we open is kept open.
        while let Poll::Ready(came) = connection.poll_next_inbound(cx) {
            let Some(Ok(stream)) = came else { return Poll::Ready(()) };
            streams.push(stream);
        }
        while streams.len() < 10_000 {
            match connection.poll_new_outbound(cx) {
                Poll::Ready(Ok(stream)) => streams.push(stream),
                Poll::Ready(Err(_)) | Poll::Pending => break,
            }
            opened.fetch_add(1, Ordering::SeqCst);
        }
        for stream in &mut streams {
            let _ = Pin::new(stream).poll_write(cx, &[1; 16 << 10]);
        }
        Poll::Pending
    })
    .await;
}

fn flooding() -> Keypair {
    Keypair::ed25519_from_bytes([251; 32]).unwrap()
}

#[tokio::test]
async fn a_peer_that_floods_streams_gains_nothing() {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let opened = Arc::new(AtomicUsize::new(0));
    let flooder = tokio::spawn(flooder(listener, Arc::clone(&opened)));
    let peer = flooding().public().to_peer_id();
    let impatient = Caps { ask: Duration::from_secs(2), ..caps() };
    let target = Target { address, carrier: Carrier::Tcp, peer };
    let session = dialer(impatient).connect(&target).await.unwrap();
    let error = session.ask(MINER).await.unwrap_err();
    assert!(matches!(error.code(), "ASK_STREAM_RESET" | "ASK_TIMEOUT"), "{error:?}");
    assert_eq!(error.received, 0);
    assert!(opened.load(Ordering::SeqCst) > 32, "it has not flooded");
    flooder.abort();
}
