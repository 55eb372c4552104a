#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod act;
mod blockers;
pub mod claim;
mod competition;
pub mod detect;
mod documents;
mod entry;
mod fold;
mod guard;
mod hex;
pub mod operator;
mod parts;
mod phrase;
mod propose;
mod records;
mod refusal;
mod rows;
mod text;
mod timeline;

pub use act::{Act, Needs};
pub use blockers::Blocker;
pub use competition::Competition;
pub use entry::{ENTRY_SIZE, Entry, Signed, payout_commitment, private_commitment};
pub use fold::{Broken, fold};
pub use hex::{Hex, InvalidHex};
pub use parts::{Opening, Outcome, Payee, Pin, Rules};
pub use propose::{Context, Draft, Submission, admit, audit, blockers, propose, standing_in_the_way, submit};
pub use records::{
    Appeal, Competitor, Final, Founding, Incident, Membership, Moment, PausedInterval, Payout, Phase,
    Published, RemovedInterval, Timestamps,
};
pub use refusal::{Kind, Refusal};
pub use rows::{Accepted, Founded, Row, Said, Unfounded, check_claims, check_rows};
pub use text::Words;
pub use timeline::{Event, EventKind};
