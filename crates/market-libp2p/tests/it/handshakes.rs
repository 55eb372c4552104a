use std::net::SocketAddr;
use std::time::Duration;

use apogee_market_libp2p::{Caps, Carrier, ConnectError, Step, Target, TcpFault};
use apogee_simprovider::storage::{Listen, Recipe, StorageProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::made::{any_port, caps, certificate, dialer, keypair, provider, recipe, target};

/// A server that does this with whom comes first, and where it is.
async fn server<F>(serve: impl FnOnce(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
    });
    address
}

/// What comes of dialling there.
async fn dialled(address: SocketAddr, carrier: Carrier) -> ConnectError {
    let caps = Caps { step: Duration::from_millis(700), ..caps() };
    let peer = keypair().public().to_peer_id();
    dialer(caps).connect(&Target { address, carrier, peer }).await.unwrap_err()
}

fn all() -> [Carrier; 3] {
    [Carrier::Tcp, Carrier::WebSocket(None), Carrier::SecureWebSocket("localhost".into())]
}

#[tokio::test]
async fn nobody_there_is_refused() {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for carrier in all() {
        let error = dialled(address, carrier).await;
        assert!(matches!(error, ConnectError::Tcp { fault: TcpFault::Refused, .. }), "{error:?}");
        assert_eq!(error.code(), "TCP_REFUSED");
    }
}

#[tokio::test]
async fn a_silent_server_runs_out_of_time_at_the_step_it_is_in() {
    for (carrier, step) in all().into_iter().zip([Step::Security, Step::WebSocket, Step::Tls]) {
        let address = server(|stream| async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(stream);
        })
        .await;
        let error = dialled(address, carrier).await;
        assert!(matches!(&error, ConnectError::Timeout { step: found, .. } if *found == step), "{error:?}");
        assert_eq!(error.code(), "TCP_TIMEOUT");
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_has_reset() {
    for carrier in [Carrier::Tcp, Carrier::SecureWebSocket("localhost".into())] {
        let address = server(|mut stream| async move {
            let _ = stream.read(&mut [0; 8]).await;
        })
        .await;
        let error = dialled(address, carrier).await;
        assert!(matches!(error, ConnectError::Broken { fault: TcpFault::Reset, .. }), "{error:?}");
        assert_eq!(error.code(), "TCP_RESET");
    }
}

#[tokio::test]
async fn a_server_that_ends_in_good_order_has_refused_nothing() {
    let address = server(|mut stream| async move {
        let mut read = Vec::new();
        let reading = stream.read_to_end(&mut read);
        let _ = tokio::time::timeout(Duration::from_millis(200), reading).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let error = dialled(address, Carrier::Tcp).await;
    assert!(matches!(error, ConnectError::Broken { step: Step::Security, .. }), "{error:?}");
    assert_eq!(error.code(), "TCP_RESET");
}

#[tokio::test]
async fn a_web_server_is_no_provider() {
    let page = "HTTP/1.1 404 Not Found\r\nServer: some server\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n";
    for carrier in all() {
        let address = server(move |mut stream| async move {
            let _ = stream.write_all(page.as_bytes()).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        })
        .await;
        let error = dialled(address, carrier).await;
        assert_eq!(error.code(), "NOISE_FAIL", "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let canary = TcpListener::bind(any_port()).await.unwrap();
    let there = canary.local_addr().unwrap();
    let address = server(move |mut stream| async move {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: ws://{there}/\r\nContent-Length: 0\r\n\r\n");
        let _ = stream.read(&mut [0; 1_024]).await;
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let error = dialled(address, Carrier::WebSocket(None)).await;
    assert!(matches!(error, ConnectError::WebSocket(_)), "{error:?}");
    let came = tokio::time::timeout(Duration::from_millis(200), canary.accept()).await;
    assert!(came.is_err(), "it was followed");
}

/// Answers with these lines of multistream-select, each behind its length, and these bytes after them.
async fn speaks(lines: &'static [&'static str], bytes: &'static [u8]) -> SocketAddr {
    server(move |mut stream| async move {
        for line in lines {
            let length = u8::try_from(line.len() + 1).unwrap();
            let _ = stream.write_all(&[&[length][..], line.as_bytes(), b"\n"].concat()).await;
        }
        let _ = stream.write_all(bytes).await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    })
    .await
}

#[tokio::test]
async fn a_peer_without_noise_is_told_from_one_that_breaks_it() {
    let error = dialled(speaks(&["/multistream/1.0.0", "na"], &[]).await, Carrier::Tcp).await;
    assert!(matches!(error, ConnectError::Security(_)), "{error:?}");
    // Messages behind their lengths, which are none of the handshake's.
    let noise = &["/multistream/1.0.0", "/noise"];
    for bytes in [&[0, 4, 1, 2, 3, 4][..], &[&[0, 200], &[7; 200][..]].concat()] {
        let bytes = Box::leak(bytes.to_vec().into_boxed_slice());
        let error = dialled(speaks(noise, bytes).await, Carrier::Tcp).await;
        assert!(matches!(error, ConnectError::Noise(_)), "{error:?}");
        assert_eq!(error.code(), "NOISE_FAIL");
    }
    let half = dialled(speaks(noise, &[0, 200, 7]).await, Carrier::Tcp).await;
    assert!(matches!(half, ConnectError::Timeout { step: Step::Noise, .. }), "{half:?}");
}

#[tokio::test]
async fn another_peer_is_found_out() {
    let provider = provider(recipe()).await;
    let expected = keypair().public().to_peer_id();
    let target = Target { peer: expected, ..target(&provider, Listen::Tcp) };
    let error = dialer(caps()).connect(&target).await.unwrap_err();
    assert_eq!(error.code(), "PEER_ID_MISMATCH");
    let found = provider.peer();
    assert!(
        matches!(error, ConnectError::PeerIdMismatch { expected: e, found: f } if (e, f) == (expected, found)),
        "{error:?}"
    );
    assert!(provider.clients().is_empty());
}

#[tokio::test]
async fn a_certificate_of_nobody_or_for_another_is_not_valid() {
    let (tls, trust) = certificate();
    let recipe = Recipe { tls: Some(tls), ..recipe() };
    let provider = StorageProvider::start(recipe, &[(Listen::SecureWebSocket, any_port())]).await.unwrap();
    let named = |host: &str| Target {
        carrier: Carrier::SecureWebSocket(host.into()),
        ..target(&provider, Listen::SecureWebSocket)
    };
    let unknown = dialer(caps()).connect(&named("localhost")).await.unwrap_err();
    assert_eq!(unknown.code(), "TLS_CERT_INVALID", "{unknown:?}");
    let dialer = dialer(caps()).with_tls(trust);
    let other = dialer.connect(&named("example.org")).await.unwrap_err();
    assert_eq!(other.code(), "TLS_CERT_INVALID", "{other:?}");
    let none = dialer.connect(&named("no name")).await.unwrap_err();
    assert!(matches!(none, ConnectError::Host(_)), "{none:?}");
    dialer.connect(&named("localhost")).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_somebody_else_made_is_as_good() {
    let provider = provider(recipe()).await;
    let target = target(&provider, Listen::Tcp);
    let tcp = TcpStream::connect(target.address).await.unwrap();
    let session = dialer(caps()).over(tcp, &target).await.unwrap();
    assert!(session.identify().await.unwrap().takes_deals());
}
