//! The node over the wire.

mod replay;
mod wire;
