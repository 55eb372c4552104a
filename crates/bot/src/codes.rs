//! What was seen, as a code. Errors name theirs where they are made; here is looked up what they name, and what they tell of whose fault it is.

use std::error::Error;

use apogee_dealbot::fault::{Circumstances, Code};
use apogee_outbound::ResolveError;

/// The code of this name. One that the table does not have is nobody's.
pub(crate) fn named(name: &str) -> Code {
    Code::parse(name).unwrap_or(Code::Unclassified)
}

/// An error and its sources, outermost first.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

/// What the bot knows of what the fault depends on: how many name servers deny a name.
pub(crate) fn circumstances(error: &(dyn Error + 'static)) -> Circumstances {
    let denied = chain(error).find_map(|cause| match cause.downcast_ref() {
        Some(ResolveError::NoSuchName { servers }) => Some(u8::try_from(*servers).unwrap_or(u8::MAX)),
        _ => None,
    });
    Circumstances { resolvers_agreed: denied, ..Circumstances::default() }
}

#[cfg(test)]
mod tests;
