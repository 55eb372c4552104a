#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod checks;
mod copy;
mod error;
mod finality;
mod fold;
mod follow;
mod fork;
mod gateway;
mod import;
mod indexer;
pub mod odds;
mod params;
pub mod rollup;
pub mod source;
mod views;
mod worker;

pub use copy::{Ballots, CopySource};
pub use error::IndexError;
pub use follow::Status;
pub use gateway::GatewaySource;
pub use import::import;
pub use indexer::{Indexer, VIEWS};
pub use params::Params;
