/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[error("{method} at {endpoint}: {fault}")]
pub struct GatewayError {
    /// The endpoint's name.
    pub endpoint: String,
    /// Service and method: `RewardService/List`.
    pub method: &'static str,
    /// What happened.
    #[source]
    pub fault: Fault,
}

/// What happened to a question.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No connection, or it broke.
    #[error("no connection")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than is accepted.
    #[error("the answer is over {limit} bytes")]
    TooLarge {
        /// Limit.
        limit: usize,
    },
    /// An HTTP status other than 200, and not a word of a gateway: something stands before it.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The node refuses.
    #[error("the node says: {message} ({code})")]
    Refused {
        /// In a number.
        code: Code,
        /// In the node's words, shortened, without control characters.
        message: String,
    },
    /// Status 200 and no JSON object.
    #[error("the answer is no JSON object")]
    NotJson,
    /// A field is not what it should be.
    #[error("{field} is {what}")]
    Malformed {
        /// Which one: `rewards[3].total`.
        field: String,
        /// What it is instead.
        what: &'static str,
    },
    /// Each row can be read, and together they cannot be right.
    #[error("{0}")]
    Listing(#[from] Listing),
    /// The protocol has no words for the question: nothing was sent.
    #[error("a gateway cannot be asked for {0}")]
    Unaskable(&'static str),
}

/// What is wrong with a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Listing {
    /// More rows on a page than were asked for.
    #[error("a page has {found} rows, and {limit} were asked for")]
    Long {
        /// Rows on it.
        found: usize,
        /// Rows that were asked for.
        limit: usize,
    },
    /// A page that is not full, and another one after it.
    #[error("rows follow after a page that is not full, at {offset}")]
    Short {
        /// Where they follow.
        offset: usize,
    },
    /// A row comes twice.
    #[error("{0} comes twice")]
    Twice(String),
    /// A row that was not asked for.
    #[error("{0} was not asked for")]
    Stranger(String),
    /// Another number of rows than the node says there are.
    #[error("the node says there are {told} rows, and {found} came")]
    Count {
        /// What it says.
        told: u64,
        /// What came.
        found: usize,
    },
    /// More rows or pages than are accepted.
    #[error("the list is longer than {rows} rows or {pages} pages")]
    Budget {
        /// Rows that are accepted.
        rows: usize,
        /// Pages that are accepted.
        pages: usize,
    },
}

/// What a refusal means.
///
/// Source: `google/rpc/code.proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The question is not good: `INVALID_ARGUMENT`.
    Invalid,
    /// There is no such thing, or an account has not been spawned: `NOT_FOUND`.
    NotFound,
    /// The node is not in sync: `FAILED_PRECONDITION`.
    NotSynced,
    /// The node does not know the method: `UNIMPLEMENTED`.
    Unimplemented,
    /// Something in the node went wrong: `INTERNAL`.
    Internal,
    /// Not at this time: `UNAVAILABLE`.
    Unavailable,
    /// Any other number.
    Other(i64),
}

impl Code {
    pub(crate) const fn of(number: i64) -> Self {
        match number {
            3 => Self::Invalid,
            5 => Self::NotFound,
            9 => Self::NotSynced,
            12 => Self::Unimplemented,
            13 => Self::Internal,
            14 => Self::Unavailable,
            other => Self::Other(other),
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid => f.write_str("invalid argument"),
            Self::NotFound => f.write_str("not found"),
            Self::NotSynced => f.write_str("failed precondition"),
            Self::Unimplemented => f.write_str("unimplemented"),
            Self::Internal => f.write_str("internal"),
            Self::Unavailable => f.write_str("unavailable"),
            Self::Other(number) => write!(f, "code {number}"),
        }
    }
}

impl Fault {
    /// Whether the same question may get an answer a moment later. A list may change while it is read.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Timeout => true,
            Self::Status(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Refused { code, .. } => matches!(code, Code::Unavailable | Code::NotSynced),
            Self::Listing(Listing::Short { .. } | Listing::Twice(_) | Listing::Count { .. }) => true,
            Self::Listing(_)
            | Self::TooLarge { .. }
            | Self::NotJson
            | Self::Malformed { .. }
            | Self::Unaskable(_) => false,
        }
    }

    /// What a refusal means; `None` for every other fault.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}
