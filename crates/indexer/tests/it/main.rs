//! The indexer over recorded chains.

mod backfill;
mod common;
mod events;
mod forks;
mod memory;
