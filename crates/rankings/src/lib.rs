#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod key;
mod rankings;
mod shelf;

pub use key::{By, Column, Key};
pub use rankings::{Found, Limits, NoRanking, Rankings};
