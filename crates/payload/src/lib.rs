#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod car;
mod dag;
mod layout;
mod payload;
mod pb;
mod sizes;

pub use car::Car;
pub use dag::{Block, Dag};
pub use layout::{InvalidLayout, Layout};
pub use payload::{Key, Payload, TooLarge};
pub use sizes::{Class, InvalidSizes, Sizes};
