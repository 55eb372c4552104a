use apogee_market::Rejection;
use apogee_outbound::{HttpError, TargetError};

use crate::code::DealCode;

/// Why a market has not done what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The address cannot be made a request: nothing was sent.
    #[error("the market's address leads nowhere")]
    Target(#[from] TargetError),
    /// The authorization is no value of a header: nothing was sent.
    #[error("the authorization is no value of a header")]
    Header(#[from] http::header::InvalidHeaderValue),
    /// No answer came, or not all of it.
    #[error("no answer")]
    Http {
        /// Whether the request may have arrived.
        sent: bool,
        /// How.
        #[source]
        source: HttpError,
    },
    /// The market refuses, and says why.
    #[error("the market answers {}: {reason}", .code.status())]
    Refused {
        /// In a number.
        code: DealCode,
        /// In words; 512 bytes at most.
        reason: String,
    },
    /// The client is not let in, without a word: the signature is not good at this time, the provider does not know the client and lets in only those it knows,
    /// or, of a status, it has no such deal of this client.
    #[error("the market does not let the client in; {clock}")]
    Unauthorized {
        /// What its clock says.
        clock: Clock,
    },
    /// It is sent elsewhere.
    #[error("the market has moved to {0:?}")]
    Redirected(String),
    /// An answer that is not of Curio's market: what stands before it, or something else altogether.
    #[error("status {status}, and not a word of a market: {text}")]
    Stranger {
        /// Its status.
        status: u16,
        /// How it begins; 512 bytes at most.
        text: String,
    },
    /// The answer is compressed, which was not asked for.
    #[error("the answer is compressed: {0:?}")]
    Encoded(String),
    /// Status 200 without the words that go with it.
    #[error("the market says yes in strange words: {0:?}")]
    Strange(String),
    /// The status is none.
    #[error("the status is malformed")]
    Malformed(#[from] serde_json::Error),
}

/// How a provider's clock, by the `Date` of its answer, compares with the minute that was signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It does not say.
    Silent,
    /// The same minute: the signature is not refused for its time.
    Agrees,
    /// So many minutes later, or earlier. One of the clocks is wrong, or the answer took that long. By one minute, later versions of Curio do not care.
    Apart(i64),
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent => f.write_str("its clock is not known"),
            Self::Agrees => f.write_str("its clock is right"),
            Self::Apart(minutes) => write!(f, "its clock is {minutes} minutes ahead of the signature"),
        }
    }
}

impl Failure {
    /// Its code in the taxonomy of faults.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Target(error) => error.code(),
            // Like a reset: it may have been anybody on the way.
            Self::Http { source: HttpError::EndedEarly { .. }, .. } => "TCP_RESET",
            Self::Http { source, .. } => source.code(),
            Self::Refused { code, reason } => refused(*code, reason),
            Self::Unauthorized { clock: Clock::Agrees } => "REJECT_FILTER",
            Self::Unauthorized { clock: Clock::Apart(_) } => "CLOCK_SKEW",
            Self::Unauthorized { clock: Clock::Silent } | Self::Header(_) => "UNCLASSIFIED",
            Self::Redirected(_) => "REDIRECT_OFFSITE",
            // Whatever is answered to a request that is in order is the answer: none of them is left out.
            Self::Stranger { status, .. } => match status {
                300..=399 => "REDIRECT_OFFSITE",
                403 => "HTTP_403",
                // Nothing there takes deals.
                404 | 405 | 501 => "PROTOCOL_UNSUPPORTED",
                410 => "HTTP_410",
                429 => "REJECT_RATE_LIMIT",
                400..=499 => "HTTP_4XX",
                500..=599 => "HTTP_5XX",
                _ => "WRONG_CONTENT_TYPE",
            },
            Self::Encoded(_) | Self::Strange(_) | Self::Malformed(_) => "WRONG_CONTENT_TYPE",
        }
    }

    /// What a refusal means, by its words; `None` for what is no refusal.
    #[must_use]
    pub fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Refused { reason, .. } => Some(Rejection::of(reason)),
            _ => None,
        }
    }

    /// Whether the deal that was proposed may have been taken all the same. Its status tells.
    #[must_use]
    pub const fn may_be_taken(&self) -> bool {
        match self {
            Self::Target(_) | Self::Header(_) | Self::Unauthorized { .. } | Self::Redirected(_) => false,
            Self::Http { sent, .. } => *sent,
            // 500 is also the answer to a name that is taken, and 503 to what takes longer than ten seconds.
            Self::Refused { code, .. } => matches!(code, DealCode::ServerError | DealCode::Maintenance),
            Self::Stranger { status, .. } => *status >= 500 || *status < 300,
            Self::Encoded(_) | Self::Strange(_) | Self::Malformed(_) => true,
        }
    }

    /// Whether a status was not to be had because the market has no such deal of this client, as far as can be told.
    #[must_use]
    pub const fn is_unknown_deal(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized { clock: Clock::Agrees } | Self::Refused { code: DealCode::NotFound, .. }
        )
    }
}

fn refused(code: DealCode, reason: &str) -> &'static str {
    use DealCode as Code;
    let words = Rejection::of(reason);
    let or = |otherwise| if words == Rejection::Unknown { otherwise } else { words.code() };
    match code {
        Code::BadProposal | Code::MalformedSource | Code::DurationTooShort => or("REJECT_PARAMS"),
        // Switched off for this miner (`DisabledMiners`).
        Code::ProductValidation if reason.contains("provider is disabled") => "PROTOCOL_UNSUPPORTED",
        Code::ProductValidation => or("REJECT_PARAMS"),
        Code::Unauthorized => "REJECT_FILTER",
        // Of a proposal: nothing there takes deals.
        Code::NotFound
        | Code::UnsupportedSource
        | Code::UnsupportedProduct
        | Code::ProductNotEnabled
        | Code::MarketNotEnabled => "PROTOCOL_UNSUPPORTED",
        // The client's own claim to a deal in a contract.
        Code::RejectedByMarket if reason.contains("not found in market") => "REJECT_PARAMS",
        Code::RejectedByMarket => or("REJECT_FILTER"),
        Code::Overloaded => or("REJECT_BACKPRESSURE"),
        Code::ServerError => "REJECT_SERVER_ERROR",
        // Its own limit of ten seconds (`request timeout`).
        Code::Maintenance if reason.contains("timeout") => "REJECT_SERVER_ERROR",
        Code::Maintenance => "REJECT_MAINTENANCE",
    }
}
