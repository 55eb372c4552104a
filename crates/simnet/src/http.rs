use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, UPGRADE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::any;
use futures::StreamExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::answer::{Answer, Refusal, envelope};
use crate::mischief::Misdeed;
use crate::node::Shared;
use crate::socket;

/// Largest request, bytes.
const BODY_LIMIT: usize = 16 << 20;
/// Most calls in one batch.
const BATCH_LIMIT: usize = 1000;

pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let router = Router::new()
        .route("/rpc/v0", any(rpc))
        .route("/rpc/v1", any(rpc))
        .fallback(async || reply(StatusCode::NOT_FOUND, "404 page not found\n".into()))
        .with_state(shared);
    let end = async move {
        // An error means that the handle is gone: time to stop as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(end).await {
        tracing::warn!(%error, "the simulated node stopped");
    }
}

fn reply(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("application/json"));
    response
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Read,
    All,
}

/// `None` for a token that is not the node's.
fn permission(shared: &Shared, headers: &HeaderMap) -> Option<Permission> {
    let Some(given) = headers.get(AUTHORIZATION) else { return Some(Permission::Read) };
    match &shared.access.token {
        None => Some(Permission::All),
        Some(token) => {
            let given = given.to_str().ok()?.strip_prefix("Bearer ")?;
            (given == token).then_some(Permission::All)
        }
    }
}

async fn rpc(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Some(permission) = permission(&shared, request.headers()) else {
        return reply(StatusCode::UNAUTHORIZED, String::new());
    };
    if request.headers().contains_key(UPGRADE) {
        return socket::upgrade(shared, permission, request);
    }
    let Ok(body) = to_bytes(request.into_body(), BODY_LIMIT).await else {
        return reply(StatusCode::PAYLOAD_TOO_LARGE, String::new());
    };
    let mut stopped = shared.stopped.clone();
    tokio::select! {
        () = settled(&shared, &body) => {}
        _ = stopped.wait_for(|stopped| *stopped) => return reply(StatusCode::SERVICE_UNAVAILABLE, String::new()),
    }
    let Some(misdeed) = method_of(&body).and_then(|method| shared.mischief.at(&method)) else {
        return honest(answer_body(&shared, permission, &body));
    };
    tokio::select! {
        response = misbehave(&shared, permission, &body, misdeed) => response,
        _ = stopped.wait_for(|stopped| *stopped) => reply(StatusCode::SERVICE_UNAVAILABLE, String::new()),
    }
}

/// Returns when the answer to a call (of a batch: to none in particular) no longer waits for the head to move.
async fn settled(shared: &Shared, body: &[u8]) {
    let call: Value = serde_json::from_slice(body).unwrap_or_default();
    let method = call.get("method").and_then(Value::as_str).unwrap_or_default();
    let params = call.get("params").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (_, mut changes) = shared.chain.ledger().subscribe();
    while shared.chain.is_waiting(method, params) {
        if matches!(changes.recv().await, Err(RecvError::Closed)) {
            return;
        }
    }
}

fn honest((status, body): (u16, String)) -> Response {
    reply(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body)
}

/// The method that is called; of a batch, its first one.
fn method_of(body: &[u8]) -> Option<String> {
    let call: Value = serde_json::from_slice(body).ok()?;
    let call = call.get(0).unwrap_or(&call);
    call.get("method").and_then(Value::as_str).map(str::to_owned)
}

