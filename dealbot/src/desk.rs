//! The controller: who makes which attempt, what is kept of it, and what slots come to.
//!
//! Everything stands in the database. Several desks may work on one, and one that ends anywhere is gone on from there.

mod around;
mod download;
mod evidence;
mod follow;
mod leases;
mod pin;
mod sweep;
mod tallies;
mod verdicts;

use apogee_domain::Timestamp;
use apogee_store::{Store, StoreError};

pub use self::download::{Download, Form};
pub use self::evidence::CanaryFound;
pub use self::follow::Fate;
pub use self::leases::{Done, NotKept};
pub use self::pin::Changed;
pub use self::sweep::Swept;
pub use self::verdicts::Judged;
use crate::canonical::LONGEST;
use crate::log::Broken;
use crate::plan::Plan;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The database refuses.
    #[error("the database refuses")]
    Store(#[from] StoreError),
    /// What the database holds is not what was put there.
    #[error("attempt {attempt} of slot {slot} of {miner} does not read")]
    Record {
        /// The miner.
        miner: String,
        /// The slot.
        slot: u64,
        /// The attempt.
        attempt: u32,
    },
    /// The log does not go on.
    #[error("the log of evidence does not go on")]
    Log(#[from] Broken),
    /// An entry of the log is too long.
    #[error("an entry of the log has {0} bytes; at most {LONGEST} are read")]
    TooLong(usize),
    /// The name of a record is none.
    #[error("`{0}` is no name of a record")]
    Name(String),
    /// The log has a gap.
    #[error("number {0} of the log is missing, or does not read")]
    Gap(u64),
    /// Somebody said the same at the same moment.
    #[error("somebody was faster: the same is said again")]
    Twice,
    /// A rest has a reason that this program does not know.
    #[error("a rest has the reason `{0}`, which is not known")]
    Rest(String),
}

impl DeskError {
    /// Whether the database cannot be reached now, so that the same may go well later.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unavailable(_)))
    }

    /// Whether an epoch passed while something was written that was to count at it: it is done again at a later one.
    const fn is_passed(&self) -> bool {
        matches!(self, Self::Store(StoreError::Passed { .. }))
    }
}

/// The probes of one competition, and where they are kept.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// Where.
    pub store: &'a dyn Store,
    /// What.
    pub plan: &'a Plan,
}

impl Desk<'_> {
    /// Let miners compete from now on; of those who do already nothing changes.
    ///
    /// # Errors
    /// The database's.
    pub async fn enter(&self, miners: &[String], now: Timestamp) -> Result<(), DeskError> {
        let mut work = self.store.begin().await?;
        for miner in miners {
            for lane in self.plan.entry(miner, now) {
                work.put_lane(&lane).await?;
            }
        }
        Ok(work.commit().await?)
    }
}
