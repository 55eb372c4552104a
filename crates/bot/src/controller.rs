//! The controller, as a bot speaks to it.

use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::protocol::{
    self, Ask, Beat, Beaten, CanaryTold, Complete, Completed, Hello, Leases, Release, Welcome,
};
use apogee_domain::Clock;
use ed25519_dalek::SigningKey;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::settings::{InvalidSettings, Settings};

/// Most bytes of an answer: the leases that are given at once.
const LARGEST: usize = 1 << 20;
/// Most characters of what is said of an error.
const SAID: usize = 300;

/// No answer, or none that is good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControllerError {
    #[error("the controller did not answer in {} ms", .0.as_millis())]
    Late(Duration),
    #[error("the controller cannot be reached")]
    Away(#[source] reqwest::Error),
    /// It, or a proxy before it, cannot answer now.
    #[error("the controller is in trouble: status {status}: {said}")]
    Trouble { status: u16, said: String },
    /// It does not know this bot, or its clock, or its key.
    #[error("the controller does not take this bot for who it is: status {status}: {said}")]
    Stranger { status: u16, said: String },
    /// Another has the slot by now.
    #[error("another has the slot by now")]
    Gone,
    /// It will say the same however often it is asked.
    #[error("the controller refuses it: status {status}: {said}")]
    Refused { status: u16, said: String },
    #[error("the answer of the controller has more than {LARGEST} bytes")]
    TooLarge,
    #[error("the answer of the controller is none")]
    Malformed(#[source] serde_json::Error),
}

impl ControllerError {
    /// Whether asking again is of no use.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::Gone | Self::Refused { .. })
    }

    fn of(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let said = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID).collect();
        match status {
            410 => Self::Gone,
            401 | 403 => Self::Stranger { status, said },
            400 | 404 | 405 | 409 | 413 | 415 | 422 => Self::Refused { status, said },
            _ => Self::Trouble { status, said },
        }
    }
}

/// The client of the controller's protocol.
#[derive(Debug)]
pub(crate) struct Controller {
    client: reqwest::Client,
    base: String,
    bot: String,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Controller {
    pub(crate) fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, NoController> {
        // An error means that somebody has installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(
            clippy::disallowed_methods,
            reason = "not a node but the controller is asked; time-outs and caps are set here"
        )]
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(settings.patience.controller)
            .build()?;
        Ok(Self {
            client,
            base: base(&settings.controller)?,
            bot: settings.name.clone(),
            key: settings.key.clone(),
            clock,
            patience: settings.patience.controller,
        })
    }

    pub(crate) async fn hello(&self, software: &str) -> Result<Welcome, ControllerError> {
        self.ask("/dealbot/v1/hello", &Hello { software: software.to_owned() }).await
    }

    pub(crate) async fn leases(&self, free: u32) -> Result<Leases, ControllerError> {
        self.ask("/dealbot/v1/leases", &Ask { free }).await
    }

    pub(crate) async fn beat(&self, beat: &Beat) -> Result<Beaten, ControllerError> {
        self.ask("/dealbot/v1/beat", beat).await
    }

    pub(crate) async fn complete(&self, complete: &Complete) -> Result<Completed, ControllerError> {
        self.ask("/dealbot/v1/complete", complete).await
    }

    pub(crate) async fn release(&self, release: &Release) -> Result<(), ControllerError> {
        self.send("/dealbot/v1/release", release).await.map(drop)
    }

    pub(crate) async fn canary(&self, told: &CanaryTold) -> Result<(), ControllerError> {
        self.send("/dealbot/v1/canary", told).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
    ) -> Result<T, ControllerError> {
        serde_json::from_slice(&self.send(path, request).await?).map_err(ControllerError::Malformed)
    }

    async fn send(&self, path: &str, request: &impl Serialize) -> Result<Vec<u8>, ControllerError> {
        let body = serde_json::to_vec(request).map_err(ControllerError::Malformed)?;
        let exchange = self.exchange(path, body);
        let late = |_| ControllerError::Late(self.patience);
        let (status, body) = tokio::time::timeout(self.patience, exchange).await.map_err(late)??;
        if status == 200 { Ok(body) } else { Err(ControllerError::of(status, &body)) }
    }

    async fn exchange(&self, path: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), ControllerError> {
        let away = |error: reqwest::Error| ControllerError::Away(error.without_url());
        let now = self.clock.now();
        let signature = protocol::sign(&self.key, &self.bot, path, now, &body);
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/json")
            .header("Bot", &self.bot)
            .header("Bot-Time", now.0.to_string())
            .header("Bot-Signature", signature)
            .body(body);
        let mut answer = request.send().await.map_err(away)?;
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(away)? {
            if bytes.len().saturating_add(piece.len()) > LARGEST {
                return Err(ControllerError::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok((status, bytes))
    }
}

/// There is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoController {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("there is no client for the controller")]
    Client(#[from] reqwest::Error),
}

fn base(text: &str) -> Result<String, InvalidSettings> {
    let good = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none()
    });
    let base = good.map(|url| url.as_str().trim_end_matches('/').to_owned());
    base.ok_or_else(|| InvalidSettings::Controller(text.chars().take(80).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_is_a_place_and_nothing_more() {
        assert_eq!(base("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(base("https://apogee.example/race/").unwrap(), "https://apogee.example/race");
        for text in
            ["", "apogee.example", "ftp://apogee.example", "https://a.example/?x", "https://a.example/#x"]
        {
            assert!(base(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_may_change_is_asked_again() {
        for status in [400, 404, 409, 410, 413, 422] {
            assert!(ControllerError::of(status, b"").is_final(), "{status}");
        }
        for status in [301, 401, 403, 408, 425, 429, 500, 502, 503] {
            assert!(!ControllerError::of(status, b"").is_final(), "{status}");
        }
    }
}
