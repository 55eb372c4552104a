#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod amount;
mod clock;
mod digest;
mod epoch;
mod network;
mod probe;
pub mod series;
mod step;

pub use amount::{Atto, InvalidAmount, Value};
pub use clock::{Clock, InvalidTime, ManualClock, Timestamp};
pub use digest::{Digest, InvalidDigest};
pub use epoch::{Epoch, InvalidEpoch};
pub use network::{Finality, InvalidNetworkId, Network, NetworkId, NetworkKind, Schedule};
pub use probe::ProbeKind;
pub use series::{InvalidSeriesName, SeriesName, SeriesSpec, Unit};
pub use step::{Change, InvalidSubject, Step, StepSeries, Subject};
