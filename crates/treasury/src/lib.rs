#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod cashier;
pub mod chain;
mod config;
mod desk;
mod error;
mod faults;
mod ledger;
pub mod operate;
mod reconcile;
mod signing;
mod steps;

pub use cashier::{Cashier, Turn, open_wallet};
pub use config::Config;
pub use desk::Desk;
pub use error::{Result, TreasuryError};
pub use faults::{Faults, Halt, NoFaults};
pub use reconcile::{Difference, Reconciled, reconcile};
pub use signing::{Order, Purpose, SignError, Signed, Signer};
