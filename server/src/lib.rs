#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod cli;
mod edge;
mod watch;
mod web;
