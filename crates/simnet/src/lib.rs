#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod answer;
mod http;
mod ledger;
mod methods;
mod mischief;
mod node;
mod replay;
mod socket;

pub use answer::{Answer, Refusal};
pub use ledger::{ChangeKind, HeadChange, Ledger};
pub use mischief::{Mischief, Misdeed};
pub use node::{Access, Chain, SimNode};
pub use replay::{OpenError, Recording, Replay};
