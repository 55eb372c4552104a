use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apogee_domain::Timestamp;
use apogee_store::Role;
use arc_swap::ArcSwap;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response as PageResponse;
use bytes::Bytes;
use governor::clock::DefaultClock;
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::{Request, Response};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::cache::{Built, Cache, Entry, Packed, Scope};
use super::controller::{self, Body, Controller};
use super::encoding::Encoding;
use super::gates::Gates;
use super::headers::secure;
use super::metrics::{Metrics, Origin};
use super::proxies;
use super::{Limits, connections::Connections};
use crate::identity::{Refused, Visitor};
use crate::watch::Watch;
use crate::web::{Ask, Form, Look, Now, Problem, Sent, Site};

/// Answers that are made at a time; more would only wait for each other's database and processor.
const BUILDS: usize = 8;

/// Forms that are looked at at a time: each may read state.
const FORMS: usize = 2;

/// Private requests that are answered at a time: some of them wait for providers elsewhere, which is not to keep public pages waiting.
const PRIVATE: usize = 64;

/// Times an answer is made again when the index moves meanwhile.
const ATTEMPTS: usize = 3;

/// Bytes of a form.
const LARGEST_FORM: usize = 16 << 10;

/// Bytes of a form with a proposal, for whoever may propose or sign.
const LARGEST_PROPOSAL: usize = 256 << 10;

/// Bytes of an answer.
const LARGEST_ANSWER: usize = 64 << 20;

/// A failure is logged at most once in so many microseconds; the others are counted.
const LOG_INTERVAL: i64 = 1_000_000;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers requests: from memory where it can.
#[derive(Debug)]
pub(crate) struct Service {
    site: Site,
    watch: Arc<Watch>,
    now: Arc<ArcSwap<Now>>,
    cache: Cache,
    builds: Semaphore,
    forms: Semaphore,
    private: Semaphore,
    controller: Controller,
    gates: Gates,
    pub(super) metrics: Metrics,
    pub(super) connections: Arc<Connections>,
    limits: Limits,
    /// Tells this run of the process from others in request ids.
    run: u32,
    requests: AtomicU64,
    logged: AtomicU64,
    unlogged: AtomicU64,
}

impl Service {
    pub(crate) fn new(
        site: Site,
        watch: Arc<Watch>,
        controller: Controller,
        limits: Limits,
        run: u32,
    ) -> Self {
        Self {
            site,
            now: watch.now(),
            watch,
            cache: Cache::new(limits.cache_bytes),
            builds: Semaphore::new(BUILDS),
            forms: Semaphore::new(FORMS),
            private: Semaphore::new(PRIVATE),
            controller,
            gates: Gates::new(&DefaultClock::default()),
            metrics: Metrics::new(),
            connections: Arc::new(Connections::new(&limits)),
            limits,
            run,
            requests: AtomicU64::new(0),
            logged: AtomicU64::new(0),
            unlogged: AtomicU64::new(0),
        }
    }

