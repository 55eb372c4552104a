use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, LOCATION, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::body::Body;
use super::error::HttpError;
use crate::dial::{Connection, Connector};
use crate::target::{Host, Scheme, Target};
use crate::trace::{Stage, Trace};

/// Most lines of an answer's head.
const HEADERS: usize = 100;

/// What every request of a client is held to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Redirects that are followed; those to another host never are.
    pub redirects: u8,
    /// Bytes of an answer's head; 8,192 at least.
    pub head: usize,
    /// From the request to the head of the answer.
    pub first_byte: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
}

impl Default for Limits {
    /// Three redirects, 32 KiB, 30 s, 30 s.
    fn default() -> Self {
        let thirty = Duration::from_secs(30);
        Self { redirects: 3, head: 32 << 10, first_byte: thirty, idle: thirty }
    }
}

/// What to get.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Where: `http` or `https`.
    pub target: &'a Target,
    /// What is accepted.
    pub accept: &'a str,
    /// Bytes from and to, both inclusive.
    pub range: Option<(u64, u64)>,
    /// Most bytes of the body.
    pub body: u64,
    /// For everything, redirects and body included.
    pub total: Duration,
}

/// An answer that is no redirect.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// What follows, still on the wire.
    pub body: Body,
}

/// Gets things from addresses that miners choose.
#[derive(Clone, Debug)]
pub struct Client {
    connector: Connector,
    limits: Limits,
    agent: HeaderValue,
}

impl Client {
    /// A client that calls itself `agent`.
    #[must_use]
    pub const fn new(connector: Connector, limits: Limits, agent: HeaderValue) -> Self {
        Self { connector, limits, agent }
    }

    /// Get it. A redirect within the same host is followed from the beginning: read, resolved and checked anew.
    ///
    /// # Errors
    /// [`HttpError`]. Any status that is no redirect is an answer.
    pub async fn get(&self, request: &Request<'_>, trace: &mut Trace) -> Result<Response, HttpError> {
        let deadline = Instant::now() + request.total;
        timeout_at(deadline, self.follow(request, deadline, trace))
            .await
            .unwrap_or(Err(HttpError::TotalTimeout))
    }

    async fn follow(
        &self,
        request: &Request<'_>,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<Response, HttpError> {
        let mut target = request.target.clone();
        for _ in 0..=self.limits.redirects {
            let connection = self.connector.connect(&target, trace).await?;
            let response = self.ask(connection, &target, request, deadline, trace).await?;
            let moved = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
            let Some(location) = response.headers.get(LOCATION).filter(|_| moved) else {
                return Ok(response);
            };
            trace.redirected(location.as_bytes());
            target = self.redirect(&target, location)?;
        }
        Err(HttpError::TooManyRedirects(self.limits.redirects))
    }

    /// Where a redirect leads, if it may be followed.
    fn redirect(&self, from: &Target, location: &HeaderValue) -> Result<Target, HttpError> {
        let text = String::from_utf8_lossy(location.as_bytes());
        let to = from.join(&text).map_err(crate::DialError::from)?;
        if let Host::Ip(address) = to.host() {
            self.connector.admit(*address)?;
        }
        let downgraded = from.scheme() == Scheme::Https && to.scheme() == Scheme::Http;
        if to.host() != from.host() || downgraded {
            return Err(HttpError::RedirectOffsite(to.to_string()));
        }
        Ok(to)
    }

    async fn ask(
        &self,
        connection: Connection,
        target: &Target,
        request: &Request<'_>,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<Response, HttpError> {
        trace.begin(Stage::FirstByte);
        let remote = connection.remote;
        let failed = |error| HttpError::of(error, remote, None);
        let (mut sender, driver) = http1::Builder::new()
            .max_buf_size(self.limits.head.max(8192))
            .max_headers(HEADERS)
            .handshake::<_, Empty<Bytes>>(TokioIo::new(connection.stream))
            .await
            .map_err(failed)?;
        let mut driving = JoinSet::new();
        // Its errors are the request's as well.
        driving.spawn(async move { drop(driver.await) });
        let asked = sender.send_request(self.head(target, request)?);
        let answer = timeout(self.limits.first_byte, asked)
            .await
            .map_err(|_| HttpError::FirstByteTimeout)?
            .map_err(failed)?;
        let (head, incoming) = answer.into_parts();
        trace.answered(head.status.as_u16(), &head.headers);
        trace.begin(Stage::LastByte);
        let body = Body::new(incoming, driving, remote, self.limits.idle, deadline, request.body);
        Ok(Response { status: head.status, headers: head.headers, body })
    }

    fn head(&self, target: &Target, request: &Request<'_>) -> Result<http::Request<Empty<Bytes>>, HttpError> {
        let mut head = http::Request::get(target.path())
            .header(HOST, target.authority())
            .header(USER_AGENT, &self.agent)
            .header(ACCEPT, request.accept)
            .header(ACCEPT_ENCODING, "identity")
            .header(CONNECTION, "close");
        if let Some((from, to)) = request.range {
            head = head.header(RANGE, format!("bytes={from}-{to}"));
        }
        head.body(Empty::new()).map_err(|error| HttpError::Local(error.into()))
    }
}
