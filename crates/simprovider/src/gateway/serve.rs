use std::convert::Infallible;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use cid::Cid;
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::answer::{Answer, PIECE, RAW};
use super::{Fault, Shared};

/// Largest piece of a body that is written at once.
const PIECES: usize = 64 << 10;
/// After that, what was written is on its way.
const FLUSHED: Duration = Duration::from_millis(100);

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router =
        Router::new().route("/ipfs/{cid}", get(ipfs)).route("/piece/{cid}", get(piece)).with_state(shared);
    // It only ends with its task.
    let _ = axum::serve(listener, router).await;
}

#[derive(Deserialize)]
struct Asking {
    format: Option<String>,
    #[serde(rename = "dag-scope")]
    scope: Option<String>,
    #[serde(rename = "entity-bytes")]
    bytes: Option<String>,
}

async fn ipfs(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    Path(cid): Path<String>,
    Query(asking): Query<Asking>,
    headers: HeaderMap,
) -> Response {
    let fault = shared.asked(&uri.to_string());
    let Ok(cid) = Cid::from_str(&cid) else { return sorry(StatusCode::BAD_REQUEST) };
    let Some(root) = shared.library.block(&cid) else { return sorry(StatusCode::NOT_FOUND) };
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let car = match asking.format.as_deref() {
        Some("car") => true,
        Some("raw") => false,
        Some(_) => return sorry(StatusCode::BAD_REQUEST),
        None => accept.starts_with("application/vnd.ipld.car"),
    };
    if !car {
        return answer(Answer::of_bytes(RAW, root, fault.as_ref()), fault, &uri).await;
    }
    let blocks = match (asking.scope.as_deref(), asking.bytes.as_deref().map(range)) {
        (Some("block"), _) => vec![(cid, root)],
        (None | Some("all"), None) => shared.library.all(&cid),
        (Some("entity"), None) => shared.library.range(&cid, 0, u64::MAX),
        (Some("entity"), Some(Some((from, to)))) => shared.library.range(&cid, from, to),
        _ => return sorry(StatusCode::BAD_REQUEST),
    };
    answer(Answer::of_blocks(&cid, blocks, fault.as_ref()), fault, &uri).await
}

/// `from:to`, counted from the start.
fn range(text: &str) -> Option<(u64, u64)> {
    let (from, to) = text.split_once(':')?;
    Some((from.parse().ok()?, if to == "*" { u64::MAX } else { to.parse().ok()? }))
}

async fn piece(
    State(shared): State<Arc<Shared>>,
    OriginalUri(uri): OriginalUri,
    Path(cid): Path<String>,
) -> Response {
    let fault = shared.asked(&uri.to_string());
    let Ok(cid) = Cid::from_str(&cid) else { return sorry(StatusCode::BAD_REQUEST) };
    let Some(piece) = shared.library.piece(&cid) else { return sorry(StatusCode::NOT_FOUND) };
    answer(Answer::of_bytes(PIECE, piece, fault.as_ref()), fault, &uri).await
}

fn sorry(status: StatusCode) -> Response {
    let mut response = (status, format!("no: {status}\n")).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

fn redirect(to: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(location) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

async fn answer(answer: Answer, fault: Option<Fault>, uri: &Uri) -> Response {
    match &fault {
        Some(Fault::Status(status)) => {
            return sorry(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
        }
        Some(Fault::Redirect(to)) => return redirect(to),
        Some(Fault::RedirectLoop) => return redirect(&uri.to_string()),
        Some(Fault::SlowFirstByte(by)) => tokio::time::sleep(*by).await,
        _ => {}
    }
    let length: u64 = answer.body.iter().map(|bytes| bytes.len() as u64).sum();
    let body = match &fault {
        Some(Fault::Stall(after)) => {
            let all = Bytes::from(answer.body.concat());
            let (first, _) = all.split_at(all.len().min(*after));
            Body::from_stream(said([Bytes::copy_from_slice(first)]).chain(stream::pending()))
        }
        Some(Fault::Drip { bytes, pause }) => {
            Body::from_stream(dripping(answer.body.concat().into(), *bytes, *pause))
        }
        Some(Fault::Endless) => {
            let again = stream::repeat_with(move || Ok::<_, Infallible>(answer.again.clone()));
            Body::from_stream(said(answer.body).chain(again))
        }
        Some(Fault::HugeLength) => Body::from_stream(said(answer.body).chain(stream::pending())),
        Some(Fault::Aborted) => {
            // What was said before has to leave first.
            let broken = stream::once(async {
                tokio::time::sleep(FLUSHED).await;
                Err(io::Error::from(io::ErrorKind::BrokenPipe))
            });
            let said = said(answer.body).map(|piece| Ok(piece.unwrap_or_default()));
            Body::from_stream(said.chain(broken))
        }
        _ => Body::from_stream(said(answer.body)),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if answer.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    match fault {
        Some(Fault::HugeLength) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(1_u64 << 50));
        }
        None => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        Some(_) => {}
    }
    response
}

/// Bodies in pieces that fit a buffer.
fn said(
    body: impl IntoIterator<Item = Bytes, IntoIter: Send + 'static>,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let pieces = body.into_iter().flat_map(|mut bytes| {
        std::iter::from_fn(move || (!bytes.is_empty()).then(|| bytes.split_to(bytes.len().min(PIECES))))
    });
    stream::iter(pieces.map(Ok))
}

fn dripping(
    body: Bytes,
    bytes: usize,
    pause: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold(body, move |mut body| async move {
        if body.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = body.split_to(body.len().min(bytes.max(1)));
        Some((Ok(piece), body))
    })
}
