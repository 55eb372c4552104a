//! Answers, good and bad.

use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{StreamExt, stream};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(super) type Answer = Response<Body>;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Zeros in what is compressed to very little.
const BOMB: usize = 16 << 20;

pub(super) fn whole(status: u16, content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    stream_of(status, content_type, Full::new(body.into()).boxed_unsync())
}

fn stream_of(status: u16, content_type: HeaderValue, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

/// As Go's `http.Error` says it.
pub(super) fn error(status: u16, text: &str) -> Answer {
    whole(status, PLAIN, format!("{text}\n"))
}

/// As Curio answers a deal.
pub(super) fn reason(status: u16, why: &str) -> Answer {
    whole(status, PLAIN, format!("Reason: {why}"))
}

pub(super) fn text(status: u16, text: String) -> Answer {
    whole(status, PLAIN, text)
}

pub(super) fn json(body: impl Into<Bytes>) -> Answer {
    whole(200, JSON, body)
}

pub(super) fn html() -> Answer {
    let page = "<!doctype html><title>Sorry</title><p>This domain is for sale.";
    whole(200, HeaderValue::from_static("text/html"), page)
}

pub(super) fn redirect(to: &str) -> Answer {
    let mut answer = whole(307, PLAIN, "");
    if let Ok(location) = HeaderValue::from_str(to) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

/// Words of consent, and then a byte at a time.
pub(super) fn drip(pause: Duration) -> Answer {
    let drops = stream::unfold((), move |()| async move {
        tokio::time::sleep(pause).await;
        Some((Ok(Frame::data(Bytes::from_static(b"."))), ()))
    });
    let begin = stream::iter([Ok(Frame::data(Bytes::from_static(b"Reason: ")))]);
    stream_of(200, PLAIN, StreamBody::new(begin.chain(drops)).boxed_unsync())
}

pub(super) fn huge() -> Answer {
    let again = stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[b'.'; 4096]))));
    let begin = stream::iter([Ok(Frame::data(Bytes::from_static(b"Reason: ")))]);
    stream_of(200, PLAIN, StreamBody::new(begin.chain(again)).boxed_unsync())
}

pub(super) fn huge_length() -> Answer {
    let mut answer = stream_of(200, JSON, StreamBody::new(stream::pending()).boxed_unsync());
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(u64::MAX >> 1));
    answer
}

pub(super) fn gzip_bomb() -> Answer {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    let zeros = [0; 64 << 10];
    for _ in 0..BOMB / zeros.len() {
        // A vector takes everything.
        let _ = encoder.write_all(&zeros);
    }
    let mut answer = whole(200, JSON, encoder.finish().unwrap_or_default());
    answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer
}
