//! The faucet that pays back what miners burnt for proving new sectors.

mod chain;
mod decide;
mod document;
mod pay;
pub mod race;
mod report;
mod walk;

pub use chain::{
    Candidate, Held, PROVE_COMMIT_AGGREGATE, PROVE_COMMIT_SECTOR, PROVE_COMMIT_SECTORS_NI,
    PROVE_COMMIT_SECTORS3, PROVE_REPLICA_UPDATES3, Proofs, UnreadTipset, candidates,
};
pub use decide::{Alarm, Reason, after_hold, alarm, decide};
pub use document::{Alarms, RefundError, RefundPolicy, SharePoint};
pub use pay::{FinalEpoch, Ingested, Settled, begin, ingest, release, settle};
pub use report::{csv, json};
pub use walk::{FinalChain, Unread, WalkError, Walked, close, walk};
