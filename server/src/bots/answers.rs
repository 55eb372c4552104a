//! What bots ask, and are answered: `apogee_dealbot::protocol` says how they speak.

use apogee_dealbot::desk::{Desk, DeskError, Done, NotKept};
use apogee_dealbot::protocol::{
    Ask, Beat, Beaten, CanaryTold, Complete, Completed, Held, Hello, Lease, Leases, MAX_LEASES, NotSigned,
    Release, SKEW, Task, Welcome, verify,
};
use apogee_dealbot::schedule::Kind;
use apogee_domain::Timestamp;
use apogee_store::{Canary, Lane, LaneKey, Store, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Bots, Known, Race, is_away};

/// Longest code of a canary, bytes.
const LONGEST_CODE: usize = 60;

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
    #[error("the database does not answer; try again")]
    Away(#[source] DeskError),
    #[error("the server could not do it")]
    Broken(#[source] DeskError),
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        if is_away(&error) { Self::Away(error) } else { Self::Broken(error) }
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
            Self::NoSuch => 404,
            Self::Unknown | Self::NotSigned(_) => 401,
            Self::Unreadable(_) | Self::NoBytes(_) | Self::Elsewhere => 400,
            Self::Gone => 410,
            Self::NotKept(NotKept::Twice) => 409,
            Self::NotKept(_) => 422,
            Self::Away(_) => 503,
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
    /// The answer to a request, JSON.
    pub(crate) async fn answer(
        &self,
        store: &dyn Store,
        path: &str,
        of: Signature<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, Refusal> {
        let known = self.known.get(of.bot).ok_or(Refusal::Unknown)?;
        verify(&known.key, (of.bot, path, of.at), body, of.signature, now)?;
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
        for race in &self.races {
            if free == 0 {
                break;
            }
            let lanes = race.desk(store).lease(&known.bot, &[Kind::Retrieval], free, now).await?;
            for lane in lanes {
                match race.lease(&lane) {
                    Some(lease) => {
                        leases.push(lease);
                        free = free.saturating_sub(1);
                    }
                    None => drop(race.desk(store).release(&known.bot, &lane.key, lane.fence).await?),
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
        let age = now.0.saturating_sub(of.at);
        if of.code.len() > LONGEST_CODE || !(-SKEW..=OLDEST_CANARY).contains(&age) {
            return Err(Refusal::Elsewhere);
        }
        let canary = Canary { bot: known.bot.name.clone(), at: Timestamp(of.at), code: of.code };
        let mut work = store.begin().await?;
        for race in &self.races {
            work.put_canary(&race.plan.network, &race.plan.race, &canary).await?;
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
        let kind = of.kind().ok_or(Refusal::Elsewhere)?;
        Ok((race, race.plan.key(kind, &of.miner)))
    }
}

impl Race {
    fn desk<'a>(&'a self, store: &'a dyn Store) -> Desk<'a> {
        Desk { store, plan: &self.plan }
    }

    /// What a bot is told of a lane that it got; `None` for a miner whose gateway was taken out of the settings.
    fn lease(&self, lane: &Lane) -> Option<Lease> {
        let expires = lane.lease.as_ref()?.expires.0;
        let url = self.settings.gateways.get(&lane.key.miner)?.clone();
        let cadence = self.plan.cadence(lane.key.kind)?;
        let choices = self.settings.data.len() as u64;
        let choice = cadence.choice(&self.plan.seed, &lane.key.miner, lane.slot, choices);
        let data = self.settings.data.get(usize::try_from(choice).ok()?)?;
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
            task: Task::Gateway {
                url,
                root: data.root.clone(),
                size: data.size,
                private: self.settings.allow_private,
            },
            checkpoint: STANDARD.encode(&lane.checkpoint),
        })
    }
}
