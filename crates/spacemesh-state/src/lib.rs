#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod accounts;
mod ballots;
mod cells;
mod error;
mod file;
mod mesh;
mod recompute;
mod schema;
mod smeshers;
mod state;
mod sweep;

pub use accounts::{AccountRow, Executed, TransactionRow};
pub use ballots::{BallotReport, NotMade};
pub use error::{OpenError, ReadError, RecomputeError};
pub use mesh::{Applied, BlockRow, HareOutput, Heads, LayerRow};
pub use schema::VERSIONS;
pub use state::{GenesisCheck, Layers, Limits, State};
pub use sweep::{Counted, Paid};
