//! What processes have beside the chain: a signer that may be away, and an end that may come anywhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use apogee_treasury::{Faults, Halt, Order, SignError, Signed, Signer};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::world::Key;

/// Holds the key. It outlives the processes that ask it.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) key: Arc<Key>,
    /// Calls that it does not answer.
    pub(crate) away: AtomicU64,
}

#[async_trait]
impl Signer for Keeper {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        self.key.wallets().await
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        if self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(SignError::Unavailable("it is away".into()));
        }
        self.key.sign(wallet, fence, orders).await
    }
}

/// Ends or holds a process at its so many-th place.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    passed: AtomicU64,
    end_at: AtomicU64,
    hold_at: AtomicU64,
    pub(crate) held: Notify,
    pub(crate) go: Notify,
    pub(crate) points: Mutex<Vec<&'static str>>,
}

impl Fate {
    /// End at the `place`-th place from now, from 1.
    pub(crate) fn end(&self, place: u64) {
        self.end_at.store(self.passed() + place, Ordering::SeqCst);
    }

    /// Stand still at the `place`-th place from now.
    pub(crate) fn hold(&self, place: u64) {
        self.hold_at.store(self.passed() + place, Ordering::SeqCst);
    }

    pub(crate) fn live(&self) {
        self.end_at.store(0, Ordering::SeqCst);
        self.hold_at.store(0, Ordering::SeqCst);
    }

    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Faults for Fate {
    async fn at(&self, point: &'static str) -> Result<(), Halt> {
        self.points.lock().unwrap().push(point);
        let passed = self.passed.fetch_add(1, Ordering::SeqCst) + 1;
        // Whoever stands still within a unit of work holds up the whole database.
        let within =
            point.contains(": before") && !point.contains("unit of work") && !point.contains("signer");
        if self.hold_at.load(Ordering::SeqCst) == passed && within {
            self.hold_at.store(passed + 1, Ordering::SeqCst);
        } else if self.hold_at.load(Ordering::SeqCst) == passed {
            self.held.notify_one();
            self.go.notified().await;
        }
        if self.end_at.load(Ordering::SeqCst) == passed {
            return Err(Halt(point));
        }
        Ok(())
    }
}
