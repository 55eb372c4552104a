//! What is known beside the attempts of slots: how canaries came out, what other bots found of others, and when nothing counted.

use std::collections::BTreeSet;

use apogee_domain::Timestamp;
use apogee_store::{LaneKey, ProbeAttempt};

use super::{Desk, DeskError};
use crate::entry::Basis;
use crate::fault::Code;
use crate::judge::{Attempt, Canaries, Canary, Rest, Rests, at_odds, look};

/// Rows that are read at once.
const PAGE: u32 = 10_000;

/// What is known around some attempts.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) canaries: Canaries,
    pub(super) rests: Rests,
    /// What all of it is known from.
    pub(super) basis: Basis,
    /// Attempts that say something of their bot alone.
    set_aside: BTreeSet<(LaneKey, u64, u32)>,
}

impl Around {
    /// The attempts of a slot, those set aside that the fleet is at odds with.
    pub(super) fn look(&self, key: &LaneKey, slot: u64, attempts: Vec<Attempt>) -> Vec<Attempt> {
        let odd = |attempt: &Attempt| self.set_aside.contains(&(key.clone(), slot, attempt.number));
        let marked = |attempt: Attempt| Attempt {
            set_aside: odd(&attempt).then_some(Code::FleetCorrelated),
            ..attempt
        };
        attempts.into_iter().map(marked).collect()
    }
}

impl Desk<'_> {
    /// The rests that have a moment of `[from, to]`.
    ///
    /// # Errors
    /// The database's, and where a reason is not known.
    pub async fn rests(&self, from: Timestamp, to: Timestamp) -> Result<Rests, DeskError> {
        Ok(self.rests_known(from, to).await?.0)
    }

    /// The same, and the newest entry that was known then: none of them is of a later one.
    pub(super) async fn rests_known(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(Rests, u64), DeskError> {
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        loop {
            let seen = self.store.newest_entry(network, race).await?;
            let stored = self.store.rests(network, race, from, to).await?;
            // One that was said meanwhile may have taken the place of another.
            if stored.iter().any(|rest| rest.entry > seen) {
                continue;
            }
            let mut rests = Rests::default();
            for stored in stored {
                let rest = Rest::of(&stored).ok_or(DeskError::Rest(stored.why))?;
                rests.add(&stored.miner, rest, stored.said);
            }
            return Ok((rests, seen));
        }
    }

    /// What is known around attempts that were made in `[first, last]`, of slots that were due from a moment on.
    pub(super) async fn around(
        &self,
        (first, last): (Timestamp, Timestamp),
        due: Timestamp,
        now: Timestamp,
    ) -> Result<Around, DeskError> {
        let (rests, seen) = self.rests_known(due.min(first), now).await?;
        let basis = Basis { seen, first, last };
        let (from, to) = basis.within(self.plan.measures.canary);
        let mut canaries = Canaries::default();
        for told in self.store.canaries(&self.plan.network, &self.plan.race, from, to).await? {
            if told.entry <= seen {
                canaries.add(&told.bot, Canary { at: told.at, good: told.code.is_empty() });
            }
        }
        let set_aside = if self.plan.fleet > 1 {
            let (from, to) = basis.within(self.plan.measures.around());
            let mut rows = self.ended(from, to).await?;
            rows.retain(|row| row.entry <= seen);
            let named = rows.iter().filter_map(|row| {
                let code = Code::parse(&row.code);
                let look = look(self.plan, (&row.key.miner, &row.bot), row.leased, code)?;
                Some(((row.key.clone(), row.slot, row.attempt), look))
            });
            at_odds(self.plan, named.collect())
        } else {
            BTreeSet::new()
        };
        Ok(Around { canaries, rests, basis, set_aside })
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
}
