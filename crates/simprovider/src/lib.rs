#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod gateway;
#[cfg(feature = "libp2p")]
pub mod storage;
