use apogee_domain::{Epoch, NetworkId, Timestamp};
use async_trait::async_trait;

use crate::Result;

/// The most bytes of a recount's report that are kept: 64 MiB.
pub const MAX_RECOUNT: u64 = 64 << 20;

/// What was decided about a recount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecountState {
    /// Nothing yet.
    Open,
    /// What it says is final.
    Applied,
    /// It says nothing.
    Cancelled,
}

impl RecountState {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Open, Self::Applied, Self::Cancelled];

    /// As it is stored, and said to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Applied => "applied",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A recount of a Spacemesh network: what the votes of one copy of a node's state say. It changes no row of an index by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recount {
    /// Digest of what was counted, hexadecimal. The same input has the same result.
    pub input: String,
    /// The first layer that was counted.
    pub first: Epoch,
    /// The last one.
    pub last: Epoch,
    /// The newest layer that the votes make final.
    pub verified: Epoch,
    /// The opinion on that layer and all before, hexadecimal: what tells it from others of its height.
    pub opinion: String,
    /// When it came to its end.
    pub at: Timestamp,
    /// What was decided.
    pub state: RecountState,
}

/// Recounts of networks.
#[async_trait]
pub trait Recounts {
    /// Those of a network, by their input.
    async fn recounts(&self, network: &NetworkId) -> Result<Vec<Recount>>;

    /// The report of one, JSON; `None` where there is no such recount.
    async fn recount_report(&self, network: &NetworkId, input: &str) -> Result<Option<String>>;
}

/// How recounts are added, and decided.
#[async_trait]
pub trait RecountsWork {
    /// Keep a recount with its report; whether it is new. One of the same input stays as it is. More than [`MAX_RECOUNT`] bytes are
    /// [`StoreError::TooLarge`](crate::StoreError::TooLarge).
    async fn put_recount(&mut self, network: &NetworkId, recount: &Recount, report: &str) -> Result<bool>;

    /// Decide an open recount; whether it was open.
    async fn decide_recount(&mut self, network: &NetworkId, input: &str, state: RecountState)
    -> Result<bool>;
}
