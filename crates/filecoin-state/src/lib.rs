#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod amt;
mod cbor;
mod code;
mod eligibility;
mod error;
mod hamt;
mod market;
mod miner;
mod multisig;
mod node;
mod partitions;
mod power;
mod reward;
mod sectors;
mod tree;

pub use code::{ActorKind, Codes, named_version};
pub use eligibility::Ineligible;
pub use error::{Fault, ReadError};
pub use market::{DealLabel, DealState, DealTerms, DealTotals, Deals, Market, Proposals};
pub use miner::{Miner, MinerInfo, PendingWorker};
pub use multisig::{Multisig, Transaction};
pub use partitions::{SectorSets, SectorTotals, nth};
pub use power::{Claim, ClaimChange, Estimate, Power, PowerPair};
pub use reward::Reward;
pub use sectors::{PreCommit, Sector};
pub use tree::{Actor, StateTree};
