//! What time alone changes: leases run out, slots end, and lanes go on to the next one.

use apogee_domain::{Epoch, Timestamp};
use apogee_store::{Lane, ProbeAttempt, ProbeSlot, SlotOutcome, Work};

use super::verdicts::Found;
use super::{Desk, DeskError};
use crate::entry::Basis;
use crate::fault::Code;
use crate::judge::Rests;

/// Lanes that are looked at once.
const LANES: u32 = 200;
/// Slots that are passed over in one unit of work; the rest of a longer absence waits for the next round.
const SLOTS: usize = 50;

/// What a round changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Leases that ran out.
    pub lapsed: u64,
    /// Slots that nobody tried.
    pub missed: u64,
}

impl Desk<'_> {
    /// Take leases away that ran out, and go on from slots that have ended. Where the network is indexed further meanwhile than the epoch, the rest waits
    /// for the next round.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(&self, now: Timestamp, epoch: Epoch) -> Result<Swept, DeskError> {
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let mut swept = Swept::default();
        for lane in self.store.lapsed(network, race, now, LANES).await? {
            swept.lapsed += u64::from(self.lapse(&lane, now).await?);
        }
        let missed = self.store.missed(network, race, now, LANES).await?;
        let Some(first) = missed.iter().map(|lane| lane.due).min() else { return Ok(swept) };
        let rests = self.rests_known(first, now).await?;
        for lane in missed {
            let mut work = self.store.begin().await?;
            let Some(lane) = work.hold_lane(&lane.key, lane.fence, None).await? else { continue };
            if lane.ends > now {
                continue;
            }
            match self.pass(&mut *work, lane, (now, epoch), (&rests.0, rests.1)).await {
                Ok(missed) => swept.missed += missed,
                Err(error) if error.is_passed() => break,
                Err(error) => return Err(error),
            }
            work.commit().await?;
        }
        Ok(swept)
    }

    /// The holder of a lease has been silent for too long.
    async fn lapse(&self, lane: &Lane, now: Timestamp) -> Result<bool, DeskError> {
        let Some(lease) = &lane.lease else { return Ok(false) };
        let mut work = self.store.begin().await?;
        let held = work.hold_lane(&lane.key, lane.fence, Some(&lease.bot)).await?;
        // It may have said since that it lives.
        let Some(lane) = held.filter(|held| held.lease.as_ref().is_some_and(|lease| lease.expires <= now))
        else {
            return Ok(false);
        };
        let attempt = ProbeAttempt {
            key: lane.key.clone(),
            slot: lane.slot,
            attempt: lane.attempt,
            fence: lane.fence,
            bot: lease.bot.clone(),
            region: lane.region.clone(),
            leased: lease.since,
            ended: now,
            code: Code::LeaseExpired.as_str().to_owned(),
            evidence: None,
            late: None,
            entry: 0,
        };
        self.over(&mut *work, lane, &attempt).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Go on to the first slot that has not ended. How many nobody tried.
    pub(super) async fn pass(
        &self,
        work: &mut dyn Work,
        lane: Lane,
        (now, epoch): (Timestamp, Epoch),
        (rests, seen): (&Rests, u64),
    ) -> Result<u64, DeskError> {
        let (mut next, mut missed) = (lane, 0);
        for _ in 0..SLOTS {
            if next.attempt == 1 && next.ends <= now {
                let rest = rests
                    .of(next.key.kind, &next.key.miner)
                    .into_iter()
                    .find(|rest| rest.touches(next.due, next.due));
                let code = rest.map_or(Code::MissedNoWorker, |rest| rest.code());
                let slot = ProbeSlot {
                    key: next.key.clone(),
                    slot: next.slot,
                    due: next.due,
                    ended: next.ends,
                    attempts: 0,
                    look: next.ends,
                    verdict: None,
                };
                work.put_slot(&slot).await?;
                let basis = Basis { seen, first: next.due, last: next.due };
                let found = Found { outcome: SlotOutcome::Excluded, code: Some(code), basis, deal: None };
                self.found(work, &slot, found, (now, epoch)).await?;
                missed += 1;
            }
            next = self.plan.lane(&next.key, next.slot.saturating_add(1), next.fence);
            if next.ends > now {
                break;
            }
        }
        work.set_lane(&next).await?;
        Ok(missed)
    }
}
