use apogee_domain::{Epoch, NetworkId, ProbeKind, Timestamp};
use async_trait::async_trait;

use super::LaneKey;
use crate::{Page, Result};

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SlotOutcome {
    /// It went well.
    Ok,
    /// It failed by the miner's fault.
    Fail,
    /// It counts for nobody.
    Excluded,
}

impl SlotOutcome {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Fail, Self::Excluded];

    /// As it is stored, and named in series.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Excluded => "excluded",
        }
    }

    /// The outcome of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// When nobody looks at a slot again: what was begun by trying it goes on, and who follows that says what became of it.
pub const FOLLOWED: Timestamp = Timestamp(i64::MAX);

/// A slot that was tried, or is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSlot {
    /// Whose.
    pub key: LaneKey,
    /// Its number.
    pub slot: u64,
    /// When it was due.
    pub due: Timestamp,
    /// When the last attempt ended; where there was none, the slot.
    pub ended: Timestamp,
    /// How many attempts there were.
    pub attempts: u32,
    /// When it is to be looked at, while it is not known what became of it; [`FOLLOWED`] where somebody follows what was begun.
    pub look: Timestamp,
    /// What became of it; `None` while that is not known.
    pub verdict: Option<SlotVerdict>,
}

/// What was found about a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotVerdict {
    /// What became of it.
    pub outcome: SlotOutcome,
    /// Why, as a code of the taxonomy; empty where it went well.
    pub code: String,
    /// When that was found.
    pub at: Timestamp,
    /// The epoch at which it counts: that of the network then.
    pub epoch: Epoch,
}

/// How many slots of a lane have one outcome, from an epoch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotCount {
    /// What is probed.
    pub kind: ProbeKind,
    /// The miner.
    pub miner: String,
    /// What became of them.
    pub outcome: SlotOutcome,
    /// Why.
    pub code: String,
    /// From when on.
    pub epoch: Epoch,
    /// How many since the beginning.
    pub count: u64,
}

/// The place of a row of counts in their order.
pub type SlotCountKey = (ProbeKind, String, SlotOutcome, String, Epoch);

/// What became of slots.
#[async_trait]
pub trait ProbeSlots {
    /// Slots of a lane, from newest to oldest, below `page.after`.
    async fn slots(&self, key: &LaneKey, page: Page<u64>) -> Result<Vec<ProbeSlot>>;

    /// Slots of a race of which it is not known what became of them, and that are to be looked at by now: those that have waited longest for it first.
    async fn unjudged(
        &self,
        network: &NetworkId,
        race: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ProbeSlot>>;

    /// Slots of a race of which somebody follows what was begun, by kind, miner and number, after `page.after`.
    async fn followed(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(ProbeKind, String, u64)>,
    ) -> Result<Vec<ProbeSlot>>;

    /// The counts of a race, in their order.
    async fn slot_counts(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<SlotCountKey>,
    ) -> Result<Vec<SlotCount>>;
}

/// Changes of what became of slots.
#[async_trait]
pub trait ProbeSlotsWork {
    /// Add a slot that was tried, or is over; of one that is there and not judged, say when it was last tried, how often, and when to look at it.
    async fn put_slot(&mut self, slot: &ProbeSlot) -> Result<()>;

    /// Say when to look again at a slot of which it is not known what became of it, unless there were more attempts than these since. Whether it was said.
    async fn look_again(&mut self, key: &LaneKey, slot: u64, attempts: u32, at: Timestamp) -> Result<bool>;

    /// Say what became of a slot of which that was not known, and count it: at the epoch of the verdict, or the newest one of the lane where that is later,
    /// since what was counted at an epoch stays. That epoch is answered. One that was judged is a [`StoreError::Conflict`](crate::StoreError::Conflict).
    ///
    /// The network is not indexed further until the unit of work ends: an epoch that it is indexed up to is [`StoreError::Passed`](crate::StoreError::Passed),
    /// and so whoever reads counts up to an epoch that is indexed misses none. Before the first epoch is indexed, none has passed.
    async fn judge_slot(&mut self, key: &LaneKey, slot: u64, verdict: &SlotVerdict) -> Result<Epoch>;
}
