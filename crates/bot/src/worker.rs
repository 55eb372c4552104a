//! The course of a bot: it says hello, asks for work while it is in order, and ends in an orderly way.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::protocol::{Lease, MAX_LEASES, Welcome};
use apogee_domain::{Clock, Timestamp};
use apogee_outbound::Places;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::SOFTWARE;
use crate::attempt::Maker;
use crate::canary::{Canaries, Canary};
use crate::controller::ControllerError;
use crate::deliver::{Delivery, longer};
use crate::gates::{self, Closed};
use crate::settings::Patience;

/// How often a bot says hello again, and looks at its clock and disk.
const HELLO: Duration = Duration::from_secs(60);
/// Most leases of one answer that are looked at.
const LEASES: usize = 2 * MAX_LEASES as usize;
/// Most lanes whose last lease is remembered.
const LANES: usize = 65_536;
/// How many attempts are made at one miner at once at most: who is slow holds up few others.
const MINER: u32 = 2;

/// A bot at work.
pub(crate) struct Worker {
    pub(crate) maker: Arc<Maker>,
    pub(crate) canaries: Arc<Canaries>,
    pub(crate) canary: watch::Receiver<Option<Canary>>,
    pub(crate) interval: watch::Sender<Option<Duration>>,
    pub(crate) delivery: Delivery,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) patience: Patience,
    pub(crate) attempts: u32,
    pub(crate) course: Course,
}

/// What a worker knows from one turn to the next.
#[derive(Debug)]
pub(crate) struct Course {
    /// How often attempts say that they are made, and until when that holds.
    beat: Duration,
    welcomed: Option<Instant>,
    /// By network, competition, kind and miner: the last lease that was begun.
    begun: BTreeMap<[String; 4], u64>,
    running: JoinSet<()>,
    /// By network and miner.
    places: Places<[String; 2]>,
    /// When an attempt was last seen to have ended.
    ended: Option<Timestamp>,
    /// Why it asks for no work, as it was said.
    closed: Option<Closed>,
}

/// Something that has to go on ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the bot broke")]
pub(crate) struct Broke;

impl Worker {
    /// Work until the end is said, or something breaks.
    pub(crate) async fn work(mut self, mut end: watch::Receiver<bool>) -> Result<(), Broke> {
        let mut parts = JoinSet::new();
        parts.spawn(self.delivery.clone().deliver());
        parts.spawn(self.canaries.clone().watch(self.interval.subscribe()));
        let (stop, stopped) = watch::channel(false);
        let mut wait = self.patience.again;
        let worked = loop {
            // A question is never cut off: its answer may be a lease.
            let pause = match self.turn(&stopped, &end).await {
                Ok(()) => {
                    wait = self.patience.again;
                    self.patience.ask
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no work comes");
                    let pause = wait;
                    wait = longer(wait, self.patience.longest);
                    pause
                }
            };
            tokio::select! {
                biased;
                _ = end.wait_for(|end| *end) => break Ok(()),
                _ = parts.join_next() => break Err(Broke),
                () = tokio::time::sleep(pause) => {}
            }
        };
        self.drain(&stop).await;
        // What is being sent is sent again.
        parts.shutdown().await;
        let flush = timeout(self.patience.drain, self.delivery.flush()).await;
        let left = self.delivery.outbox.waiting();
        if flush.is_err() || left > 0 {
            tracing::warn!(left, "results wait in the outbox for the next start");
        }
        worked
    }

