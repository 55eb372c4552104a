#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod command;
mod interaction;
mod key;
mod message;
mod register;
mod seen;
mod snowflake;

pub use command::{AddressText, Command, LONGEST, NoCommand, TransactionName};
pub use interaction::{Asked, Asker, Interaction, Unreadable};
pub use key::{ApplicationKey, InvalidKey, LARGEST, SKEW, Signed, Unverified, Verified};
pub use message::{Audience, MOST, Message, Part, pong};
pub use register::commands;
pub use snowflake::{InvalidSnowflake, Snowflake};
