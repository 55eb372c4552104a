use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apogee_domain::ManualClock;
use apogee_outbound::{
    Client, Connector, Family, Limits, Pace, Reach, Request, ResolveError, Resolver, Response, Target,
    Timeouts, Trace, Trust,
};
use async_trait::async_trait;
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Answers as told: each name has a list of answers, the last of which is repeated.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub(crate) asked: AtomicUsize,
}

impl Scripted {
    pub(crate) fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let parsed = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        self.answers.lock().unwrap().insert(name.into(), answers.iter().map(parsed).collect());
        self
    }
}

#[async_trait]
impl Resolver for Scripted {
    async fn resolve(&self, name: &str, _: Family) -> Result<Vec<IpAddr>, ResolveError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(name).ok_or(ResolveError::NoSuchName { servers: 2 })?;
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

pub(crate) fn trace() -> Trace {
    Trace::new(Arc::new(ManualClock::default()))
}

pub(crate) fn short() -> Timeouts {
    let short = Duration::from_millis(500);
    Timeouts { resolve: short, connect: short, handshake: short }
}

pub(crate) fn connector(reach: Reach, resolver: Scripted) -> Connector {
    Connector::new(Arc::new(resolver), reach, short(), Trust::Public).unwrap()
}

pub(crate) fn client(connector: Connector) -> Client {
    let limits = Limits {
        redirects: 3,
        head: 16 << 10,
        first_byte: Duration::from_millis(300),
        idle: Duration::from_millis(300),
    };
    Client::new(connector, limits, HeaderValue::from_static("apogee-test"))
}

/// One answer of a client that may dial this machine.
pub(crate) async fn get(
    client: &Client,
    target: &Target,
    trace: &mut Trace,
) -> Result<Response, apogee_outbound::HttpError> {
    let request = Request {
        target,
        accept: "*/*",
        range: None,
        body: 1 << 20,
        total: Duration::from_millis(1500),
        pace: Pace::ANY,
    };
    client.get(&request, trace).await
}

/// The whole body.
pub(crate) async fn read(
    mut response: Response,
    trace: &mut Trace,
) -> Result<Vec<u8>, apogee_outbound::HttpError> {
    let mut all = vec![];
    while let Some(piece) = response.body.next(trace).await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// Counts who connects, on every address of this machine.
pub(crate) struct Canary {
    pub(crate) port: u16,
    accepted: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Canary {
    pub(crate) async fn listen() -> Self {
        // On Linux the unspecified IPv6 address hears IPv4 as well.
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let mut task = JoinSet::new();
        let count = accepted.clone();
        task.spawn(async move {
            while let Ok((_stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, accepted, _task: task }
    }

    /// How many connected, once all that were under way have arrived.
    pub(crate) async fn accepted(&self) -> usize {
        let before = self.accepted.load(Ordering::SeqCst);
        let probe = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        while self.accepted.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        drop(probe);
        self.accepted.fetch_sub(1, Ordering::SeqCst) - 1
    }
}

/// Hears one request a connection, hands its head to `answer`, and writes what that returns; then closes, or with `open` stays.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
    /// Connections that the other side closed.
    pub(crate) closed: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(open: bool, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, closed) = (Arc::new(Mutex::new(vec![])), Arc::new(AtomicUsize::new(0)));
        let answer = Arc::new(answer);
        let mut task = JoinSet::new();
        let (kept, count) = (heads.clone(), closed.clone());
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, kept, count) = (answer.clone(), kept.clone(), count.clone());
                connections.spawn(async move {
                    let head = head(&mut stream).await;
                    let bytes = answer(&head);
                    kept.lock().unwrap().push(head);
                    let _ = stream.write_all(&bytes).await;
                    if open {
                        let mut rest = vec![];
                        let _ = stream.read_to_end(&mut rest).await;
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Self { address, heads, closed, _task: task }
    }

    pub(crate) fn target(&self, path: &str) -> Target {
        Target::url(&format!("http://{}{path}", self.address)).unwrap()
    }
}

pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}
