#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "curio")]
pub mod curio;
pub mod gateway;
#[cfg(feature = "libp2p")]
pub mod storage;
