#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod amount;
mod ask;
mod client;
mod deal;
mod import;
mod retrieval;
mod state;

pub use ask::Ask;
pub use client::{Failure, Legacy};
pub use deal::{DealInfo, StartDeal, Transfer};
pub use import::{DealSize, Import};
pub use retrieval::{Offer, Order, Peer};
pub use state::{Says, State};
