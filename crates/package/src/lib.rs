#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod contents;
mod defect;
mod export;
mod fit;
mod import;
mod lines;
mod order;
pub mod payout;
mod reader;
mod results;
mod section;
mod verify;
mod writer;

pub use contents::{
    About, Checks, Claim, ClaimEffect, Clock, Contents, LedgerRow, Observation, Provenance, facts_until,
};
pub use defect::{Defect, Part, ReadError, What};
pub use export::export;
pub use import::{Imported, import};
pub use reader::{Reader, Row};
pub use section::Section;
pub use verify::{Report, verify};
pub use writer::{WriteError, Writer};

/// The first line of a file.
pub const FORMAT: &str = "apogee-package-1";

/// The longest line, without its line feed, in bytes.
pub const LINE_LIMIT: usize = 16 << 20;

/// The most rows that a file may have, all sections together.
pub const ROW_LIMIT: u64 = 50_000_000;
