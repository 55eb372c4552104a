use std::net::SocketAddr;
use std::sync::Arc;

use apogee_outbound::{Connector, DialError, Reach, Target, Trust};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::world::{Scripted, Server, client, get, read, short, trace};

/// A server at `sp.example` that answers everything with `ok`, and the certificate that it shows.
async fn server() -> (SocketAddr, CertificateDer<'static>, JoinSet<()>) {
    let certified = rcgen::generate_simple_self_signed(["sp.example".to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = certified.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (address, certificate, task)
}

fn connector(trust: Trust) -> Connector {
    let resolver =
        Scripted::default().with("sp.example", &[&["127.0.0.1"]]).with("other.example", &[&["127.0.0.1"]]);
    Connector::new(Arc::new(resolver), Reach::AlsoPrivate, short(), trust).unwrap()
}

#[tokio::test]
async fn a_certificate_that_somebody_vouches_for_is_needed() {
    let (address, certificate, _task) = server().await;
    let at = |host: &str| Target::url(&format!("https://{host}:{}/", address.port())).unwrap();
    let trusting = connector(Trust::Only(vec![certificate]));
    let mut seen = trace();
    let response = get(&client(trusting.clone()), &at("sp.example"), &mut seen).await.unwrap();
    assert_eq!(read(response, &mut seen).await.unwrap(), b"ok");
    let stages: Vec<_> = seen.stages.iter().map(|timing| timing.stage.as_str()).collect();
    assert_eq!(stages, ["resolve", "l4", "tls", "first_byte", "last_byte"]);

    for (connector, host) in
        [(&trusting, "other.example"), (&trusting, "127.0.0.1"), (&connector(Trust::Public), "sp.example")]
    {
        let error = connector.connect(&at(host), &mut trace()).await.unwrap_err();
        assert_eq!(error.code(), "TLS_CERT_INVALID", "{error}");
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_proves_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let target = Target::url(&format!("https://{address}/")).unwrap();
    let error = connector(Trust::Public).connect(&target, &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "TLS_CERT_INVALID", "{error:?}");
}

#[tokio::test]
async fn a_reset_and_a_silence_in_the_handshake_are_told_from_a_bad_certificate() {
    let silent = Server::start(true, |_| vec![]).await;
    let target = Target::url(&format!("wss://{}/", silent.address)).unwrap();
    let error = connector(Trust::Public).connect(&target, &mut trace()).await.unwrap_err();
    assert!(matches!(error, DialError::TimedOut(_)), "{error:?}");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_zero_linger().unwrap();
        }
    });
    let target = Target::url(&format!("https://{address}/")).unwrap();
    let error = connector(Trust::Public).connect(&target, &mut trace()).await.unwrap_err();
    assert_eq!(error.code(), "TCP_RESET", "{error:?}");
}
