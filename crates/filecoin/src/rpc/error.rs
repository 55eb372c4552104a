use super::dialect::Meaning;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{method} at {endpoint}: {fault}")]
pub struct RpcError {
    /// The endpoint's name.
    pub endpoint: String,
    /// The method, without prefix.
    pub method: &'static str,
    /// What happened.
    #[source]
    pub fault: Fault,
}

/// What happened to a call.
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
    /// An HTTP status other than 200 without a JSON-RPC error in the body: 401 bad token, 429 too many requests, ….
    #[error("HTTP status {0}")]
    Status(u16),
    /// The node refused.
    #[error("the node said: {message} (code {code})")]
    Rpc {
        /// JSON-RPC error code.
        code: i64,
        /// The node's words, shortened, without control characters.
        message: String,
        /// What they mean.
        meaning: Meaning,
    },
    /// The answer is not what the method answers.
    #[error("an answer that cannot be right: {0}")]
    Malformed(String),
}

impl Fault {
    /// Whether the same question may get an answer a moment later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Timeout => true,
            Self::Status(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::TooLarge { .. } | Self::Rpc { .. } | Self::Malformed(_) => false,
        }
    }

    /// What a refusal means; `None` for every other fault.
    #[must_use]
    pub const fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Rpc { meaning, .. } => Some(*meaning),
            _ => None,
        }
    }
}
