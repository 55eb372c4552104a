//! Recounts of a network: counted by processes of their own, judged, kept, decided.

mod child;
mod decided;
mod folder;
mod judged;
mod keeper;

pub(crate) use self::decided::{By, NotDecided, decide};
pub(crate) use self::folder::{Seen, seen};
pub(crate) use self::judged::{NotKept, Written, epoch};
pub(crate) use self::keeper::{Counting, Head, Keeper, Told, Turn};
