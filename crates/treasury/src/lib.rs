#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod signing;

pub use signing::{Order, Purpose, SignError, Signed, Signer};
