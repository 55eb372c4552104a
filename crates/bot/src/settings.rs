//! What a bot is told when it is started.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use apogee_dealbot::protocol::MAX_LEASES;
use apogee_dealbot::record::most;
use apogee_outbound::Reach;
use ed25519_dalek::SigningKey;

/// What a bot is told when it is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the controller is: `https://apogee.example`, with the path that a proxy puts before it.
    pub controller: String,
    /// How the controller knows this bot: 1 to 128 bytes of ASCII that can be seen.
    pub name: String,
    /// Where this bot is, as competitions call it: 1 to 128 bytes.
    pub region: String,
    /// Signs requests and records.
    pub key: SigningKey,
    /// Where results are kept until the controller has them. No other bot may use it.
    pub outbox: PathBuf,
    /// How many attempts are made at once, 1 to 100.
    pub attempts: u32,
    /// What shows that this bot is in order.
    pub canary: Canary,
    /// How far this bot may reach. Where it may reach private addresses, it does so for tasks that say so, and for its canary.
    pub reach: Reach,
    /// The name servers that are asked; none for those of this system. Only what two of them deny is said to be no name.
    pub resolvers: Vec<SocketAddr>,
    /// How long things may take.
    pub patience: Patience,
}

/// Data that the organisers serve themselves, so that nothing but the bot can be the cause where it cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The trustless gateway: `https://…`.
    pub url: String,
    /// The root of the data.
    pub root: String,
    /// How many bytes it has at most, with what its format adds.
    pub size: u64,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// An answer of the controller.
    pub controller: Duration,
    /// Between two questions for work.
    pub ask: Duration,
    /// To try a controller again that did not answer: at first, doubled each time.
    pub again: Duration,
    /// The longest of that.
    pub longest: Duration,
    /// To resolve a name, to open a connection and to agree on TLS, each.
    pub connect: Duration,
    /// The head of an answer, and between two pieces of its body.
    pub idle: Duration,
    /// What is retrieved, and what its size adds at 1 MiB a second.
    pub retrieval: Duration,
    /// The answer to a deal that is offered.
    pub deal: Duration,
    /// For attempts to end when the bot is told to.
    pub drain: Duration,
}

impl Default for Patience {
    /// 10 s, 2 s, 1 s, 60 s, 10 s, 30 s, 60 s, 60 s, 30 s.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            controller: seconds(10),
            ask: seconds(2),
            again: seconds(1),
            longest: seconds(60),
            connect: seconds(10),
            idle: seconds(30),
            retrieval: seconds(60),
            deal: seconds(60),
            drain: seconds(30),
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// A name that no record or header can carry.
    #[error(
        "the {what} of a bot is {found:?}; it has to be 1 to {} bytes of ASCII that can be seen",
        most::NAME
    )]
    Name {
        /// Which.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// Too few or too many at once.
    #[error("{0} attempts at once; it has to be 1 to {MAX_LEASES}")]
    Attempts(u32),
    /// Not the address of a controller.
    #[error("{0:?} is no address of a controller: http:// or https://, a host, and nothing behind the path")]
    Controller(String),
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), InvalidSettings> {
        for (what, found) in [("name", &self.name), ("region", &self.region)] {
            if !(1..=most::NAME).contains(&found.len()) || !found.bytes().all(|byte| byte.is_ascii_graphic())
            {
                return Err(InvalidSettings::Name { what, found: found.chars().take(80).collect() });
            }
        }
        if !(1..=MAX_LEASES).contains(&self.attempts) {
            return Err(InvalidSettings::Attempts(self.attempts));
        }
        Ok(())
    }
}
