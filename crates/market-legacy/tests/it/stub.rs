use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apogee_filecoin::rpc::{Client, Endpoint, Exponential, Settings};
use apogee_market_legacy::Legacy;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use bytes::Bytes;
use cid::Cid;
use futures::stream;
use fvm_shared::address::{Address, Network};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const MINER: Address = Address::new_id(1234);
pub(crate) const PEER: &str = "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf";
/// The CID of all examples of Lotus' documentation.
pub(crate) const CID: &str = "bafy2bzacea3wsdh6y3a36tb3skempjoxqpuyompjbmfeyf34fi3uy6uue42v4";

pub(crate) fn cid() -> Cid {
    CID.parse().unwrap()
}

pub(crate) fn link() -> Value {
    json!({ "/": CID })
}

/// What the stub does with a call.
#[derive(Clone)]
pub(crate) enum Does {
    /// This is the result.
    Answers(Value),
    /// Exactly this, with this status.
    Says(u16, String),
    /// Nothing.
    Hangs,
    /// It does not stop.
    Endless,
}

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

pub(crate) struct Stub {
    pub(crate) node: Legacy,
    asked: Asked,
    _serving: JoinSet<()>,
}

async fn answer(State((does, asked)): State<(Does, Asked)>, request: Request) -> Response<Body> {
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let mut request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap().strip_prefix("Filecoin.").unwrap().to_owned();
    asked.lock().unwrap().push((method, request["params"].take()));
    match does {
        Does::Answers(result) => {
            let reply = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
            Response::new(reply.to_string().into())
        }
        Does::Says(status, text) => Response::builder().status(status).body(text.into()).unwrap(),
        Does::Hangs => std::future::pending().await,
        Does::Endless => {
            let zeros = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 4096])));
            Response::new(Body::from_stream(zeros))
        }
    }
}

impl Stub {
    pub(crate) async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/rpc/v1", listener.local_addr().unwrap());
        let asked = Asked::default();
        let router = Router::new().fallback(answer).with_state((does, asked.clone()));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let settings = Settings {
            timeout: Duration::from_secs(3),
            body_limit: 64 << 10,
            network: Network::Testnet,
            backoff: Arc::new(Exponential::new(4, Duration::from_millis(1), Duration::from_millis(1), 1)),
            ..Settings::default()
        };
        let node = Legacy::new(Client::new(Endpoint::new(&url, None).unwrap(), settings).unwrap());
        Self { node, asked, _serving: serving }
    }

    pub(crate) async fn answering(result: Value) -> Self {
        Self::start(Does::Answers(result)).await
    }

    /// The one call that was made.
    pub(crate) fn asked(&self) -> (String, Value) {
        let asked = self.asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }
}
