//! One lease, from its begin to its result.

use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::fault::Code;
use apogee_dealbot::protocol::{Beat, Complete, Lease, Release};
use tokio::sync::watch;

use crate::controller::{Controller, ControllerError};
use crate::evidence::{Witness, at};
use crate::outbox::{Outbox, Told};
use crate::probe::Prober;

/// What attempts are made with.
#[derive(Debug)]
pub(crate) struct Maker {
    pub(crate) controller: Arc<Controller>,
    pub(crate) prober: Arc<Prober>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) witness: Witness,
    /// To write a result again.
    pub(crate) again: Duration,
}

/// How an attempt ends.
enum End {
    /// With a result, which is kept.
    Kept,
    /// As many are made at the miner's address as may be: this one is made another time.
    Crowded,
    /// Another has the slot by now.
    Taken,
    /// This bot ends.
    Stopped,
}

impl Maker {
    /// Make an attempt, and say all the while that it is made.
    pub(crate) async fn make(self: Arc<Self>, lease: Lease, beat: Duration, mut stop: watch::Receiver<bool>) {
        let end = tokio::select! {
            biased;
            kept = self.result(&lease) => if kept { End::Kept } else { End::Crowded },
            () = self.beats(&lease, beat) => End::Taken,
            _ = stop.wait_for(|stop| *stop) => End::Stopped,
        };
        let (miner, slot, fence) = (&lease.of.miner, lease.of.slot, lease.of.fence);
        match end {
            End::Kept => {}
            End::Taken => tracing::warn!(miner, slot, fence, "an attempt ends: another has its slot"),
            End::Crowded | End::Stopped => self.release(&lease).await,
        }
    }

    /// Give a lease back.
    pub(crate) async fn release(&self, lease: &Lease) {
        let (miner, slot, fence) = (&lease.of.miner, lease.of.slot, lease.of.fence);
        match self.controller.release(&Release { of: lease.of.clone() }).await {
            Ok(()) => tracing::info!(miner, slot, fence, "a lease is given back"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(miner, slot, fence, error, "a lease is not given back, and will run out");
            }
        }
    }

    /// Make it. Whether that was possible: what nobody was asked says nothing, and is no result.
    async fn result(&self, lease: &Lease) -> bool {
        let seen = self.prober.probe(&lease.task).await;
        if seen.code() == Code::LocalBackoff.as_str() {
            return false;
        }
        let (code, received) = (seen.code(), seen.notes.trace.received);
        match self.witness.complete(lease, seen) {
            Ok(complete) => self.keep(complete).await,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(miner = lease.of.miner, error, "an attempt leaves no record");
                return true;
            }
        }
        tracing::info!(miner = lease.of.miner, slot = lease.of.slot, code, received, "an attempt is over");
        true
    }

    /// Nothing but the end of this bot keeps a result from the disk.
    async fn keep(&self, complete: Complete) {
        let told = Told::Complete(complete);
        while let Err(error) = self.outbox.put(&told).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a result could not be kept yet");
            tokio::time::sleep(self.again).await;
        }
    }

    /// Say that the attempt is made, until somebody else has the slot. A controller that does not answer changes nothing.
    async fn beats(&self, lease: &Lease, every: Duration) {
        for beat in 1.. {
            tokio::time::sleep(every).await;
            let beat = Beat {
                of: lease.of.clone(),
                beat,
                stage: at(&lease.task).to_owned(),
                checkpoint: String::new(),
            };
            match self.controller.beat(&beat).await {
                Ok(_) => {}
                Err(ControllerError::Gone) => return,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a beat was not heard");
                }
            }
        }
    }
}
