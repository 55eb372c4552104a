//! Slots that were tried are judged, as soon as what was found decides.

use std::collections::BTreeSet;

use apogee_domain::{Epoch, Timestamp};
use apogee_store::{
    FOLLOWED, Lane, Page, ProbeAttempt, ProbeSlot, SlotOutcome, SlotVerdict, StoreError, Work,
};

use super::around::Around;
use super::leases::slot_id;
use super::{Desk, DeskError};
use crate::entry::{Basis, Fact, Followed, Judged as Told, Settled};
use crate::fault::Code;
use crate::judge::{Attempt, Case, Outcome, Tried as Over};
use crate::record::Record;

/// Slots that are looked at in a round.
const SLOTS: u32 = 1_000;
/// Slots are looked at together whose last attempts ended within so many microseconds: what is around them is read once.
const SPAN: i64 = 3_600_000_000;
/// How long a slot waits whose attempts do not read, microseconds: it keeps no other waiting.
const UNREADABLE: i64 = 3_600_000_000;

/// What a round found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Slots of which it is known now what became of them.
    pub settled: u64,
    /// Slots of which others say what becomes of them: a deal is followed.
    pub followed: u64,
    /// Slots that are tried once more.
    pub again: u64,
    /// Slots that wait: for a canary, or for somebody who tries again.
    pub open: u64,
}

/// A slot to be judged.
struct Tried<'a> {
    slot: &'a ProbeSlot,
    /// Its lane, unless that has gone on.
    lane: Option<Lane>,
    attempts: Vec<Attempt>,
}

/// What was found of a slot, and from what.
pub(super) struct Found {
    pub(super) outcome: SlotOutcome,
    pub(super) code: Option<Code>,
    pub(super) basis: Basis,
    pub(super) deal: Option<Settled>,
}

/// What becomes of it.
enum Next {
    Settled,
    Followed,
    /// It is tried again, and looked at again at this moment.
    Again(Timestamp),
    /// It is looked at again at this moment.
    Open(Timestamp),
}

