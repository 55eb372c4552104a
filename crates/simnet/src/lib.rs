#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod answer;
mod http;
mod ledger;
mod make;
mod methods;
mod mischief;
mod node;
mod params;
mod replay;
mod socket;

pub use answer::{Answer, Refusal};
pub use ledger::{ChangeKind, HeadChange, Ledger};
pub use make::{Contact, Keys, MakeError, Multisig, Recipe, Sectors, Simulation, Wallet};
pub use mischief::{Mischief, Misdeed};
pub use node::{Access, Chain, SimNode};
pub use replay::{OpenError, Recording, Replay};
