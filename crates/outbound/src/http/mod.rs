//! One request over one pinned socket.

mod body;
mod client;
mod error;

pub use body::Body;
pub use client::{Call, Client, Limits, Pace, Request, Response};
pub use error::HttpError;
