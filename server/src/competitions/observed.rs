//! What bots have found, as series that rules read: `probe.storage.ok`, `probe.retrieval.fail` and so on, each a count since the beginning.

use std::collections::BTreeMap;

use apogee_dealbot::audit::Counts;
use apogee_domain::{Epoch, NetworkId, ProbeKind, SeriesName};
use apogee_leaderboard::{FactsDocument, SeriesDocument, Source, Steps};
use apogee_rules::{Id, ObservedSeries, Quantity, RuleSet};
use apogee_store::{Page, SlotOutcome, Store, StoreError};

/// Rows that are read at once.
const PAGE: u32 = 10_000;

/// What a series counts; `None` for one that bots do not make.
pub(super) fn counted(name: &SeriesName) -> Option<(ProbeKind, SlotOutcome)> {
    let mut words = name.as_str().split('.');
    let (Some("probe"), Some(kind), Some(outcome), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return None;
    };
    ProbeKind::of(kind).zip(SlotOutcome::of(outcome))
}

/// The series of these rules that bots make, each once.
fn declared(rules: &[RuleSet]) -> Vec<(&Id, &ObservedSeries, (ProbeKind, SlotOutcome))> {
    let mut all: Vec<(&Id, &ObservedSeries, _)> = Vec::new();
    for rules in rules {
        for series in &rules.series {
            let Some(counted) = counted(&series.name) else { continue };
            if !all.iter().any(|(_, other, _)| other.name == series.name) {
                all.push((&rules.competition.id, series, counted));
            }
        }
    }
    all
}

/// Add what bots found, up to an epoch, of participants that are known.
pub(super) async fn add(
    facts: &mut FactsDocument,
    store: &dyn Store,
    network: &NetworkId,
    rules: &[RuleSet],
    at: Epoch,
) -> Result<(), StoreError> {
    let declared = declared(rules);
    let Some((race, ..)) = declared.first() else { return Ok(()) };
    let found = found(store, network, race.as_str(), at).await?;
    let none = BTreeMap::new();
    for (_, series, counted) in declared {
        let of = found.get(&counted).unwrap_or(&none);
        let steps = facts.participants.iter().filter_map(|participant| {
            let steps = of.get(participant.id.as_str())?;
            let steps = steps.iter().map(|(epoch, count)| (*epoch, Some(Quantity((*count).into()))));
            Some((participant.id.clone(), steps.collect()))
        });
        let Ok(name) = series.name.as_str().parse() else { continue };
        let steps = Steps(steps.collect());
        let (reading, unit) = (series.reading, series.unit);
        facts.series.push(SeriesDocument { name, reading, source: Source::Observed, steps, unit });
    }
    facts.series.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// Hold what these facts say of probes up to an epoch against what an audit of the log of evidence counts: how many series agree, or the first that does not.
pub(crate) fn recounted(facts: &FactsDocument, counts: &Counts, at: Epoch) -> Result<usize, String> {
    let mut agree = 0_usize;
    for series in &facts.series {
        let Some((kind, outcome)) = series
            .name
            .as_str()
            .parse()
            .ok()
            .as_ref()
            .and_then(counted)
            .filter(|_| series.source == Source::Observed)
        else {
            continue;
        };
        for participant in &facts.participants {
            let mut sum = 0_u64;
            let rises = counts.get(&(kind, participant.id.to_string(), outcome));
            let rises = rises.into_iter().flatten().filter(|(epoch, _)| **epoch <= at);
            let found: Vec<_> = rises
                .map(|(epoch, rise)| {
                    sum = sum.saturating_add(*rise);
                    (*epoch, Some(Quantity(sum.into())))
                })
                .collect();
            let said = series.steps.0.iter().find(|(id, _)| *id == participant.id);
            if said.map_or(&[][..], |(_, steps)| steps) != found {
                let of = |steps: &[(Epoch, Option<Quantity>)]| {
                    let last =
                        steps.last().and_then(|(_, value)| value.as_ref().map(|value| value.0.to_string()));
                    last.unwrap_or_else(|| "0".to_owned())
                };
                return Err(format!(
                    "steps 0: {} of {} comes to {} at epoch {at}, but the evidence to {}",
                    series.name,
                    participant.id,
                    of(said.map_or(&[][..], |(_, steps)| steps)),
                    of(&found),
                ));
            }
        }
        agree = agree.saturating_add(1);
    }
    Ok(agree)
}

/// By what is counted and miner: from when on how many.
type Found = BTreeMap<(ProbeKind, SlotOutcome), BTreeMap<String, BTreeMap<Epoch, u64>>>;

/// Everything that was found up to an epoch, whatever its code.
async fn found(store: &dyn Store, network: &NetworkId, race: &str, at: Epoch) -> Result<Found, StoreError> {
    let mut rises: Found = BTreeMap::new();
    let (mut after, mut before) = (None, None);
    loop {
        let rows = store.slot_counts(network, race, Page { after, limit: PAGE }).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.kind, last.miner.clone(), last.outcome, last.code.clone(), last.epoch));
        for row in rows {
            let of = (row.kind, row.miner, row.outcome, row.code);
            // Rows of one code follow each other: what is new since the one before is a rise of the sum over all codes.
            let known = before.take().filter(|(other, _)| *other == of).map_or(0, |(_, count)| count);
            if row.epoch <= at {
                let sums = rises.entry((of.0, of.2)).or_default().entry(of.1.clone()).or_default();
                *sums.entry(row.epoch).or_default() += row.count.saturating_sub(known);
            }
            before = Some((of, row.count));
        }
    }
    for steps in rises.values_mut().flat_map(BTreeMap::values_mut) {
        let mut sum = 0;
        for count in steps.values_mut() {
            sum += *count;
            *count = sum;
        }
    }
    Ok(rises)
}