    /// The answer to a request from `peer`, with what every answer carries.
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let begun = Instant::now();
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:08x}-{number:08x}", self.run);
        let path = request.uri().path().to_owned();
        let method = request.method().clone();
        let ask = Ask::of(request.uri());
        let (mut response, origin) = if controller::is_for(&path) {
            let answer = self.controller.answer(request, self.watch.clock().now());
            let answer = tokio::time::timeout(self.limits.request(), answer).await;
            (answer.unwrap_or_else(|_| controller::busy().map(Either::Left)), Origin::Built)
        } else if ask.is_streamed() {
            (self.streamed(&request, &ask, &id).await, Origin::Built)
        } else {
            let (response, origin) = if ask.is_private() {
                (self.private(request, peer, &id).await, Origin::Built)
            } else if method == Method::POST && ask.takes_form() {
                (self.form(request, &id).await, Origin::Built)
            } else {
                self.respond(&request, &id).await
            };
            (response.map(Either::Left), origin)
        };
        let status = response.status().as_u16();
        match (origin, status) {
            (Origin::Cache, 200) => self.metrics.hit(),
            (Origin::Cache, 304) => self.metrics.unchanged(),
            _ => {
                self.metrics.answered(status, origin);
                let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::debug!(request.id = id, http.method = %method, http.path = path, http.status = status, duration_ms, "answered {path} with {status}");
            }
        }
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }

    async fn respond(&self, request: &Request<Incoming>, id: &str) -> (Response<Full<Bytes>>, Origin) {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return (self.problem(request, &Problem::Method, id), Origin::Service);
        }
        if !request.body().is_end_stream() {
            let mut response = self.problem(request, &Problem::Body, id);
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return (response, Origin::Service);
        }
        let own = match request.uri().path() {
            "/healthz" => Some(text(StatusCode::OK, "ok\n".into())),
            "/readyz" => Some(self.ready().await),
            "/metrics" => Some(self.measured()),
            _ => None,
        };
        match own {
            Some(response) => (response, Origin::Service),
            None => self.page(request, id).await,
        }
    }

    /// A file of any length. It is kept nowhere, and leaves while it is made.
    async fn streamed(&self, request: &Request<Incoming>, ask: &Ask, id: &str) -> Response<Body> {
        let refused = |problem: &Problem| self.problem(request, problem, id).map(Either::Left);
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refused(&Problem::Method);
        }
        match tokio::time::timeout(self.limits.request(), self.site.page(ask)).await {
            Ok(Ok(response)) => {
                let (parts, body) = response.into_parts();
                let body = match *request.method() == Method::HEAD {
                    true => Either::Left(Full::default()),
                    false => Either::Right(Either::Right(body)),
                };
                let mut response = Response::new(body);
                *response.status_mut() = parts.status;
                *response.headers_mut() = parts.headers;
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                secure(response.headers_mut());
                response
            }
            Ok(Err(problem)) => refused(&problem),
            Err(_) => refused(&Problem::Busy),
        }
    }

    /// What becomes of a form. Nothing of it is kept, and nothing is made again: it may have changed something.
    async fn form(&self, request: Request<Incoming>, id: &str) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, ());
        let answer = async {
            if !is_own(request.headers()) {
                return Err(Arc::new(Problem::OtherOrigin));
            }
            let body = Limited::new(body, LARGEST_FORM).collect().await;
            let body = body.map_err(|_| Arc::new(Problem::Body))?.to_bytes();
            let _permit = self.forms.acquire().await.map_err(|_| Arc::new(Problem::Busy))?;
            let ask = Ask::of(request.uri()).looking(Look::of(request.headers()));
            let response = self.site.form(&ask, body).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await;
            let body = body.map_err(|error| Arc::new(Problem::Broken(error)))?.to_bytes();
            Ok((parts, body))
        };
        match tokio::time::timeout(self.limits.request(), answer).await {
            Ok(Ok((parts, body))) => {
                // Whoever sent it sees what became of it.
                if let Err(error) = self.watch.look().await {
                    tracing::debug!(error = &error as &dyn Error, "what is known could not be read again");
                }
                let mut response = Response::new(Full::new(body));
                *response.status_mut() = parts.status;
                *response.headers_mut() = parts.headers;
                response.headers_mut().remove(header::CONTENT_LENGTH);
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                secure(response.headers_mut());
                response
            }
            Ok(Err(problem)) => self.problem(&request, &problem, id),
            Err(_) => self.problem(&request, &Problem::Busy, id),
        }
    }

    /// A page that is of whoever asks for it, or what becomes of a form that was sent to one. It is kept nowhere.
    async fn private(&self, request: Request<Incoming>, peer: IpAddr, id: &str) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, ());
        let here = request.uri().path_and_query().map_or("/", |address| address.as_str());
        if wants_page(&request)
            && let Some(there) = self.site.door().by_name(request.headers(), here)
        {
            return led_to(there);
        }
        let answer = async {
            let sends = match *request.method() {
                Method::GET | Method::HEAD => false,
                Method::POST if is_own(request.headers()) => true,
                Method::POST => return Err(Arc::new(Problem::OtherOrigin)),
                _ => return Err(Arc::new(Problem::Method)),
            };
            let (headers, ask) =
                (request.headers(), Ask::of(request.uri()).looking(Look::of(request.headers())));
            let address = proxies::client(&self.limits.proxies, peer, headers);
            let passed = self.gates.check(request.method(), &ask.path, address);
            passed.map_err(|flood| Arc::new(Problem::Flood(flood)))?;
            let body = Limited::new(body, self.largest(headers, &ask, address, sends).await).collect().await;
            let body = body.map_err(|_| Arc::new(Problem::Body))?.to_bytes();
            let _permit = self.private.acquire().await.map_err(|_| Arc::new(Problem::Busy))?;
            let door = self.site.door();
            let visitor = door.visitor(headers, address).await.map_err(Problem::from).map_err(Arc::new)?;
            if sends && !is_marked(&visitor, &body) {
                return Err(Arc::new(Problem::StaleForm));
            }
            let marked = (!sends).then(|| door.mark_browser(&visitor, headers)).flatten();
            let sent = Sent { visitor, headers: headers.clone(), form: sends.then_some(body) };
            let mut response = self.site.private(&ask, sent).await?;
            if let Some(cookie) = marked {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await;
            let body = body.map_err(|error| Arc::new(Problem::Broken(error)))?.to_bytes();
            Ok((parts, body))
        };
        match tokio::time::timeout(self.limits.request(), answer).await {
            Ok(Ok((parts, body))) => {
                let mut headers = parts.headers;
                headers.remove(header::CONTENT_LENGTH);
                // A page may say where its forms lead.
                let policy = headers.remove(header::CONTENT_SECURITY_POLICY);
                secure(&mut headers);
                if let Some(policy) = policy {
                    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
                }
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                with(&request, parts.status, headers, body)
            }
            Ok(Err(problem)) => match *problem {
                Problem::SignIn(Refused::SignInNeeded) if wants_page(&request) => led_to_sign_in(&request),
                _ => self.problem(&request, &problem, id),
            },
            Err(_) => self.problem(&request, &Problem::Busy, id),
        }
    }

    /// How many bytes a private form may have: more than others only where proposals are sent, by whoever has to do with them.
    async fn largest(&self, headers: &HeaderMap, ask: &Ask, address: IpAddr, sends: bool) -> usize {
        if sends && ask.path.starts_with("/discord/") {
            return apogee_chat::LARGEST;
        }
        if !sends || *ask.path != *"/admin/decisions" {
            return LARGEST_FORM;
        }
        let visitor = self.site.door().visitor(headers, address).await;
        let decides = |visitor: &Visitor| visitor.has(Role::Operator) || visitor.has(Role::Approver);
        if visitor.is_ok_and(|visitor| decides(&visitor)) { LARGEST_PROPOSAL } else { LARGEST_FORM }
    }

    async fn page(&self, request: &Request<Incoming>, id: &str) -> (Response<Full<Bytes>>, Origin) {
        let address = request.uri().path_and_query().map_or("/", |address| address.as_str());
        let look = Look::of(request.headers());
        if look == Look::default()
            && let Some(entry) = self.cache.get(address, &self.now.load())
        {
            return (given(request, entry.packed(Encoding::chosen(request.headers()))), Origin::Cache);
        }
        let ask = Ask::of(request.uri()).looking(look);
        let canonical = ask.name();
        if let Some(entry) = self.cache.get(&canonical, &self.now.load()) {
            return (given(request, entry.packed(Encoding::chosen(request.headers()))), Origin::Cache);
        }
        let build = {
            let generation = Scope::of(&ask.path).generation(&self.now.load());
            self.cache.build(&canonical, generation, self.build(&ask))
        };
        let response = match tokio::time::timeout(self.limits.request(), build).await {
            Ok(Built::Entry(entry)) => given(request, entry.packed(Encoding::chosen(request.headers()))),
            Ok(Built::Once(status, headers, body)) => with(request, status, headers, body),
            Ok(Built::Problem(problem)) => self.problem(request, &problem, id),
            Err(_) => self.problem(request, &Problem::Busy, id),
        };
        (response, Origin::Built)
    }

    /// Make an answer, and again when the index moved while it was made: it would tell of two moments.
    async fn build(&self, ask: &Ask) -> Built {
        let Ok(_permit) = self.builds.acquire().await else { return Built::Problem(Arc::new(Problem::Busy)) };
        let begun = Instant::now();
        let scope = Scope::of(&ask.path);
        let mut attempt = 1;
        loop {
            let now = self.now.load_full();
            let answer = self.site.page(ask).await;
            if attempt < ATTEMPTS && self.watch.has_moved(&scope, &now).await {
                attempt += 1;
                continue;
            }
            let built = match answer {
                Ok(response) => pack(response, ask, scope, &now).await,
                Err(problem) => Err(problem),
            };
            self.metrics.built(begun.elapsed());
            return built.unwrap_or_else(Built::Problem);
        }
    }

    fn problem<B>(&self, request: &Request<B>, problem: &Problem, id: &str) -> Response<Full<Bytes>> {
        let status = problem.kind().status;
        if status.is_server_error() {
            self.log(problem, id);
        }
        let accepts_html = accepts_html(request.headers());
        let instance = request.uri().path_and_query().map_or("/", |address| address.as_str());
        let ask = Ask::of(request.uri()).looking(Look::of(request.headers()));
        let (mut headers, body) = problem.answer(&ask, instance, accepts_html);
        secure(&mut headers);
        with(request, status, headers, body)
    }

    /// The failures of a second are one line: a database that is away would fill the disk otherwise.
    fn log(&self, problem: &Problem, id: &str) {
        let Timestamp(now) = self.watch.clock().now();
        let now = u64::try_from(now / LOG_INTERVAL).unwrap_or(0);
        if self.logged.swap(now, Ordering::Relaxed) == now {
            self.unlogged.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let others = self.unlogged.swap(0, Ordering::Relaxed);
        tracing::error!(
            request.id = id,
            others,
            error = problem as &dyn Error,
            "a request could not be answered"
        );
    }

    /// Whether there is something to show: the database answers and every network has a cursor.
    async fn ready(&self) -> Response<Full<Bytes>> {
        if let Err(error) = self.watch.check().await {
            tracing::debug!(error = &error as &dyn Error, "not ready");
            return text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n".into());
        }
        let now = self.now.load();
        match now.networks.iter().find(|network| network.cursor.is_none()) {
            Some(network) => {
                text(StatusCode::SERVICE_UNAVAILABLE, format!("{} is not indexed yet\n", network.network.id))
            }
            None if now.networks.is_empty() => {
                text(StatusCode::SERVICE_UNAVAILABLE, "no network is indexed yet\n".into())
            }
            None => text(StatusCode::OK, "ready\n".into()),
        }
    }

    fn measured(&self) -> Response<Full<Bytes>> {
        match self.metrics.text(&self.now.load(), self.connections.count(), self.cache.filled()) {
            Ok(metrics) => {
                let mut response = text(StatusCode::OK, metrics);
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
                response
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }
}

/// What is kept, or a 304 to whoever has it already.
fn given(request: &Request<Incoming>, packed: &Packed) -> Response<Full<Bytes>> {
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter();
    if known.into_iter().any(|tags| names(tags.as_bytes(), packed.tag.as_bytes())) {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.headers_mut() = packed.headers.clone();
        for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE] {
            response.headers_mut().remove(name);
        }
        return response;
    }
    with(request, StatusCode::OK, packed.headers.clone(), packed.body.clone())
}

/// Whether whoever asks can read a page.
fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Whether somebody looks at a page, and may as well look at another one.
fn wants_page<B>(request: &Request<B>) -> bool {
    *request.method() == Method::GET && accepts_html(request.headers())
}

/// To the page where people sign in, and from there back.
fn led_to_sign_in<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    let here = request.uri().path_and_query().map_or("/", |address| address.as_str());
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
    led_to(format!("{}?{query}", Ask::of(request.uri()).to("/signin")))
}

