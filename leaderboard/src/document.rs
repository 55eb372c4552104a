//! What documents from outside have in common: strict reading, bounds, hashes.

use std::fmt::Display;
use std::io::{BufWriter, Write};

use apogee_domain::{Digest, Epoch};
use apogee_rules::{Problem, canonical};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

/// Largest document of facts, entities or decisions, in bytes.
pub const LARGEST_DOCUMENT: usize = 1 << 30;
/// Longest text for people, in bytes.
pub const LONGEST_TEXT: usize = 4096;
/// Longest list whose items are counted in 32 bits.
pub(crate) const LONGEST_LIST: usize = u32::MAX as usize;

pub(crate) fn problem(path: impl Display, reason: impl Display) -> Problem {
    Problem { path: path.to_string(), reason: reason.to_string() }
}

/// Read a document of at most [`LARGEST_DOCUMENT`] bytes; unknown, missing and repeated members are refused.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.len() > LARGEST_DOCUMENT {
        return Err(problem("", format_args!("{} bytes, where {LARGEST_DOCUMENT} are allowed", bytes.len())));
    }
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let document = serde_path_to_error::deserialize(&mut text).map_err(|cause| {
        // What could not even be begun is called `.`, what is broken inside `?`.
        let path = cause.path().to_string();
        let path = path.trim_end_matches(['.', '?']).to_owned();
        problem(path, cause.inner())
    })?;
    text.end().map_err(|cause| problem("", cause))?;
    Ok(document)
}

/// Hash of a document whose types name their members in the order of canonical JSON.
pub(crate) fn hash<T: Serialize>(document: &T) -> Result<Digest, Problem> {
    let mut hasher = BufWriter::with_capacity(1 << 14, Sha256::new());
    serde_json::to_writer(&mut hasher, document).map_err(|cause| problem("", cause))?;
    hasher.flush().map_err(|cause| problem("", cause))?;
    let hasher = hasher.into_inner().map_err(|cause| problem("", cause.error()))?;
    Ok(Digest(hasher.finalize().into()))
}

/// An optional member is absent or has a value; it is never `null`.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// `epoch` as a number, if it can stand in canonical JSON.
pub(crate) fn epoch(epoch: Epoch, path: impl Fn() -> String) -> Result<i64, Problem> {
    if epoch.height() <= canonical::LARGEST_INTEGER {
        return Ok(epoch.height());
    }
    Err(problem(path(), format_args!("epoch {epoch} is 2^53 or more")))
}

pub(crate) fn number(number: u64, path: impl Fn() -> String) -> Result<u64, Problem> {
    if number <= canonical::LARGEST_INTEGER.unsigned_abs() {
        return Ok(number);
    }
    Err(problem(path(), format_args!("{number} is 2^53 or more")))
}

pub(crate) fn text(text: &str, path: impl Fn() -> String) -> Result<(), Problem> {
    if text.len() <= LONGEST_TEXT {
        return Ok(());
    }
    Err(problem(path(), format_args!("{} bytes of text, where {LONGEST_TEXT} are allowed", text.len())))
}

pub(crate) fn length<T>(list: &[T], path: &str) -> Result<(), Problem> {
    if list.len() < LONGEST_LIST {
        return Ok(());
    }
    Err(problem(path, format_args!("{} items are too many", list.len())))
}

/// `[from, until)` holds an epoch.
pub(crate) fn interval(
    from: Epoch,
    until: Option<Epoch>,
    path: impl Fn() -> String,
) -> Result<(i64, i64), Problem> {
    let first = epoch(from, &path)?;
    let end = until.map_or(Ok(i64::MAX), |until| epoch(until, &path))?;
    if first < end {
        return Ok((first, end));
    }
    Err(problem(path(), format_args!("the interval from {first} until {end} is empty")))
}

/// The first item that equals the one before it.
pub(crate) fn repeated<T, K: PartialEq>(list: &[T], key: impl Fn(&T) -> K) -> Option<&T> {
    list.windows(2).find_map(|pair| match pair {
        [left, right] if key(left) == key(right) => Some(right),
        _ => None,
    })
}
