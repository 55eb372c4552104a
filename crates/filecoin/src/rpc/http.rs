use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::client::Settings;
use super::dialect::Meaning;
use super::endpoint::Endpoint;
use super::error::Fault;

/// Sends one request and reads one answer. Knows nothing of methods, and repeats nothing.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    endpoint: Endpoint,
}

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'a str,
    id: u64,
    method: &'a str,
    params: P,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Reply<T> {
    /// `Some` when the key is there, whatever its value: `null` is an answer of some methods.
    #[serde(default, deserialize_with = "present")]
    result: Option<T>,
    error: Option<Refusal>,
    #[serde(default)]
    id: Option<u64>,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    #[serde(default)]
    message: String,
}

/// Only to see whether the body of another status than 200 is a refusal.
#[derive(Deserialize)]
struct Refused {
    error: Refusal,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        const SHOWN: usize = 500;
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        Self::Rpc {
            code: refusal.code,
            meaning: Meaning::of(refusal.code, &refusal.message),
            message: refusal.message.chars().take(SHOWN).map(clean).collect(),
        }
    }
}

impl Http {
    pub(super) fn new(endpoint: Endpoint, settings: &Settings) -> Result<Self, reqwest::Error> {
        // An error means that somebody has installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place where time-outs and caps are set"
        )]
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect_timeout)
            .build()?;
        Ok(Self { client, endpoint })
    }

    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Call `method` with positional parameters. Dropping the future drops the connection.
    pub(super) async fn call<P: Serialize, T: DeserializeOwned>(
        &self,
        method: &str,
        params: P,
        timeout: Duration,
        body_limit: usize,
    ) -> Result<T, Fault> {
        let name = format!("Filecoin.{method}");
        let request = Request { jsonrpc: "2.0", id: 1, method: &name, params };
        let body = serde_json::to_vec(&request).map_err(|error| Fault::Malformed(error.to_string()))?;
        let exchange = self.exchange(body, body_limit);
        let (status, body) = tokio::time::timeout(timeout, exchange).await.map_err(|_| Fault::Timeout)??;
        if status != 200 {
            let refused = serde_json::from_slice::<Refused>(&body);
            return Err(refused.map_or(Fault::Status(status), |refused| refused.error.into()));
        }
        let reply: Reply<T> =
            serde_json::from_slice(&body).map_err(|error| Fault::Malformed(error.to_string()))?;
        match reply {
            Reply { error: Some(refusal), .. } => Err(refusal.into()),
            Reply { id: Some(id), .. } if id != 1 => {
                Err(Fault::Malformed(format!("it answers request {id} instead of 1")))
            }
            Reply { result: Some(result), .. } => Ok(result),
            Reply { result: None, .. } => Err(Fault::Malformed("neither result nor error".into())),
        }
    }

    async fn exchange(&self, body: Vec<u8>, limit: usize) -> Result<(u16, Vec<u8>), Fault> {
        let transport = |error: reqwest::Error| {
            if error.is_timeout() { Fault::Timeout } else { Fault::Transport(error.without_url().into()) }
        };
        let mut request = self.client.post(self.endpoint.http().clone());
        request = request.header(CONTENT_TYPE, "application/json").body(body);
        if let Some(value) = self.endpoint.authorization() {
            request = request.header(AUTHORIZATION, value);
        }
        let mut response = request.send().await.map_err(transport)?;
        let status = response.status().as_u16();
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
            return Err(Fault::TooLarge { limit });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if bytes.len().saturating_add(chunk.len()) > limit {
                return Err(Fault::TooLarge { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((status, bytes))
    }
}
