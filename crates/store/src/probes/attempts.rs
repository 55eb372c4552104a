use apogee_domain::{NetworkId, ProbeKind, Timestamp};
use async_trait::async_trait;

use super::LaneKey;
use crate::{Page, Result};

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
    /// The number of its entry in the log; 0 where it is older than the log.
    pub entry: u64,
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

/// How many attempts of a kind ended alike, from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptCount {
    /// What is probed.
    pub kind: ProbeKind,
    /// From where.
    pub region: String,
    /// By whom.
    pub bot: String,
    /// How they ended; empty where they went well.
    pub code: String,
    /// How many, since the beginning.
    pub count: u64,
}

/// How many attempts a miner got from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinerAttempts {
    /// What is probed.
    pub kind: ProbeKind,
    /// The miner.
    pub miner: String,
    /// From where.
    pub region: String,
    /// How many, since the beginning.
    pub count: u64,
}

/// What a miner was last seen to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeAgent {
    /// The miner.
    pub miner: String,
    /// By probes of which kind.
    pub kind: ProbeKind,
    /// How it calls itself; empty where it did not say.
    pub agent: String,
    /// What it speaks, in order, each once. None has a line break.
    pub protocols: Vec<String>,
    /// When that was seen.
    pub seen: Timestamp,
}

/// What was tried.
#[async_trait]
pub trait ProbeAttempts {
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

    /// How many attempts of a race ended how, by kind, region, bot and code.
    async fn attempt_counts(&self, network: &NetworkId, race: &str) -> Result<Vec<AttemptCount>>;

    /// How many attempts each miner of a race got, by kind, miner and region.
    async fn attempts_of_miners(&self, network: &NetworkId, race: &str) -> Result<Vec<MinerAttempts>>;

    /// What the miners of a race run, by miner and kind.
    async fn agents(
        &self,
        network: &NetworkId,
        race: &str,
        page: Page<(String, ProbeKind)>,
    ) -> Result<Vec<ProbeAgent>>;
}

/// Changes of what was tried.
#[async_trait]
pub trait ProbeAttemptsWork {
    /// Add an attempt that is over, and count it.
    async fn put_attempt_made(&mut self, attempt: &ProbeAttempt) -> Result<()>;

    /// Keep a record that came late, and the number of its entry in the log, with the attempt of that lease; the first one stays. Whether there is such an
    /// attempt without one.
    async fn put_late(
        &mut self,
        key: &LaneKey,
        slot: u64,
        fence: u64,
        late: &Evidence,
        entry: u64,
    ) -> Result<bool>;

    /// Say what a miner was seen to run, unless it was seen later before.
    async fn put_agent(&mut self, network: &NetworkId, race: &str, agent: &ProbeAgent) -> Result<()>;
}
