//! A node on a loopback port that answers what a test wants.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use apogee_domain::Epoch;
use apogee_filecoin::rpc::{Client, Endpoint, Exponential, Secret, Settings};
use apogee_filecoin::source::{CarSource, Source};
use apogee_filecoin::types::{self, TipsetKey, json};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use fvm_shared::address::Network;
use serde_json::Value;
use tokio::net::TcpListener;

/// HTTP status and body.
pub(crate) type Answer = (u16, String);

type Handler = dyn Fn(&str, &Value) -> Answer + Send + Sync;

/// Answers until it is dropped.
pub(crate) struct Double {
    pub(crate) url: String,
    /// Methods that were called, with the authorization they came with.
    pub(crate) calls: Arc<Mutex<Vec<(String, String)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Shared {
    handler: Arc<Handler>,
    calls: Arc<Mutex<Vec<(String, String)>>>,
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response<String> {
    let authorization = request.headers().get("authorization");
    let authorization = authorization.map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 24).await.unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let method = request["method"].as_str().unwrap().strip_prefix("Filecoin.").unwrap();
    shared.calls.lock().unwrap().push((method.to_owned(), authorization));
    let (status, body) = (shared.handler)(method, &request["params"]);
    let response = Response::builder().status(status);
    let response =
        if (300..400).contains(&status) { response.header("location", body.clone()) } else { response };
    response.body(body).unwrap()
}

impl Double {
    pub(crate) async fn start(handler: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/rpc/v1", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(vec![]));
        let shared = Shared { handler: Arc::new(handler), calls: calls.clone() };
        let app = Router::new().route("/rpc/v1", axum::routing::post(answer)).with_state(shared);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, calls, task }
    }

    pub(crate) fn client(&self) -> Arc<Client> {
        client(&self.url)
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(called, _)| called == method).count()
    }
}

/// A client with short waits.
pub(crate) fn client(url: &str) -> Arc<Client> {
    let endpoint = Endpoint::new(url, Some(Secret::new("t0ken"))).unwrap();
    Arc::new(Client::new(endpoint, settings()).unwrap())
}

pub(crate) fn settings() -> Settings {
    let millis = Duration::from_millis;
    Settings {
        connect_timeout: millis(500),
        timeout: millis(700),
        long_timeout: millis(5_000),
        body_limit: 1 << 20,
        large_body_limit: 8 << 20,
        network: Network::Testnet,
        backoff: Arc::new(Exponential::new(3, millis(1), millis(2), 1)),
    }
}

pub(crate) fn result(value: &impl serde::Serialize) -> Answer {
    let value = serde_json::to_string(value).unwrap();
    (200, format!(r#"{{"id":1,"jsonrpc":"2.0","result":{value}}}"#))
}

pub(crate) fn error(code: i64, message: &str) -> Answer {
    (
        200,
        serde_json::json!({"id": 1, "jsonrpc": "2.0", "error": {"code": code, "message": message}})
            .to_string(),
    )
}

fn key(params: &Value) -> TipsetKey {
    let links: Vec<json::Link> = serde_json::from_value(params.clone()).unwrap();
    TipsetKey(links.into_iter().map(|json::Link(cid)| cid).collect())
}

/// What an honest node answers that has the chain of `source`, up to `head`.
pub(crate) fn honest(source: &CarSource, method: &str, params: &Value) -> Answer {
    let now =
        |future| futures::executor::block_on::<std::pin::Pin<Box<dyn Future<Output = _> + Send>>>(future);
    let tipset = |answer: Result<types::Tipset, _>| match answer {
        Ok(tipset) => result(&json::Tipset::of(&tipset, Network::Testnet)),
        Err(_) => error(1, "get block: ipld: could not find it"),
    };
    match method {
        "ChainHead" => tipset(now(source.head())),
        "ChainGetGenesis" => tipset(now(source.oldest())),
        "ChainGetTipSet" => tipset(now(source.tipset(&key(&params[0])))),
        "ChainGetTipSetByHeight" => {
            let wanted = Epoch::new(params[0].as_i64().unwrap()).unwrap();
            let head = now(source.tipset(&key(&params[1]))).unwrap();
            let below = source.chain().rev().find(|tipset| tipset.epoch() <= wanted.min(head.epoch()));
            tipset(below.cloned().ok_or(()).map_err(|()| unreachable!()))
        }
        "ChainGetPath" => {
            let path = futures::executor::block_on(source.path(&key(&params[0]), &key(&params[1]))).unwrap();
            let step = |kind: &str, tipset: &types::Tipset| serde_json::json!({"Type": kind, "Val": json::Tipset::of(tipset, Network::Testnet)});
            let reverts = path.revert.iter().map(|tipset| step("revert", tipset));
            let steps: Vec<_> =
                reverts.chain(path.apply.iter().map(|tipset| step("apply", tipset))).collect();
            result(&steps)
        }
        "ChainReadObj" => {
            let json::Link(cid) = serde_json::from_value(params[0].clone()).unwrap();
            match source.blocks().get(&cid).unwrap() {
                Some(bytes) => result(&json::Bytes(bytes)),
                None => error(1, "blockstore get: ipld: could not find it"),
            }
        }
        "ChainGetBlockMessages" => {
            let json::Link(cid) = serde_json::from_value(params[0].clone()).unwrap();
            let block = source.blocks().get(&cid).unwrap().unwrap();
            let header = types::BlockHeader::from_cbor(&block).unwrap();
            let messages = types::BlockMessages::load(&*source.blocks(), &header.messages).unwrap();
            result(&json::BlockMessages::of(&messages, Network::Testnet))
        }
        _ => error(-32601, "method not found"),
    }
}
