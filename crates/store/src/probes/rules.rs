use apogee_domain::{NetworkId, Timestamp};
use async_trait::async_trait;

use crate::Result;

/// Most bytes of the settings of a race, and of what is said of a rest.
pub const MAX_DOCUMENT: usize = 256 << 10;

/// A while in which nothing counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRest {
    /// For whom; empty for everybody.
    pub miner: String,
    /// Its beginning, which is in it.
    pub from: Timestamp,
    /// Its end, which is not.
    pub to: Timestamp,
    /// Its reason: `maintenance`, `pause`, `chain_stall`, `basefee_spike` or `chain_reset`.
    pub why: String,
    /// When it was said, or found out.
    pub said: Timestamp,
    /// What was said, word for word.
    pub statement: String,
    /// Whose word it is: the signature of the statement; empty where it is the controller's own.
    pub signature: String,
    /// The number of its entry in the log; 0 where it is older than the log.
    pub entry: u64,
}

/// The reason of a rest that a miner asks for: it is as long as it was said to be, and never longer.
pub const MAINTENANCE: &str = "maintenance";

/// The settings of a race, as they were when it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedRace {
    /// What was published of them.
    pub document: String,
    /// What was said of its seed.
    pub commitment: String,
    /// Since when they stand.
    pub at: Timestamp,
}

/// By which rules is probed: the settings of races, and when nothing counts.
#[async_trait]
pub trait ProbeRules {
    /// Rests of a race that have a moment of `[from, to]`, by their beginning, miner and reason.
    async fn rests(
        &self,
        network: &NetworkId,
        race: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ProbeRest>>;

    /// The settings that a race began with; `None` before it did.
    async fn pinned_race(&self, network: &NetworkId, race: &str) -> Result<Option<PinnedRace>>;
}

/// Additions to the rules by which is probed.
#[async_trait]
pub trait ProbeRulesWork {
    /// Add a rest. One of the same miner, beginning and reason stays as it is; where it is no maintenance and ends later than was said before, it lasts
    /// longer. Whether anything was written.
    async fn put_rest(&mut self, network: &NetworkId, race: &str, rest: &ProbeRest) -> Result<bool>;

    /// Say with which settings a race begins. The first ones stay: they are answered.
    async fn pin_race(
        &mut self,
        network: &NetworkId,
        race: &str,
        document: &str,
        commitment: &str,
        now: Timestamp,
    ) -> Result<PinnedRace>;
}
