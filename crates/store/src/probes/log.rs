use apogee_domain::{Digest, Epoch, NetworkId, Timestamp};
use async_trait::async_trait;

use crate::{Page, Result};

/// A probe of the organiser's own provider: it says how a bot does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The bot.
    pub bot: String,
    /// When it ended.
    pub at: Timestamp,
    /// Why it failed; empty where it went well.
    pub code: String,
    /// The number of its entry in the log; 0 where it is older than the log.
    pub entry: u64,
}

/// An entry of the log of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeEntry {
    /// Its number, from 1 and without gaps.
    pub number: u64,
    /// The entry as it is hashed.
    pub document: Vec<u8>,
    /// The record of a bot that it names; `None` where it names none.
    pub record: Option<Vec<u8>>,
}

/// A batch of the log of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeBatch {
    /// Its number, from 1.
    pub seq: u64,
    /// Its own hash.
    pub hash: Digest,
    /// The epoch of the network when it was closed.
    pub epoch: Epoch,
    /// When that was.
    pub at: Timestamp,
    /// The number of its last entry. The first is the one behind the last of the batch before.
    pub last: u64,
    /// The batch as it is hashed.
    pub document: Vec<u8>,
    /// The controller's signature.
    pub signature: Vec<u8>,
}

/// The log of evidence, and what canaries found.
#[async_trait]
pub trait ProbeLog {
    /// Canaries of a race in `[from, to]`, by bot and moment.
    async fn canaries(
        &self,
        network: &NetworkId,
        race: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Canary>>;

    /// The number of the newest entry of a race; 0 where there is none. Every entry up to it, and its fact, can be read from then on.
    async fn newest_entry(&self, network: &NetworkId, race: &str) -> Result<u64>;

    /// Entries of a race after `page.after`, ascending, with the records that they name.
    async fn log_entries(&self, network: &NetworkId, race: &str, page: Page<u64>) -> Result<Vec<ProbeEntry>>;

    /// Batches of a race after `page.after`, ascending.
    async fn batches(&self, network: &NetworkId, race: &str, page: Page<u64>) -> Result<Vec<ProbeBatch>>;

    /// The newest batch.
    async fn newest_batch(&self, network: &NetworkId, race: &str) -> Result<Option<ProbeBatch>>;
}

/// Additions to the log of evidence, and what canaries found.
#[async_trait]
pub trait ProbeLogWork {
    /// The number of the next entry. Nobody else adds one until the unit of work ends, so whatever else is to be held is held before; the entry has to be
    /// added in the same unit of work.
    async fn next_log_entry(&mut self, network: &NetworkId, race: &str) -> Result<u64>;

    /// Add an entry under its number.
    async fn put_log_entry(
        &mut self,
        network: &NetworkId,
        race: &str,
        number: u64,
        document: &[u8],
    ) -> Result<()>;

    /// Add a canary and its record. The first of one bot and moment stands: whether this is it.
    async fn put_canary(
        &mut self,
        network: &NetworkId,
        race: &str,
        canary: &Canary,
        record: &[u8],
    ) -> Result<bool>;

    /// Append a batch. One whose number is taken is a [`StoreError::Conflict`](crate::StoreError::Conflict).
    async fn put_batch(&mut self, network: &NetworkId, race: &str, batch: &ProbeBatch) -> Result<()>;
}
