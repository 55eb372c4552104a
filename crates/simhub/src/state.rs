use std::collections::BTreeMap;
use std::time::Duration;

use apogee_domain::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::oidc::Signer;

/// How long a code is good for.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(600);

/// How long a program may wait for a device to be approved.
pub(crate) const DEVICE_LIFE: Duration = Duration::from_secs(900);

/// Seconds between questions of a program that waits.
pub(crate) const INTERVAL: u64 = 5;

/// The most codes, tokens and devices that are kept: the oldest go.
const MOST: usize = 10_000;

/// An application that people sign in to.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What people are told that it is.
    pub name: String,
    /// Where people are sent back to: addresses below this one are good too, and on 127.0.0.1 every port is.
    pub callback: String,
}

/// What kind of account it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum UserKind {
    /// A person's.
    #[default]
    User,
    /// A program's.
    Bot,
    /// Of many people.
    Organization,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub login: String,
    /// What it is.
    #[serde(default, rename = "type")]
    pub kind: UserKind,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// Public repositories.
    #[serde(default)]
    pub public_repos: u32,
}

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A browser asks to let an application in.
    Authorize,
    /// An application asks for a token.
    Token,
    /// An application asks whose token it is.
    User,
    /// An application asks for a device.
    Device,
}

/// How a request fails.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// With one of GitHub's errors: `access_denied`, `application_suspended`, `bad_verification_code`, `slow_down`…
    Error(String),
    /// With this status and no answer that reads.
    Status(u16),
    /// After so many seconds.
    Hang(u64),
}

/// A code, and what it is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: String,
    pub(crate) user: u64,
    pub(crate) made: Timestamp,
}

/// A program that waits for a device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) client_id: String,
    pub(crate) user_code: String,
    pub(crate) made: Timestamp,
    pub(crate) asked: Option<Timestamp>,
    pub(crate) interval: u64,
    /// The account that approved, or that somebody denied.
    pub(crate) decided: Option<Option<u64>>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) apps: BTreeMap<String, App>,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) everybody: Option<String>,
    pub(crate) faults: Vec<(Place, Fault)>,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) tokens: BTreeMap<String, u64>,
    pub(crate) devices: BTreeMap<String, Device>,
    pub(crate) signer: Signer,
    numbers: u64,
}

impl State {
    /// The fault of the next request of a kind, where there is one.
    pub(crate) fn fault(&mut self, place: Place) -> Option<Fault> {
        let at = self.faults.iter().position(|(at, _)| *at == place)?;
        Some(self.faults.remove(at).1)
    }

    pub(crate) fn named(&self, login: &str) -> Option<&User> {
        self.users.values().find(|user| user.login.eq_ignore_ascii_case(login))
    }

    /// A text that stands for something, another one each time. Nobody has to be unable to guess it: it opens a game.
    pub(crate) fn fresh(&mut self, what: &str) -> String {
        self.numbers += 1;
        let digest = Sha256::new().chain_update(what).chain_update(self.numbers.to_be_bytes()).finalize();
        digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn put_code(&mut self, code: Code) -> String {
        let text = self.fresh("code");
        if self.codes.len() >= MOST {
            self.codes.pop_first();
        }
        self.codes.insert(text.clone(), code);
        text
    }

    pub(crate) fn put_token(&mut self, user: u64) -> String {
        let text = format!("gho_{}", self.fresh("token"));
        if self.tokens.len() >= MOST {
            self.tokens.pop_first();
        }
        self.tokens.insert(text.clone(), user);
        text
    }

    /// The code of a program, and the one that people type.
    pub(crate) fn put_device(&mut self, client_id: String, made: Timestamp) -> (String, String) {
        let (device, digits) = (self.fresh("device"), self.fresh("user").to_uppercase());
        let (left, rest) = digits.split_at_checked(4).unwrap_or((&digits, ""));
        let user_code = format!("{left}-{}", rest.get(..4).unwrap_or_default());
        if self.devices.len() >= MOST {
            self.devices.pop_first();
        }
        let waits = Device {
            client_id,
            user_code: user_code.clone(),
            made,
            asked: None,
            interval: INTERVAL,
            decided: None,
        };
        self.devices.insert(device.clone(), waits);
        (device, user_code)
    }

    pub(crate) fn decide_device(&mut self, user_code: &str, login: Option<&str>) -> bool {
        let user = login.map(|login| self.named(login).map(|user| user.id));
        let waits = self
            .devices
            .values_mut()
            .find(|device| device.user_code == user_code && device.decided.is_none());
        match (waits, user) {
            (Some(device), None) => device.decided = Some(None),
            (Some(device), Some(Some(user))) => device.decided = Some(Some(user)),
            _ => return false,
        }
        true
    }
}
