// One text, a module of both adapters: see crates/store-sql/README.md. A module for what changes together, and here what all need.

mod attempts;
mod lanes;
mod log;
mod rules;
mod slots;

use apogee_domain::ProbeKind;
use apogee_store::{Result, StoreError};

pub(crate) use self::lanes::LaneRow;
use crate::repositories::damaged;

/// A count as both databases hold it. Nothing here comes near the end of an `i64`.
fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn count<T: TryFrom<i64, Error: ToString>>(table: &'static str, of: i64) -> Result<T> {
    of.try_into().map_err(|e: T::Error| damaged(table, e))
}

fn kind(table: &'static str, word: &str) -> Result<ProbeKind> {
    ProbeKind::of(word).ok_or_else(|| damaged(table, format_args!("no kind {word}")))
}

fn conflict(what: &'static str, found: impl ToString, expected: impl ToString) -> StoreError {
    StoreError::Conflict { what, found: found.to_string(), expected: expected.to_string() }
}

fn small(what: &'static str, bytes: &[u8], limit: usize) -> Result<()> {
    if bytes.len() <= limit {
        return Ok(());
    }
    Err(StoreError::TooLarge { what, size: bytes.len() as u64, limit: limit as u64 })
}
