#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod certificates;
mod checks;
mod digest;
mod error;
mod facts;
mod finality;
mod fold;
mod fork;
mod nodes;
mod pipeline;
pub mod recording;
mod verify;
mod views;
mod worker;

pub use digest::epoch_digest;
pub use error::IndexError;
pub use pipeline::{Entropy, Indexer, Options, VIEWS};
pub use verify::{Difference, Verification};
