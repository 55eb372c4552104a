//! The indexer over recorded chains.

mod backfill;
mod common;
mod memory;
