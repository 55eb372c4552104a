use apogee_domain::{Digest, Epoch, NetworkId, ProbeKind, Timestamp};
use async_trait::async_trait;

use crate::{Page, Result};

/// Whose slots follow each other: those of one kind, of one miner, in one competition. At most one of them is tried at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    /// The network.
    pub network: NetworkId,
    /// The competition.
    pub race: String,
    /// What is probed.
    pub kind: ProbeKind,
    /// The miner, in its ID form: `t01000`.
    pub miner: String,
}

/// The slot at hand of a lane, and who tries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Whose.
    pub key: LaneKey,
    /// The number of the slot, from 0.
    pub slot: u64,
    /// Not to be tried before this moment.
    pub due: Timestamp,
    /// Not to be begun from this moment on.
    pub ends: Timestamp,
    /// Bots of this region come first.
    pub region: String,
    /// From this moment on bots of every region may try it.
    pub anywhere: Timestamp,
    /// The number of the attempt at hand, from 1; while nobody makes it, of the next.
    pub attempt: u32,
    /// The two bots that have tried it last and are not to do so again; empty where there are none.
    pub avoid: [String; 2],
    /// Grows with every lease. What is done under an older one is late.
    pub fence: u64,
    /// Who makes the attempt.
    pub lease: Option<LaneLease>,
    /// What the next attempt has to know of those before it; empty for nothing. Opaque here.
    pub checkpoint: Vec<u8>,
}

/// Most bytes of a checkpoint.
pub const MAX_CHECKPOINT: usize = 16 << 10;

/// Who makes an attempt, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneLease {
    /// The bot.
    pub bot: String,
    /// Since when.
    pub since: Timestamp,
    /// It may be taken away from then on.
    pub expires: Timestamp,
    /// How often its holder has said that it lives.
    pub beat: u64,
    /// What it does, in its words.
    pub stage: String,
}

/// Who asks for work.
#[derive(Clone, Debug)]
pub struct LaneClaim<'a> {
    /// The network.
    pub network: &'a NetworkId,
    /// The competition.
    pub race: &'a str,
    /// The bot.
    pub bot: &'a str,
    /// Where it is.
    pub region: &'a str,
    /// What it can do.
    pub kinds: &'a [ProbeKind],
    /// Now.
    pub now: Timestamp,
    /// Until when it is to have what it gets.
    pub expires: Timestamp,
    /// How many it wants at most.
    pub limit: u32,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAttempt {
    /// Whose slot.
    pub key: LaneKey,
    /// The number of the slot.
    pub slot: u64,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Under which lease.
    pub fence: u64,
    /// Who made it.
    pub bot: String,
    /// From where.
    pub region: String,
    /// Since when it had it.
    pub leased: Timestamp,
    /// When it was over.
    pub ended: Timestamp,
    /// How it ended: a code of the taxonomy of faults, empty where it went well.
    pub code: String,
    /// Its record; `None` where the bot told nothing.
    pub evidence: Option<Evidence>,
    /// A record that came when somebody else had the slot.
    pub late: Option<Evidence>,
    /// The batch of the log that has it; `None` before there is one.
    pub batch: Option<u64>,
}

/// What a bot says of an attempt, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Name of the record.
    pub cid: String,
    /// The record, DAG-CBOR.
    pub record: Vec<u8>,
    /// The bot's signature.
    pub signature: Vec<u8>,
}

/// Most bytes of a record.
pub const MAX_RECORD: usize = 256 << 10;

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

/// A probe of the organiser's own provider: it says how a bot does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The bot.
    pub bot: String,
    /// When it ended.
    pub at: Timestamp,
    /// Why it failed; empty where it went well.
    pub code: String,
}

/// A batch of the log of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeBatch {
    /// Its number, from 0.
    pub seq: u64,
    /// The hash of the one before; zeros for the first.
    pub prev: Digest,
    /// Its own hash.
    pub hash: Digest,
    /// The epoch of the network when it was closed.
    pub epoch: Epoch,
    /// When that was.
    pub at: Timestamp,
    /// The batch as it is hashed.
    pub document: Vec<u8>,
}

/// What is known of probes.
#[async_trait]
pub trait Probes {
    /// One lane.
    async fn lane(&self, key: &LaneKey) -> Result<Option<Lane>>;

    /// The lanes of a race, by kind and miner.
    async fn lanes(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(ProbeKind, String)>,
    ) -> Result<Vec<Lane>>;

