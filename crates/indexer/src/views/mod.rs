//! What one tipset says, family by family. A view reads and derives; it knows neither databases nor what was known before.

pub(crate) mod chain;
pub(crate) mod deals;
pub(crate) mod execution;
pub(crate) mod power;
pub(crate) mod sectors;
pub(crate) mod wins;

use apogee_domain::{Subject, Value};
use apogee_filecoin_state::ReadError;
use fvm_shared::bigint::BigInt;
use fvm_shared::econ::TokenAmount;

/// How participants are written on a network.
#[derive(Clone, Debug)]
pub(crate) struct Names(pub(crate) String);

impl Names {
    /// The subject of a miner: `t01000`.
    pub(crate) fn miner(&self, id: u64) -> Subject {
        // A network's prefix is `f` or `t`; if it is not, everybody is told apart all the same.
        format!("{}0{id}", self.0).parse().unwrap_or_else(|_| Subject::network())
    }
}

/// A level from state; `None` when it is negative or beyond 128 bits, which no sound state holds.
pub(crate) fn value(number: &BigInt) -> Option<Value> {
    u128::try_from(number).ok().map(Value)
}

/// An amount from state or messages; `None` when it is negative or beyond 128 bits.
pub(crate) fn atto(amount: &TokenAmount) -> Option<u128> {
    u128::try_from(amount.atto()).ok()
}

/// Say in the log what could not be read. What it would have told becomes unknown.
pub(crate) fn unread(what: &str, error: &ReadError) {
    match error.missing() {
        Some(node) => tracing::debug!(what, %node, "unknown: a node of state is missing"),
        None => {
            tracing::warn!(what, error = error as &dyn std::error::Error, "unknown: state cannot be read")
        }
    }
}
