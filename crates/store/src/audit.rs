use apogee_domain::{Digest, Timestamp};
use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use crate::{Page, Result};

/// Something that somebody, or the program by itself, did with money or with who may touch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who: `github:583231`, `operator:ada`, `treasury`, `cli`.
    pub actor: String,
    /// What: a stable word, `wallet-pause`, `faucet-deny`.
    pub action: String,
    /// On what: `calibration/wallet/drip`, `grant/…`.
    pub subject: String,
    /// Why, in the actor's words; empty where the program acted by itself and the action says it all.
    pub reason: String,
    /// What else there is to know, as JSON. No secrets.
    pub document: String,
}

/// An event with its place in the chain of all events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1 on without gaps.
    pub seq: u64,
    /// Hash of the entry before; 32 zeroes for the first.
    pub previous: Digest,
    /// Its hash: [`AuditEvent::hash`].
    pub hash: Digest,
    /// What happened.
    pub event: AuditEvent,
}

impl AuditEvent {
    /// SHA-256 over the hash of the entry before, the number, the time in microseconds (both 8 bytes, big-endian), and each text with its
    /// length in bytes (8 bytes, big-endian) before it.
    #[must_use]
    pub fn hash(&self, seq: u64, previous: Digest) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(previous.0);
        hasher.update(seq.to_be_bytes());
        hasher.update(self.at.0.to_be_bytes());
        for text in [&self.actor, &self.action, &self.subject, &self.reason, &self.document] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        Digest(hasher.finalize().into())
    }
}

impl AuditEntry {
    /// Whether it is what its hash says, and follows an entry with this number and hash (0 and zeroes before the first).
    #[must_use]
    pub fn follows(&self, seq: u64, previous: Digest) -> bool {
        self.seq == seq + 1 && self.previous == previous && self.hash == self.event.hash(self.seq, previous)
    }
}

/// The chain of audit events.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Events after `page.after`, ascending.
    async fn audit(&self, page: Page<u64>) -> Result<Vec<AuditEntry>>;

    /// The newest events, newest first, at most `limit`.
    async fn newest_audit(&self, limit: u32) -> Result<Vec<AuditEntry>>;
}

/// How the chain grows.
#[async_trait]
pub trait AuditWork: Send {
    /// Append an event. Others that append wait until this unit of work is over, so do it last.
    async fn record(&mut self, event: &AuditEvent) -> Result<AuditEntry>;
}
