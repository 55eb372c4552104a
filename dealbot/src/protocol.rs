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
//! The headers are `Bot` (its name), `Bot-Time` (microseconds of Unix time) and `Bot-Signature` ([`sign`]: the digest of the body, and the Ed25519
//! signature of [`signed`]). A request is good for [`SKEW`] around its time. Everything in it can be sent again without harm: leases that nobody knows of run
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
        /// How much of it.
        #[serde(default)]
        part: Part,
        /// Whether addresses that are not public may be dialled.
        #[serde(default)]
        private: bool,
    },
    /// Read a whole piece back, and commit to it again.
    Piece {
        /// Where, as the miner says: `https://…`.
        url: String,
        /// The piece, CID of version 1 or 2.
        piece: String,
        /// Its bytes before padding, at most.
        size: u64,
        /// Whether addresses that are not public may be dialled.
        #[serde(default)]
        private: bool,
    },
    /// Offer a deal.
    Deal(Box<Offer>),
    /// See who answers, and what is asked for storage. Nothing is offered: it is for looks that nobody scores.
    Greet(Box<Greeting>),
}

/// Who is greeted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The miner: `t01000`.
    pub miner: String,
    /// How it is spoken to.
    pub at: Place,
    /// Whether addresses that are not public may be dialled.
    #[serde(default)]
    pub private: bool,
}

/// Where a miner is greeted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "over")]
pub enum Place {
    /// libp2p.
    Libp2p {
        /// Who has to answer; empty where the miner names nobody.
        peer: String,
        /// Its multiaddresses, as it says.
        addresses: Vec<String>,
    },
    /// Curio's `/market/mk20`.
    Http {
        /// Where, as the miner says: `https://…`.
        url: String,
    },
}

/// How much of some data is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "take")]
pub enum Part {
    /// All of it, as one CAR.
    #[default]
    Whole,
    /// One leaf and the blocks above it, each by itself, by a way that this number decides.
    Leaf {
        /// Seeds the choice at each node.
        draw: u64,
    },
    /// The blocks of these bytes of the file, as a CAR: `[from, to)`.
    Range {
        /// The first.
        from: u64,
        /// Behind the last.
        to: u64,
    },
}

/// A deal that is offered. The controller has made, signed and written it down before anybody is told of it: it can be offered again and stays one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// How the miner is spoken to.
    pub via: Via,
    /// The id of the deal: a UUID, or a ULID where [`Via::Http`].
    pub id: String,
    /// What the record calls the proposal: its CID; empty where it has none.
    #[serde(default)]
    pub proposal: String,
    /// The commitment to the data, a CID of version 1.
    pub piece: String,
    /// Bytes of the data.
    pub size: u64,
    /// Where the miner gets the data: `https://…`. The bot looks first whether it can be had.
    pub data: String,
    /// The highest price that is paid, attoFIL for a GiB and epoch, in decimal.
    pub cap: String,
    /// Whether an earlier attempt may have sent it: then its status is asked for first.
    #[serde(default)]
    pub sent: bool,
    /// Whether the miner has refused it for the moment in an earlier attempt of its slot.
    #[serde(default)]
    pub refused: bool,
    /// Whether addresses that are not public may be dialled.
    #[serde(default)]
    pub private: bool,
}

/// How a miner is spoken to about deals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "over")]
pub enum Via {
    /// `/fil/storage/mk/1.2.1` or `1.2.0`.
    Libp2p {
        /// Who has to answer; empty where the miner names nobody.
        peer: String,
        /// Its multiaddresses, as it says.
        addresses: Vec<String>,
        /// `DealParams` of 1.2.1, DAG-CBOR in base64.
        deal: String,
        /// The client's signature of the UUID, which a question for the status carries: `sigtype || sig` in base64.
        status: String,
    },
    /// Curio's `/market/mk20`.
    Http {
        /// Where, as the miner says: `https://…`.
        url: String,
        /// The deal as it is posted, JSON in base64.
        deal: String,
        /// What authorises requests. Each holds for its minute alone.
        passes: Vec<Pass>,
    },
}