impl Desk<'_> {
    /// Judge what can be judged. Where the network is indexed further meanwhile than the epoch, the rest waits for the next round.
    ///
    /// # Errors
    /// The database's, and where a record does not read.
    pub async fn judge(&self, now: Timestamp, epoch: Epoch) -> Result<Judged, DeskError> {
        let mut slots = self.store.unjudged(&self.plan.network, &self.plan.race, now, SLOTS).await?;
        slots.sort_by_key(|slot| slot.ended);
        let (mut judged, mut failed, mut looks) = (Judged::default(), None, Vec::new());
        let mut rest = slots.as_slice();
        while let Some(first) = rest.first() {
            let until = first.ended.0.saturating_add(SPAN);
            let (near, later) = rest.split_at(rest.partition_point(|slot| slot.ended.0 <= until));
            rest = later;
            match self.judge_near(near, (now, epoch), &mut judged, &mut looks).await {
                Ok(()) => {}
                Err(error) if error.is_passed() => break,
                // One slot that cannot be judged keeps no other waiting.
                Err(error) => failed = Some(error),
            }
        }
        self.look_again(&looks).await?;
        failed.map_or(Ok(judged), Err)
    }

    /// Judge slots that ended about the same time. When to look again at those that wait goes to `looks`.
    async fn judge_near<'a>(
        &self,
        slots: &'a [ProbeSlot],
        (now, epoch): (Timestamp, Epoch),
        judged: &mut Judged,
        looks: &mut Vec<(&'a ProbeSlot, Timestamp)>,
    ) -> Result<(), DeskError> {
        let (mut cases, mut failed) = (Vec::new(), None);
        for slot in slots {
            let lane = self.store.lane(&slot.key).await?.filter(|lane| lane.slot == slot.slot);
            if lane.as_ref().is_some_and(|lane| lane.lease.is_some()) {
                // Whatever comes of it, an attempt that is over is looked at.
                let (_, confirm) = self.plan.ends(slot.key.kind, slot.slot);
                looks.push((slot, confirm.max(self.patience(slot, now))));
                judged.open += 1;
                continue;
            }
            match self.attempts(slot).await {
                Ok(attempts) => cases.push(Tried { slot, lane, attempts }),
                Err(error) => {
                    looks.push((slot, Timestamp(now.0.saturating_add(UNREADABLE))));
                    failed = Some(error);
                }
            }
        }
        let made = || cases.iter().flat_map(|case| &case.attempts);
        let (Some(first), Some(last), Some(due)) = (
            made().map(|attempt| attempt.started).min(),
            made().map(|attempt| attempt.ended).max(),
            cases.iter().map(|case| case.slot.due).min(),
        ) else {
            return failed.map_or(Ok(()), Err);
        };
        let around = self.around((first, last), due, now).await?;
        for case in cases {
            let slot = case.slot;
            match self.judge_one(case, &around, (now, epoch)).await {
                Ok(Next::Settled) => judged.settled += 1,
                Ok(Next::Followed) => judged.followed += 1,
                Ok(Next::Again(at)) => {
                    judged.again += 1;
                    looks.push((slot, at));
                }
                Ok(Next::Open(at)) => {
                    judged.open += 1;
                    looks.push((slot, at));
                }
                // Another desk was faster.
                Err(DeskError::Store(StoreError::Conflict { .. })) => judged.settled += 1,
                Err(error) if error.is_passed() => return Err(error),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn judge_one(
        &self,
        tried: Tried<'_>,
        around: &Around,
        (now, epoch): (Timestamp, Epoch),
    ) -> Result<Next, DeskError> {
        let Tried { slot, lane, attempts } = tried;
        let attempts = around.look(&slot.key, slot.slot, attempts);
        let (deadline, confirm) = self.plan.ends(slot.key.kind, slot.slot);
        let (rests, policy) = (around.rests.of(slot.key.kind, &slot.key.miner), self.plan.policy());
        let case = Case {
            due: slot.due,
            deadline,
            confirm,
            attempts: &attempts,
            canaries: &around.canaries,
            rests: &rests,
            policy: &policy,
        };
        let settled = match case.outcome(now) {
            Outcome::Success if self.plan.follows(slot.key.kind) => None,
            Outcome::Success => Some((SlotOutcome::Ok, None)),
            Outcome::Failure(code) => {
                // What others see about then may say that it was the bot's fault.
                let seen = Timestamp(slot.ended.0.saturating_add(self.plan.measures.around()));
                if self.plan.fleet > 1 && now < seen {
                    return Ok(Next::Open(seen));
                }
                Some((SlotOutcome::Fail, Some(code)))
            }
            Outcome::Excluded(code) => Some((SlotOutcome::Excluded, Some(code))),
            Outcome::Confirm { not_before, not_by } => {
                let again = self.again(lane, (not_before, confirm), &not_by).await?;
                return Ok(if again { Next::Again(confirm) } else { Next::Open(confirm) });
            }
            Outcome::Open { until } => {
                let at = self.patience(slot, now).min(until);
                // Who else looks does not wait for canaries.
                let Outcome::Confirm { not_before, not_by } = case.provisional(now) else {
                    return Ok(Next::Open(at));
                };
                let again = self.again(lane, (not_before, confirm), &not_by).await?;
                return Ok(if again { Next::Again(at) } else { Next::Open(at) });
            }
        };
        let mut work = self.store.begin().await?;
        if let Some(lane) = lane {
            let held = work.hold_lane(&lane.key, lane.fence, None).await?;
            // Where somebody has got it meanwhile, what comes of that is looked at first.
            let Some(lane) = held.filter(|held| held.slot == slot.slot) else {
                return Ok(Next::Open(self.patience(slot, now)));
            };
            self.pass(&mut *work, lane, (now, epoch), (&around.rests, around.basis.seen)).await?;
        }
        let next = match settled {
            Some((outcome, code)) => {
                let found = Found { outcome, code, basis: around.basis, deal: None };
                self.found(&mut *work, slot, found, (now, epoch)).await?;
                Next::Settled
            }
            None => {
                work.look_again(&slot.key, slot.slot, slot.attempts, FOLLOWED).await?;
                let id = slot_id(&slot.key, slot.slot);
                let fact = Followed { slot: id, due: slot.due, basis: around.basis };
                self.note(&mut *work, now, Fact::Followed(fact)).await?;
                Next::Followed
            }
        };
        work.commit().await?;
        Ok(next)
    }

    /// When a slot that waits is looked at again if nothing else is known: after as long as it has waited, so that what comes late costs no more.
    fn patience(&self, slot: &ProbeSlot, now: Timestamp) -> Timestamp {
        let waited = now.0.saturating_sub(slot.ended.0);
        Timestamp(now.0.saturating_add(waited.max(self.plan.measures.beat)))
    }

    async fn look_again(&self, looks: &[(&ProbeSlot, Timestamp)]) -> Result<(), DeskError> {
        if looks.is_empty() {
            return Ok(());
        }
        let mut work = self.store.begin().await?;
        for (slot, at) in looks {
            work.look_again(&slot.key, slot.slot, slot.attempts, *at).await?;
        }
        Ok(work.commit().await?)
    }

    /// The attempts of a slot, as they are judged.
    async fn attempts(&self, slot: &ProbeSlot) -> Result<Vec<Attempt>, DeskError> {
        let page =
            Page { after: Some((slot.slot.saturating_add(1), 0)), limit: 1 + self.plan.measures.attempts };
        let rows = self.store.probe_attempts(&slot.key, page).await?;
        let rows = rows.into_iter().filter(|row| row.slot == slot.slot);
        rows.map(|row| self.attempt(row)).collect()
    }

    fn attempt(&self, row: ProbeAttempt) -> Result<Attempt, DeskError> {
        let broken =
            || DeskError::Record { miner: row.key.miner.clone(), slot: row.slot, attempt: row.attempt };
        let record = row.evidence.as_ref().map(|evidence| Record::decode(&evidence.record)).transpose();
        let record = record.map_err(|_| broken())?;
        let over = Over {
            number: row.attempt,
            bot: &row.bot,
            region: &row.region,
            leased: row.leased,
            ended: row.ended,
            code: failure(&row.code).map_err(|()| broken())?,
            record: record.as_ref(),
        };
        Ok(over.judged(self.plan))
    }

    /// Write down what became of a slot.
    pub(super) async fn found(
        &self,
        work: &mut dyn Work,
        slot: &ProbeSlot,
        found: Found,
        (now, epoch): (Timestamp, Epoch),
    ) -> Result<(), DeskError> {
        let Found { outcome, code, basis, deal } = found;
        let word = code.map_or("", Code::as_str).to_owned();
        let verdict = SlotVerdict { outcome, code: word, at: now, epoch };
        let epoch = work.judge_slot(&slot.key, slot.slot, &verdict).await?;
        let slot =
            Told { slot: slot_id(&slot.key, slot.slot), due: slot.due, outcome, code, epoch, basis, deal };
        self.note(work, now, Fact::Verdict(slot)).await?;
        Ok(())
    }

    /// Somebody tries once more. Whether that is news: the lane may have gone on, or wait for somebody already.
    async fn again(
        &self,
        lane: Option<Lane>,
        (not_before, confirm): (Timestamp, Timestamp),
        not_by: &BTreeSet<String>,
    ) -> Result<bool, DeskError> {
        let Some(lane) = lane.filter(|lane| lane.due >= lane.ends) else { return Ok(false) };
        let mut work = self.store.begin().await?;
        let held = work.hold_lane(&lane.key, lane.fence, None).await?;
        let Some(mut lane) = held.filter(|held| held.slot == lane.slot && held.due >= held.ends) else {
            return Ok(false);
        };
        let mut not_by = not_by.iter().cloned();
        lane.avoid = [not_by.next().unwrap_or_default(), not_by.next().unwrap_or_default()];
        (lane.due, lane.anywhere, lane.ends) = (not_before, not_before, confirm);
        work.set_lane(&lane).await?;
        work.commit().await?;
        Ok(true)
    }
}

/// What a stored code says; an empty one that it went well.
fn failure(code: &str) -> Result<Option<Code>, ()> {
    if code.is_empty() { Ok(None) } else { Code::parse(code).map(Some).ok_or(()) }
}
