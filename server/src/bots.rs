//! Probing miners: the plans of competitions, the bots that may take part, and what is done for them beside answering.

mod answers;
mod beacon;
mod canaries;
mod contacts;
mod data;
mod follow;
mod plans;
mod published;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use apogee_dealbot::canonical::Bytes;
use apogee_dealbot::desk::{Desk, DeskError};
use apogee_dealbot::entry::{BotKey, Settings};
use apogee_dealbot::plan::{Bot, Plan};
use apogee_dealbot::schedule::{Kind, Seed};
use apogee_domain::{Clock, Epoch, Schedule, Timestamp};
use apogee_indexer::deals::{DealsError, Standing};
use apogee_offer::Slot;
use apogee_store::{EpochKind, Page, ProbeRest, Store, StoreError};
use ed25519_dalek::SigningKey;
use tokio::sync::{mpsc, watch};

pub(crate) use self::answers::{Refusal, Signature};
use self::beacon::NotBegun;
use self::canaries::Canaries;
pub(crate) use self::data::Stream;
use self::data::{Data, Fetch, Shelf};
use self::follow::Trail;
pub(crate) use self::plans::NoProbes;
pub(crate) use self::published::BAR;
use self::storage::{Closed, Storage};
use crate::competitions::World;
use crate::config::{self, Config};
use crate::refunds::Readable;
use crate::sources::Sources;

/// How often slots are looked after.
const ROUND: Duration = Duration::from_secs(5);
/// How many epochs above the head verdicts count from: where standings are made, nothing is added any more.
const AHEAD: u32 = 4;
/// How long a bot waits at most before it asks a controller again that was away, microseconds.
const SILENT: i64 = 60_000_000;
/// How often the log goes on, in rounds.
const BATCH: u32 = 12;

/// Epochs without a tipset from which on the chain stands still.
const STALL: u32 = 20;
/// How far ahead of the chain a clock is wrong in any case, seconds.
const FAR: i64 = 60;
/// Epochs that are looked at for a stall at most.
const LOOKED: u32 = 1_000;
/// How far the index may be behind the clock where deals are offered: so many epochs, or seconds where those are shorter.
const SYNCED: i64 = 5;
const SYNCED_SECONDS: i64 = 15;

/// First line of a file with the key of a client.
pub(crate) const CLIENT_TITLE: &str = "apogee-deal-client-1";
/// First line of a file with the key of a log.
pub(crate) const LOG_TITLE: &str = "apogee-probe-log-1";
/// First line of a file with a seed.
pub(crate) const SEED_TITLE: &str = "apogee-probe-seed-1";

/// A bot that may take part, and its key.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) bot: Bot,
    pub(crate) key: ed25519_dalek::VerifyingKey,
}

impl Known {
    /// As the log names it.
    fn told(&self) -> BotKey {
        let Bot { name, region } = self.bot.clone();
        BotKey { name, region, key: Bytes(self.key.as_bytes().to_vec()) }
    }
}

/// The probes of a competition.
#[derive(Debug)]
pub(crate) struct Race {
    pub(crate) plan: Plan,
    settings: config::Probes,
    /// Signs the log.
    log: SigningKey,
    /// Who may take part, as the log says.
    bots: Vec<BotKey>,
    storage: Option<Storage>,
    schedule: OnceLock<Schedule>,
    /// Whether it has begun with these settings, or goes on with them.
    pinned: AtomicBool,
    /// Whether it cannot: it began with others.
    refused: AtomicBool,
    /// Whether it waits for its beacon: nothing is due yet.
    waits: AtomicBool,
}

/// The bots and competitions of this process.
#[derive(Debug)]
pub(crate) struct Bots {
    known: BTreeMap<String, Known>,
    races: Vec<Race>,
    shelf: Shelf,
    canaries: Canaries,
    /// Taken by whoever keeps them.
    fetches: Mutex<Option<mpsc::Receiver<Fetch>>>,
}

