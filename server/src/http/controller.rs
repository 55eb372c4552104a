//! Requests of bots: no page, no session, no language. Each is signed by the bot's own key.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::protocol::MAX_REQUEST;
use apogee_domain::Timestamp;
use apogee_store::Store;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::json;
use tokio::sync::Semaphore;

use super::headers::secure;
use crate::bots::{Bots, Refusal, Signature};

/// What addresses of the controller begin with.
const PREFIX: &str = "/dealbot/v1/";

/// Whether an address is the controller's.
pub(super) fn is_for(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Requests that are read and answered at a time: what waits takes no memory.
const AT_ONCE: usize = 64;

/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers bots.
#[derive(Debug)]
pub(crate) struct Controller {
    bots: Arc<Bots>,
    store: Arc<dyn Store>,
    places: Semaphore,
}

impl Controller {
    pub(crate) fn new(bots: Arc<Bots>, store: Arc<dyn Store>) -> Self {
        Self { bots, store, places: Semaphore::new(AT_ONCE) }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>, now: Timestamp) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if parts.method != Method::POST {
            return refused(405, "bots send POST", &[]);
        }
        let Some(of) = signature(&parts.headers) else {
            return refused(401, "the headers Bot, Bot-Time and Bot-Signature say who sends a request", &[]);
        };
        // Nothing of a stranger's is read: the name is looked up first.
        if !self.bots.knows(of.bot) {
            return refused(401, &Refusal::Unknown.to_string(), &[]);
        }
        let Ok(_place) = self.places.acquire().await else { return busy() };
        // Whoever is slow keeps nobody else waiting for long.
        let body = tokio::time::timeout(PATIENCE, Limited::new(body, MAX_REQUEST).collect()).await;
        let Ok(Ok(body)) = body else {
            return refused(413, "the request is too large or too slow, or broke off", &[]);
        };
        let body = body.to_bytes();
        match self.bots.answer(&*self.store, parts.uri.path(), of, &body, now).await {
            Ok(answer) => respond(StatusCode::OK, "application/json", answer),
            Err(refusal) => {
                let mut causes = Vec::new();
                let mut cause = refusal.source();
                while let Some(error) = cause {
                    causes.push(error.to_string());
                    cause = error.source();
                }
                if refusal.status() >= 500 {
                    tracing::warn!(bot = of.bot, error = &refusal as &dyn Error, "a bot was not answered");
                    // What went wrong inside is nobody else's.
                    causes.clear();
                }
                refused(refusal.status(), &refusal.to_string(), &causes)
            }
        }
    }
}

fn signature(headers: &HeaderMap) -> Option<Signature<'_>> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let at = text("bot-time")?.parse().ok().map(Timestamp)?;
    Some(Signature { bot: text("bot")?, at, signature: text("bot-signature")? })
}

/// The server has too much to do.
pub(super) fn busy() -> Response<Full<Bytes>> {
    refused(503, "the server is busy; try again", &[])
}

/// RFC 9457, without a page: programs alone read it.
fn refused(status: u16, detail: &str, causes: &[String]) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = status.canonical_reason().unwrap_or_default();
    let detail =
        std::iter::once(detail).chain(causes.iter().map(String::as_str)).collect::<Vec<_>>().join(": ");
    let body = json!({ "title": title, "status": status.as_u16(), "detail": detail }).to_string();
    respond(status, "application/problem+json", body.into_bytes())
}

fn respond(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    secure(headers);
    response
}
