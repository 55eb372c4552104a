#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod rank;
mod snapshot;

pub use rank::{Standing, rank};
pub use snapshot::{Scope, Snapshot, SnapshotRow};
