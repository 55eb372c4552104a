use std::fmt;

/// Why a node does not answer: a `google.rpc.Status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In a number.
    pub code: Code,
    /// In a node's words.
    pub message: String,
}

/// Numbers of refusals that a node gives.
///
/// Source: `google/rpc/code.proto`; for the statuses of HTTP, grpc-gateway `runtime/errors.go`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Code {
    /// The question is not good.
    InvalidArgument = 3,
    /// There is no such thing.
    NotFound = 5,
    /// Not in this state.
    FailedPrecondition = 9,
    /// No such method.
    Unimplemented = 12,
    /// Something else.
    Internal = 13,
    /// Not now.
    Unavailable = 14,
}

impl Code {
    /// The status of HTTP that goes with it.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition => 400,
            Self::NotFound => 404,
            Self::Unimplemented => 501,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self::new(Code::Internal, message)
    }
}
