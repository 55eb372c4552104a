#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod commp;
mod fr32;

pub use commp::{Commitment, Piece, TooShort};
