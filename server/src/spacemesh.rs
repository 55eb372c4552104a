//! Networks of Spacemesh: what they are, by a file; where their layers come from; up to where they are final.

mod file;
mod follow;
mod recounted;

pub(crate) use self::file::{Described, NotDescribed};
pub(crate) use self::follow::{Followed, NotFollowed};
pub(crate) use self::recounted::Recounted;
