use apogee_domain::{NetworkId, ProbeKind, Timestamp};
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

/// Who tries which slot.
#[async_trait]
pub trait ProbeLanes {
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
}

/// Changes of who tries which slot.
#[async_trait]
pub trait ProbeLanesWork {
    /// Add a lane. One that is there is left as it is.
    async fn put_lane(&mut self, lane: &Lane) -> Result<()>;

    /// Give lanes that are due and free to somebody who asks, the longest due first; never one twice. Each gets a higher fence.
    async fn claim_lanes(&mut self, claim: &LaneClaim<'_>) -> Result<Vec<Lane>>;

    /// Hold the lane that has this fence, and this holder or none, until the unit of work ends. `None` where it is not so any more.
    async fn hold_lane(&mut self, key: &LaneKey, fence: u64, bot: Option<&str>) -> Result<Option<Lane>>;

    /// Replace a lane that is held. Its fence is what it was.
    async fn set_lane(&mut self, lane: &Lane) -> Result<()>;
}
