use std::time::{Duration, SystemTime};

use apogee_outbound::{Call, Response, Stage, Target, Trace};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, LOCATION};
use http::{HeaderMap, HeaderValue, Method};

use crate::auth::Authorization;
use crate::code::DealCode;
use crate::endpoint::Endpoint;
use crate::failure::{Clock, Failure};
use crate::status::Status;
use crate::ulid::Ulid;

/// Curio takes this very text, without parameters.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// With this begins every answer to a deal that was looked at.
const REASON: &str = "Reason:";
/// Most characters of a strange answer that are quoted.
const QUOTED: usize = 200;

/// What one question is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an answer.
    pub body: u64,
    /// For everything.
    pub total: Duration,
}

impl Default for Limits {
    /// 64 KiB, 60 s: a market gives itself ten.
    fn default() -> Self {
        Self { body: 64 << 10, total: Duration::from_secs(60) }
    }
}

/// Asks markets.
#[derive(Clone, Debug)]
pub struct Client {
    http: apogee_outbound::Client,
    limits: Limits,
}

impl Client {
    /// A client.
    #[must_use]
    pub const fn new(http: apogee_outbound::Client, limits: Limits) -> Self {
        Self { http, limits }
    }

    /// Propose this deal, once, to the market at `base`. `authorization` is that of [`Endpoint::Deal`]. The deal is taken if there is no error.
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::may_be_taken`] says whether the deal may be taken all the same.
    pub async fn propose(
        &self,
        base: &Target,
        deal: &[u8],
        authorization: &Authorization,
        trace: &mut Trace,
    ) -> Result<(), Failure> {
        let said = self.ask(base, Endpoint::Deal, deal, authorization, trace).await;
        trace.end();
        let said = said?;
        let said = String::from_utf8_lossy(&said);
        if said.starts_with(REASON) { Ok(()) } else { Err(Failure::Strange(quoted(&said))) }
    }

    /// How far is this deal? `authorization` is that of [`Endpoint::Status`].
    ///
    /// # Errors
    /// [`Failure`]; [`Failure::is_unknown_deal`] says whether there is no such deal.
    pub async fn status(
        &self,
        base: &Target,
        deal: Ulid,
        authorization: &Authorization,
        trace: &mut Trace,
    ) -> Result<Status, Failure> {
        let said = self.ask(base, Endpoint::Status(deal), &[], authorization, trace).await;
        trace.end();
        Ok(Status::from_json(&said?)?)
    }

    async fn ask(
        &self,
        base: &Target,
        endpoint: Endpoint,
        content: &[u8],
        authorization: &Authorization,
        trace: &mut Trace,
    ) -> Result<Vec<u8>, Failure> {
        let target = endpoint.target(base)?;
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&authorization.header)?);
        let method = match endpoint {
            Endpoint::Deal => Method::POST,
            Endpoint::Status(_) => Method::GET,
        };
        if method == Method::POST {
            headers.insert(CONTENT_TYPE, JSON);
        }
        let call = Call {
            target: &target,
            method,
            headers,
            content: Bytes::copy_from_slice(content),
            body: self.limits.body,
            total: self.limits.total,
        };
        let asked = self.http.call(call, trace).await;
        let mut response = match asked {
            Ok(response) => response,
            Err(source) => return Err(Failure::Http { sent: was_sent(trace), source }),
        };
        if response.status != 200 {
            return Err(refusal(response, authorization.minute, trace).await);
        }
        if let Some(encoding) = response.headers.get(CONTENT_ENCODING).filter(|found| *found != "identity") {
            return Err(Failure::Encoded(quoted(&String::from_utf8_lossy(encoding.as_bytes()))));
        }
        let mut said = Vec::new();
        loop {
            match response.body.next(trace).await {
                Ok(Some(piece)) => said.extend_from_slice(&piece),
                Ok(None) => return Ok(said),
                Err(source) => return Err(Failure::Http { sent: true, source }),
            }
        }
    }
}

/// Whether a request may have left: it is told by how far the attempt came.
fn was_sent(trace: &Trace) -> bool {
    matches!(trace.stage(), Some(Stage::FirstByte | Stage::LastByte))
}

async fn refusal(response: Response, minute: i64, trace: &mut Trace) -> Failure {
    let status = response.status.as_u16();
    if let Some(location) = response.headers.get(LOCATION).filter(|_| (300..400).contains(&status)) {
        return Failure::Redirected(quoted(&String::from_utf8_lossy(location.as_bytes())));
    }
    let clock = clock(&response.headers, minute);
    trace.error_body.clear();
    response.body.explain(trace).await;
    let text = clean(String::from_utf8_lossy(&trace.error_body).trim());
    let reason = text.strip_prefix(REASON).map(|reason| reason.trim().to_owned());
    match (DealCode::of(status), reason) {
        (Some(code), Some(reason)) => Failure::Refused { code, reason },
        (Some(DealCode::Unauthorized), None) => Failure::Unauthorized { clock },
        (Some(code), None) if code.is_given_plainly() && !text.starts_with('<') => {
            Failure::Refused { code, reason: text }
        }
        _ => Failure::Stranger { status, text },
    }
}

fn clock(headers: &HeaderMap, minute: i64) -> Clock {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let since = date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok());
    let there = since.and_then(|since| i64::try_from(since.as_secs() / 60).ok());
    match there.map(|there| there.saturating_sub(minute)) {
        None => Clock::Silent,
        Some(0) => Clock::Agrees,
        Some(apart) => Clock::Apart(apart),
    }
}

/// A provider's text, short enough for a message.
fn quoted(text: &str) -> String {
    clean(&text.chars().take(QUOTED).collect::<String>())
}

/// A provider's text, without what moves cursors and breaks lines.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