#[cfg(test)]
mod tests {
    use apogee_domain::Timestamp;
    use apogee_store::{LaneKey, ProbeSlot, SlotVerdict};
    use apogee_store_sqlite::SqliteStore;

    use super::*;

    fn at(height: i64) -> Epoch {
        Epoch::new(height).unwrap()
    }

    #[test]
    fn only_what_bots_count_is_a_series_of_theirs() {
        let of = |name: &str| counted(&name.parse().unwrap());
        assert_eq!(of("probe.storage.ok"), Some((ProbeKind::Storage, SlotOutcome::Ok)));
        assert_eq!(of("probe.retrieval.excluded"), Some((ProbeKind::Retrieval, SlotOutcome::Excluded)));
        for other in
            ["probe.storage", "probe.storage.ok.more", "power.raw", "probe.other.ok", "probe.storage.best"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn counts_of_all_codes_add_up_epoch_by_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("a.sqlite")).await.unwrap();
        let network: NetworkId = "devnet".parse().unwrap();
        let key = LaneKey {
            network: network.clone(),
            race: "sprint".into(),
            kind: ProbeKind::Retrieval,
            miner: "t01000".into(),
        };
        let judged = [
            (SlotOutcome::Fail, "HTTP_404", 3),
            (SlotOutcome::Fail, "TCP_REFUSED", 3),
            (SlotOutcome::Ok, "", 4),
            (SlotOutcome::Fail, "HTTP_404", 5),
            (SlotOutcome::Fail, "TCP_REFUSED", 8),
        ];
        let mut work = store.begin().await.unwrap();
        for (number, (outcome, code, epoch)) in (0_u64..).zip(judged) {
            let verdict = SlotVerdict { outcome, code: code.into(), at: Timestamp(1), epoch: at(epoch) };
            let slot = ProbeSlot {
                key: key.clone(),
                slot: number,
                due: Timestamp(0),
                ended: Timestamp(0),
                attempts: 1,
                look: Timestamp(0),
                verdict: Some(verdict),
            };
            work.put_slot(&slot).await.unwrap();
        }
        work.commit().await.unwrap();
        let found = found(&store, &network, "sprint", at(5)).await.unwrap();
        let of = |outcome| found[&(ProbeKind::Retrieval, outcome)]["t01000"].clone();
        assert_eq!(of(SlotOutcome::Fail), [(at(3), 2), (at(5), 3)].into());
        assert_eq!(of(SlotOutcome::Ok), [(at(4), 1)].into());
        assert!(!found.contains_key(&(ProbeKind::Storage, SlotOutcome::Ok)));
    }
}
