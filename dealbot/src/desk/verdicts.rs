//! Slots that were tried are judged, as soon as what was found decides.

use std::collections::BTreeSet;

use apogee_domain::{Epoch, Timestamp};
use apogee_store::{
    FOLLOWED, Lane, Page, ProbeAttempt, ProbeSlot, SlotOutcome, SlotVerdict, StoreError, Work,
};

use super::around::Around;
use super::{Desk, DeskError};
use crate::fault::Code;
use crate::judge::{Attempt, Case, Outcome};
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
        let (rests, policy) = (around.rests.of(&slot.key), self.plan.policy());
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
        if let Some(lane) = lane
            && let Some(lane) = work.hold_lane(&lane.key, lane.fence, None).await?
            && lane.slot == slot.slot
        {
            self.pass(&mut *work, lane, (now, epoch), &around.rests).await?;
        }
        let next = finish(&mut *work, slot, settled, (now, epoch)).await?;
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
        let told = record.as_ref();
        Ok(Attempt {
            number: row.attempt,
            failure: failure(&row.code).map_err(|()| broken())?,
            started: told.map_or(row.leased, |record| record.started),
            ended: told.map_or(row.ended, |record| record.ended),
            circumstances: told
                .map(|record| record.circumstances)
                .unwrap_or_default()
                .beside(self.plan.known),
            set_aside: None,
            worker: row.bot,
            region: row.region,
        })
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

/// Write down what became of a slot; where that is `None`, that others say so.
async fn finish(
    work: &mut dyn Work,
    slot: &ProbeSlot,
    settled: Option<(SlotOutcome, Option<Code>)>,
    (now, epoch): (Timestamp, Epoch),
) -> Result<Next, DeskError> {
    let Some((outcome, code)) = settled else {
        work.look_again(&slot.key, slot.slot, slot.attempts, FOLLOWED).await?;
        return Ok(Next::Followed);
    };
    let code = code.map_or("", Code::as_str).to_owned();
    work.judge_slot(&slot.key, slot.slot, &SlotVerdict { outcome, code, at: now, epoch }).await?;
    Ok(Next::Settled)
}

/// What a stored code says; an empty one that it went well.
fn failure(code: &str) -> Result<Option<Code>, ()> {
    if code.is_empty() { Ok(None) } else { Code::parse(code).map(Some).ok_or(()) }
}
