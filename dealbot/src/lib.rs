#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod archive;
pub mod audit;
pub mod canonical;
pub mod deals;
pub mod desk;
pub mod entry;
pub mod fault;
pub mod judge;
pub mod log;
pub mod plan;
pub mod protocol;
pub mod record;
pub mod schedule;
pub mod verdict;
