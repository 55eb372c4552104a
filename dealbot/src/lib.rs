#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod canonical;
pub mod deals;
pub mod desk;
pub mod fault;
pub mod judge;
pub mod log;
pub mod plan;
pub mod protocol;
pub mod record;
pub mod schedule;
pub mod verdict;
