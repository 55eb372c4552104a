//! The crate from outside.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod traces;

#[cfg(test)]
use apogee_tortoise::{Failure, Limits, Report, replay};

/// The traces that are bundled, by what happens in them.
#[cfg(test)]
const BUNDLED: [(&str, &str); 7] = [
    ("sanity", include_str!("../data/sanity.json")),
    ("malfeasance", include_str!("../data/malfeasance.json")),
    ("abstain", include_str!("../data/abstain.json")),
    ("backlog", include_str!("../data/backlog.json")),
    ("long-epoch", include_str!("../data/long-epoch.json")),
    ("refusals", include_str!("../data/refusals.json")),
    ("changed", include_str!("../data/changed.json")),
];

/// Replay lines.
#[cfg(test)]
fn run(trace: &str) -> Result<Report, Failure> {
    replay(trace.as_bytes(), &Limits::DEFAULT)
}
