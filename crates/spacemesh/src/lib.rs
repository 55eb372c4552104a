#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod address;
pub mod atx;
pub mod ballot;
pub mod block;
pub mod check;
mod decimal;
pub mod eligibility;
pub mod gas;
pub mod id;
pub mod report;
pub mod result;
pub mod reward;
pub mod scale;
pub mod signature;
pub mod subsidy;
pub mod template;
pub mod transaction;
pub mod vrf;
pub mod weight;
