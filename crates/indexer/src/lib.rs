#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod certificates;
mod certify;
mod checks;
pub mod contacts;
pub mod deals;
mod error;
mod facts;
mod finality;
mod fold;
mod follow;
mod fork;
mod nodes;
mod options;
mod pipeline;
#[cfg(feature = "snark")]
mod proofs;
pub mod recording;
mod resync;
mod start;
mod stored;
mod verify;
mod views;
mod worker;

pub use error::IndexError;
pub use follow::Status;
pub use nodes::Reads;
pub use options::{Doubt, Entropy, Options};
pub use pipeline::{Indexer, VIEWS};
pub use start::Start;
pub use verify::{Difference, Verification};