async fn misbehave(shared: &Shared, permission: Permission, request: &[u8], misdeed: Misdeed) -> Response {
    let answer = || answer_body(shared, permission, request);
    match misdeed {
        Misdeed::Late(by) => {
            tokio::time::sleep(by).await;
            honest(answer())
        }
        Misdeed::Silence => std::future::pending().await,
        Misdeed::Status(status) => honest((status, String::new())),
        Misdeed::Refuse { refusal, executed } => {
            if executed {
                answer();
            }
            let call: Value = serde_json::from_slice(request).unwrap_or_default();
            let id = call.get("id").cloned().unwrap_or_default();
            honest((refusal.status(), envelope(&id, &Err(refusal))))
        }
        Misdeed::Forge(forger) => {
            let (status, body) = answer();
            honest((status, forged(&body, &*forger)))
        }
        Misdeed::Drip { bytes, pause } => {
            let (status, body) = answer();
            let pieces: Vec<_> = body.as_bytes().chunks(bytes.max(1)).map(<[u8]>::to_vec).collect();
            let pieces = futures::stream::iter(pieces).then(move |piece| async move {
                tokio::time::sleep(pause).await;
                io::Result::Ok(piece)
            });
            let mut response = honest((status, String::new()));
            *response.body_mut() = Body::from_stream(pieces);
            response
        }
        Misdeed::Truncate(after) => {
            let (status, body) = answer();
            let kept = body.as_bytes().get(..after.min(body.len())).unwrap_or_default().to_vec();
            let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
            let mut response = honest((status, String::new()));
            response.headers_mut().insert(CONTENT_LENGTH, body.len().into());
            *response.body_mut() = Body::from_stream(futures::stream::iter([Ok(kept), broken]));
            response
        }
    }
}

/// `body` with its result altered; a refusal stays as it is.
pub(crate) fn forged(body: &str, forger: &(dyn Fn(&mut Value) + Send + Sync)) -> String {
    let Ok(mut answer) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    let part = if answer.get("method").is_some() { "/params/1" } else { "/result" };
    answer.pointer_mut(part).map(forger);
    format!("{answer}\n")
}

/// HTTP status and body for a request body.
fn answer_body(shared: &Shared, permission: Permission, body: &[u8]) -> (u16, String) {
    let refuse = |code, message: &str| {
        let refusal = Refusal { code, message: message.into() };
        (refusal.status(), envelope(&Value::Null, &Err(refusal)))
    };
    match serde_json::from_slice(body) {
        Err(_) => refuse(-32700, "Parse error"),
        Ok(Value::Array(calls)) if calls.is_empty() || calls.len() > BATCH_LIMIT => {
            refuse(-32600, "Invalid request")
        }
        Ok(Value::Array(calls)) => {
            let answers = calls.iter().filter_map(|call| answer_call(shared, permission, call));
            let answers: Vec<_> = answers.map(|(id, answer)| envelope(&id, &answer)).collect();
            let answers: Vec<_> = answers.iter().map(|answer| answer.trim_end()).collect();
            (200, format!("[{}]", answers.join(",")))
        }
        Ok(call) => match answer_call(shared, permission, &call) {
            None => (200, String::new()),
            Some((id, answer)) => {
                let status = answer.as_ref().map_or_else(Refusal::status, |_| 200);
                (status, envelope(&id, &answer))
            }
        },
    }
}

/// The answer with the id it goes to; `None` for a call without an id, which wants none.
pub(crate) fn answer_call(shared: &Shared, permission: Permission, call: &Value) -> Option<(Value, Answer)> {
    let id = call.get("id")?.clone();
    let method = call.get("method").and_then(Value::as_str).unwrap_or_default();
    let answer = match call.get("params") {
        _ if method == "Filecoin.ChainNotify" => Err(Refusal {
            code: -32601,
            message: format!("method '{method}' not supported in this mode (no out channel support)"),
        }),
        None | Some(Value::Null) => guarded(shared, permission, method, &[]),
        Some(Value::Array(params)) => guarded(shared, permission, method, params),
        Some(_) => Err(Refusal {
            code: -32700,
            message: "unmarshaling param array: json: cannot unmarshal object into Go value of type []jsonrpc.param"
                .into(),
        }),
    };
    Some((id, answer))
}

fn guarded(shared: &Shared, permission: Permission, method: &str, params: &[Value]) -> Answer {
    let name = method.strip_prefix("Filecoin.").unwrap_or(method);
    let wanted = match name {
        "MpoolPush" | "WalletNew" => "write",
        "MpoolPushMessage" | "WalletSignMessage" | "WalletSign" => "sign",
        "AuthNew" => "admin",
        _ => "read",
    };
    if permission == Permission::Read && wanted != "read" {
        let message = format!("missing permission to invoke '{name}' (need '{wanted}')");
        return Err(Refusal::application(message));
    }
    shared.call(method, params)
}
