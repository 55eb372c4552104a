#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod board;
pub mod canonical;
mod check;
mod diff;
mod edit;
mod id;
mod measure;
mod metric;
mod pool;
mod problem;
mod quantity;
mod read;
mod rule_set;
mod schema;
mod validate;
mod versions;
mod words;

pub use board::{Board, Cutoff, Partition, Population};
pub use check::{Bound, Check, CheckKind, Late, Per};
pub use diff::{Change, diff};
pub use edit::{Edit, EditProblem, NotEdited};
pub use id::{Id, InvalidId};
pub use measure::Measure;
pub use metric::{Aggregation, Counting, DealMeasure, Metric, MetricKind, SectorMeasure, Window};
pub use pool::{Cap, CapExcess, Divide, Gate, Ineligible, Pool, PoolAmount, Rounding, Tier, TierMode};
pub use problem::{Problem, Problems};
pub use quantity::{InvalidQuantity, InvalidRatio, Quantity, Ratio};
pub use rule_set::{Competition, Entities, History, ObservedSeries, RuleSet, Texts, Version, Vesting};
pub use schema::schema;
pub use versions::Versions;
pub use words::{Clause, Lang, Reworded, Section, Voice};
