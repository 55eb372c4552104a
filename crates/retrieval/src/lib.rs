#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod block;
mod car;
mod failure;
mod gateway;
mod node;
mod piece;
mod protobuf;
mod walk;

pub use block::BlockError;
pub use car::{Car, CarError};
pub use failure::Failure;
pub use gateway::{Gateway, Limits, Retrieved};
pub use walk::{Part, Walk, WalkError};
