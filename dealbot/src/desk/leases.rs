//! Leases: given, kept alive, given back, and ended by a result that is kept once.

use std::collections::BTreeSet;

use apogee_domain::Timestamp;
use apogee_store::{Evidence, Lane, LaneClaim, LaneKey, Page, ProbeAgent, ProbeAttempt, ProbeSlot, Work};

use super::{Desk, DeskError};
use crate::canonical::{Bytes, Link, Signed};
use crate::entry::{Attempted, Fact, Late, Told};
use crate::fault::Code;
use crate::plan::Bot;
use crate::protocol::SKEW;
use crate::record::{NoRecord, Record, SlotId, clip};
use crate::schedule::Kind;

/// Most protocols that are kept of a miner.
const PROTOCOLS: usize = 64;
/// Longest name of what a bot does, bytes.
const LONGEST_STAGE: usize = 40;

/// A result of a bot.
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// Whose slot.
    pub key: &'a LaneKey,
    /// Which.
    pub slot: u64,
    /// Under which lease.
    pub fence: u64,
    /// The record, DAG-CBOR.
    pub record: &'a [u8],
    /// The signature of its name.
    pub signature: &'a [u8],
}

/// Why a result is not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// The record is none.
    #[error("the record is not one")]
    Record(#[from] NoRecord),
    /// It is of something else than it is sent for.
    #[error("the record is of another {0} than it is sent for")]
    Other(&'static str),
    /// The signature is not the bot's.
    #[error("the record is not signed by the bot")]
    Signature,
    /// Another record was kept for the same attempt.
    #[error("another record of this attempt is kept already")]
    Twice,
    /// There never was such a lease.
    #[error("there was no such lease")]
    Unknown,
    /// It could not be written.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl From<apogee_store::StoreError> for NotKept {
    fn from(error: apogee_store::StoreError) -> Self {
        Self::Desk(error.into())
    }
}

impl Desk<'_> {
    /// Attempts for a bot that asks, at most so many.
    ///
    /// # Errors
    /// The database's.
    pub async fn lease(
        &self,
        bot: &Bot,
        kinds: &[Kind],
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Lane>, DeskError> {
        let claim = LaneClaim {
            network: &self.plan.network,
            race: &self.plan.race,
            bot: &bot.name,
            region: &bot.region,
            kinds,
            now,
            expires: self.plan.measures.expires(now),
            limit,
        };
        let mut work = self.store.begin().await?;
        let lanes = work.claim_lanes(&claim).await?;
        work.commit().await?;
        Ok(lanes)
    }

    /// A bot lives: its lease lasts longer, and what it wants to be remembered is. Until when; `None` where it has the slot no more.
    ///
    /// # Errors
    /// The database's; a checkpoint that is too large is one of them.
    pub async fn beat(
        &self,
        bot: &Bot,
        (key, fence): (&LaneKey, u64),
        (beat, stage, checkpoint): (u64, &str, &[u8]),
        now: Timestamp,
    ) -> Result<Option<Timestamp>, DeskError> {
        let mut work = self.store.begin().await?;
        let Some(mut lane) = work.hold_lane(key, fence, Some(&bot.name)).await? else { return Ok(None) };
        let Some(lease) = lane.lease.as_mut() else { return Ok(None) };
        // Whoever says for ever that it lives does not keep a miner from being probed: the slot after it has the end of its own interval.
        let third = self.plan.cadence(key.kind).map_or(0, |cadence| cadence.interval / 3);
        let (_, ends) = self.plan.ends(key.kind, lane.slot);
        if now > ends.max(Timestamp(lease.since.0.saturating_add_unsigned(third))) {
            return Ok(None);
        }
        // Of beats that overtake each other the later one stands.
        if beat >= lease.beat {
            lease.beat = beat;
            clip(stage, LONGEST_STAGE).clone_into(&mut lease.stage);
            if !checkpoint.is_empty() {
                checkpoint.clone_into(&mut lane.checkpoint);
            }
        }
        lease.expires = self.plan.measures.expires(now).max(lease.expires);
        let expires = lease.expires;
        work.set_lane(&lane).await?;
        work.commit().await?;
        Ok(Some(expires))
    }

    /// A bot gives back what it has not begun. Whether it had it.
    ///
    /// # Errors
    /// The database's.
    pub async fn release(&self, bot: &Bot, key: &LaneKey, fence: u64) -> Result<bool, DeskError> {
        let mut work = self.store.begin().await?;
        let Some(mut lane) = work.hold_lane(key, fence, Some(&bot.name)).await? else { return Ok(false) };
        lane.lease = None;
        work.set_lane(&lane).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Keep a result. Sent again it is answered as it was; where another has the slot by now it is kept as late evidence, and `false` is said.
    ///
    /// # Errors
    /// [`NotKept`] where it is not a result of that lease.
    pub async fn complete(
        &self,
        bot: &Bot,
        key: &[u8; 32],
        done: &Done<'_>,
        now: Timestamp,
    ) -> Result<bool, NotKept> {
        let record = Record::decode(done.record)?;
        let evidence = signed_by(key, &record, done)?;
        belongs(bot, &record, done)?;
        let mut work = self.store.begin().await?;
        let held = work.hold_lane(done.key, done.fence, Some(&bot.name)).await?;
        let Some(lane) = held.filter(|lane| lane.slot == done.slot && lane.attempt == record.attempt) else {
            drop(work);
            return self.late(bot, done, (record.attempt, &evidence), now).await;
        };
        let leased = lane.lease.as_ref().map_or(now, |lease| lease.since);
        if record.started.0 < leased.0.saturating_sub(SKEW) || record.ended.0 > now.0.saturating_add(SKEW) {
            return Err(NotKept::Other("time"));
        }
        let attempt = ProbeAttempt {
            key: lane.key.clone(),
            slot: lane.slot,
            attempt: lane.attempt,
            fence: lane.fence,
            bot: bot.name.clone(),
            region: bot.region.clone(),
            leased,
            ended: now,
            code: record.failure.map_or("", |code| code.as_str()).to_owned(),
            evidence: Some(evidence),
            late: None,
            entry: 0,
        };
        if let Some(agent) = running(&record, now) {
            work.put_agent(&self.plan.network, &self.plan.race, &agent).await?;
        }
        self.over(&mut *work, lane, &attempt).await?;
        work.commit().await?;
        Ok(true)
    }

    /// A result whose lease is over.
    async fn late(
        &self,
        bot: &Bot,
        done: &Done<'_>,
        (attempt, evidence): (u32, &Evidence),
        now: Timestamp,
    ) -> Result<bool, NotKept> {
        let page = Page { after: Some((done.slot, attempt.saturating_add(1))), limit: 1 };
        let kept = self.store.probe_attempts(done.key, page).await?.pop();
        let kept =
            kept.filter(|kept| kept.slot == done.slot && kept.fence == done.fence && kept.bot == bot.name);
        let kept = kept.ok_or(NotKept::Unknown)?;
        if let Some(own) = &kept.evidence {
            return if own.cid == evidence.cid { Ok(true) } else { Err(NotKept::Twice) };
        }
        if let Some(late) = &kept.late {
            return if late.cid == evidence.cid { Ok(false) } else { Err(NotKept::Twice) };
        }
        let mut work = self.store.begin().await?;
        let fact = Fact::Late(Late {
            slot: slot_id(done.key, done.slot),
            attempt,
            fence: done.fence,
            bot: bot.name.clone(),
            told: told(evidence)?,
        });
        let entry = self.note(&mut *work, now, fact).await?;
        // Told twice at once it is kept once.
        if work.put_late(done.key, done.slot, done.fence, evidence, entry).await? {
            work.commit().await?;
        }
        Ok(false)
    }

    /// Write down an attempt that is over. The slot waits to be judged, and nobody gets it meanwhile.
    pub(super) async fn over(
        &self,
        work: &mut dyn Work,
        mut lane: Lane,
        attempt: &ProbeAttempt,
    ) -> Result<(), DeskError> {
        let fact = Fact::Attempt(Attempted {
            slot: slot_id(&attempt.key, attempt.slot),
            attempt: attempt.attempt,
            fence: attempt.fence,
            bot: attempt.bot.clone(),
            region: attempt.region.clone(),
            leased: attempt.leased,
            ended: attempt.ended,
            code: Code::parse(&attempt.code),
            told: attempt.evidence.as_ref().map(told).transpose()?,
        });
        let entry = self.note(work, attempt.ended, fact).await?;
        work.put_attempt_made(&ProbeAttempt { entry, ..attempt.clone() }).await?;
        let due = self.plan.lane(&lane.key, lane.slot, 0).due;
        let slot = ProbeSlot {
            key: lane.key.clone(),
            slot: lane.slot,
            due,
            ended: attempt.ended,
            attempts: lane.attempt,
            look: attempt.ended,
            verdict: None,
        };
        work.put_slot(&slot).await?;
        lane.attempt = lane.attempt.saturating_add(1);
        lane.lease = None;
        // Where the interval is over, there is as long as a lease lasts to find out whether somebody else looks. Then the next slot is at hand.
        let (ends, confirm) = self.plan.ends(lane.key.kind, lane.slot);
        lane.ends = ends.max(self.plan.measures.expires(attempt.ended).min(confirm));
        lane.due = lane.ends;
        Ok(work.set_lane(&lane).await?)
    }
}

/// What a slot is called in entries.
pub(super) fn slot_id(key: &LaneKey, number: u64) -> SlotId {
    SlotId { miner: key.miner.clone(), kind: key.kind, number }
}

/// What a bot says, as entries name it.
fn told(evidence: &Evidence) -> Result<Told, DeskError> {
    let record = evidence.cid.parse().map_err(|_| DeskError::Name(evidence.cid.clone()))?;
    Ok(Told { record: Link(record), signature: Bytes(evidence.signature.clone()) })
}

/// What a miner was seen to run. It said so itself: what is kept is a few lines of plain text.
fn running(record: &Record, now: Timestamp) -> Option<ProbeAgent> {
    let plain = |text: &str| -> String {
        let shown = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
        text.chars().map(shown).collect::<String>().trim().to_owned()
    };
    let agent = record.agent.as_deref().map(plain).unwrap_or_default();
    let protocols: BTreeSet<String> = record.protocols.iter().map(|name| plain(name)).collect();
    let protocols: Vec<String> =
        protocols.into_iter().filter(|name| !name.is_empty()).take(PROTOCOLS).collect();
    let seen =
        ProbeAgent { miner: record.slot.miner.clone(), kind: record.slot.kind, agent, protocols, seen: now };
    (!seen.agent.is_empty() || !seen.protocols.is_empty()).then_some(seen)
}

/// The evidence of a result, its signature checked.
fn signed_by(key: &[u8; 32], record: &Record, done: &Done<'_>) -> Result<Evidence, NotKept> {
    let cid = record.cid();
    let signature = done.signature.try_into().map_err(|_| NotKept::Signature)?;
    if !Signed::Record.verifies(&cid, key, signature) {
        return Err(NotKept::Signature);
    }
    Ok(Evidence { cid: cid.to_string(), record: done.record.to_vec(), signature: done.signature.to_vec() })
}

/// Whether a record is of the attempt that it is sent for.
fn belongs(bot: &Bot, record: &Record, done: &Done<'_>) -> Result<(), NotKept> {
    let same = [
        ("race", record.race == done.key.race),
        ("miner", record.slot.miner == done.key.miner),
        ("kind", record.slot.kind == done.key.kind),
        ("slot", record.slot.number == done.slot),
        ("lease", record.fence == done.fence),
        ("bot", record.bot == bot.name),
        ("region", record.region == bot.region),
    ];
    match same.into_iter().find(|(_, same)| !same) {
        Some((what, _)) => Err(NotKept::Other(what)),
        None => Ok(()),
    }
}
