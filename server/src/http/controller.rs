//! Requests of bots: no page, no session, no language. Each is signed by the bot's own key.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::protocol::MAX_REQUEST;
use apogee_domain::Timestamp;
use apogee_store::Store;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::json;
use tokio::sync::Semaphore;

use super::headers::secure;
use crate::bots::{Bots, Refusal, Signature, Stream};

/// What addresses of the controller begin with.
const PREFIX: &str = "/dealbot/v1/";

/// What addresses of the data of deals begin with.
const DATA: &str = "/dealbot/v1/data/";

/// What is answered: all at once, or while it is made.
pub(super) type Body = Either<Full<Bytes>, Either<Stream, axum::body::Body>>;

/// Whether an address is the controller's.
pub(super) fn is_for(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Requests of a bot that are read and answered at a time: what waits takes no memory, and no bot keeps another waiting.
const AT_ONCE: usize = 8;

/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers bots.
#[derive(Debug)]
pub(crate) struct Controller {
    bots: Arc<Bots>,
    store: Arc<dyn Store>,
    places: BTreeMap<String, Semaphore>,
}

impl Controller {
    pub(crate) fn new(bots: Arc<Bots>, store: Arc<dyn Store>) -> Self {
        let places = bots.names().map(|name| (name.clone(), Semaphore::new(AT_ONCE))).collect();
        Self { bots, store, places }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>, now: Timestamp) -> Response<Body> {
        let deal = request.uri().path().strip_prefix(DATA).map(str::to_owned);
        match deal {
            Some(deal) => self.data(&request, &deal, now).await,
            None => self.asked(request, now).await.map(Either::Left),
        }
    }

    /// The data of a deal, for its miner: whoever knows the name of the deal was told of it.
    async fn data(&self, request: &Request<Incoming>, deal: &str, now: Timestamp) -> Response<Body> {
        let refused = |refusal: Refusal| answered("", Err(refusal)).map(Either::Left);
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return self::refused(405, "data is fetched with GET", &[]).map(Either::Left);
        }
        let data = match self.bots.data(&*self.store, deal, now).await {
            Ok(Some(data)) => data,
            Ok(None) => return refused(Refusal::NoData),
            Err(refusal) => return refused(refusal),
        };
        let size = data.size();
        let range = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
        let (status, from, to) = match range.map_or(Wanted::Whole, |range| wanted(range, size)) {
            Wanted::Whole => (StatusCode::OK, 0, size),
            Wanted::Bytes(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
            Wanted::Nothing => {
                let mut response = self::refused(416, "the data has no such bytes", &[]).map(Either::Left);
                set(response.headers_mut(), header::CONTENT_RANGE, format!("bytes */{size}"));
                return response;
            }
        };
        let body = match *request.method() == Method::HEAD {
            true => Either::Left(Full::default()),
            false => match data.byte(from).filter(|_| to.saturating_sub(from) == 1) {
                Some(byte) => Either::Left(Full::new(byte)),
                None => match self.bots.stream(&data, from, to) {
                    Ok(stream) => Either::Right(Either::Left(stream)),
                    Err(refusal) => return refused(refusal),
                },
            },
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.ipld.car"));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        set(headers, header::CONTENT_LENGTH, to.saturating_sub(from).to_string());
        if status == StatusCode::PARTIAL_CONTENT {
            let last = to.saturating_sub(1);
            set(headers, header::CONTENT_RANGE, format!("bytes {from}-{last}/{size}"));
        }
        secure(headers);
        response
    }

    async fn asked(&self, request: Request<Incoming>, now: Timestamp) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if parts.method != Method::POST {
            return refused(405, "bots send POST", &[]);
        }
        let Some(of) = signature(&parts.headers) else {
            return refused(401, "the headers Bot, Bot-Time and Bot-Signature say who sends a request", &[]);
        };
        // Nothing of a stranger's is read: the signature is checked first.
        let path = parts.uri.path();
        let known = match self.bots.known(path, of, now) {
            Ok(known) => known,
            Err(refusal) => return answered(of.bot, Err(refusal)),
        };
        let Some(places) = self.places.get(of.bot) else { return busy() };
        let Ok(_place) = places.acquire().await else { return busy() };
        // Whoever is slow keeps nobody else waiting for long.
        let body = tokio::time::timeout(PATIENCE, Limited::new(body, MAX_REQUEST).collect()).await;
        let Ok(Ok(body)) = body else {
            return refused(413, "the request is too large or too slow, or broke off", &[]);
        };
        let body = body.to_bytes();
        answered(of.bot, self.bots.answer(&*self.store, path, known, &body, now).await)
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// What a `Range` asks for (RFC 9110 §14.1.2), where it asks for one range of bytes; anything else is as if it were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// `[from, to)`.
    Bytes(u64, u64),
    Nothing,
}

fn wanted(range: &str, size: u64) -> Wanted {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Wanted::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let (from, to) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(from), Ok(last)) if from <= last => (from, last.saturating_add(1).min(size)),
        (Ok(from), Err(_)) if last.is_empty() => (from, size),
        (Err(_), Ok(many)) if first.is_empty() => (size.saturating_sub(many), size),
        _ => return Wanted::Whole,
    };
    if from < to { Wanted::Bytes(from, to) } else { Wanted::Nothing }
}

fn answered(bot: &str, answer: Result<Vec<u8>, Refusal>) -> Response<Full<Bytes>> {
    let refusal = match answer {
        Ok(answer) => return respond(StatusCode::OK, "application/json", answer),
        Err(refusal) => refusal,
    };
    let mut causes = Vec::new();
    let mut cause = refusal.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    if refusal.status() >= 500 {
        tracing::warn!(bot, error = &refusal as &dyn Error, "a bot was not answered");
        // What went wrong inside is nobody else's.
        causes.clear();
    }
    refused(refusal.status(), &refusal.to_string(), &causes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_understood_and_anything_else_is_the_whole() {
        for (range, expected) in [
            ("bytes=0-", Wanted::Bytes(0, 100)),
            ("bytes=10-19", Wanted::Bytes(10, 20)),
            ("bytes=90-500", Wanted::Bytes(90, 100)),
            ("bytes=-10", Wanted::Bytes(90, 100)),
            ("bytes=-500", Wanted::Bytes(0, 100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=18446744073709551615-18446744073709551615", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(wanted(range, 100), expected, "{range}");
        }
    }
}