    /// Lanes of a race whose lease has expired, by when.
    async fn lapsed(&self, network: &NetworkId, race: &str, now: Timestamp, limit: u32) -> Result<Vec<Lane>>;

    /// Lanes of a race that nobody holds, and whose slot has ended, by when.
    async fn missed(&self, network: &NetworkId, race: &str, now: Timestamp, limit: u32) -> Result<Vec<Lane>>;

    /// Attempts of a lane, from newest to oldest: below `page.after`, a slot and an attempt.
    async fn probe_attempts(&self, key: &LaneKey, page: Page<(u64, u32)>) -> Result<Vec<ProbeAttempt>>;

    /// Attempts of a race that ended in `[from, to)`, by when, kind, miner, slot and number, without their records.
    async fn attempts_ended(
        &self,
        network: &NetworkId,
        race: &str,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<ProbeAttempt>>;

    /// Slots of a lane, from newest to oldest, below `page.after`.
    async fn slots(&self, key: &LaneKey, page: Page<u64>) -> Result<Vec<ProbeSlot>>;

    /// Slots of a race of which it is not known what became of them and that had ended at a moment, by when.
    async fn unjudged(
        &self,
        network: &NetworkId,
        race: &str,
        ended: Timestamp,
        limit: u32,
    ) -> Result<Vec<ProbeSlot>>;

    /// The counts of a race, in their order.
    async fn slot_counts(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<SlotCountKey>,
    ) -> Result<Vec<SlotCount>>;

    /// Canaries of a race in `[from, to]`, by bot and moment.
    async fn canaries(
        &self,
        network: &NetworkId,
        race: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Canary>>;

    /// Attempts with a record that no batch has, by when they ended.
    async fn unlogged(&self, network: &NetworkId, race: &str, limit: u32) -> Result<Vec<ProbeAttempt>>;

    /// Batches of a race after `page.after`, ascending.
    async fn batches(&self, network: &NetworkId, race: &str, page: Page<u64>) -> Result<Vec<ProbeBatch>>;

    /// The newest batch.
    async fn newest_batch(&self, network: &NetworkId, race: &str) -> Result<Option<ProbeBatch>>;

    /// The attempts of a batch, by kind, miner, slot and number.
    async fn logged(&self, network: &NetworkId, race: &str, seq: u64) -> Result<Vec<ProbeAttempt>>;
}

/// Changes of what is known of probes.
#[async_trait]
pub trait ProbesWork {
    /// Add a lane. One that is there is left as it is.
    async fn put_lane(&mut self, lane: &Lane) -> Result<()>;

    /// Give lanes that are due and free to somebody who asks, the longest due first; never one twice. Each gets a higher fence.
    async fn claim_lanes(&mut self, claim: &LaneClaim<'_>) -> Result<Vec<Lane>>;

    /// Hold the lane that has this fence, and this holder or none, until the unit of work ends. `None` where it is not so any more.
    async fn hold_lane(&mut self, key: &LaneKey, fence: u64, bot: Option<&str>) -> Result<Option<Lane>>;

    /// Replace a lane that is held. Its fence is what it was.
    async fn set_lane(&mut self, lane: &Lane) -> Result<()>;

    /// Add an attempt that is over.
    async fn put_attempt_made(&mut self, attempt: &ProbeAttempt) -> Result<()>;

    /// Keep a record that came late with the attempt of that lease; the first one stays. Whether there is such an attempt without one.
    async fn put_late(&mut self, key: &LaneKey, slot: u64, fence: u64, late: &Evidence) -> Result<bool>;

    /// Add a slot that was tried, or is over; of one that is there and not judged, say when it was last tried and how often.
    async fn put_slot(&mut self, slot: &ProbeSlot) -> Result<()>;

    /// Say what became of a slot of which that was not known, and count it: at the epoch of the verdict, or the newest one of the lane where that is later,
    /// since what was counted at an epoch stays. One that was judged is a
    /// [`StoreError::Conflict`](crate::StoreError::Conflict).
    async fn judge_slot(&mut self, key: &LaneKey, slot: u64, verdict: &SlotVerdict) -> Result<()>;

    /// Add a canary; of two of one bot and moment the worse stands.
    async fn put_canary(&mut self, network: &NetworkId, race: &str, canary: &Canary) -> Result<()>;

    /// Append a batch with its attempts. One whose number is taken is a [`StoreError::Conflict`](crate::StoreError::Conflict).
    async fn put_batch(
        &mut self,
        network: &NetworkId,
        race: &str,
        batch: &ProbeBatch,
        attempts: &[ProbeAttempt],
    ) -> Result<()>;
}
