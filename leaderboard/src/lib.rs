#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod merkle;
mod rank;
mod snapshot;

pub use rank::{Standing, rank};
pub use snapshot::{Scope, Snapshot, SnapshotRow};
