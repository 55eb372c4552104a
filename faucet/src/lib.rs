#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod desk;
mod front;
mod lookup;
pub mod operate;
mod operators;
pub mod policy;
mod recipient;
pub mod refund;
mod subject;

pub use desk::{Answer, Ask, Desk, DeskError, LONGEST_CODE, LONGEST_KEY, Request, free_funds, standing};
pub use front::Front;
pub use lookup::recipient_in;
pub use operators::Operators;
pub use recipient::{
    ActorKey, InvalidRecipient, Named, Notation, Recipient, Recipients, Unresolved, account_of,
    parse_recipient,
};
pub use subject::{InvalidSubject, Subject, actor_key, liftable};