impl Bots {
    /// Those of some settings. `secret` reads a file with a secret, by its first line.
    pub(crate) fn open(
        config: &Config,
        secret: impl Fn(&Path, &str) -> Result<[u8; 32], Box<dyn Error + Send + Sync>>,
    ) -> Result<Self, NoProbes> {
        let mut known = BTreeMap::new();
        for (name, settings) in &config.bots {
            let one = plans::bot(name, settings)?;
            // Two names of one machine would agree with each other.
            if known.values().any(|other: &Known| other.key == one.key) {
                return Err(NoProbes::SameKey { bot: name.clone() });
            }
            known.insert(name.clone(), one);
        }
        let regions: BTreeSet<&String> = known.values().map(|known| &known.bot.region).collect();
        let regions: Vec<String> = regions.into_iter().cloned().collect();
        let fleet = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let bots: Vec<BotKey> = known.values().map(Known::told).collect();
        let mut races = Vec::new();
        for (race, settings) in &config.probes {
            let read = |file: &Path, title| {
                secret(file, title).map_err(|cause| NoProbes::Secret(file.to_owned(), cause))
            };
            let seed = Seed::new(read(&settings.seed, SEED_TITLE)?);
            // Another competition may have the same seed: its deals are others.
            let payload = seed.secret(&format!("payload/{}/{race}", settings.network));
            let log = SigningKey::from_bytes(&read(&settings.log_key, LOG_TITLE)?);
            let plan = plans::plan(race, settings, seed, (&regions, fleet))?;
            let storage = settings.storage.as_ref().map(|storage| {
                let key = read(&storage.client, CLIENT_TITLE)?;
                let made = Storage::new(storage, (payload, key), settings.allow_private);
                made.map_err(|source| NoProbes::Storage { race: race.clone(), source })
            });
            let (settings, storage) = (settings.clone(), storage.transpose()?);
            races.push(Race {
                plan,
                settings,
                log,
                bots: bots.clone(),
                storage,
                schedule: OnceLock::new(),
                pinned: AtomicBool::new(false),
                refused: AtomicBool::new(false),
                waits: AtomicBool::new(false),
            });
        }
        let (shelf, fetches) = Shelf::new();
        let canary = races.iter().map(|race: &Race| race.plan.measures.canary).min();
        let canaries = Canaries::new(canary.unwrap_or(i64::MAX));
        Ok(Self { known, races, shelf, canaries, fetches: Mutex::new(Some(fetches)) })
    }

    /// The data of a deal, as long as its miner may still need it; `None` later, and where there is none of this name. Whoever has it reads it back from its
    /// own copy then.
    pub(crate) async fn data(
        &self,
        store: &dyn Store,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Data>, Refusal> {
        let Some(deal) = store.deal_named(id).await? else { return Ok(None) };
        let of = |race: &&Race| race.plan.network == deal.key.network && race.plan.race == deal.key.race;
        let Some(race) = self.races.iter().find(of) else { return Ok(None) };
        let Some(storage) = &race.storage else { return Ok(None) };
        let due = race.schedule(store).await?.and_then(|schedule| schedule.epoch_of(now));
        if deal.course.closed || deal.course.published.is_some() || due.is_none_or(|due| due > deal.start) {
            return Ok(None);
        }
        let (offers, payload) = (Arc::clone(&storage.offers), deal.payload);
        let (miner, number) = (deal.key.miner.clone(), deal.slot);
        let make = move || offers.data(Slot { miner: &miner, number }, payload);
        self.shelf.data(&deal, make).await.map(Some).ok_or(Refusal::Busy)
    }

    /// Bytes `[from, to)` of the data of a deal.
    pub(crate) fn stream(&self, data: &Data, from: u64, to: u64) -> Result<Stream, Refusal> {
        self.shelf.stream(data, from, to).ok_or(Refusal::Busy)
    }

    /// The names of all bots.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.known.keys()
    }

    /// The plan of a competition.
    pub(crate) fn plan(&self, race: &str) -> Option<&Plan> {
        self.races.iter().map(|race| &race.plan).find(|plan| plan.race == race)
    }

    /// Look after every competition until the process ends.
    pub(crate) fn keep(
        self: &Arc<Self>,
        store: &Arc<dyn Store>,
        (clock, sources): (&Arc<dyn Clock>, &Arc<Sources>),
        end: &watch::Receiver<bool>,
    ) {
        let fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(fetches) = fetches {
            tokio::spawn(data::keep(fetches, Arc::clone(store), Arc::clone(clock)));
        }
        for place in 0..self.races.len() {
            let (bots, store, end) = (Arc::clone(self), Arc::clone(store), end.clone());
            let (clock, sources) = (Arc::clone(clock), Arc::clone(sources));
            tokio::spawn(async move {
                if let Some(race) = bots.races.get(place) {
                    race.keep(&*store, (&*clock, &sources), end).await;
                }
            });
        }
    }
}

