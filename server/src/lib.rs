#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod audit;
mod bots;
mod chats;
mod checks;
mod claims;
pub mod cli;
mod competitions;
mod config;
mod edge;
mod faucets;
mod follow;
mod http;
mod identity;
mod inbox;
mod log;
mod networks;
mod nodes;
mod policies;
mod ranked;
mod recorded;
mod refunds;
mod sources;
mod spacemesh;
mod store;
mod tellers;
mod watch;
mod web;