    /// Look whether all is in order, and ask for work.
    async fn turn(
        &mut self,
        stop: &watch::Receiver<bool>,
        end: &watch::Receiver<bool>,
    ) -> Result<(), ControllerError> {
        while self.course.running.try_join_next().is_some() {
            self.course.ended = Some(self.clock.now());
        }
        let opened = self.gates().await?;
        if opened.as_ref().map(discriminant) != self.course.closed.as_ref().map(discriminant) {
            match &opened {
                Some(closed) => tracing::warn!("this bot asks for no work: {closed}"),
                None => tracing::info!("this bot asks for work"),
            }
            self.course.closed = opened;
        }
        let free = self.attempts.saturating_sub(u32::try_from(self.course.running.len()).unwrap_or(u32::MAX));
        if self.course.closed.is_some() || free == 0 || *end.borrow() {
            return Ok(());
        }
        let leases = self.maker.controller.leases(free).await?.leases;
        let most = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        for lease in leases.into_iter().take(LEASES) {
            if !self.course.is_new(&lease) {
                continue;
            }
            let possible = self.maker.witness.can(&lease);
            if let Err(error) = &possible {
                tracing::error!(%error, "a lease is nothing that this bot can do");
            }
            let full = possible.is_err() || *end.borrow() || self.course.running.len() >= most;
            let miner = [lease.of.network.clone(), lease.of.miner.clone()];
            match self.course.places.take(&miner).filter(|_| !full) {
                None => self.maker.release(&lease).await,
                Some(place) => {
                    let attempt = self.maker.clone().make(lease, self.course.beat, stop.clone());
                    self.course.running.spawn(async move {
                        attempt.await;
                        drop(place);
                    });
                }
            }
        }
        Ok(())
    }

    /// What is not in order, if anything.
    async fn gates(&mut self) -> Result<Option<Closed>, ControllerError> {
        if self.course.welcomed.is_none_or(|at| at.elapsed() > HELLO) {
            if let Err(closed) = self.hello().await? {
                return Ok(Some(closed));
            }
            self.course.welcomed = Some(Instant::now());
        }
        if self.delivery.outbox.is_full() {
            return Ok(Some(Closed::Full));
        }
        let interval = self.interval.borrow().unwrap_or_default();
        let last = *self.canary.borrow();
        Ok(gates::canary(last, interval, self.clock.now()).err())
    }

    /// Say hello, and look at clock and disk.
    async fn hello(&mut self) -> Result<Result<(), Closed>, ControllerError> {
        let before = self.clock.now();
        let Welcome { now, beat, canary } = self.maker.controller.hello(SOFTWARE).await?;
        let ahead = gates::ahead(before, self.clock.now(), now);
        // Bounds that no controller in its senses comes near to.
        let bounded = |micros: i64, least, most| {
            Duration::from_micros(u64::try_from(micros).unwrap_or(0)).clamp(least, most)
        };
        let hour = Duration::from_secs(3600);
        self.course.beat = bounded(beat, Duration::from_millis(50), hour);
        let interval = Some(bounded(canary, Duration::from_millis(200), hour * 24));
        self.interval.send_if_modified(|known| std::mem::replace(known, interval) != interval);
        if let Err(closed) = gates::clock(ahead) {
            return Ok(Err(closed));
        }
        Ok(self.delivery.outbox.room().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Closed::Disk(format!("{error}: {cause}"))
        }))
    }

    /// Let attempts end for a while, give the others back, and probe a canary behind them.
    async fn drain(&mut self, stop: &watch::Sender<bool>) {
        let running = &mut self.course.running;
        let mut ended = self.course.ended;
        if !running.is_empty() {
            tracing::info!(attempts = running.len(), "this bot ends: its attempts may end as well");
            let patience = Instant::now() + self.patience.drain;
            let all = async { while running.join_next().await.is_some() {} };
            if timeout_at(patience, all).await.is_err() {
                stop.send_replace(true);
                // Each ends with one question to the controller.
                while running.join_next().await.is_some() {}
            }
            ended = Some(self.clock.now());
        }
        let last = self.canary.borrow().map(|canary| canary.at);
        if ended.is_some_and(|ended| last.is_none_or(|last| last <= ended)) {
            // Without it, nobody could say of what ended since that this bot was in order.
            let _ = timeout(self.patience.drain, self.canaries.once()).await;
        }
    }
}

impl Default for Course {
    fn default() -> Self {
        Self {
            beat: Duration::ZERO,
            welcomed: None,
            begun: BTreeMap::new(),
            running: JoinSet::new(),
            places: Places::new(MINER),
            ended: None,
            closed: None,
        }
    }
}

impl Course {
    /// Whether a lease was not begun before: one that comes twice is made once.
    fn is_new(&mut self, lease: &Lease) -> bool {
        let of = &lease.of;
        let lane = [of.network.clone(), of.race.clone(), of.kind.clone(), of.miner.clone()];
        if self.begun.get(&lane).is_some_and(|last| *last >= of.fence) {
            return false;
        }
        if self.begun.len() >= LANES {
            self.begun.pop_first();
        }
        self.begun.insert(lane, of.fence);
        true
    }
}
