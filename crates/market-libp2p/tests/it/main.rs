//! The client against providers of rust-libp2p and js-libp2p, and against sockets that misbehave.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod handshakes;
#[cfg(test)]
mod js;
#[cfg(test)]
mod made;
#[cfg(test)]
mod pinned;
#[cfg(test)]
mod talks;
