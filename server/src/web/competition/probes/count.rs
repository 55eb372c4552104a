//! Slots by outcome and code, and what they come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_dealbot::schedule::Kind;
use apogee_dealbot::verdict::{Tally, Verdict};
use apogee_domain::{Epoch, Timestamp};
use apogee_store::{Page, SlotCount, SlotOutcome, StoreError};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::Probing;
use crate::bots::BAR;
use crate::web::competition::Stage;
use crate::web::figure::grouped;
use crate::web::{App, Problem};

/// Rows that are read at once.
const PAGE: u32 = 10_000;
/// How long what was counted of a whole competition is good for, microseconds.
const GOOD: i64 = 30_000_000;

/// The slots of a lane, or of several.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    pub(super) ok: u64,
    pub(super) fail: BTreeMap<String, u64>,
    pub(super) excluded: BTreeMap<String, u64>,
}

/// By kind and miner.
pub(super) type Counts = BTreeMap<(Kind, String), Count>;

/// What was counted of competitions a moment ago: everybody who asks within seconds gets the same.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<BTreeMap<String, (Timestamp, Arc<Counts>)>>);

impl Count {
    fn put(&mut self, outcome: SlotOutcome, code: String, count: u64) {
        // Of one outcome and code the last row counts all.
        match outcome {
            SlotOutcome::Ok => self.ok = count,
            SlotOutcome::Fail => drop(self.fail.insert(code, count)),
            SlotOutcome::Excluded => drop(self.excluded.insert(code, count)),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.ok = self.ok.saturating_add(other.ok);
        for (mine, others) in [(&mut self.fail, &other.fail), (&mut self.excluded, &other.excluded)] {
            for (code, more) in others {
                let count = mine.entry(code.clone()).or_default();
                *count = count.saturating_add(*more);
            }
        }
    }

    pub(super) fn failed(&self) -> u64 {
        self.fail.values().fold(0, |sum, more| sum.saturating_add(*more))
    }

    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally { excluded: self.excluded.clone(), ..Tally::default() };
        (tally.sample.successes, tally.sample.failures) = (self.ok, self.failed());
        tally
    }
}

impl Probing<'_> {
    fn counts_by(&self, row: &SlotCount) -> bool {
        self.until.is_none_or(|until| row.epoch <= until)
    }

    /// The slots of one lane.
    pub(super) async fn count(&self, kind: Kind, miner: &str) -> Result<Count, StoreError> {
        let mut count = Count::default();
        // The first row that there may be.
        let mut after = (kind, miner.to_owned(), SlotOutcome::Excluded, String::new(), Epoch::GENESIS);
        loop {
            let page = Page { after: Some(after), limit: PAGE };
            let rows = self.store.slot_counts(&self.plan.network, &self.plan.race, page).await?;
            let (read, mut more) = (rows.len(), None);
            for row in rows.into_iter().take_while(|row| row.kind == kind && row.miner == miner) {
                more = Some((kind, row.miner.clone(), row.outcome, row.code.clone(), row.epoch));
                if self.counts_by(&row) {
                    count.put(row.outcome, row.code, row.count);
                }
            }
            match more {
                Some(next) if read == PAGE as usize => after = next,
                _ => return Ok(count),
            }
        }
    }

    async fn all(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::new();
        let mut after = None;
        loop {
            let page = Page { after, limit: PAGE };
            let rows = self.store.slot_counts(&self.plan.network, &self.plan.race, page).await?;
            let Some(last) = rows.last() else { return Ok(counts) };
            after = Some((last.kind, last.miner.clone(), last.outcome, last.code.clone(), last.epoch));
            for row in rows.into_iter().filter(|row| self.counts_by(row)) {
                counts.entry((row.kind, row.miner)).or_default().put(row.outcome, row.code, row.count);
            }
        }
    }

    /// The slots of every lane.
    pub(super) async fn counts(&self, counted: &Counted) -> Result<Arc<Counts>, StoreError> {
        if self.until.is_some() {
            return Ok(Arc::new(self.all().await?));
        }
        // Held while it is counted: who asks meanwhile waits for it.
        let mut known = counted.0.lock().await;
        if let Some((at, counts)) = known.get(&self.plan.race)
            && self.now.0.saturating_sub(at.0) < GOOD
        {
            return Ok(Arc::clone(counts));
        }
        let counts = Arc::new(self.all().await?);
        known.insert(self.plan.race.clone(), (self.now, Arc::clone(&counts)));
        Ok(counts)
    }
}

