//! What was seen, as a code: every error of a retrieval has exactly one.

use apogee_dealbot::fault::{Circumstances, Code};
use apogee_outbound::{DialError, HttpError, ResolveError};
use apogee_retrieval::{BlockError, CarError, Failure, WalkError};

pub(crate) const fn failure(failure: &Failure) -> Code {
    match failure {
        Failure::Http(error) => http(error),
        Failure::Status(status) => self::status(*status),
        Failure::ContentType { .. } | Failure::Encoding(_) => Code::WrongContentType,
        Failure::Car(error) => car(error),
        Failure::Walk(error) => walk(error),
        Failure::Block(error) => block(error),
        Failure::Piece { .. } => Code::CommpMismatch,
        Failure::Unsupported(_) => Code::UnsupportedCodec,
    }
}

const fn status(status: u16) -> Code {
    match status {
        403 => Code::Http403,
        404 => Code::Http404,
        410 => Code::Http410,
        429 => Code::Http429,
        500..=599 => Code::Http5xx,
        _ => Code::Unclassified,
    }
}

const fn http(error: &HttpError) -> Code {
    match error {
        HttpError::Dial(error) => dial(error),
        HttpError::FirstByteTimeout => Code::TtfbTimeout,
        HttpError::Stalled { .. } => Code::Stalled,
        HttpError::TotalTimeout => Code::TotalTimeout,
        HttpError::TooLarge { .. } => Code::BodyTooLarge,
        HttpError::RedirectOffsite(_) | HttpError::TooManyRedirects(_) => Code::RedirectOffsite,
        HttpError::Reset(_) => Code::TcpReset,
        HttpError::Malformed(_) => Code::WrongContentType,
        // The content says what an early end comes to; one that nobody looked at says nothing.
        HttpError::EndedEarly { .. } | HttpError::Local(_) => Code::Unclassified,
    }
}

const fn dial(error: &DialError) -> Code {
    match error {
        DialError::Target(_) => Code::AddrUnparseable,
        DialError::NotGlobal { .. } => Code::AddrPrivate,
        DialError::Resolve { source, .. } => resolve(source),
        DialError::Refused(_) => Code::TcpRefused,
        DialError::TimedOut(_) => Code::TcpTimeout,
        DialError::Reset(_) => Code::TcpReset,
        DialError::NoRoute(_) => Code::NoRoute,
        DialError::NetDown(_) => Code::LocalNetDown,
        DialError::NoDescriptors => Code::LocalFdExhausted,
        DialError::Certificate { .. } => Code::TlsCertInvalid,
        DialError::Local { .. } => Code::Unclassified,
    }
}

const fn resolve(error: &ResolveError) -> Code {
    match error {
        ResolveError::NoSuchName { .. } => Code::DnsNxdomain,
        ResolveError::Failed(_) => Code::DnsServfail,
        ResolveError::TimedOut => Code::DnsTimeout,
    }
}

const fn car(error: &CarError) -> Code {
    match error {
        CarError::Truncated { .. } => Code::CarIncomplete,
        CarError::Length { .. }
        | CarError::Section { .. }
        | CarError::Header(_)
        | CarError::Version(_)
        | CarError::Cid { .. } => Code::CarMalformed,
    }
}

const fn walk(error: &WalkError) -> Code {
    match error {
        WalkError::Block(error) => block(error),
        WalkError::Unexpected { .. } => Code::UnexpectedBlock,
        WalkError::Extra(_) => Code::ExtraBlocks,
        WalkError::Unfollowed(_) => Code::UnsupportedCodec,
        WalkError::Incomplete { .. } => Code::CarIncomplete,
    }
}

const fn block(error: &BlockError) -> Code {
    match error {
        BlockError::Mismatch(_) => Code::HashMismatch,
        BlockError::UnsupportedHash(_) => Code::UnsupportedHash,
    }
}

/// What the bot knows of what the fault depends on.
pub(crate) fn circumstances(failure: &Failure) -> Circumstances {
    let denied = match failure {
        Failure::Http(HttpError::Dial(DialError::Resolve {
            source: ResolveError::NoSuchName { servers },
            ..
        })) => Some(u8::try_from(*servers).unwrap_or(u8::MAX)),
        _ => None,
    };
    Circumstances { resolvers_agreed: denied, ..Circumstances::default() }
}

#[cfg(test)]
mod tests;
