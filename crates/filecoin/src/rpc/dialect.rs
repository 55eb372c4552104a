//! What differs between nodes, in one place.
//!
//! | | Lotus | Forest | Venus |
//! |---|---|---|---|
//! | `Version.Agent` | `lotus` | `forest` | `venus` |
//! | power table of an F3 instance | `F3GetPowerTableByInstance` | `F3GetF3PowerTableByInstance` | as Lotus |
//! | application errors | HTTP 200, code 1, meaning only in the words | codes 2 to 12 as well | as Lotus |
//! | unknown method, wrong parameters | HTTP 500, −32601, −32602, −32700 | any status is read | any status is read |
//! | `ChainNotify` | WebSocket only | WebSocket only | WebSocket only |
//!
//! Lotus' column has been recorded (devnet-a). Forest's method names are from its specification (`rpc/forest-openrpc-v1.json`);
//! the rest of its column and all of Venus' has been read, not seen.

use serde::Deserialize;

/// Which kind of node answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Lotus, and whatever does not say what it is.
    #[default]
    Lotus,
    /// Forest.
    Forest,
    /// Venus.
    Venus,
}

impl Dialect {
    /// The dialect of a node that calls itself `agent` in `Version`.
    #[must_use]
    pub fn of(agent: &str) -> Self {
        let agent = agent.to_ascii_lowercase();
        if agent.contains("forest") {
            Self::Forest
        } else if agent.contains("venus") {
            Self::Venus
        } else {
            Self::Lotus
        }
    }

    pub(super) const fn power_table_method(self) -> &'static str {
        match self {
            Self::Lotus | Self::Venus => "F3GetPowerTableByInstance",
            Self::Forest => "F3GetF3PowerTableByInstance",
        }
    }
}

/// What a node's refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// There is no such block, message, certificate ….
    NotFound,
    /// There is no such actor.
    ActorNotFound,
    /// The epoch has no block.
    NullRound,
    /// F3 is not running or not ready.
    F3NotReady,
    /// The node does not know the method.
    NoSuchMethod,
    /// The parameters are not what the method wants.
    BadParameters,
    /// The token does not allow it.
    NotAllowed,
    /// The message's nonce has been used already.
    NonceTooLow,
    /// A message with its nonce is in the pool already and the premium is too low to replace it.
    FeeTooLow,
    /// A message with its nonce is in the pool already, perhaps this very one.
    AlreadyInPool,
    /// The message that was looked for has been replaced by another.
    Replaced,
    /// Anything else.
    Other,
}

impl Meaning {
    /// What `code` and `message` mean. Codes come first: words are only looked at where the code says nothing (code 1).
    #[must_use]
    pub fn of(code: i64, message: &str) -> Self {
        match code {
            4 | 10 => return Self::F3NotReady,
            11 => return Self::ActorNotFound,
            12 => return Self::NullRound,
            -32601 => return Self::NoSuchMethod,
            -32600 | -32602 | -32700 => return Self::BadParameters,
            _ => {}
        }
        // The first that is contained wins: from the particular to the general.
        const WORDS: &[(&str, Meaning)] = &[
            ("missing permission", Meaning::NotAllowed),
            ("f3 is not running", Meaning::F3NotReady),
            ("f3 is not ready", Meaning::F3NotReady),
            ("message was replaced", Meaning::Replaced),
            ("message nonce too low", Meaning::NonceTooLow),
            ("too low GasPremium", Meaning::FeeTooLow),
            ("already in mpool", Meaning::AlreadyInPool),
            ("not found on chain", Meaning::ActorNotFound),
            ("actor not found", Meaning::ActorNotFound),
            ("requested epoch was a null round", Meaning::NullRound),
            ("not found", Meaning::NotFound),
            ("could not find", Meaning::NotFound),
        ];
        let found = WORDS.iter().find(|(words, _)| message.contains(words));
        found.map_or(Self::Other, |(_, meaning)| *meaning)
    }
}
