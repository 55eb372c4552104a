use std::fmt;

use cid::Cid;

use crate::archive::BadArchive;
use crate::entry::NoEntry;
use crate::log::Broken;
use crate::record::NoRecord;
use crate::schedule::Kind;

/// Most entries that are read: those of a month of two thousand miners.
pub(super) const MOST: u64 = 20_000_000;

/// Where something is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// In which batch.
    pub batch: u64,
    /// At which entry; 0 for the batch itself.
    pub entry: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch {}", self.batch)?;
        if self.entry > 0 { write!(f, ", entry {}", self.entry) } else { Ok(()) }
    }
}

/// What is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Defect {
    /// Where.
    pub place: Place,
    /// What.
    #[source]
    pub what: What,
}

/// What may be wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum What {
    /// The file is none.
    #[error("the file is damaged: {0}")]
    Archive(#[from] BadArchive),
    /// A batch is none, or in a place that is not its own.
    #[error("the log does not go on: {0}")]
    Log(#[from] Broken),
    /// A batch is not signed.
    #[error("the batch is not signed by the key of the log")]
    Seal,
    /// The log is by another key.
    #[error("the log is signed by another key than the one that was asked for")]
    OtherKey,
    /// A block stands where another is wanted.
    #[error("there is another block than {0}, which comes next")]
    Order(Cid),
    /// The file ends too early.
    #[error("it ends before {0}")]
    Ends(&'static str),
    /// The file's root is not its last batch.
    #[error("the root of the file is not its last batch")]
    Root,
    /// There are more entries than are read.
    #[error("there are more than {MOST} entries")]
    TooMany,
    /// Verdicts look around further than any log needs.
    #[error("the verdicts so far look at more around them than those of any log")]
    Endless,
    /// An entry cannot be read.
    #[error("{0}")]
    Entry(#[from] NoEntry),
    /// An entry has another number.
    #[error("it calls itself entry {0}")]
    Number(u64),
    /// The log does not begin with settings.
    #[error("it comes before any settings")]
    NoSettings,
    /// Settings that stay are others.
    #[error("the {0} of the settings is not what it was")]
    Changed(&'static str),
    /// The seed is not the one that was committed to.
    #[error("the seed is not the one that was committed to")]
    Seed,
    /// Something was probed before the beacon was known that the seed is bound to.
    #[error("it comes before the beacon that the seed is bound to")]
    NoBeacon,
    /// The beacon was known when the seed was committed to.
    #[error(
        "the seed was committed to together with the beacon that it is bound to, which had to come later"
    )]
    EarlyBeacon,
    /// A record cannot be read.
    #[error("{0}")]
    Record(#[from] NoRecord),
    /// A record says something else than its entry.
    #[error("the record is of another {0} than the entry says")]
    Other(&'static str),
    /// A record is not signed by its bot.
    #[error("the record is not signed by the bot {0}")]
    Unsigned(String),
    /// No settings name the bot.
    #[error("no settings name the bot {0}")]
    Stranger(String),
    /// The reason of a rest is not known.
    #[error("a rest has the reason `{0}`, which is not known")]
    Reason(String),
    /// Something that can be only once is there again.
    #[error("{0} is there already")]
    Twice(&'static str),
    /// A slot is not what the entries come to.
    #[error("slot {slot} of {miner} ({kind}): {why}", kind = .kind.as_str())]
    Slot {
        /// The kind of the slot.
        kind: Kind,
        /// Of which miner.
        miner: String,
        /// Which.
        slot: u64,
        /// What is wrong.
        why: String,
    },
}
