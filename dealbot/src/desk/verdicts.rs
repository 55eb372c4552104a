//! Slots that were tried are judged, as soon as what was found decides.

use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::{Epoch, Timestamp};
use apogee_store::{Lane, LaneKey, Page, ProbeAttempt, ProbeSlot, SlotOutcome, SlotVerdict, StoreError};

use super::{Desk, DeskError};
use crate::fault::{Code, Fault};
use crate::judge::{Attempt, Canaries, Canary, Case, Look, Outcome, correlated};
use crate::record::Record;
use crate::schedule::Kind;
use crate::verdict::Tally;

/// Slots that are looked at in a round.
const SLOTS: u32 = 1_000;
/// How much later than it was made an attempt may be told, microseconds.
const TOLD_LATE: i64 = 6 * 3_600_000_000;
/// Rows that are read at once.
const PAGE: u32 = 10_000;

/// What a round found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Slots of which it is known now what became of them.
    pub settled: u64,
    /// Slots that are tried once more.
    pub again: u64,
    /// Slots that wait: for a canary, or for somebody who tries again.
    pub open: u64,
}

/// What is known beside the attempts of a slot.
struct Around {
    canaries: Canaries,
    /// Attempts that say something of their bot alone.
    set_aside: BTreeSet<(LaneKey, u64, u32)>,
}