/// The values of the header `Authorization` for one minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The minute, in minutes since 1970.
    pub minute: i64,
    /// To post the deal.
    pub propose: String,
    /// To ask for its status.
    pub status: String,
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
    /// Its record, DAG-CBOR in base64.
    pub record: String,
    /// The signature of its CID, base64.
    pub signature: String,
}

/// What is signed of a request: its body by the SHA-256 of it, so that a signature is checked before the body is read.
#[must_use]
pub fn signed(bot: &str, path: &str, at: Timestamp, digest: &[u8; 32]) -> Vec<u8> {
    let mut bytes = b"apogee-bot-1\n".to_vec();
    for part in [bot.as_bytes(), path.as_bytes(), &at.0.to_be_bytes(), digest.as_slice()] {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// The header of a signature: the digest of the body and the signature, base64 each, with a point between them.
#[must_use]
pub fn sign(key: &SigningKey, bot: &str, path: &str, at: Timestamp, body: &[u8]) -> String {
    let digest = Sha256::digest(body).into();
    let signature = key.sign(&signed(bot, path, at, &digest));
    format!("{}.{}", STANDARD.encode(digest), STANDARD.encode(signature.to_bytes()))
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
    /// Another body came than was signed.
    #[error("the body is not the one that is signed")]
    Body,
}

/// The body that a bot has signed, by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promised([u8; 32]);

impl Promised {
    /// Check that this is the body.
    ///
    /// # Errors
    /// [`NotSigned::Body`].
    pub fn keeps(self, body: &[u8]) -> Result<(), NotSigned> {
        if <[u8; 32]>::from(Sha256::digest(body)) == self.0 { Ok(()) } else { Err(NotSigned::Body) }
    }
}

/// Check the signature of a request before its body is read.
///
/// # Errors
/// [`NotSigned`] where it is not the bot's, or too old.
pub fn verify(
    key: &VerifyingKey,
    (bot, path, at): (&str, &str, Timestamp),
    header: &str,
    now: Timestamp,
) -> Result<Promised, NotSigned> {
    let apart = now.0.saturating_sub(at.0);
    if apart.saturating_abs() > SKEW {
        return Err(NotSigned::Clock(apart / 1_000_000));
    }
    let (digest, signature) = header.split_once('.').ok_or(NotSigned::Signature)?;
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_| NotSigned::Signature);
    let digest: [u8; 32] = bytes(digest)?.try_into().map_err(|_| NotSigned::Signature)?;
    let signature = Signature::from_slice(&bytes(signature)?).map_err(|_| NotSigned::Signature)?;
    key.verify_strict(&signed(bot, path, at, &digest), &signature).map_err(|_| NotSigned::Signature)?;
    Ok(Promised(digest))
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
            verify(&key.verifying_key(), (bot, path, Timestamp(NOW.0 + at)), &header, now)?.keeps(body)
        };
        let path = "/dealbot/v1/leases";
        assert_eq!(check("eu-1", path, 0, b"{}", SKEW), Ok(()));
        assert_eq!(check("eu-1", path, 0, b"{}", -SKEW), Ok(()));
        assert_eq!(check("eu-1", path, 0, b"{}", SKEW + 1_000_000), Err(NotSigned::Clock(31)));
        assert_eq!(check("eu-2", path, 0, b"{}", 0), Err(NotSigned::Signature));
        assert_eq!(check("eu-1", "/dealbot/v1/beat", 0, b"{}", 0), Err(NotSigned::Signature));
        assert_eq!(check("eu-1", path, 1, b"{}", 0), Err(NotSigned::Signature));
        assert_eq!(check("eu-1", path, 0, b"{ }", 0), Err(NotSigned::Body));
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key();
        assert_eq!(verify(&other, ("eu-1", path, NOW), &header, NOW), Err(NotSigned::Signature));
        for broken in ["", "x", ".", "x.y", &header.replace('.', "")] {
            assert_eq!(
                verify(&key.verifying_key(), ("eu-1", path, NOW), broken, NOW),
                Err(NotSigned::Signature)
            );
        }
    }
}
