use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, LOCATION, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::body::{Body, Bounds};
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

/// How fast a body has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the head of the answer on, nothing has to come for so long.
    pub grace: Duration,
    /// Bytes a second, on average since then; 0 for any pace.
    pub rate: u64,
}

impl Pace {
    /// As slow as it likes.
    pub const ANY: Self = Self { grace: Duration::ZERO, rate: 0 };

    /// How long after the head of the answer so many bytes are too few; `None` where they never are.
    pub(super) fn patience(self, received: u64) -> Option<Duration> {
        let micros = u128::from(received).saturating_mul(1_000_000).checked_div(self.rate.into())?;
        self.grace.checked_add(Duration::from_micros(u64::try_from(micros).ok()?))
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
    /// What the body is held to meanwhile.
    pub pace: Pace,
}

/// What to ask of a service.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Where: `http` or `https`.
    pub target: &'a Target,
    /// How.
    pub method: Method,
    /// Beside those that every request has.
    pub headers: HeaderMap,
    /// What is sent.
    pub content: Bytes,
    /// Most bytes of the answer's body.
    pub body: u64,
    /// For everything, the answer's body included.
    pub total: Duration,
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// What follows, still on the wire.
    pub body: Body,
}

/// Asks at addresses that miners choose.
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
            let get = self.get_head(&target, request)?;
            let bounds = self.bounds(request.body, deadline, request.pace);
            let response = self.ask(connection, get, bounds, trace).await?;
            let moved = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
            let Some(location) = response.headers.get(LOCATION).filter(|_| moved) else {
                return Ok(response);
            };
            trace.redirected(location.as_bytes());
            target = self.redirect(&target, location)?;
        }
        Err(HttpError::TooManyRedirects(self.limits.redirects))
    }

    /// Ask for it, once: a redirect is an answer like any other.
    ///
    /// # Errors
    /// [`HttpError`]. Once the trace has come to [`Stage::FirstByte`], what was asked for may have been done.
    pub async fn call(&self, call: Call<'_>, trace: &mut Trace) -> Result<Response, HttpError> {
        let deadline = Instant::now() + call.total;
        let asked = async {
            let connection = self.connector.connect(call.target, trace).await?;
            let head = self.head(call.target, call.method);
            let mut request = head.body(Full::new(call.content)).map_err(local)?;
            request.headers_mut().extend(call.headers);
            self.ask(connection, request, self.bounds(call.body, deadline, Pace::ANY), trace).await
        };
        timeout_at(deadline, asked).await.unwrap_or(Err(HttpError::TotalTimeout))
    }

    /// Where a redirect leads, if it may be followed.
    fn redirect(&self, from: &Target, location: &HeaderValue) -> Result<Target, HttpError> {
        let text = String::from_utf8_lossy(location.as_bytes());
        let to = from.join(&text).map_err(|error| HttpError::RedirectNowhere(error.into()))?;
        if let Host::Ip(address) = to.host() {
            self.connector.admit(*address).map_err(HttpError::RedirectNowhere)?;
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
        request: http::Request<Full<Bytes>>,
        bounds: Bounds,
        trace: &mut Trace,
    ) -> Result<Response, HttpError> {
        trace.begin(Stage::FirstByte);
        let Connection { stream, remote, place } = connection;
        let failed = |error| HttpError::of(error, remote, None);
        let (mut sender, driver) = http1::Builder::new()
            .max_buf_size(self.limits.head.max(8192))
            .max_headers(HEADERS)
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        let mut driving = JoinSet::new();
        // Its errors are the request's as well.
        driving.spawn(async move { drop(driver.await) });
        let asked = sender.send_request(request);
        let answer = timeout(self.limits.first_byte, asked)
            .await
            .map_err(|_| HttpError::FirstByteTimeout)?
            .map_err(failed)?;
        let (head, incoming) = answer.into_parts();
        trace.answered(head.status.as_u16(), &head.headers);
        trace.begin(Stage::LastByte);
        let body = Body::new(incoming, driving, (remote, place), bounds);
        Ok(Response { status: head.status, headers: head.headers, body })
    }

    const fn bounds(&self, limit: u64, deadline: Instant, pace: Pace) -> Bounds {
        Bounds { idle: self.limits.idle, deadline, pace, limit }
    }

    fn get_head(
        &self,
        target: &Target,
        request: &Request<'_>,
    ) -> Result<http::Request<Full<Bytes>>, HttpError> {
        let mut head = self.head(target, Method::GET).header(ACCEPT, request.accept);
        if let Some((from, to)) = request.range {
            head = head.header(RANGE, format!("bytes={from}-{to}"));
        }
        head.body(Full::default()).map_err(local)
    }

    /// What every request has.
    fn head(&self, target: &Target, method: Method) -> http::request::Builder {
        http::Request::builder()
            .method(method)
            .uri(target.path())
            .header(HOST, target.authority())
            .header(USER_AGENT, &self.agent)
            .header(ACCEPT_ENCODING, "identity")
            .header(CONNECTION, "close")
    }
}

fn local(error: http::Error) -> HttpError {
    HttpError::Local(error.into())
}
