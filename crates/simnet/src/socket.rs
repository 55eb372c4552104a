use std::collections::HashMap;
use std::sync::Arc;

use apogee_filecoin::types::json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use crate::answer::envelope;
use crate::http::{Permission, answer_call, forged};
use crate::ledger::{ChangeKind, Changes, HeadChange, Ledger};
use crate::mischief::Misdeed;
use crate::node::Shared;

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Answer a WebSocket's opening request (RFC 6455 §4.2.2) and serve the socket in a task of its own.
pub(crate) fn upgrade(shared: Arc<Shared>, permission: Permission, mut request: Request) -> Response {
    let mut response = Response::new(Body::empty());
    let accept = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let Some(accept) = accept.and_then(|accept| HeaderValue::try_from(accept).ok()) else {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            converse(&shared, permission, socket).await;
        }
    });
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// The channels of one socket; they all hear the same changes.
#[derive(Default)]
struct Channels {
    /// Channel by the id of the request that opened it.
    open: HashMap<String, u64>,
    last: u64,
    changes: Option<Receiver<Changes>>,
}

/// Until either side ends.
async fn converse(shared: &Shared, permission: Permission, mut socket: Socket) {
    let mut channels = Channels::default();
    let mut stopped = shared.stopped.clone();
    let ledger = shared.chain.ledger();
    loop {
        let frames = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => channels.hear(shared, permission, &text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => vec![],
            },
            changes = next(channels.changes.as_mut()) => match changes {
                Ok(changes) => {
                    let mut open: Vec<_> = channels.open.values().copied().collect();
                    open.sort_unstable();
                    open.into_iter().map(|channel| frame(ledger, channel, &changes)).collect()
                }
                // A subscriber that does not read is cut off.
                Err(_) => return,
            },
        };
        for mut frame in frames {
            // Only what a subscription tells is tampered with; calls over a socket are answered honestly.
            if frame.contains(r#""method":"xrpc.ch.val""#) {
                match shared.mischief.at("xrpc.ch.val") {
                    Some(Misdeed::Silence) => continue,
                    Some(Misdeed::Truncate(_)) => return,
                    Some(Misdeed::Late(by)) => tokio::time::sleep(by).await,
                    Some(Misdeed::Forge(forger)) => frame = forged(&frame, &*forger),
                    _ => {}
                }
            }
            if socket.send(Message::text(frame)).await.is_err() {
                return;
            }
        }
    }
}

async fn next(changes: Option<&mut Receiver<Changes>>) -> Result<Changes, RecvError> {
    match changes {
        Some(changes) => changes.recv().await,
        None => std::future::pending().await,
    }
}

impl Channels {
    /// The frames that answer a frame.
    fn hear(&mut self, shared: &Shared, permission: Permission, text: &str) -> Vec<String> {
        let Ok(call) = serde_json::from_str::<Value>(text) else { return vec![] };
        let id = call.get("id").cloned().unwrap_or_default();
        match call.get("method").and_then(Value::as_str) {
            Some("Filecoin.ChainNotify") => {
                self.last += 1;
                self.open.insert(id.to_string(), self.last);
                let ledger = shared.chain.ledger();
                let (head, changes) = ledger.subscribe();
                // One that is there already is not replaced: what it has not told yet would be lost.
                self.changes.get_or_insert(changes);
                let current = vec![HeadChange { kind: ChangeKind::Current, tipset: head }];
                vec![envelope(&id, &Ok(self.last.to_string().into())), frame(ledger, self.last, &current)]
            }
            Some("xrpc.cancel") => {
                let request = call.pointer("/params/0").cloned().unwrap_or_default();
                let closed = self.open.remove(&request.to_string());
                let close =
                    |channel| json!({"jsonrpc": "2.0", "method": "xrpc.ch.close", "params": [channel]});
                closed.map(|channel| format!("{}\n", close(channel))).into_iter().collect()
            }
            _ => answer_call(shared, permission, &call)
                .map(|(id, answer)| envelope(&id, &answer))
                .into_iter()
                .collect(),
        }
    }
}

fn frame(ledger: &Ledger, channel: u64, changes: &[HeadChange]) -> String {
    let steps = changes.iter().map(|change| step(ledger, change));
    let steps: Vec<_> = steps.collect();
    format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"xrpc.ch.val\",\"params\":[{channel},[{}]]}}\n",
        steps.join(",")
    )
}

/// A step as `ChainNotify` and `ChainGetPath` write it.
pub(crate) fn step(ledger: &Ledger, change: &HeadChange) -> String {
    let tipset = json::Tipset::of(&change.tipset, ledger.network());
    let tipset = serde_json::to_string(&tipset).unwrap_or_default();
    format!("{{\"Type\":\"{}\",\"Val\":{tipset}}}", change.kind.name())
}
