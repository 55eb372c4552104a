//! The bytes beneath Noise: TCP, or a WebSocket over it, with TLS or without.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::{AsyncRead, AsyncWrite, SinkExt, TryStreamExt, future};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rw_stream_sink::RwStreamSink;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::connect::Timer;
use crate::error::{ConnectError, Step, TcpFault};
use crate::target::Carrier;

/// Bytes of the largest WebSocket message: a message of Noise has at most 65,537.
const LARGEST_MESSAGE: usize = 256 << 10;

/// Any stream of bytes.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(crate) type Link = Box<dyn Duplex>;

/// Over an established connection to `address`, what `carrier` says.
pub(crate) async fn carry(
    tcp: TcpStream,
    address: SocketAddr,
    carrier: &Carrier,
    tls: &Arc<ClientConfig>,
    timer: Timer,
) -> Result<Link, ConnectError> {
    // Without delay: each step of a handshake waits for a small message.
    let _ = tcp.set_nodelay(true);
    match carrier {
        Carrier::Tcp => Ok(Box::new(tcp.compat())),
        Carrier::WebSocket(host) => {
            let host = host.as_ref().map(|host| authority(host, address, 80));
            let host = host.unwrap_or_else(|| address.to_string());
            timer.run(Step::WebSocket, web_socket(tcp, format!("ws://{host}/"))).await
        }
        Carrier::SecureWebSocket(host) => {
            let name = ServerName::try_from(host.clone()).map_err(|_| ConnectError::Host(host.clone()))?;
            let connect = TlsConnector::from(Arc::clone(tls)).connect(name, tcp);
            let secured = timer
                .run(Step::Tls, async { connect.await.map_err(|source| tls_error(host.clone(), source)) });
            let url = format!("wss://{}/", authority(host, address, 443));
            let secured = secured.await?;
            timer.run(Step::WebSocket, web_socket(secured, url)).await
        }
    }
}

/// A host as a URL has it, with the port unless it is the usual one.
fn authority(host: &str, address: SocketAddr, usual: u16) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    if address.port() == usual { host } else { format!("{host}:{}", address.port()) }
}

async fn web_socket<S>(stream: S, url: String) -> Result<Link, ConnectError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE))
        .read_buffer_size(16 << 10);
    let (socket, _) = client_async_with_config(url, stream, Some(config)).await.map_err(ws_error)?;
    let frames = socket
        .map_err(ws_io)
        .try_filter_map(|message| {
            future::ready(match message {
                Message::Binary(bytes) => Ok(Some(Vec::from(bytes))),
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
                Message::Text(_) | Message::Frame(_) => Err(io::ErrorKind::InvalidData.into()),
            })
        })
        .sink_map_err(ws_io)
        .with(|bytes: Vec<u8>| future::ready(Ok::<_, io::Error>(Message::binary(bytes))));
    Ok(Box::new(RwStreamSink::new(frames)))
}

fn ws_error(error: WsError) -> ConnectError {
    match error {
        // Bytes that are no TLS come as an error of the stream, too.
        WsError::Io(source) if source.kind() != io::ErrorKind::InvalidData => {
            ConnectError::Broken { step: Step::WebSocket, fault: TcpFault::of(&source), source }
        }
        other => ConnectError::WebSocket(Box::new(other)),
    }
}

fn ws_io(error: WsError) -> io::Error {
    match error {
        WsError::Io(source) => source,
        WsError::ConnectionClosed | WsError::AlreadyClosed => io::ErrorKind::ConnectionReset.into(),
        // What is no WebSocket is no message of what is above it.
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

fn tls_error(host: String, source: io::Error) -> ConnectError {
    let inner = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => {
            let source = inner.cloned().unwrap_or(rustls::Error::DecryptError);
            ConnectError::Certificate { host, source }
        }
        Some(_) => ConnectError::Tls { host, source },
        None => ConnectError::Broken { step: Step::Tls, fault: TcpFault::of(&source), source },
    }
}
