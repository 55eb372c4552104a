#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod car;
pub mod crypto;
pub mod rpc;
pub mod source;
pub mod types;
pub mod verify;
