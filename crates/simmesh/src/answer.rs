//! Answers, good and bad.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::refusal::Refusal;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// After that, what was written is on its way.
const FLUSHED: Duration = Duration::from_millis(20);

pub(crate) fn whole(status: u16, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

pub(crate) fn json(value: &Value) -> Response {
    whole(200, JSON, value.to_string())
}

pub(crate) fn refusal(refusal: &Refusal) -> Response {
    let body = json!({ "code": refusal.code as u16, "message": refusal.message, "details": [] });
    whole(refusal.code.status(), JSON, body.to_string())
}

pub(crate) fn html(status: u16) -> Response {
    whole(status, HTML, "<!doctype html><title>Sorry</title><p>This gateway is being maintained.")
}

pub(crate) fn redirect(to: &str) -> Response {
    let mut response = whole(307, HTML, "");
    if let Ok(location) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

pub(crate) fn truncated(value: &Value) -> Response {
    let text = value.to_string();
    let half = text.floor_char_boundary(text.len() / 2);
    whole(200, JSON, text.get(..half).unwrap_or_default().to_owned())
}

/// An answer that begins well, and a space at a time goes on.
pub(crate) fn drip(pause: Duration) -> Response {
    let drops = stream::unfold((), move |()| async move {
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    });
    whole(200, JSON, Body::from_stream(begin().chain(drops)))
}

pub(crate) fn endless() -> Response {
    let spaces = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 4096])));
    whole(200, JSON, Body::from_stream(begin().chain(spaces)))
}

pub(crate) fn huge_length() -> Response {
    let mut response = whole(200, JSON, Body::from_stream(begin().chain(stream::pending())));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(u64::MAX >> 1));
    response
}

/// A connection that breaks where the answer should be.
pub(crate) fn lost() -> Response {
    let broken = stream::once(async {
        // What was said before has to leave first.
        tokio::time::sleep(FLUSHED).await;
        Err::<Bytes, _>(io::Error::from(io::ErrorKind::BrokenPipe))
    });
    whole(200, JSON, Body::from_stream(broken))
}

fn begin() -> impl futures::Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::iter([Ok(Bytes::from_static(b"{"))])
}

/// Without the fields that have the value that they have by themselves.
pub(crate) fn sparse(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().map(|(name, value)| (name, sparse(value)));
            Value::Object(kept.filter(|(_, value)| !is_default(value)).collect())
        }
        Value::Array(values) => values.into_iter().map(sparse).collect(),
        value => value,
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.is_empty() || text == "0" || text.ends_with("_UNSPECIFIED"),
        Value::Array(values) => values.is_empty(),
        Value::Bool(true) | Value::Object(_) => false,
    }
}

/// With an object in place of every number and every text.
pub(crate) fn mistyped(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, mistyped(value))).collect())
        }
        Value::Array(values) => values.into_iter().map(mistyped).collect(),
        _ => json!({}),
    }
}
