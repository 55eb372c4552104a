//! The slots of a lane whose intervals are over.

use apogee_dealbot::schedule::{Cadence, Kind};
use apogee_domain::Timestamp;
use apogee_store::{Page, ProbeAttempt, ProbeSlot, SlotOutcome, StoreError};

use super::Probing;

/// Slots that are read of a lane at most.
const MOST: usize = 50_000;
/// Rows that are read at once.
const PAGE: u32 = 5_000;

/// How long a miner failed without a success between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    /// The first failure was due then.
    pub(super) from: Timestamp,
    /// The last one ended then.
    pub(super) to: Timestamp,
    /// Failures.
    pub(super) slots: u64,
}

impl Probing<'_> {
    /// Whether a slot may be shown: nobody tries it any more, its interval is over, and it counted by the epoch that is looked at.
    fn is_shown(&self, cadence: &Cadence, slot: &ProbeSlot) -> bool {
        let counted = slot.verdict.as_ref().map(|verdict| verdict.epoch);
        let (_, confirmed) = self.plan.ends(cadence.kind, slot.slot);
        let end = match counted {
            Some(_) => cadence.window(slot.slot).map_or(confirmed, |(_, end)| end),
            // Until then others may look again.
            None => confirmed,
        };
        end <= self.now && self.until.is_none_or(|until| counted.is_some_and(|epoch| epoch <= until))
    }

    /// All of a lane, the newest first.
    pub(super) async fn slots(&self, cadence: &Cadence, miner: &str) -> Result<Vec<ProbeSlot>, StoreError> {
        let key = self.plan.key(cadence.kind, miner);
        let (mut slots, mut after) = (Vec::new(), None);
        while slots.len() < MOST {
            let rows = self.store.slots(&key, Page { after, limit: PAGE }).await?;
            after = rows.last().map(|slot| slot.slot);
            let full = rows.len() == PAGE as usize;
            slots.extend(rows.into_iter().filter(|slot| self.is_shown(cadence, slot)));
            if !full {
                break;
            }
        }
        Ok(slots)
    }

    /// The attempts of some slots of a lane, each slot's in their order.
    pub(super) async fn attempts(
        &self,
        (kind, miner): (Kind, &str),
        slots: &[ProbeSlot],
    ) -> Result<Vec<Vec<ProbeAttempt>>, StoreError> {
        let key = self.plan.key(kind, miner);
        let mut all = Vec::with_capacity(slots.len());
        for slot in slots {
            let most = slot.attempts.clamp(1, self.plan.measures.attempts.max(1));
            let page = Page { after: Some((slot.slot.saturating_add(1), 0)), limit: most };
            let mut rows = match slot.attempts {
                0 => Vec::new(),
                _ => self.store.probe_attempts(&key, page).await?,
            };
            rows.retain(|row| row.slot == slot.slot);
            rows.reverse();
            all.push(rows);
        }
        Ok(all)
    }
}

/// The longest run of failures; what counts for nobody neither makes nor ends one. `slots`: the newest first.
pub(super) fn longest(slots: &[ProbeSlot]) -> Option<Outage> {
    let (mut longest, mut run): (Option<Outage>, Option<Outage>) = (None, None);
    for slot in slots.iter().rev() {
        match slot.verdict.as_ref().map(|verdict| verdict.outcome) {
            Some(SlotOutcome::Fail) => {
                let begun = run.map_or(slot.due, |run| run.from);
                let failures = run.map_or(0, |run| run.slots).saturating_add(1);
                run = Some(Outage { from: begun, to: slot.ended.max(begun), slots: failures });
            }
            Some(SlotOutcome::Ok) => run = None,
            Some(SlotOutcome::Excluded) | None => {}
        }
        let length = |outage: Outage| outage.to.since(outage.from);
        if run.is_some_and(|run| longest.is_none_or(|longest| length(run) >= length(longest))) {
            longest = run;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use apogee_domain::Epoch;
    use apogee_store::{LaneKey, SlotVerdict};

    use super::*;

    fn slots(outcomes: &[Option<SlotOutcome>]) -> Vec<ProbeSlot> {
        let key = LaneKey {
            network: "devnet-a".parse().unwrap(),
            race: "sprint".into(),
            kind: Kind::Retrieval,
            miner: "t01000".into(),
        };
        let slot = |(place, outcome): (usize, &Option<SlotOutcome>)| {
            let at = i64::try_from(place).unwrap() * 100_000_000;
            let verdict = outcome.map(|outcome| SlotVerdict {
                outcome,
                code: String::new(),
                at: Timestamp(at),
                epoch: Epoch::GENESIS,
            });
            let (due, ended) = (Timestamp(at), Timestamp(at + 5_000_000));
            ProbeSlot { key: key.clone(), slot: place as u64, due, ended, attempts: 1, look: ended, verdict }
        };
        outcomes.iter().enumerate().map(slot).rev().collect()
    }

    #[test]
    fn an_outage_goes_from_the_first_failure_to_the_last_and_excluded_slots_do_not_end_it() {
        use SlotOutcome::{Excluded, Fail, Ok};
        let found =
            longest(&slots(&[Some(Fail), Some(Ok), Some(Fail), Some(Excluded), None, Some(Fail), Some(Ok)]));
        let expected = Outage { from: Timestamp(200_000_000), to: Timestamp(505_000_000), slots: 2 };
        assert_eq!(found, Some(expected));
        assert_eq!(longest(&slots(&[Some(Ok), Some(Excluded)])), None);
        assert_eq!(longest(&[]), None);
    }
}
