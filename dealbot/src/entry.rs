//! What the log of evidence says, entry by entry: whatever judging needs, in the order in which it became known.
//!
//! An entry is written together with the fact that it tells of. Entries are numbered from 1 without gaps, and a verdict names the last one that was known
//! when it was made: whoever has the entries judges from the same facts.

mod settings;

use apogee_domain::{Epoch, Timestamp};
use apogee_store::SlotOutcome;
use cid::Cid;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::settings::{BotKey, Settings};
use crate::canonical::{self, Bytes, Link, Unreadable};
use crate::deals::{Around, Word};
use crate::fault::Code;
use crate::record::{SlotId, most};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When it was written, microseconds since 1970.
    pub at: Timestamp,
    /// What it says.
    pub fact: Fact,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// By these settings the race begins, or goes on.
    Settings(Box<Settings>),
    /// An attempt is over.
    Attempt(Attempted),
    /// A record came when its lease was over.
    Late(Late),
    /// A bot probed the organiser's own provider.
    Canary(Looked),
    /// Nothing counts for a while.
    Rest(Rested),
    /// A slot went well so far, and the chain says what becomes of it.
    Followed(Followed),
    /// It is known what became of a slot.
    Verdict(Judged),
}

/// A record of a bot, with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The record.
    pub record: Link,
    /// Ed25519 by the bot that the entry names: [`Signed`](crate::canonical::Signed).
    pub signature: Bytes,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempted {
    /// For which slot.
    pub slot: SlotId,
    /// Which attempt of the slot, from 1.
    pub attempt: u32,
    /// Of the lease.
    pub fence: u64,
    /// Who made it.
    pub bot: String,
    /// From where.
    pub region: String,
    /// Since when it had the lease.
    pub leased: Timestamp,
    /// When the controller heard of its end.
    pub ended: Timestamp,
    /// Why it did not go well; `None` where it did.
    pub code: Option<Code>,
    /// What the bot says; `None` where it was silent until its lease ran out.
    pub told: Option<Told>,
}

/// A record whose lease was over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// For which slot.
    pub slot: SlotId,
    /// Which attempt of the slot.
    pub attempt: u32,
    /// Of the lease.
    pub fence: u64,
    /// Who made it.
    pub bot: String,
    /// What it says.
    pub told: Told,
}

/// A bot's probe of the organiser's own provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Looked {
    /// The bot.
    pub bot: String,
    /// When it ended, as the bot says.
    pub ended: Timestamp,
    /// Why it failed; `None` where it went well.
    pub code: Option<Code>,
    /// What the bot says.
    pub told: Told,
}

/// A while in which nothing counts: `[from, to)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rested {
    /// For whom; empty for everybody.
    pub miner: String,
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Its reason, as [`Why`](crate::judge::Why) writes it.
    pub why: String,
    /// When it was said, or found out.
    pub said: Timestamp,
    /// What was said, word for word.
    pub statement: String,
    /// The signature of the statement; empty where it is the controller's own word.
    pub signature: String,
}

/// What a judgement rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The number of the last entry that was known.
    pub seen: u64,
    /// The time of the attempts around which canaries, and what other bots found, were looked at: its beginning.
    pub first: Timestamp,
    /// Its end.
    pub last: Timestamp,
}

impl Basis {
    /// From so many microseconds before the attempts to as many behind them.
    #[must_use]
    pub const fn within(&self, by: i64) -> (Timestamp, Timestamp) {
        (Timestamp(self.first.0.saturating_sub(by)), Timestamp(self.last.0.saturating_add(by)))
    }
}

/// A slot that went well so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    /// Which.
    pub slot: SlotId,
    /// When it was due.
    pub due: Timestamp,
    /// What that rests on.
    pub basis: Basis,
}

/// What became of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Which.
    pub slot: SlotId,
    /// When it was due.
    pub due: Timestamp,
    /// What became of it.
    #[serde(serialize_with = "write_outcome", deserialize_with = "read_outcome")]
    pub outcome: SlotOutcome,
    /// Why; `None` where it went well.
    pub code: Option<Code>,
    /// The epoch at which it counts.
    pub epoch: Epoch,
    /// What that rests on.
    pub basis: Basis,
    /// What the chain said, where it was followed.
    pub deal: Option<Settled>,
}

/// What was known of a deal when its slot was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// The id that it was offered under.
    pub id: String,
    /// Its number on the chain, where it is there.
    pub deal: Option<u64>,
    /// What the chain says of it.
    pub word: Word,
    /// The final epoch whose state says so.
    pub state: Epoch,
    /// When it was made.
    pub made: Timestamp,
    /// When it had to be in force.
    pub start: Timestamp,
    /// How far the miner fetched the data, bytes.
    pub fetched: u64,
    /// Bytes of the data.
    pub size: u64,
    /// Whether a bot could not have the data while the miner should have.
    pub away: bool,
}

impl Settled {
    /// What else is known, where nothing of that time counts for a reason.
    #[must_use]
    pub const fn around(&self, rest: Option<Code>) -> Around {
        Around { fetched: self.fetched, size: self.size, away: self.away, rest }
    }
}

fn write_outcome<S: Serializer>(outcome: &SlotOutcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.as_str())
}

fn read_outcome<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SlotOutcome, D::Error> {
    let word = String::deserialize(deserializer)?;
    SlotOutcome::of(&word).ok_or_else(|| de::Error::custom("no such outcome"))
}

/// Bytes that are no entry.
#[derive(Debug, thiserror::Error)]
pub enum NoEntry {
    /// They cannot be read.
    #[error("the entry cannot be read")]
    Unreadable(#[from] Unreadable),
    /// A name in it is longer than names are.
    #[error("a name in the entry has {0} bytes; at most {most} are read", most = most::NAME)]
    Name(usize),
}

impl Entry {
    /// Its canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        canonical::encode(self)
    }

    /// The entry of canonical bytes.
    ///
    /// # Errors
    /// If they are too long, no entry, not the canonical ones, or have a name that is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, NoEntry> {
        let entry: Self = canonical::decode(bytes)?;
        let names: &[&str] = match &entry.fact {
            Fact::Settings(_) => &[],
            Fact::Attempt(of) => &[&of.slot.miner, &of.bot, &of.region],
            Fact::Late(of) => &[&of.slot.miner, &of.bot],
            Fact::Canary(of) => &[&of.bot],
            Fact::Rest(of) => &[&of.miner, &of.why],
            Fact::Followed(of) => &[&of.slot.miner],
            Fact::Verdict(of) => &[&of.slot.miner],
        };
        match names.iter().map(|name| name.len()).max() {
            Some(longest) if longest > most::NAME => Err(NoEntry::Name(longest)),
            _ => Ok(entry),
        }
    }

    /// Its name: the CID of its canonical bytes.
    #[must_use]
    pub fn cid(&self) -> Cid {
        canonical::name(&self.encode())
    }

    /// The record that it names, with the bot's signature.
    #[must_use]
    pub const fn told(&self) -> Option<&Told> {
        match &self.fact {
            Fact::Attempt(of) => of.told.as_ref(),
            Fact::Late(of) => Some(&of.told),
            Fact::Canary(of) => Some(&of.told),
            Fact::Settings(_) | Fact::Rest(_) | Fact::Followed(_) | Fact::Verdict(_) => None,
        }
    }
}
