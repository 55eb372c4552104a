//! How bots and the controller speak: JSON over HTTP, each request signed by the bot's key.
//!
//! | request | answer |
//! |---|---|
//! | `POST /dealbot/v1/hello` [`Hello`] | [`Welcome`] |
//! | `POST /dealbot/v1/leases` [`Ask`] | [`Leases`] |
//! | `POST /dealbot/v1/beat` [`Beat`] | [`Beaten`], or 410 where another has the slot by now |
//! | `POST /dealbot/v1/complete` [`Complete`] | [`Completed`]; sent again it is answered as it was |
//! | `POST /dealbot/v1/release` [`Release`] | 200; the attempt does not count |
//! | `POST /dealbot/v1/canary` [`CanaryTold`] | 200 |
//!
//! The headers are `Bot` (its name), `Bot-Time` (microseconds of Unix time) and `Bot-Signature` (base64 of the Ed25519 signature of
//! [`signed`]). A request is good for [`SKEW`] around its time. Everything in it can be sent again without harm: leases that nobody knows of run
//! out, and results are kept once.

use apogee_domain::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::schedule::Kind;

/// How far the clocks of bot and controller may be apart, microseconds.
pub const SKEW: i64 = 30_000_000;
/// Largest request, bytes: a record and what is said around it.
pub const MAX_REQUEST: usize = 512 << 10;
/// Most leases that are given at once.
pub const MAX_LEASES: u32 = 100;

/// What a bot says of itself when it begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// Its version.
    pub software: String,
}

/// What it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The controller's time, microseconds.
    pub now: i64,
    /// How often to say that it lives, microseconds.
    pub beat: i64,
    /// How often to probe the organiser's own provider, microseconds.
    pub canary: i64,
}

/// A bot asks for work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// How many attempts it can make now.
    pub free: u32,
}

/// Work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leases {
    /// Each an attempt to be made.
    pub leases: Vec<Lease>,
}

/// An attempt to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// Which.
    #[serde(flatten)]
    pub of: Held,
    /// The number of the attempt.
    pub attempt: u32,
    /// It may be given to another from then on, microseconds.
    pub expires: i64,
    /// What is to be done.
    pub task: Task,
    /// What an earlier attempt left, base64; empty for nothing.
    #[serde(default)]
    pub checkpoint: String,
}

/// What a lease is of. All of its fields together are said with everything that is done under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The network.
    pub network: String,
    /// The competition.
    pub race: String,
    /// `storage` or `retrieval`.
    pub kind: String,
    /// The miner.
    pub miner: String,
    /// The number of the slot.
    pub slot: u64,
    /// Grows with every lease of the miner's slots of a kind.
    pub fence: u64,
}

impl Held {
    /// The kind, where it is one.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(&self.kind)
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Task {
    /// Read data back from a trustless gateway.
    Gateway {
        /// Where, as the miner says: `https://…`.
        url: String,
        /// The root of the data.
        root: String,
        /// How many bytes the data has at most, with what its format adds.
        size: u64,
        /// Whether addresses that are not public may be dialled.
        #[serde(default)]
        private: bool,
    },
}

/// A bot lives, and does something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beat {
    /// Under which lease.
    #[serde(flatten)]
    pub of: Held,
    /// Grows with every beat.
    pub beat: u64,
    /// What it does.
    pub stage: String,
    /// What the next attempt has to know if this one is lost, base64; empty for nothing new.
    #[serde(default)]
    pub checkpoint: String,
}

/// What it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Beaten {
    /// It may be given to another from then on, microseconds.
    pub expires: i64,
}

/// An attempt is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Complete {
    /// Under which lease.
    #[serde(flatten)]
    pub of: Held,
    /// The number of the attempt.
    pub attempt: u32,
    /// Its record, DAG-CBOR in base64.
    pub record: String,
    /// The signature of its CID, base64.
    pub signature: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completed {
    /// It is kept, now or before.
    Kept,
    /// Another has the slot by now. The record is kept as late evidence.
    Late,
}

/// A bot gives back what it has not begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Release {
    /// Which lease.
    #[serde(flatten)]
    pub of: Held,
}

/// A bot has probed the organiser's own provider. It holds for every competition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryTold {
    /// When it ended, microseconds.
    pub at: i64,
    /// Why it failed; empty where it went well.
    pub code: String,
}

/// What is signed of a request.
#[must_use]
pub fn signed(bot: &str, path: &str, at: Timestamp, body: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(body);
    let mut bytes = b"apogee-bot-1\n".to_vec();
    for part in [bot.as_bytes(), path.as_bytes(), &at.0.to_be_bytes(), digest.as_slice()] {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// The header of a signature.
#[must_use]
pub fn sign(key: &SigningKey, bot: &str, path: &str, at: Timestamp, body: &[u8]) -> String {
    STANDARD.encode(key.sign(&signed(bot, path, at, body)).to_bytes())
}

/// Why a request is not a bot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Its time is too far from the controller's.
    #[error("the clock of the bot is {0} s from the controller's; at most 30 s are taken")]
    Clock(i64),
    /// The signature is not the bot's.
    #[error("the signature is not that of the bot's key")]
    Signature,
}

/// Check the signature of a request.
///
/// # Errors
/// [`NotSigned`] where it is not the bot's, or too old.
pub fn verify(
    key: &VerifyingKey,
    (bot, path, at): (&str, &str, Timestamp),
    body: &[u8],
    signature: &str,
    now: Timestamp,
) -> Result<(), NotSigned> {
    let apart = now.0.saturating_sub(at.0);
    if apart.saturating_abs() > SKEW {
        return Err(NotSigned::Clock(apart / 1_000_000));
    }
    let bytes = STANDARD.decode(signature).map_err(|_| NotSigned::Signature)?;
    let signature = Signature::from_slice(&bytes).map_err(|_| NotSigned::Signature)?;
    key.verify_strict(&signed(bot, path, at, body), &signature).map_err(|_| NotSigned::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000_000);

    #[test]
    fn a_request_is_good_for_its_bot_path_body_and_time_alone() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let header = sign(&key, "eu-1", "/dealbot/v1/leases", NOW, b"{}");
        let check = |bot, path, at: i64, body: &[u8], now: i64| {
            let now = Timestamp(NOW.0 + now);
            verify(&key.verifying_key(), (bot, path, Timestamp(NOW.0 + at)), body, &header, now)
        };
        let path = "/dealbot/v1/leases";
        assert_eq!(check("eu-1", path, 0, b"{}", SKEW), Ok(()));
        assert_eq!(check("eu-1", path, 0, b"{}", -SKEW), Ok(()));
        assert_eq!(check("eu-1", path, 0, b"{}", SKEW + 1_000_000), Err(NotSigned::Clock(31)));
        assert_eq!(check("eu-2", path, 0, b"{}", 0), Err(NotSigned::Signature));
        assert_eq!(check("eu-1", "/dealbot/v1/beat", 0, b"{}", 0), Err(NotSigned::Signature));
        assert_eq!(check("eu-1", path, 1, b"{}", 0), Err(NotSigned::Signature));
        assert_eq!(check("eu-1", path, 0, b"{ }", 0), Err(NotSigned::Signature));
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
        assert_eq!(verify(&other, ("eu-1", path, NOW), b"{}", &header, NOW), Err(NotSigned::Signature));
        assert_eq!(verify(&other, ("eu-1", path, NOW), b"{}", "x", NOW), Err(NotSigned::Signature));
    }
}
