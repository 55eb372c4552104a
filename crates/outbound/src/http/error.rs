use std::error::Error as _;
use std::io;
use std::net::SocketAddr;

use crate::error::DialError;

/// No answer came, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection.
    #[error("no connection")]
    Dial(#[from] DialError),
    /// The head of an answer did not come in time: `TTFB_TIMEOUT`.
    #[error("no answer in time")]
    FirstByteTimeout,
    /// The body stood still for too long: `STALLED`.
    #[error("the body stands still after {received} bytes")]
    Stalled {
        /// Bytes that came.
        received: u64,
    },
    /// All together took too long: `TOTAL_TIMEOUT`.
    #[error("it takes too long")]
    TotalTimeout,
    /// The body comes too slowly to be whole in any time that is given: `TOTAL_TIMEOUT`.
    #[error("after {received} bytes the body is slower than {rate} bytes a second")]
    TooSlow {
        /// Bytes that came.
        received: u64,
        /// Bytes a second that it has to reach.
        rate: u64,
    },
    /// The body is, or says that it is, longer than it may be: `BODY_TOO_LARGE`.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// A redirect leads to another host, or out of TLS: `REDIRECT_OFFSITE`.
    #[error("a redirect leads to {0}")]
    RedirectOffsite(String),
    /// A redirect leads nowhere: it cannot be read, or where it leads may not be dialled. `REDIRECT_OFFSITE`, whatever the address is: it is an answer.
    #[error("a redirect leads nowhere")]
    RedirectNowhere(#[source] DialError),
    /// Redirects do not end: `REDIRECT_OFFSITE`, for nothing is served where it was announced.
    #[error("more than {0} redirects")]
    TooManyRedirects(u8),
    /// The connection was broken, with a reset or before an answer began: `TCP_RESET`.
    #[error("{0} broke the connection")]
    Reset(SocketAddr),
    /// The connection was closed in an orderly way before the body's end. The content tells what that comes to.
    #[error("the body ends early, after {received} bytes")]
    EndedEarly {
        /// Bytes that came.
        received: u64,
    },
    /// What answers is not HTTP, or its head is too large: `WRONG_CONTENT_TYPE`, as any answer that is something else than it has to be.
    #[error("the answer is not HTTP")]
    Malformed(#[source] hyper::Error),
    /// Something else, of this machine.
    #[error("the request was not sent")]
    Local(#[source] BoxError),
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl HttpError {
    /// Its code in the taxonomy of faults. A body that ends early has one only once it is known what it was to be.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Dial(error) => error.code(),
            Self::FirstByteTimeout => "TTFB_TIMEOUT",
            Self::Stalled { .. } => "STALLED",
            Self::TotalTimeout | Self::TooSlow { .. } => "TOTAL_TIMEOUT",
            Self::TooLarge { .. } => "BODY_TOO_LARGE",
            Self::RedirectOffsite(_) | Self::RedirectNowhere(_) | Self::TooManyRedirects(_) => {
                "REDIRECT_OFFSITE"
            }
            Self::Reset(_) => "TCP_RESET",
            Self::Malformed(_) => "WRONG_CONTENT_TYPE",
            Self::EndedEarly { .. } | Self::Local(_) => "UNCLASSIFIED",
        }
    }

    /// An error of hyper's before the body begins (`received` is `None`) or within it.
    pub(crate) fn of(error: hyper::Error, remote: SocketAddr, received: Option<u64>) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(io) = inner.downcast_ref::<io::Error>() {
                return match (io.kind(), received) {
                    (io::ErrorKind::UnexpectedEof, Some(received)) => Self::EndedEarly { received },
                    (io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData, _) => Self::Malformed(error),
                    (kind, _) => Self::Dial(DialError::of(kind.into(), remote)),
                };
            }
            cause = inner.source();
        }
        match received {
            Some(received) if error.is_incomplete_message() => Self::EndedEarly { received },
            _ if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => {
                Self::Reset(remote)
            }
            _ if error.is_user() => Self::Local(error.into()),
            // Whatever else it is, it was read from the other side: it cannot be parsed, or nobody had asked for it.
            _ => Self::Malformed(error),
        }
    }
}
