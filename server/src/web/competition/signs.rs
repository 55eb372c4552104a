//! What the chain itself shows of an indexed competition: signs that people may make incidents of.

use std::collections::{BTreeMap, HashMap};

use apogee_competition::detect::{EpochFacts, ProposedIncident, Thresholds, detect};
use apogee_domain::{Epoch, NetworkId, SeriesName, Step, Subject, Value, series};
use apogee_leaderboard::FactsDocument;
use apogee_rules::Id;
use apogee_store::{CheckRecord, EpochKind, EpochRecord, Page as StorePage, Store, StoreError};

use super::Stage;
use crate::competitions::Ground;

/// Epochs that are looked at, up to the one that is shown: what a page can afford to read.
pub(super) const WINDOW: i64 = 2_880;
/// Epochs that are read at once.
const PAGE: u32 = 1_000;
/// Steps of a series that are read at once, and at most.
const STEPS: u32 = 10_000;
const MOST_STEPS: usize = 50_000;
/// Signs that are shown.
const SHOWN: usize = 50;

/// What was looked at, and what was seen.
#[derive(Debug, Default)]
pub(super) struct Signs {
    pub(super) from: Epoch,
    pub(super) until: Epoch,
    pub(super) found: Vec<ProposedIncident>,
    /// More than are shown.
    pub(super) more: usize,
}

/// The signs of the newest epochs up to the one that is shown; `None` where there is nothing to look at.
pub(super) async fn signs(store: &dyn Store, stage: &Stage) -> Result<Option<Signs>, StoreError> {
    let Some(Ground::Index { network, .. }) = stage.ground() else { return Ok(None) };
    let last = stage.meta.chain.epoch;
    let Some(start) = stage.competition.start().filter(|start| *start <= last) else { return Ok(None) };
    let first = last.minus(WINDOW - 1).max(start);
    let mut records: Vec<EpochRecord> = Vec::new();
    loop {
        let before = records.last().map_or(last.plus(1), |record| record.epoch);
        let page = store.epochs(&network.id, StorePage { after: Some(before), limit: PAGE }).await?;
        let whole = page.len() < PAGE as usize;
        records.extend(page.into_iter().take_while(|record| record.epoch >= first));
        if whole || records.last().is_none_or(|record| record.epoch <= first) {
            break;
        }
    }
    let mut facts: Vec<EpochFacts> = records.iter().rev().map(fact).collect();
    let faulty = totals(store, &network.id, &series::SECTORS_FAULTY, &facts, &|_| Some(())).await?;
    let live = totals(store, &network.id, &series::SECTORS_LIVE, &facts, &|_| Some(())).await?;
    if let Some((faulty, live)) = faulty.zip(live) {
        for (fact, (faulty, live)) in facts.iter_mut().zip(faulty.iter().zip(&live)) {
            fact.sectors = count(faulty).zip(count(live));
        }
    }
    let regions = stage.stood().map(|stood| regions(&stood.measured)).unwrap_or_default();
    if !regions.is_empty() {
        let region = |subject: &Subject| regions.get(subject.as_str()).cloned();
        let power = totals(store, &network.id, &series::POWER_RAW, &facts, &region).await?;
        for (fact, power) in facts.iter_mut().zip(power.into_iter().flatten()) {
            fact.power = power;
        }
    }
    let mut found = detect(&facts, &Thresholds::default());
    found.reverse();
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    Ok(Some(Signs { from: first, until: last, found, more }))
}

fn fact(record: &EpochRecord) -> EpochFacts {
    let null = record.kind == EpochKind::Null;
    EpochFacts {
        epoch: record.epoch,
        null,
        base_fee: (!null).then_some(record.base_fee.0),
        beacon: record.checks.iter().find(|check| check.check == "beacon").and_then(beacon),
        network_version: record.network_version,
        ..EpochFacts::default()
    }
}

/// Whether the rounds of the beacon were there, where that was looked at.
const fn beacon(check: &CheckRecord) -> Option<bool> {
    match (check.passed, check.failed) {
        (0, 0) => None,
        (_, failed) => Some(failed == 0),
    }
}

fn regions(measured: &FactsDocument) -> BTreeMap<&str, Id> {
    let known = measured.participants.iter();
    known.filter_map(|participant| Some((participant.id.as_str(), participant.region.clone()?))).collect()
}

fn count(sums: &BTreeMap<(), u128>) -> Option<u64> {
    u64::try_from(sums.get(&()).copied().unwrap_or(0)).ok()
}

/// The sum of a series in each group of participants, at the epochs of `facts`; `None` where there are too many steps to look at.
async fn totals<G: Ord + Clone>(
    store: &dyn Store,
    network: &NetworkId,
    series: &SeriesName,
    facts: &[EpochFacts],
    group: &(dyn Fn(&Subject) -> Option<G> + Sync),
) -> Result<Option<Vec<BTreeMap<G, u128>>>, StoreError> {
    let Some(first) = facts.first().map(|fact| fact.epoch) else { return Ok(None) };
    let mut held: HashMap<Subject, u128> = HashMap::new();
    let mut sums: BTreeMap<G, u128> = BTreeMap::new();
    for (subject, value) in store.board(network, series, first).await? {
        let (Some(group), Some(Value(value))) = (group(&subject).filter(|_| !subject.is_network()), value)
        else {
            continue;
        };
        let sum = sums.entry(group).or_default();
        *sum = sum.saturating_add(value);
        held.insert(subject, value);
    }
    let mut steps: Vec<(Subject, Step)> = Vec::new();
    loop {
        let after = steps.last().map(|(subject, step)| (subject.clone(), step.epoch));
        let page = store.history(network, series, first.plus(1), StorePage { after, limit: STEPS }).await?;
        let whole = page.len() < STEPS as usize;
        steps.extend(page);
        if whole {
            break;
        }
        if steps.len() >= MOST_STEPS {
            return Ok(None);
        }
    }
    steps.sort_by_key(|(_, step)| step.epoch);
    let mut steps = steps.into_iter().peekable();
    let mut totals = Vec::with_capacity(facts.len());
    for fact in facts {
        while let Some((subject, step)) = steps.next_if(|(_, step)| step.epoch <= fact.epoch) {
            let Some(group) = group(&subject).filter(|_| !subject.is_network()) else { continue };
            // What is not known stays what it was.
            let Some(Value(value)) = step.value else { continue };
            let before = held.insert(subject, value).unwrap_or(0);
            let sum = sums.entry(group).or_default();
            *sum = sum.saturating_sub(before).saturating_add(value);
        }
        totals.push(sums.clone());
    }
    Ok(Some(totals))
}
