//! What bots ask, and are answered: `apogee_dealbot::protocol` says how they speak.

use std::error::Error;

use apogee_dealbot::desk::{CanaryFound, Desk, DeskError, Done, NotKept};
use apogee_dealbot::plan::SuccessAt;
use apogee_dealbot::protocol::{
    Ask, Beat, Beaten, CanaryTold, Complete, Completed, Held, Hello, Lease, Leases, MAX_LEASES, NotSigned,
    Part, Promised, Release, SKEW, Task, Welcome, verify,
};
use apogee_dealbot::schedule::Kind;
use apogee_domain::{Epoch, Timestamp};
use apogee_store::{Lane, LaneKey, ProbeDeal, Store, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::data::Shelf;
use super::storage::NoTask;
use super::{Bots, Known, Race};

/// How many of the newest deals of a miner may be read back.
const STORED: u32 = 100;
/// Bytes of a part of a file that is read back.
const RANGE: u64 = 1 << 20;

/// How long after it was made a canary may be told, microseconds.
const OLDEST_CANARY: i64 = 86_400_000_000;

/// Who a request says that it is from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature<'a> {
    pub(crate) bot: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) signature: &'a str,
}

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no such request; the documentation of bots names them all")]
    NoSuch,
    #[error("no bot of that name is in the settings")]
    Unknown,
    #[error("the request is not signed by the bot")]
    NotSigned(#[from] NotSigned),
    #[error("the request does not read")]
    Unreadable(#[from] serde_json::Error),
    #[error("{0} is no base64")]
    NoBytes(&'static str),
    #[error("there is no such competition or kind here")]
    Elsewhere,
    #[error("another has the slot by now")]
    Gone,
    #[error("the result is not kept")]
    NotKept(#[source] NotKept),
    #[error("there is no deal of this name whose data its miner may still need")]
    NoData,
    #[error("too much is asked for at once; try again")]
    Busy,
    #[error("the database does not answer; try again")]
    Away(#[source] DeskError),
    #[error("the server could not do it")]
    Broken(#[source] DeskError),
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        if error.is_away() { Self::Away(error) } else { Self::Broken(error) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        DeskError::from(error).into()
    }
}

impl From<NotKept> for Refusal {
    fn from(error: NotKept) -> Self {
        match error {
            NotKept::Desk(error) => error.into(),
            error => Self::NotKept(error),
        }
    }
}

impl Refusal {
    /// The status of HTTP.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::NoSuch | Self::NoData => 404,
            Self::Unknown | Self::NotSigned(_) => 401,
            Self::Unreadable(_) | Self::NoBytes(_) | Self::Elsewhere => 400,
            Self::Gone => 410,
            Self::NotKept(NotKept::Twice) => 409,
            Self::NotKept(_) => 422,
            Self::Away(_) | Self::Busy => 503,
            Self::Broken(_) => 500,
        }
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    Ok(serde_json::from_slice(body)?)
}

fn told<T: Serialize>(answer: &T) -> Result<Vec<u8>, Refusal> {
    Ok(serde_json::to_vec(answer)?)
}

fn bytes(what: &'static str, text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(text).map_err(|_| Refusal::NoBytes(what))
}

impl Bots {
    /// Whose request it is, and the body that was signed.
    pub(crate) fn known(
        &self,
        path: &str,
        of: Signature<'_>,
        now: Timestamp,
    ) -> Result<(&Known, Promised), Refusal> {
        let known = self.known.get(of.bot).ok_or(Refusal::Unknown)?;
        Ok((known, verify(&known.key, (of.bot, path, of.at), of.signature, now)?))
    }

    /// The answer to a request, JSON.
    pub(crate) async fn answer(
        &self,
        store: &dyn Store,
        path: &str,
        (known, promised): (&Known, Promised),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, Refusal> {
        promised.keeps(body)?;
        match path.rsplit('/').next() {
            Some("hello") => self.hello(&read(body)?, now),
            Some("leases") => self.leases(store, known, &read(body)?, now).await,
            Some("beat") => {
                let beat: Beat = read(body)?;
                let (race, key) = self.race(&beat.of)?;
                let checkpoint = bytes("checkpoint", &beat.checkpoint)?;
                let said = (beat.beat, beat.stage.as_str(), checkpoint.as_slice());
                let until = race.desk(store).beat(&known.bot, (&key, beat.of.fence), said, now).await?;
                told(&Beaten { expires: until.ok_or(Refusal::Gone)?.0 })
            }
            Some("complete") => {
                let complete: Complete = read(body)?;
                let (race, key) = self.race(&complete.of)?;
                let (record, signature) =
                    (bytes("record", &complete.record)?, bytes("signature", &complete.signature)?);
                let done = Done {
                    key: &key,
                    slot: complete.of.slot,
                    fence: complete.of.fence,
                    record: &record,
                    signature: &signature,
                };
                let kept = race.desk(store).complete(&known.bot, known.key.as_bytes(), &done, now).await?;
                told(if kept { &Completed::Kept } else { &Completed::Late })
            }
            Some("release") => {
                let release: Release = read(body)?;
                let (race, key) = self.race(&release.of)?;
                let had = race.desk(store).release(&known.bot, &key, release.of.fence).await?;
                if had { told(&()) } else { Err(Refusal::Gone) }
            }
            Some("canary") => {
                let canary: CanaryTold = read(body)?;
                self.canary(store, known, canary, now).await
            }
            _ => Err(Refusal::NoSuch),
        }
    }

    fn hello(&self, _: &Hello, now: Timestamp) -> Result<Vec<u8>, Refusal> {
        let measures = self.races.iter().map(|race| race.plan.measures);
        // Every competition gets the canaries that it wants.
        let canary = measures.clone().map(|measures| measures.canary).min();
        let beat = measures.map(|measures| measures.beat).min();
        let (canary, beat) = canary.zip(beat).ok_or(Refusal::Elsewhere)?;
        told(&Welcome { now: now.0, beat, canary })
    }

    async fn leases(
        &self,
        store: &dyn Store,
        known: &Known,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<Vec<u8>, Refusal> {
        let mut leases = Vec::new();
        let mut free = ask.free.min(MAX_LEASES);
        for race in self.races.iter().filter(|race| race.is_pinned()) {
            if free == 0 {
                break;
            }
            let head = race.head(store, now).await?;
            let open =
                head.is_some() && race.storage.as_ref().is_some_and(|storage| storage.closed(now).is_none());
            let kinds: &[Kind] = if open { &[Kind::Storage, Kind::Retrieval] } else { &[Kind::Retrieval] };
            for lane in race.desk(store).lease(&known.bot, kinds, free, now).await? {
                match race.lease(store, &self.shelf, &lane, (head, now)).await {
                    Some(lease) => {
                        leases.push(lease);
                        free = free.saturating_sub(1);
                    }
                    None => race.skip(store, &known.bot.name, &lane).await?,
                }
            }
        }
        told(&Leases { leases })
    }

    async fn canary(
        &self,
        store: &dyn Store,
        known: &Known,
        of: CanaryTold,
        now: Timestamp,
    ) -> Result<Vec<u8>, Refusal> {
        let (record, signature) = (bytes("record", &of.record)?, bytes("signature", &of.signature)?);
        let found = CanaryFound::read(&known.bot, known.key.as_bytes(), &record, &signature)?;
        let age = now.0.saturating_sub(found.at().0);
        if !(-SKEW..=OLDEST_CANARY).contains(&age) {
            return Err(Refusal::Elsewhere);
        }
        if !self.canaries.take(&known.bot.name, now) {
            return Err(Refusal::Busy);
        }
        // It is told once, and no race that may go on is to miss it.
        if self.races.iter().any(Race::is_open) {
            return Err(Refusal::Busy);
        }
        let mut work = store.begin().await?;
        for race in self.races.iter().filter(|race| race.is_pinned()) {
            race.desk(store).canary(&mut *work, &found, now).await?;
        }
        work.commit().await?;
        told(&())
    }

    /// The competition and lane that something is said of.
    fn race(&self, of: &Held) -> Result<(&Race, LaneKey), Refusal> {
        let race = self
            .races
            .iter()
            .find(|race| race.plan.race == of.race && race.plan.network.as_str() == of.network)
            .ok_or(Refusal::Elsewhere)?;
        // What is told before the log goes on, or where it does not, would have no place in it.
        if !race.is_pinned() {
            return Err(Refusal::Busy);
        }
        let kind = of.kind().ok_or(Refusal::Elsewhere)?;
        Ok((race, race.plan.key(kind, &of.miner)))
    }
}

impl Race {
    pub(super) fn desk<'a>(&'a self, store: &'a dyn Store) -> Desk<'a> {
        Desk { store, plan: &self.plan }
    }

    /// What a bot is told of a lane that it got; `None` where there is nothing to be done, or no telling what.
    async fn lease(
        &self,
        store: &dyn Store,
        shelf: &Shelf,
        lane: &Lane,
        (head, now): (Option<Epoch>, Timestamp),
    ) -> Option<Lease> {
        let expires = lane.lease.as_ref()?.expires.0;
        let task = match lane.key.kind {
            Kind::Storage => self.storage.as_ref()?.task(store, lane, shelf, (head?, now)).await,
            Kind::Retrieval => self.retrieval(store, lane).await.map_err(NoTask::from),
        };
        let task = task.unwrap_or_else(|error| {
            let (miner, slot) = (&lane.key.miner, lane.slot);
            tracing::warn!(miner, slot, error = &error as &dyn Error, "there is no task for a slot");
            None
        });
        Some(Lease {
            of: Held {
                network: lane.key.network.to_string(),
                race: lane.key.race.clone(),
                kind: lane.key.kind.as_str().to_owned(),
                miner: lane.key.miner.clone(),
                slot: lane.slot,
                fence: lane.fence,
            },
            attempt: lane.attempt,
            expires,
            task: task?,
            checkpoint: STANDARD.encode(&lane.checkpoint),
        })
    }

    /// Nothing can be done in a slot: nobody is told of it again.
    async fn skip(&self, store: &dyn Store, bot: &str, lane: &Lane) -> Result<(), StoreError> {
        let mut work = store.begin().await?;
        if let Some(mut lane) = work.hold_lane(&lane.key, lane.fence, Some(bot)).await? {
            lane.lease = None;
            lane.due = lane.ends;
            work.set_lane(&lane).await?;
        }
        work.commit().await
    }

    /// What is read back in a slot of retrieval: something that the miner has, and how much of it, as the seed decides.
    async fn retrieval(&self, store: &dyn Store, lane: &Lane) -> Result<Option<Task>, StoreError> {
        let of = &lane.key;
        let Some(url) = self.settings.gateways.get(&of.miner) else { return Ok(None) };
        let Some(cadence) = self.plan.cadence(of.kind) else { return Ok(None) };
        // What was known when the interval began: whoever looks again looks at the same.
        let Some((begun, _)) = cadence.window(lane.slot) else { return Ok(None) };
        let stored = match &self.storage {
            Some(_) => store.stored_deals(&self.plan.key(Kind::Storage, &of.miner), begun, STORED).await?,
            None => Vec::new(),
        };
        let given = self.settings.data.iter().map(|data| (data.root.clone(), data.size, None));
        // What is taken on need not be there before it has to be in force.
        let epoch = self.schedule(store).await?.and_then(|schedule| schedule.epoch_of(begun));
        let is_due = |deal: &ProbeDeal| epoch.is_some_and(|epoch| epoch >= deal.start);
        let in_force = self.plan.success_at == SuccessAt::Active;
        let stored = stored.into_iter().filter(|deal| in_force || is_due(deal));
        let stored = stored.map(|deal| (deal.root, deal.size, Some(deal.payload)));
        let mut choices: Vec<_> = given.chain(stored).collect();
        let seed = &self.plan.moments();
        let choice = cadence.choice(seed, &of.miner, lane.slot, choices.len() as u64);
        let place = usize::try_from(choice).ok().filter(|place| *place < choices.len());
        let Some((root, size, payload)) = place.map(|place| choices.swap_remove(place)) else {
            return Ok(None);
        };
        let draw = |what, bound| cadence.draw(seed, (&of.miner, lane.slot), what, bound);
        // Whoever serves nothing but roots, or beginnings, is found out.
        let part = match (payload, draw("part", 4)) {
            (Some(_), 0) => Part::Leaf { draw: draw("leaf", u64::MAX) },
            (Some(bytes), 1) => {
                let from = draw("from", bytes);
                Part::Range { from, to: from.saturating_add(RANGE).min(bytes) }
            }
            _ => Part::Whole,
        };
        let private = self.settings.allow_private;
        Ok(Some(Task::Gateway { url: url.clone(), root, size, part, private }))
    }
}
