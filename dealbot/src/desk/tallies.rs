//! What slots come to, counted.

use std::collections::BTreeMap;

use apogee_store::{Page, SlotOutcome};

use super::{Desk, DeskError};
use crate::schedule::Kind;
use crate::verdict::Tally;

/// Rows that are read at once.
const PAGE: u32 = 10_000;

impl Desk<'_> {
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
