use std::time::Duration;

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::error::{Code, Fault};
use crate::gateway::Limits;

/// Most characters of a node's words that are kept.
const SHOWN: usize = 300;

/// Sends one request and reads one answer. Knows nothing of methods, and repeats nothing.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    timeout: Duration,
    limit: usize,
}

impl Http {
    pub(crate) fn new(limits: &Limits) -> Result<Self, reqwest::Error> {
        // An error means that somebody has installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place of the room where time-outs and caps are set"
        )]
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(limits.connect_timeout)
            .build()?;
        Ok(Self { client, timeout: limits.timeout, limit: limits.body })
    }

    /// The object that is answered at `url`, to a POST of `body` or to a GET.
    pub(crate) async fn ask(&self, url: Url, body: Option<Vec<u8>>) -> Result<Map<String, Value>, Fault> {
        let exchange = tokio::time::timeout(self.timeout, self.exchange(url, body));
        let (status, answer) = exchange.await.map_err(|_| Fault::Timeout)??;
        let object = match serde_json::from_slice(&answer) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        };
        match (status, object) {
            (200, Some(object)) => Ok(object),
            (200, None) => Err(Fault::NotJson),
            (_, object) => Err(object.as_ref().and_then(refusal).unwrap_or(Fault::Status(status))),
        }
    }

    async fn exchange(&self, url: Url, body: Option<Vec<u8>>) -> Result<(u16, Vec<u8>), Fault> {
        let transport = |error: reqwest::Error| {
            if error.is_timeout() { Fault::Timeout } else { Fault::Transport(error.without_url().into()) }
        };
        let request = match body {
            Some(body) => self.client.post(url).header(CONTENT_TYPE, "application/json").body(body),
            None => self.client.get(url),
        };
        let mut response = request.send().await.map_err(transport)?;
        let status = response.status().as_u16();
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).unwrap_or(usize::MAX) > self.limit {
            return Err(Fault::TooLarge { limit: self.limit });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if bytes.len().saturating_add(chunk.len()) > self.limit {
                return Err(Fault::TooLarge { limit: self.limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((status, bytes))
    }
}

/// A `google.rpc.Status`, if the object is one.
pub(crate) fn refusal(object: &Map<String, Value>) -> Option<Fault> {
    let code = object.get("code")?.as_i64().filter(|code| *code != 0)?;
    let message = object.get("message").and_then(Value::as_str).unwrap_or_default();
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    Some(Fault::Refused { code: Code::of(code), message: message.chars().take(SHOWN).map(clean).collect() })
}
