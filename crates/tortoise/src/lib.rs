#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod ballot;
mod blocks;
mod config;
mod decode;
mod encode;
mod epochs;
mod error;
pub mod event;
mod full;
mod id;
mod interrupt;
mod opinion;
mod replay;
mod results;
mod state;
mod tally;
mod threshold;
mod tortoise;
mod verifying;
mod votes;
mod weight;

pub use ballot::{Atx, Ballot, EpochData, Header, Opinion};
pub use config::{Config, Limits};
pub use decode::Recovered;
pub use error::{Fault, Refusal, Stop, Unencodable};
pub use event::Event;
pub use id::{AtxId, BallotId, Beacon, BlockId, Epoch, Layer, NodeId, OpinionHash};
pub use interrupt::Interrupt;
pub use replay::{Cause, Failure, Report, replay};
pub use results::{BlockResult, LayerResult, Updates};
pub use tortoise::{Status, Tortoise};
pub use weight::{Overflow, Sign, Weight};
