#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod chain;
mod effect;
mod gas;
mod history;
mod layers;
mod measures;
mod money;
mod nonces;
mod outcome;
mod spawn;

pub use chain::{FAILED, NO_BALANCE, OVERTAKEN, Spacemesh};
pub use measures::{drips, large};
pub use money::{SMIDGE, atto, smidge};
pub use spawn::{SpawnError, Spawned};