impl Desk<'_> {
    /// Judge what can be judged.
    ///
    /// # Errors
    /// The database's, and where a record does not read.
    pub async fn judge(&self, now: Timestamp, epoch: Epoch) -> Result<Judged, DeskError> {
        let slots = self.store.unjudged(&self.plan.network, &self.plan.race, now, SLOTS).await?;
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return Ok(Judged::default()) };
        let around = self.around(first.ended, last.ended).await?;
        let mut judged = Judged::default();
        let mut failed = None;
        for slot in &slots {
            match self.judge_one(slot, &around, now, epoch).await {
                Ok(Outcome::Open { .. }) => judged.open += 1,
                Ok(Outcome::Confirm { .. }) => judged.again += 1,
                Ok(_) => judged.settled += 1,
                // Another desk was faster.
                Err(DeskError::Store(StoreError::Conflict { .. })) => judged.settled += 1,
                // One slot that cannot be judged keeps no other waiting.
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(judged), Err)
    }

    async fn judge_one(
        &self,
        slot: &ProbeSlot,
        around: &Around,
        now: Timestamp,
        epoch: Epoch,
    ) -> Result<Outcome, DeskError> {
        let lane = self.store.lane(&slot.key).await?.filter(|lane| lane.slot == slot.slot);
        if lane.as_ref().is_some_and(|lane| lane.lease.is_some()) {
            return Ok(Outcome::Open { until: now });
        }
        let attempts = self.attempts(slot, around).await?;
        let ends = self.plan.lane(&slot.key, slot.slot, 0).ends;
        let policy = self.plan.policy();
        let case = Case {
            due: slot.due,
            deadline: ends,
            attempts: &attempts,
            canaries: &around.canaries,
            rests: &[],
            policy: &policy,
        };
        let mut outcome = case.outcome(now);
        // What others see about then may say that it was the bot's fault.
        let seen = slot.ended.0.saturating_add(self.plan.measures.around());
        if matches!(outcome, Outcome::Failure(_)) && self.plan.fleet > 1 && now.0 < seen {
            outcome = Outcome::Open { until: Timestamp(seen) };
        }
        match &outcome {
            Outcome::Success => self.settle(slot, lane, (SlotOutcome::Ok, None), now, epoch).await?,
            Outcome::Failure(code) => {
                self.settle(slot, lane, (SlotOutcome::Fail, Some(*code)), now, epoch).await?;
            }
            Outcome::Excluded(code) => {
                self.settle(slot, lane, (SlotOutcome::Excluded, Some(*code)), now, epoch).await?;
            }
            Outcome::Confirm { not_before, not_by } => {
                if let Some(lane) = lane {
                    self.again(lane, *not_before, not_by).await?;
                }
            }
            Outcome::Open { .. } => {}
        }
        Ok(outcome)
    }

    /// The attempts of a slot, as they are judged.
    async fn attempts(&self, slot: &ProbeSlot, around: &Around) -> Result<Vec<Attempt>, DeskError> {
        let page =
            Page { after: Some((slot.slot.saturating_add(1), 0)), limit: 1 + self.plan.measures.attempts };
        let rows = self.store.probe_attempts(&slot.key, page).await?;
        let rows = rows.into_iter().filter(|row| row.slot == slot.slot);
        rows.map(|row| self.attempt(row, around)).collect()
    }

    fn attempt(&self, row: ProbeAttempt, around: &Around) -> Result<Attempt, DeskError> {
        let broken =
            || DeskError::Record { miner: row.key.miner.clone(), slot: row.slot, attempt: row.attempt };
        let record = row.evidence.as_ref().map(|evidence| Record::decode(&evidence.record)).transpose();
        let record = record.map_err(|_| broken())?;
        let told = record.as_ref();
        let at_odds = around.set_aside.contains(&(row.key.clone(), row.slot, row.attempt));
        Ok(Attempt {
            number: row.attempt,
            failure: failure(&row.code).map_err(|()| broken())?,
            started: told.map_or(row.leased, |record| record.started),
            ended: told.map_or(row.ended, |record| record.ended),
            circumstances: told.map(|record| record.circumstances).unwrap_or_default().or(self.plan.known),
            set_aside: at_odds.then_some(Code::FleetCorrelated),
            worker: row.bot,
            region: row.region,
        })
    }

    /// Canaries, and attempts of every miner, around a stretch of time.
    async fn around(&self, first: Timestamp, last: Timestamp) -> Result<Around, DeskError> {
        let measures = &self.plan.measures;
        let rule = &measures.correlation;
        // An attempt may have been told long after it was made.
        let reach =
            measures.canary.saturating_add(measures.lease).saturating_mul(2).saturating_add(TOLD_LATE);
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let (from, to) = (Timestamp(first.0.saturating_sub(reach)), Timestamp(last.0.saturating_add(reach)));
        let mut canaries = Canaries::default();
        for told in self.store.canaries(network, race, from, to).await? {
            canaries.add(&told.bot, Canary { at: told.at, good: told.code.is_empty() });
        }
        let reach = measures.around();
        let (from, to) = (Timestamp(first.0.saturating_sub(reach)), Timestamp(last.0.saturating_add(reach)));
        let rows = self.ended(from, to).await?;
        let mut looked = Vec::with_capacity(rows.len());
        for row in &rows {
            let fault =
                failure(&row.code).ok().flatten().map_or(Fault::None, |code| code.fault(&self.plan.known));
            if matches!(fault, Fault::None | Fault::Miner | Fault::Ambiguous) {
                looked.push(row);
            }
        }
        let look = |row: &&'_ ProbeAttempt| {
            (row.key.miner.clone(), row.bot.clone(), row.leased, row.code.is_empty())
        };
        let told: Vec<_> = looked.iter().map(look).collect();
        let looks: Vec<Look<'_>> = told
            .iter()
            .map(|(miner, worker, at, good)| Look { miner, worker, at: *at, good: *good })
            .collect();
        let odd = correlated(&looks, rule);
        let set_aside = odd
            .into_iter()
            .filter_map(|place| looked.get(place))
            .map(|row| (row.key.clone(), row.slot, row.attempt))
            .collect();
        Ok(Around { canaries, set_aside })
    }

    /// Attempts of all miners that ended in `[from, to)`.
    async fn ended(&self, from: Timestamp, to: Timestamp) -> Result<Vec<ProbeAttempt>, DeskError> {
        let (mut rows, mut from): (Vec<ProbeAttempt>, _) = (Vec::new(), from);
        loop {
            let found =
                self.store.attempts_ended(&self.plan.network, &self.plan.race, from, to, PAGE).await?;
            let whole = found.len() < PAGE as usize;
            let last = found.last().map(|row| row.ended);
            rows.retain(|row| row.ended < from);
            rows.extend(found);
            match last {
                // Those of the last moment may go on: they are read again.
                Some(last) if !whole && last > from => from = last,
                _ => return Ok(rows),
            }
        }
    }

    async fn settle(
        &self,
        slot: &ProbeSlot,
        lane: Option<Lane>,
        (outcome, code): (SlotOutcome, Option<Code>),
        now: Timestamp,
        epoch: Epoch,
    ) -> Result<(), DeskError> {
        let code = code.map_or("", Code::as_str).to_owned();
        let verdict = SlotVerdict { outcome, code, at: now, epoch };
        let mut work = self.store.begin().await?;
        if let Some(lane) = lane
            && let Some(lane) = work.hold_lane(&lane.key, lane.fence, None).await?
            && lane.slot == slot.slot
        {
            self.pass(&mut *work, lane, now, epoch).await?;
        }
        work.judge_slot(&slot.key, slot.slot, &verdict).await?;
        Ok(work.commit().await?)
    }

    /// Somebody tries once more.
    async fn again(
        &self,
        lane: Lane,
        not_before: Timestamp,
        not_by: &BTreeSet<String>,
    ) -> Result<(), DeskError> {
        let mut work = self.store.begin().await?;
        let Some(mut lane) = work.hold_lane(&lane.key, lane.fence, None).await? else { return Ok(()) };
        // It was let go on before.
        if lane.due < lane.ends {
            return Ok(());
        }
        let mut not_by = not_by.iter().cloned();
        lane.avoid = [not_by.next().unwrap_or_default(), not_by.next().unwrap_or_default()];
        (lane.due, lane.anywhere) = (not_before, not_before);
        work.set_lane(&lane).await?;
        Ok(work.commit().await?)
    }

    /// What the slots of each kind and miner come to by now.
    ///
    /// # Errors
    /// The database's.
    pub async fn tallies(&self) -> Result<BTreeMap<(Kind, String), Tally>, DeskError> {
        let mut newest = BTreeMap::new();
        let mut after = None;
        loop {
            let page = Page { after, limit: PAGE };
            let rows = self.store.slot_counts(&self.plan.network, &self.plan.race, page).await?;
            let Some(last) = rows.last() else { break };
            after = Some((last.kind, last.miner.clone(), last.outcome, last.code.clone(), last.epoch));
            // Of one outcome and code the last row counts all.
            newest.extend(
                rows.into_iter().map(|row| ((row.kind, row.miner, row.outcome, row.code), row.count)),
            );
        }
        let mut tallies: BTreeMap<_, Tally> = BTreeMap::new();
        for ((kind, miner, outcome, code), count) in newest {
            let tally = tallies.entry((kind, miner)).or_default();
            match outcome {
                SlotOutcome::Ok => tally.sample.successes = count,
                SlotOutcome::Fail => tally.sample.failures = tally.sample.failures.saturating_add(count),
                SlotOutcome::Excluded => drop(tally.excluded.insert(code, count)),
            }
        }
        Ok(tallies)
    }
}

/// What a stored code says; an empty one that it went well.
fn failure(code: &str) -> Result<Option<Code>, ()> {
    if code.is_empty() { Ok(None) } else { Code::parse(code).map(Some).ok_or(()) }
}
