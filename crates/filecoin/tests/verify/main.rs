//! Verification against real chains, and against chains with something wrong in them.

mod batches;
mod certificates;
mod common;
mod flips;
mod forks;
mod public_chains;
mod recordings;