fn led_to(there: String) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::SEE_OTHER, String::new());
    if let Ok(there) = HeaderValue::try_from(there) {
        response.headers_mut().insert(header::LOCATION, there);
    }
    response
}

/// Whether a form was made for whoever sends it.
fn is_marked(visitor: &Visitor, form: &[u8]) -> bool {
    let mark = form_urlencoded::parse(form).find(|(name, _)| name == "mark");
    visitor.knows(mark.as_ref().map_or("", |(_, mark)| mark))
}

/// Whether a form comes from a page of this site, as far as a browser tells: from a program it is as good as its content.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let host = text(&header::ORIGIN).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some() && host == text(&header::HOST)
}

/// Whether a list of entity tags has this one; compared weakly (RFC 9110 § 13.1.2).
fn names(tags: &[u8], tag: &[u8]) -> bool {
    tags.split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|known| known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag)
}

fn with<B>(
    request: &Request<B>,
    status: StatusCode,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response<Full<Bytes>> {
    let body = if *request.method() == Method::HEAD {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        Full::default()
    } else {
        Full::new(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    secure(headers);
    response
}

/// A page as it is kept.
async fn pack(response: PageResponse, ask: &Ask, scope: Scope, now: &Now) -> Result<Built, Arc<Problem>> {
    let broken = |error: Box<dyn Error + Send + Sync>| Arc::new(Problem::Broken(error));
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(broken)?.to_bytes();
    let mut headers = parts.headers;
    // hyper knows the length.
    headers.remove(header::CONTENT_LENGTH);
    secure(&mut headers);
    if ask.form != Form::Html {
        // Public data, the same for everybody: any page may read it.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    let fresh = match scope {
        Scope::Program => "public, max-age=300",
        Scope::Network(_) | Scope::Competition(_) | Scope::Faucets | Scope::Everything => {
            "public, max-age=5, stale-while-revalidate=30"
        }
    };
    let control = headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(fresh));
    if parts.status != StatusCode::OK || control.as_bytes().starts_with(b"no-store") {
        return Ok(Built::Once(parts.status, headers, body));
    }
    let generation = scope.generation(now);
    let packed = tokio::task::spawn_blocking(move || Entry::new(scope, generation, headers, body)).await;
    let entry = packed.map_err(|error| broken(error.into()))?.map_err(|error| broken(error.into()))?;
    Ok(Built::Entry(Arc::new(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_from_a_page_of_another_site_is_told_apart() {
        let own = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_own(&pairs.collect())
        };
        assert!(own(&[("host", "a:1")]), "a program");
        assert!(own(&[("host", "a:1"), ("origin", "https://a:1")]));
        assert!(own(&[("host", "a:1"), ("origin", "https://b"), ("sec-fetch-site", "same-origin")]));
        for foreign in [
            &[("host", "a:1"), ("origin", "https://a")][..],
            &[("host", "a:1"), ("origin", "null")],
            &[("origin", "https://a")],
            &[("host", "a:1"), ("origin", "https://a:1"), ("sec-fetch-site", "cross-site")],
            &[("host", "a:1"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!own(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn entity_tags_are_found_in_lists_and_compared_weakly() {
        let tag = br#""abc-br""#;
        for known in [r#""abc-br""#, r#""x", "abc-br""#, r#"W/"abc-br""#, "*"] {
            assert!(names(known.as_bytes(), tag), "{known}");
        }
        for known in ["", r#""abc""#, r#""abc-gz""#, "abc-br"] {
            assert!(!names(known.as_bytes(), tag), "{known}");
        }
    }
}
