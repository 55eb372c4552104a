#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod commp;
mod fr32;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod sha256;

pub use commp::{Commitment, Piece, TooShort};
