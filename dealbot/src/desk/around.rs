//! What is known beside the attempts of slots: how canaries came out, what other bots found of others, and when nothing counted.

use std::collections::BTreeSet;

use apogee_domain::Timestamp;
use apogee_store::{LaneKey, MAINTENANCE, ProbeAttempt};

use super::{Desk, DeskError};
use crate::fault::{Code, Fault};
use crate::judge::{Attempt, Canaries, Canary, Look, Rest, correlated};

/// Rows that are read at once.
const PAGE: u32 = 10_000;

/// What is known around some attempts.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) canaries: Canaries,
    pub(super) rests: Rests,
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

/// When nothing counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rests {
    /// For whom; an empty name is everybody.
    all: Vec<(String, Rest)>,
}

impl Rests {
    /// Those that concern a lane.
    #[must_use]
    pub fn of(&self, key: &LaneKey) -> Vec<Rest> {
        let concerns = |(miner, rest): &&(String, Rest)| {
            (miner.is_empty() || *miner == key.miner) && rest.why.concerns(key.kind)
        };
        self.all.iter().filter(concerns).map(|(_, rest)| *rest).collect()
    }
}

impl Desk<'_> {
    /// The rests that have a moment of `[from, to]`. What a miner said of its maintenance when that had begun does not count.
    ///
    /// # Errors
    /// The database's, and where a reason is not known.
    pub async fn rests(&self, from: Timestamp, to: Timestamp) -> Result<Rests, DeskError> {
        let mut all = Vec::new();
        for stored in self.store.rests(&self.plan.network, &self.plan.race, from, to).await? {
            if stored.why == MAINTENANCE && stored.said > stored.from {
                continue;
            }
            let rest = Rest::of(&stored).ok_or(DeskError::Rest(stored.why))?;
            all.push((stored.miner, rest));
        }
        Ok(Rests { all })
    }

    /// What is known around attempts that were made in `[first, last]`, of slots that were due from a moment on.
    pub(super) async fn around(
        &self,
        (first, last): (Timestamp, Timestamp),
        due: Timestamp,
        now: Timestamp,
    ) -> Result<Around, DeskError> {
        let (network, race) = (&self.plan.network, self.plan.race.as_str());
        let wider = |by: i64| (Timestamp(first.0.saturating_sub(by)), Timestamp(last.0.saturating_add(by)));
        let (from, to) = wider(self.plan.measures.canary);
        let mut canaries = Canaries::default();
        for told in self.store.canaries(network, race, from, to).await? {
            canaries.add(&told.bot, Canary { at: told.at, good: told.code.is_empty() });
        }
        let rests = self.rests(due.min(first), now).await?;
        let set_aside = if self.plan.fleet > 1 {
            let (from, to) = wider(self.plan.measures.around());
            self.at_odds(&self.ended(from, to).await?)
        } else {
            BTreeSet::new()
        };
        Ok(Around { canaries, rests, set_aside })
    }

    /// Those of some attempts in which one bot is at odds with the others.
    fn at_odds(&self, rows: &[ProbeAttempt]) -> BTreeSet<(LaneKey, u64, u32)> {
        let fault = |row: &ProbeAttempt| {
            Code::parse(&row.code).map_or(Fault::None, |code| code.fault(&self.plan.known))
        };
        let says = |row: &&ProbeAttempt| matches!(fault(row), Fault::None | Fault::Miner | Fault::Ambiguous);
        let looked: Vec<&ProbeAttempt> = rows.iter().filter(says).collect();
        let looks: Vec<Look<'_>> = looked
            .iter()
            .map(|row| Look {
                miner: &row.key.miner,
                worker: &row.bot,
                at: row.leased,
                good: row.code.is_empty(),
            })
            .collect();
        let odd = correlated(&looks, &self.plan.measures.correlation);
        let places = odd.into_iter().filter_map(|place| looked.get(place));
        places.map(|row| (row.key.clone(), row.slot, row.attempt)).collect()
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
