//! Client for nodes: JSON-RPC over HTTP, notifications over WebSocket, several endpoints as one.
//!
//! Answers are decoded into typed structs only, never beyond a size, and whatever has a CID must reproduce it. Only reading is
//! ever repeated; [`Client::mpool_push`] is sent once, because a lost answer does not mean a lost message.

mod backoff;
mod client;
mod dialect;
mod endpoint;
mod error;
mod http;
mod methods;
mod notify;
mod pool;

pub use backoff::{Backoff, Exponential};
pub use client::{Client, Settings};
pub use dialect::{Dialect, Meaning};
pub use endpoint::{Endpoint, InvalidEndpoint, Secret};
pub use error::{Fault, RpcError};
pub use methods::{BaseInfo, FeeLimit, Manifest, MessageLookup, NetworkParams, Version};
pub use notify::Notifications;
pub use pool::{EndpointHead, EndpointHealth, HeadState, Heads, Pool};
