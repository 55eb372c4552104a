#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod account;
mod activation;
mod endpoint;
mod error;
mod gateway;
mod http;
mod item;
mod layer;
mod malfeasance;
mod network;
mod page;
mod request;
mod reward;
mod submit;
mod time;
mod transaction;

pub use account::{Account, AccountState};
pub use activation::Activation;
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::{Code, Fault, GatewayError, Listing};
pub use gateway::{Dialect, Gateway, Limits};
pub use layer::{Layer, LayerStatus};
pub use malfeasance::{Domain, Malfeasance};
pub use network::{Network, NodeStatus, SyncStatus};
pub use submit::SubmitOutcome;
pub use transaction::{Transaction, TransactionState};

#[cfg(test)]
mod hostile;
