#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod consequences;
mod count;
mod error;
mod feed;
mod job;
mod plan;
mod progress;
mod recount;
mod report;
mod settings;
mod survey;
mod text;

pub use apogee_tortoise::{Config, Interrupt};
pub use consequences::{Change, Consequences, Row, Total, Unknown};
pub use error::RecountError;
pub use job::{Job, JobError, Outcome};
pub use progress::{Phase, Progress};
pub use recount::{Checkpoint, Recount};
pub use report::{Against, Checks, Input, LayerReport, NodeSays, Report, StageReport};
pub use settings::{Estimate, Limits, Settings};
