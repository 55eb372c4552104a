//! The market's messages, held against the bytes that other software writes.

mod bounds;
mod made;
mod prices;
mod proposals;
mod rejections;
mod wire;
