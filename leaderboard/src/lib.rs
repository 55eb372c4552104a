#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod board;
mod check;
mod compare;
mod contents;
mod decisions;
mod divide;
mod document;
mod effects;
mod entities;
mod explain;
mod facts;
mod field;
mod measure;
pub mod merkle;
mod metric;
mod names;
mod need;
mod payout;
mod plan;
mod pool;
mod rank;
mod ranking;
mod reason;
mod series;
mod snapshot;
mod stand;
mod standings;
mod time;
mod write;

pub use check::State;
pub use compare::{Comparison, Concentration, EntityChange, RankChange, compare};
pub use decisions::{Decision, Decisions, Delta, Effect, InvalidDelta, Title};
pub use document::{LARGEST_DOCUMENT, LONGEST_TEXT};
pub use entities::{Attestation, Entities, Entity, Membership};
pub use explain::{explain, next_tier};
pub use facts::{Deal, Facts, FactsDocument, Participant, Sector};
pub use measure::{Fraction, Measure, Rate};
pub use names::{Names, TooMany};
pub use payout::vested;
pub use rank::{Standing, rank};
pub use ranking::{Order, Picked, Ranking};
pub use reason::{Asked, CheckReason, Derivation, NextTier, PoolReason, Step};
pub use series::{SeriesDocument, Source, StepDocument, Steps};
pub use snapshot::{Scope, Snapshot, SnapshotRow};
pub use stand::stand;
pub use standings::{
    BoardList, BoardRow, Checked, EntityRow, Payout, PayoutPart, PoolResult, Share, Standings,
    StandingsScope, Won,
};
