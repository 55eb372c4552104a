//! One `GET` over one pinned socket.

mod body;
mod client;
mod error;

pub use body::Body;
pub use client::{Client, Limits, Request, Response};
pub use error::HttpError;
