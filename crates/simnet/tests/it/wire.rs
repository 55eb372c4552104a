//! A plain HTTP client that sees exact bytes.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use apogee_domain::Epoch;
use apogee_filecoin::car::Limits;
use apogee_filecoin::rpc::{Client, Endpoint, Exponential, Pool, Secret, Settings};
use apogee_filecoin::source::{RpcOptions, RpcSource};
use apogee_simnet::{Access, Chain, Recording, SimNode};
use apogee_testkit::example;
use fvm_shared::address::Network;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) static DEVNET: LazyLock<Arc<Recording>> =
    LazyLock::new(|| Recording::open(&example("devnet-a"), &Limits::DEFAULT).unwrap());

pub(crate) fn epoch(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

pub(crate) const TOKEN: &str = "t0ken";

pub(crate) async fn node(chain: Arc<dyn Chain>) -> SimNode {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    SimNode::start(listener, chain, Access { token: Some(TOKEN.into()) }).unwrap()
}

/// A source over these nodes.
pub(crate) fn source(nodes: &[&SimNode]) -> RpcSource {
    source_with(nodes, Duration::from_secs(10))
}

/// A source that waits so long for an ordinary answer, and asks three times.
pub(crate) fn source_with(nodes: &[&SimNode], timeout: Duration) -> RpcSource {
    let client = |node: &&SimNode| Arc::new(client(node, timeout));
    let notify = Arc::new(Exponential::new(100, Duration::from_millis(1), Duration::from_millis(5), 1));
    let options = RpcOptions { notify: Some(notify), poll: Duration::from_secs(60), ..RpcOptions::default() };
    RpcSource::new(Arc::new(Pool::new(nodes.iter().map(client).collect(), None)), options)
}

/// A client of one node that waits so long for an ordinary answer.
pub(crate) fn client(node: &SimNode, timeout: Duration) -> Client {
    let endpoint = Endpoint::new(&node.url(), Some(Secret::new(TOKEN))).unwrap();
    let settings = Settings {
        connect_timeout: Duration::from_secs(5),
        timeout,
        long_timeout: Duration::from_secs(30),
        body_limit: 32 << 20,
        large_body_limit: 64 << 20,
        network: Network::Testnet,
        backoff: Arc::new(Exponential::new(3, Duration::from_millis(1), Duration::from_millis(2), 1)),
    };
    Client::new(endpoint, settings).unwrap()
}

/// One connection, kept open.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(crate) async fn to(node: &SimNode) -> Self {
        let url = node.url();
        let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        Self(TcpStream::connect(host).await.unwrap())
    }

    /// Status and body.
    pub(crate) async fn post(&mut self, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: h\r\n{token}Content-Length: {}\r\n\r\n{body}", body.len());
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        let head = loop {
            if let Some(at) = got.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            assert_ne!(self.0.read_buf(&mut got).await.unwrap(), 0, "the connection ended");
        };
        let text = String::from_utf8(got[..head].to_vec()).unwrap().to_lowercase();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let length = text
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
        let mut body = got.split_off(head + 4);
        while body.len() < length {
            assert_ne!(self.0.read_buf(&mut body).await.unwrap(), 0, "the body was cut");
        }
        (status, String::from_utf8(body).unwrap())
    }
}
