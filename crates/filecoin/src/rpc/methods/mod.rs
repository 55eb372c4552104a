//! The methods of a node that are used, by topic. `None` for a tipset key means the node's head.

mod chain;
mod f3;
mod mpool;
mod state;
mod wallet;

pub use f3::Manifest;
pub use mpool::{FeeLimit, MessageLookup};
pub use state::{BaseInfo, NetworkParams, Version};

use crate::types::TipsetKey;
use crate::types::json::Link;

/// A tipset key as parameter: a list of links; an empty one is the head.
fn key(key: &TipsetKey) -> Vec<Link> {
    key.0.iter().copied().map(Link).collect()
}

fn key_or_head(of: Option<&TipsetKey>) -> Option<Vec<Link>> {
    of.map(key)
}