/// What the miners of an entity come to, of each kind; nothing where there are no probes.
pub(in crate::web::competition) async fn pooled(
    app: &App,
    stage: &Stage,
    miners: &[String],
) -> Result<Vec<Tallied>, Problem> {
    let Ok(probing) = Probing::of(app, stage) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for cadence in &probing.plan.cadences {
        let mut sum = Count::default();
        for miner in miners {
            sum.add(&probing.count(cadence.kind, miner).await?);
        }
        all.push(Tallied::of(cadence.kind, &sum));
    }
    Ok(all)
}

/// What slots come to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProbeTally)]
pub(crate) struct Tallied {
    /// `storage` or `retrieval`.
    pub(super) kind: &'static str,
    /// Slots that went well.
    pub(super) ok: u64,
    /// Slots that failed by the miner's fault.
    pub(super) fail: u64,
    /// Slots that count for nobody.
    pub(super) excluded: u64,
    /// Failures by code.
    pub(super) failures: BTreeMap<String, u64>,
    /// Excluded slots by code.
    pub(super) set_aside: BTreeMap<String, u64>,
    /// Part of all slots that counts, millionths.
    pub(super) coverage: u64,
    /// The rate is at least this, 95 % sure, millionths (Wilson).
    pub(super) lower: u32,
    /// The rate is at most this, 95 % sure, millionths (Wilson).
    pub(super) upper: u32,
    /// `pass`, `fail`, `undecided`, `insufficient` or `blocked`.
    pub(super) verdict: &'static str,
    #[serde(skip)]
    pub(super) of: Verdict,
}

impl Tallied {
    pub(super) fn of(kind: Kind, count: &Count) -> Self {
        let tally = count.tally();
        let (counts, planned) = (tally.sample.size(), tally.planned());
        let verdict = tally.verdict(BAR);
        Self {
            kind: kind.as_str(),
            ok: count.ok,
            fail: tally.sample.failures,
            excluded: planned.saturating_sub(counts),
            failures: count.fail.clone(),
            set_aside: count.excluded.clone(),
            coverage: millionths(counts, planned),
            lower: tally.sample.lower(),
            upper: tally.sample.upper(),
            verdict: verdict.as_str(),
            of: verdict,
        }
    }

    pub(crate) const fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) const fn verdict(&self) -> &'static str {
        self.verdict
    }

    /// Between which rates it lies.
    pub(crate) fn bounds(&self) -> (String, String) {
        (percent(self.lower.into()), percent(self.upper.into()))
    }

    pub(super) const fn counts(&self) -> u64 {
        self.ok.saturating_add(self.fail)
    }

    pub(super) const fn planned(&self) -> u64 {
        self.counts().saturating_add(self.excluded)
    }

    /// `76.8 %`; a dash where nothing counts.
    pub(crate) fn rate(&self) -> String {
        if self.counts() == 0 { "–".to_owned() } else { percent(millionths(self.ok, self.counts())) }
    }

    /// `63/82`
    pub(crate) fn sample(&self) -> String {
        format!("{}/{}", grouped(self.ok), grouped(self.counts()))
    }

    pub(crate) fn covered(&self) -> String {
        percent(self.coverage)
    }

    pub(crate) const fn class(&self) -> &'static str {
        match self.of {
            Verdict::Pass => "is-ok",
            Verdict::Fail => "is-bad",
            Verdict::Undecided | Verdict::Insufficient | Verdict::Blocked => "is-wait",
        }
    }
}

/// A part of a whole; nothing of nothing.
pub(super) fn millionths(part: u64, whole: u64) -> u64 {
    let parts = (u128::from(part) * 1_000_000 + u128::from(whole) / 2).checked_div(u128::from(whole));
    parts.and_then(|parts| u64::try_from(parts).ok()).unwrap_or(0)
}

/// `76.8 %`
pub(super) fn percent(millionths: u64) -> String {
    let tenths = millionths.saturating_add(500) / 1000;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_rounded_half_up_and_nothing_is_no_part() {
        assert_eq!(percent(millionths(63, 82)), "76.8 %");
        assert_eq!(percent(millionths(1, 2)), "50.0 %");
        assert_eq!(percent(millionths(0, 0)), "0.0 %");
        assert_eq!(percent(millionths(u64::MAX, u64::MAX)), "100.0 %");
    }
}
