//! The evidence of one attempt.

mod bounds;

use std::net::{IpAddr, SocketAddr};

use apogee_domain::Timestamp;
use cid::Cid;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::bounds::{OutOfBounds, clip, most};
use crate::canonical::{self, Bytes, Link, Unreadable, Written};
use crate::fault::{Circumstances, Code, Fault, Stage};
use crate::schedule::Kind;

/// The version of records that is written here.
pub const VERSION: u64 = 1;

/// In place of a race and a miner in the record of a probe of the organiser's own provider, which holds for every competition.
pub const CANARY: &str = "canary";

/// Which slot an attempt belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotId {
    /// Of which miner.
    pub miner: String,
    /// Of which kind.
    #[serde(serialize_with = "write_kind", deserialize_with = "read_kind")]
    pub kind: Kind,
    /// Which of them.
    pub number: u64,
}

pub(crate) fn write_kind<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

pub(crate) fn read_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    let word = String::deserialize(deserializer)?;
    let kind = Kind::ALL.iter().copied().find(|kind| kind.as_str() == word);
    kind.ok_or_else(|| de::Error::custom("no such kind of probe"))
}

/// When a stage began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// Which.
    pub stage: Stage,
    /// Microseconds since 1970.
    pub started: Timestamp,
    /// Microseconds since 1970.
    pub ended: Timestamp,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Of HTTP, 100 to 599.
    pub status: u16,
    /// Those that say something: type, length, server, redirect, wait.
    pub headers: Vec<(String, String)>,
    /// The beginning of what it said of an error.
    pub body: Bytes,
}

/// A deal that was offered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deal {
    /// The id that the bot gave it: a UUID or ULID, as its protocol writes it.
    pub id: String,
    /// The signed proposal.
    pub proposal: Option<Link>,
    /// What is stored.
    pub piece: Option<Link>,
}

/// The evidence of one attempt, all that its judgement needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`VERSION`].
    pub version: u64,
    /// In which race.
    pub race: String,
    /// For which slot.
    pub slot: SlotId,
    /// Which attempt of the slot, from 1.
    pub attempt: u32,
    /// Of the lease under which it was made.
    pub fence: u64,
    /// Who made it.
    pub bot: String,
    /// From where.
    pub region: String,
    /// What the bot runs, with its version.
    pub software: String,
    /// Microseconds since 1970.
    pub started: Timestamp,
    /// Microseconds since 1970.
    pub ended: Timestamp,
    /// What it went through, in order.
    pub stages: Vec<Passage>,
    /// Why it did not go well; `None` where it did.
    pub failure: Option<Code>,
    /// The failure in words.
    pub detail: String,
    /// The error and its sources, outermost first.
    pub errors: Vec<String>,
    /// What the bot knows of what the fault depends on.
    pub circumstances: Circumstances,
    /// The URL or multiaddress that was asked.
    pub target: String,
    /// What its name resolved to.
    pub resolved: Vec<Written<IpAddr>>,
    /// What was connected to.
    pub remote: Option<Written<SocketAddr>>,
    /// How the other side calls itself.
    pub agent: Option<String>,
    /// What it speaks.
    pub protocols: Vec<String>,
    /// What it answered over HTTP.
    pub answer: Option<Answer>,
    /// Bytes that came.
    pub received: u64,
    /// The root of what came.
    pub root: Option<Link>,
    /// The commitment to the piece that came.
    pub piece: Option<Link>,
    /// What was offered.
    pub deal: Option<Deal>,
    /// The records of this bot's canaries before and, where it is known, after.
    pub canaries: Vec<Link>,
}

/// Bytes that are no record.
#[derive(Debug, thiserror::Error)]
pub enum NoRecord {
    /// They cannot be read.
    #[error("the record cannot be read")]
    Unreadable(#[from] Unreadable),
    /// They say more than a record may.
    #[error("the record is out of bounds")]
    OutOfBounds(#[from] OutOfBounds),
}

impl Record {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// The record of canonical bytes, its bounds checked.
    ///
    /// # Errors
    /// If they are longer than [`canonical::LONGEST`], are no record, have unknown fields, are not the canonical ones, or are out of bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoRecord> {
        let record: Self = canonical::decode(bytes)?;
        record.check()?;
        Ok(record)
    }

    /// Its name: the CID of its canonical bytes.
    #[must_use]
    pub fn cid(&self) -> Cid {
        canonical::name(&self.encode())
    }

    /// Whose fault it is, where the bot does not know under the circumstances that others know of.
    #[must_use]
    pub fn fault(&self, known: Circumstances) -> Fault {
        self.failure.map_or(Fault::None, |code| code.fault(&self.circumstances.or(known)))
    }
}
