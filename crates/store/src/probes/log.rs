use apogee_domain::{Digest, Epoch, NetworkId, Timestamp};
use async_trait::async_trait;

use super::ProbeAttempt;
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

    /// Attempts with a record that no batch has, by when they ended.
    async fn unlogged(&self, network: &NetworkId, race: &str, limit: u32) -> Result<Vec<ProbeAttempt>>;

    /// Batches of a race after `page.after`, ascending.
    async fn batches(&self, network: &NetworkId, race: &str, page: Page<u64>) -> Result<Vec<ProbeBatch>>;

    /// The newest batch.
    async fn newest_batch(&self, network: &NetworkId, race: &str) -> Result<Option<ProbeBatch>>;

    /// The attempts of a batch, by kind, miner, slot and number.
    async fn logged(&self, network: &NetworkId, race: &str, seq: u64) -> Result<Vec<ProbeAttempt>>;
}

/// Additions to the log of evidence, and what canaries found.
#[async_trait]
pub trait ProbeLogWork {
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
