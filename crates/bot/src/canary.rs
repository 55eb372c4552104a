//! Whether this bot is in order: it probes what the organisers serve themselves, as it probes miners.

use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::protocol::Task;
use apogee_domain::Timestamp;
use tokio::sync::watch;

use crate::evidence::Witness;
use crate::outbox::{Outbox, Told};
use crate::probe::Prober;

/// The last canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Canary {
    /// When it ended.
    pub(crate) at: Timestamp,
    /// Why it failed; empty where it went well.
    pub(crate) code: &'static str,
}

/// Probes it again and again.
#[derive(Debug)]
pub(crate) struct Canaries {
    pub(crate) prober: Arc<Prober>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) witness: Witness,
    pub(crate) task: Task,
    pub(crate) last: watch::Sender<Option<Canary>>,
}

impl Canaries {
    /// Once an interval, and sooner while it fails. The interval is `None` until the controller has said it.
    pub(crate) async fn watch(self: Arc<Self>, mut interval: watch::Receiver<Option<Duration>>) {
        loop {
            let Ok(known) = interval.wait_for(Option::is_some).await.map(|interval| *interval) else {
                return;
            };
            let interval = known.unwrap_or_default();
            // An attempt counts between two canaries that are at most an interval away from it, so they are made a little more often than that.
            let wait = if self.once().await { interval - interval / 4 } else { interval / 8 };
            tokio::time::sleep(wait).await;
        }
    }

    /// Probe it now, and keep what came of it for the controller. Whether it went well.
    pub(crate) async fn once(&self) -> bool {
        let seen = self.prober.probe(&self.task).await;
        let canary = Canary { at: seen.ended, code: seen.code() };
        if let Err(broken) = &seen.outcome {
            tracing::error!(code = canary.code, errors = ?broken.errors, "the canary fails: this bot asks for no work");
        }
        let told = match self.witness.canary(seen) {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a canary leaves no record");
                return false;
            }
        };
        match self.outbox.put(&Told::Canary(told)).await {
            Ok(()) => {
                self.last.send_replace(Some(canary));
                canary.code.is_empty()
            }
            // One that nobody will hear of does not count.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a canary could not be kept");
                false
            }
        }
    }
}
