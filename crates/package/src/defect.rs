use std::{fmt, io};

use apogee_domain::Digest;

use crate::Section;

/// Where in the file a defect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first line.
    Format,
    /// A section.
    Section(Section),
    /// The last line, and what follows it.
    Root,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("format"),
            Self::Section(section) => section.fmt(f),
            Self::Root => f.write_str("root"),
        }
    }
}

/// The first thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} {row}: {what}")]
pub struct Defect {
    /// Where it is.
    pub part: Part,
    /// Which row of the section, counted from 1; 0 for the line that opens it, and where there are no rows.
    pub row: u64,
    /// What is wrong.
    pub what: What,
}

/// What can be wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// Nothing where a line should be.
    #[error("the file ends here")]
    Missing,
    /// The file ends within a line.
    #[error("the file ends in the middle of this line")]
    Cut,
    /// A line longer than [`LINE_LIMIT`](crate::LINE_LIMIT).
    #[error("the line is longer than {} bytes", crate::LINE_LIMIT)]
    TooLong,
    /// Not the first line of this format.
    #[error("the first line is not `{}`", crate::FORMAT)]
    Format,
    /// Not the line that opens the section which is due.
    #[error("the line is not `section {0} ROWS`")]
    Opening(Section),
    /// More rows than [`ROW_LIMIT`](crate::ROW_LIMIT).
    #[error("with this section the file has more than {} rows", crate::ROW_LIMIT)]
    TooMany,
    /// Another number of rows than the section has to have.
    #[error("the section has one row, not {0}")]
    Count(u64),
    /// Neither hash and JSON, nor anything else that could be a row.
    #[error("the line is not a hash, a space and JSON")]
    Row,
    /// The hash of a row is that of another.
    #[error("the JSON of this row has the hash {0}")]
    Hash(Digest),
    /// The JSON is not in canonical form.
    #[error("the JSON of this row: {0}")]
    Json(String),
    /// A member that the order of rows rests on is missing, or is not a number or string as it should.
    #[error("the row has no `{0}` to order it by")]
    Key(&'static str),
    /// The row should stand before the one before it, or is there twice.
    #[error("the row is not after the one before it")]
    Order,
    /// Not the last line.
    #[error("the line is not `root` and a hash")]
    RootLine,
    /// The root is that of another file.
    #[error("the bytes before this line have the hash {0}")]
    Root(Digest),
    /// Something after the last line.
    #[error("something follows the root")]
    Trailing,
    /// A document that says something it cannot say.
    #[error("{0}")]
    Document(String),
    /// Rules of another competition or network.
    #[error("these are the rules of another competition or network")]
    Other,
    /// No version of the rules that holds at the epoch that was asked for.
    #[error("no version of the rules holds at the epoch")]
    NoRules,
    /// A series that no result can rest on.
    #[error("no version of the rules reads this series")]
    Unread,
    /// Steps of a series that is not in the file.
    #[error("there is no such series")]
    NoSeries,
    /// Steps that are divided otherwise into rows than they have to be, or do not ascend from row to row.
    #[error("rows of steps hold 10,000 each, in order, and the last one what is left")]
    Steps,
    /// Something that happened after the epoch that was asked for.
    #[error("it is later than the epoch of the results")]
    Late,
    /// Somebody, or a series, that is not in the file.
    #[error("it is about an entity, participant or series that is not here")]
    Stranger,
    /// An entity that could be taken for a participant.
    #[error("it has the id of a participant")]
    Twice,
    /// An entry of the ledger with another number than is due.
    #[error("the number of the entry, or of the row, is not its place in the ledger")]
    Number,
    /// An entry of the ledger that does not follow the one before.
    #[error("the hash is not that of the entry, or the entry does not name the one before")]
    Chain,
    /// An effect that the entry does not have.
    #[error("the effect is not what the entry does")]
    Effect,
    /// A ledger that ends elsewhere.
    #[error("the ledger does not end with entry {0}, which the results rest on")]
    Ledger(u64),
    /// No standings.
    #[error("there are no standings: {0}")]
    NoStandings(String),
    /// A row of results that is not what was computed.
    #[error("the row is not what follows from the rest: {0}")]
    Differs(String),
    /// A row of results too many.
    #[error("the standings have no such row")]
    Superfluous,
}

/// A file that cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not what it should be.
    #[error(transparent)]
    Defect(#[from] Defect),
    /// The file cannot be read.
    #[error("the package cannot be read")]
    Io(#[from] io::Error),
}
