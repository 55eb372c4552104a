#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod policy;
mod recipient;

pub use recipient::{ActorKey, InvalidRecipient, Recipient, Recipients, Unresolved, parse_recipient};
