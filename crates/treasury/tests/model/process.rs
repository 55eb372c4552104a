//! What processes have beside the chain: a signer that remembers, and an end that may come anywhere.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use apogee_treasury::{Faults, Halt, Order, Purpose, SignError, Signed, Signer};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::world::{Message, WALLET};

/// Holds the key. It outlives the processes that ask it.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    /// What each nonce was signed for.
    bound: Mutex<BTreeMap<u64, (String, u128)>>,
    fence: AtomicU64,
    /// Calls that it does not answer.
    pub(crate) away: AtomicU64,
}

#[async_trait]
impl Signer for Keeper {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        Ok(vec![WALLET.into()])
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        assert_eq!(wallet, WALLET);
        if self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(SignError::Unavailable("it is away".into()));
        }
        let nonce = orders.first().map_or(0, |order| order.nonce);
        if self.fence.fetch_max(fence, Ordering::SeqCst) > fence {
            return Err(SignError::Refused {
                nonce,
                rule: "fence".into(),
                detail: "a newer one was seen".into(),
            });
        }
        let mut bound = self.bound.lock().unwrap();
        let mut signed = Vec::new();
        for order in orders {
            let message = Message::read(&order.message);
            assert_eq!((message.nonce, message.amount), (order.nonce, order.amount.0));
            assert_eq!(message.to, order.payee);
            if order.purpose == Purpose::Cancel {
                assert_eq!((message.to.as_str(), message.amount, &message.multisig), (WALLET, 0, &None));
            } else {
                assert_eq!(message.multisig, order.multisig);
                let what = (message.to.clone(), message.amount);
                let known = bound.entry(order.nonce).or_insert_with(|| what.clone());
                assert_eq!(*known, what, "I5, I15: nonce {} was signed for another payment", order.nonce);
            }
            signed.push(Signed { bytes: order.message.clone(), id: message.id() });
        }
        Ok(signed)
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
        self.end_at.store(self.passed.load(Ordering::SeqCst) + place, Ordering::SeqCst);
    }

    /// Stand still at the `place`-th place from now.
    pub(crate) fn hold(&self, place: u64) {
        self.hold_at.store(self.passed.load(Ordering::SeqCst) + place, Ordering::SeqCst);
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
