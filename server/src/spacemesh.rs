//! Networks of Spacemesh: what they are, by a file; where their layers come from; up to where they are final; how their votes are counted again.

mod file;
mod follow;
mod node;
mod recounted;
mod recounts;

pub(crate) use self::file::{Described, NotDescribed};
pub(crate) use self::follow::{Followed, NotFollowed};
pub(crate) use self::node::{Node, WrongNode};
pub(crate) use self::recounted::Recounted;
pub(crate) use self::recounts::{
    By, Counting, NotDecided, NotKept, Told, Turn, Written, decide, epoch as epoch_of,
};
