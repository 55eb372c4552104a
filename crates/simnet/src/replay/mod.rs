//! Chains that were recorded from real nodes.

mod certificates;
mod recording;
mod script;
mod table;

pub use recording::{OpenError, Recording};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apogee_domain::Epoch;
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::ledger::{HeadChange, Ledger};
use crate::node::Chain;
use script::Script;

/// A recorded chain whose head moves when it is told to.
///
/// What names its tipset is answered at any time as it was at the end of the recording; the head, and what follows from it
/// (null tipset keys, the newest certificate, frames), belong to the moment.
#[derive(Debug)]
pub struct Replay {
    recording: Arc<Recording>,
    ledger: Ledger,
    script: Script,
    /// How many steps of the script have been played.
    played: Mutex<usize>,
}

impl Replay {
    /// The recorded chain, one whole tipset after the other, from genesis.
    #[must_use]
    pub fn chain(recording: Arc<Recording>) -> Self {
        let script = Script::chain(recording.tipsets());
        Self::new(recording, script)
    }

    /// What one node went through, frame by frame: tipsets that grow block by block, its own side of a partition, its
    /// reorganisations. `node` is the name in `notify-NAME.jsonl.zst`.
    ///
    /// # Errors
    /// When there are no such frames, or they are none.
    pub fn node(recording: Arc<Recording>, node: &str) -> Result<Self, OpenError> {
        let script = recording.script(node)?;
        Ok(Self::new(recording, script))
    }

    fn new(recording: Arc<Recording>, script: Script) -> Self {
        let ledger = recording.ledger();
        for tipset in script.tipsets() {
            ledger.add(tipset);
        }
        Self { recording, ledger, script, played: Mutex::new(0) }
    }

    fn played(&self) -> MutexGuard<'_, usize> {
        self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch of the last head of the recording.
    #[must_use]
    pub fn last_epoch(&self) -> Epoch {
        self.script.last_epoch()
    }

    /// Move the head once, by one recorded frame. `false` when the recording has no further one.
    pub fn step(&self) -> bool {
        self.step_if(|_| true)
    }

    /// Move the head on, frame by frame, as long as it stays at or before `epoch`.
    pub fn advance_to(&self, epoch: Epoch) {
        let within = |frame: &[HeadChange]| script::head_after(frame).is_none_or(|head| head <= epoch);
        while self.step_if(within) {}
    }

    fn step_if(&self, wanted: impl Fn(&[HeadChange]) -> bool) -> bool {
        let mut played = self.played();
        let Some(frame) = self.script.frame(*played).filter(|frame| wanted(frame)) else { return false };
        self.ledger.change(frame.to_vec());
        *played += 1;
        true
    }

    /// Advance by one epoch every `delay` until the recording ends.
    pub async fn run(&self, delay: Duration) {
        let mut epoch = self.ledger.head().epoch();
        while epoch < self.last_epoch() {
            epoch = epoch.plus(1);
            tokio::time::sleep(delay).await;
            self.advance_to(epoch);
        }
    }
}

impl Chain for Replay {
    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn answer(&self, method: &str, params: &[Value]) -> Option<Answer> {
        let head = self.ledger.head();
        // At the end of the recording everything it holds has happened.
        let now = if head.epoch() < self.last_epoch() { head.epoch() } else { Epoch::MAX };
        let certificates = self.recording.certificates();
        if let Some(answer) = certificates.answer(method, params, now, &self.ledger) {
            return Some(answer);
        }
        let table = self.recording.table();
        let wanted = table.count(method)?;
        if params.len() != wanted {
            return Some(Err(Refusal::wrong_count(method, params.len(), wanted)));
        }
        let found = table.find(method, params, head.key());
        Some(found.unwrap_or_else(|| {
            Err(Refusal::application(format!("{method} was not recorded for these parameters")))
        }))
    }
}
