//! The client against providers of rust-libp2p and js-libp2p, and against sockets that misbehave.

mod faults;
mod handshakes;
mod js;
mod made;
mod pinned;
mod talks;