/// Whether the clock may be right: where it is far ahead of the chain it is wrong, or the chain stands still, or its nodes.
fn is_right(schedule: Schedule, head: Epoch, now: Timestamp) -> bool {
    let far = i64::from(STALL).max(FAR / i64::from(schedule.epoch_seconds.max(1)));
    behind(schedule, head, now) <= far
}

/// How many epochs one is behind the clock.
fn behind(schedule: Schedule, epoch: Epoch, now: Timestamp) -> i64 {
    schedule.epoch_of(now).map_or(i64::MAX, Epoch::height).saturating_sub(epoch.height())
}

/// What a race is kept with, from round to round.
struct Kept {
    /// When this process began to.
    begun: Timestamp,
    /// The newest epoch that was indexed in the round before, and when that was.
    newest: Epoch,
    at: Timestamp,
    /// The final epoch up to which it is known where the chain stood still.
    looked: Epoch,
    trail: Trail,
    /// Why no deals were offered in the round before.
    closed: Option<Closed>,
    end: watch::Receiver<bool>,
}

impl Race {
    async fn keep(
        &self,
        store: &dyn Store,
        (clock, sources): (&dyn Clock, &Sources),
        mut end: watch::Receiver<bool>,
    ) {
        let mut kept = Kept {
            begun: clock.now(),
            newest: Epoch::GENESIS,
            at: clock.now(),
            looked: Epoch::GENESIS,
            trail: Trail::default(),
            closed: None,
            end: end.clone(),
        };
        for round in 0_u32.. {
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                _ = end.wait_for(|end| *end) => return,
            }
            let now = clock.now();
            let done = match self.is_pinned() {
                true => match self.round(store, sources, &mut kept, (now, round)).await {
                    Ok(()) => self.tell(store, &mut kept, now).await.map_err(DeskError::from),
                    failed => failed,
                },
                false => match self.begin(store, sources, now).await {
                    Ok(()) => Ok(()),
                    Err(why) if why.is_settings() => {
                        self.refused.store(true, Ordering::Release);
                        let error = &why as &dyn Error;
                        tracing::error!(
                            race = self.plan.race,
                            error,
                            "nothing is probed: look at the settings"
                        );
                        return;
                    }
                    Err(why) => {
                        let error = &why as &dyn Error;
                        tracing::warn!(race = self.plan.race, error, "the race has not begun yet");
                        Ok(())
                    }
                },
            };
            if let Err(error) = done {
                tracing::warn!(
                    race = self.plan.race,
                    error = &error as &dyn Error,
                    "slots were not looked after"
                );
            }
        }
    }

    /// Whether the race has begun with these settings, or goes on with them.
    fn is_pinned(&self) -> bool {
        self.pinned.load(Ordering::Acquire)
    }

    /// Whether nobody knows yet if it goes on with these settings.
    fn is_open(&self) -> bool {
        !self.is_pinned() && !self.refused.load(Ordering::Acquire) && !self.waits.load(Ordering::Acquire)
    }

    /// Begin with these settings, or go on with them, and let every miner compete that is named.
    async fn begin(&self, store: &dyn Store, sources: &Sources, now: Timestamp) -> Result<(), NotBegun> {
        let network = &self.plan.network;
        let world = sources.world(network).await.ok();
        let cursor = store.cursor(network).await?;
        if world.as_ref().is_some_and(World::is_live) {
            let schedule = self.schedule(store).await?;
            // With a wrong clock a race would begin at a wrong slot, for good.
            let right =
                cursor.as_ref().zip(schedule).is_some_and(|(at, schedule)| is_right(schedule, at.epoch, now));
            if !right {
                return Ok(());
            }
        }
        if let Some(epoch) = self.plan.beacon_epoch {
            if store.pinned_race(network, &self.plan.race).await?.is_none() {
                let networks = store.networks().await?;
                let Some(network) = networks.iter().find(|known| known.id == *network) else { return Ok(()) };
                let indexed = cursor.map(|cursor| cursor.epoch);
                beacon::is_to_come(network, &self.plan.cadences, epoch, (indexed, now))?;
                self.pin(store, now).await?;
            }
            if !self.rebind(store).await? {
                // Nothing was probed before, and nobody can say yet when anything is due.
                self.waits.store(true, Ordering::Release);
                let Some(source) = world.and_then(|world| world.source) else { return Ok(()) };
                if !self.bind(store, &*source, epoch).await? {
                    return Ok(());
                }
            }
            self.waits.store(false, Ordering::Release);
        }
        self.pin(store, now).await?;
        self.enter(store, now).await.map_err(|error| NotBegun::Changed(error.into()))?;
        self.pinned.store(true, Ordering::Release);
        Ok(())
    }

    /// Write down by which settings the race begins, or goes on.
    async fn pin(&self, store: &dyn Store, now: Timestamp) -> Result<(), NotBegun> {
        let log = self.log.verifying_key();
        let document = plans::document(&self.settings, &self.plan, &log);
        let settings = Settings::of(&self.plan, document, self.bots.clone(), &log);
        Ok(Desk { store, plan: &self.plan }.pin(&settings, now).await?)
    }

    /// Let every miner compete that is named.
    async fn enter(&self, store: &dyn Store, now: Timestamp) -> Result<(), DeskError> {
        let mut work = store.begin().await?;
        let offered = self.storage.iter().flat_map(Storage::miners).map(|miner| (Kind::Storage, miner));
        let asked = self.settings.gateways.keys().map(|miner| (Kind::Retrieval, miner));
        for (kind, miner) in offered.chain(asked) {
            for lane in self.plan.entry(miner, now).iter().filter(|lane| lane.key.kind == kind) {
                work.put_lane(lane).await?;
            }
        }
        Ok(work.commit().await?)
    }

    /// When the network's epochs begin; `None` before it is known.
    async fn schedule(&self, store: &dyn Store) -> Result<Option<Schedule>, StoreError> {
        if let Some(schedule) = self.schedule.get() {
            return Ok(Some(*schedule));
        }
        let networks = store.networks().await?;
        let network = networks.iter().find(|network| network.id == self.plan.network);
        Ok(network.map(|network| *self.schedule.get_or_init(|| network.schedule())))
    }

    /// The newest epoch that is indexed, where it is that of the clock: deals are made for the chain as it is.
    async fn head(&self, store: &dyn Store, now: Timestamp) -> Result<Option<Epoch>, StoreError> {
        let Some(schedule) = self.schedule(store).await? else { return Ok(None) };
        let Some(cursor) = store.cursor(&self.plan.network).await? else { return Ok(None) };
        let least = SYNCED.max(SYNCED_SECONDS / i64::from(schedule.epoch_seconds.max(1)));
        Ok((behind(schedule, cursor.epoch, now) <= least).then_some(cursor.epoch))
    }

    async fn round(
        &self,
        store: &dyn Store,
        sources: &Sources,
        kept: &mut Kept,
        (now, round): (Timestamp, u32),
    ) -> Result<(), DeskError> {
        let desk = Desk { store, plan: &self.plan };
        // Nothing counts before the network is indexed: a verdict has an epoch.
        let Some(cursor) = store.cursor(&self.plan.network).await? else { return Ok(()) };
        let Some(schedule) = self.schedule(store).await? else { return Ok(()) };
        let moved = std::mem::replace(&mut kept.newest, cursor.epoch);
        if let Some(settled) = cursor.final_epoch.filter(|settled| *settled > kept.looked) {
            kept.looked = self.stalls(store, (kept.looked, settled), schedule, now).await?;
        }
        // While the index catches up, nobody can say at which epoch anything is found.
        let since = now.0.saturating_sub(std::mem::replace(&mut kept.at, now).0) / 1_000_000;
        let passed = u32::try_from(since / i64::from(schedule.epoch_seconds.max(1))).unwrap_or(0);
        if cursor.epoch > moved.plus(AHEAD.saturating_add(passed)) {
            return Ok(());
        }
        let world = sources.world(&self.plan.network).await.ok();
        // Nothing is missed before it is known whose fault that is.
        if world.as_ref().is_some_and(World::is_live) && !is_right(schedule, cursor.epoch, now) {
            return Ok(());
        }
        let epoch = cursor.epoch.plus(AHEAD);
        // Bots that could not speak have as long as they wait at most, and a lease.
        if now.0 >= self.plan.measures.expires(kept.begun).0.saturating_add(SILENT) {
            // What waits for another look has it before its time is over.
            desk.judge(now, epoch).await?;
            desk.sweep(now, epoch).await?;
        }
        if let Some(storage) = &self.storage
            && let Some(source) = world.and_then(|world| world.source)
        {
            let nodes = || Readable::of(&*source, &kept.end);
            let standing = Standing::of(store, &self.plan.network).await.unwrap_or_else(|error| {
                let error = &error as &dyn Error;
                tracing::warn!(race = self.plan.race, error, "no state of the chain can be looked at");
                None
            });
            if let Some(standing) = standing
                && let Err(error) = self.look(store, storage, (nodes, standing), (cursor.epoch, now)).await
            {
                let error = &error as &dyn Error;
                tracing::warn!(race = self.plan.race, error, "the market was not looked at");
            }
            if let Some(standing) = standing.filter(|_| storage.is_followed())
                && let Err(error) =
                    self.follow(store, (nodes(), standing), &mut kept.trail, (now, schedule)).await
            {
                let error = &error as &dyn Error;
                tracing::warn!(race = self.plan.race, error, "deals were not followed");
            }
        }
        if round % BATCH == 0 {
            desk.close_batch(&self.log, now, epoch).await?;
        }
        Ok(())
    }

    /// Look on the chain how miners are reached, and what deals can be offered with.
    async fn look(
        &self,
        store: &dyn Store,
        storage: &Storage,
        (nodes, standing): (impl Fn() -> Readable, Standing),
        at: (Epoch, Timestamp),
    ) -> Result<(), DealsError> {
        storage.contacts().read(nodes(), standing.newest, at.1).await?;
        storage.look(store, (&self.plan.network, &self.plan.race), (nodes(), standing), at).await
    }

    /// Say once why no deals are offered, and once that they are again.
    async fn tell(&self, store: &dyn Store, kept: &mut Kept, now: Timestamp) -> Result<(), StoreError> {
        let Some(storage) = &self.storage else { return Ok(()) };
        let behind = self.head(store, now).await?.is_none().then_some(Closed::Behind);
        let closed = behind.or_else(|| storage.closed(now));
        if closed != std::mem::replace(&mut kept.closed, closed) {
            match closed {
                Some(closed) => {
                    tracing::warn!(race = self.plan.race, "no deals are offered: {}", closed.words())
                }
                None => tracing::info!(race = self.plan.race, "deals are offered"),
            }
        }
        Ok(())
    }

    /// Write down where the chain stood still among final epochs that were indexed since, and up to which tipset that is known: nothing that had to come on
    /// chain then counts.
    async fn stalls(
        &self,
        store: &dyn Store,
        (from, to): (Epoch, Epoch),
        schedule: Schedule,
        now: Timestamp,
    ) -> Result<Epoch, DeskError> {
        // Of a long way the newest part is looked at: while nothing was indexed, nothing was offered.
        let page = Page { after: Some(to.plus(1)), limit: LOOKED };
        let epochs = store.epochs(&self.plan.network, page).await?;
        let tipsets =
            epochs.iter().filter(|record| record.kind == EpochKind::Tipset).map(|record| record.epoch);
        let tipsets: Vec<Epoch> = tipsets.collect();
        for (later, earlier) in tipsets.iter().zip(tipsets.iter().skip(1)) {
            if *later <= from {
                break;
            }
            if later.height().saturating_sub(earlier.height()) > i64::from(STALL) {
                let rest = ProbeRest {
                    miner: String::new(),
                    from: schedule.time_of(*earlier),
                    to: schedule.time_of(*later),
                    why: "chain_stall".to_owned(),
                    said: now,
                    statement: format!("no tipset between epochs {earlier} and {later}"),
                    signature: String::new(),
                    entry: 0,
                };
                Desk { store, plan: &self.plan }.rest(&rest, now).await?;
            }
        }
        Ok(tipsets.first().copied().unwrap_or(from))
    }
}
