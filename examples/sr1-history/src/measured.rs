//! What was measured of them: power, block rewards, deals of bots, upgraded sectors.

use anyhow::{Context as _, Result};
use apogee_domain::Epoch;
use apogee_domain::series::{Reading, Unit};
use apogee_leaderboard::{FactsDocument, Participant, SeriesDocument, Source, StepDocument, Steps};
use apogee_rules::Quantity;

use crate::draw::between;
use crate::people::{Miner, People};
use crate::time::{LAST, epoch, moment};
use crate::versions::NAME;

/// Epochs between two measurements: half a day.
const EVERY: i64 = 1_440;
/// How many there are: every half day, and the end.
const TIMES: usize = 43;
/// Bytes of a sector.
const SECTOR: u64 = 32 << 30;
/// Whoever has less earns no block rewards: 10 TiB.
const LEAST: u64 = 320;
/// What the network pays in half a day, in atto.
const REWARDS: u128 = 110_000 * 1_000_000_000_000_000_000;
/// The incident, from and until: every step between belongs to it.
pub(crate) const OUTAGE: (i64, i64) = (33_180, 34_620);

/// Where a miner is measured after it is seen, to the end.
fn times(miner: &Miner) -> Vec<i64> {
    let offset = between(&format!("offset of {}", miner.id), 0, 50) as i64;
    let regular = (0..=41).map(|step| step * EVERY + offset);
    regular.chain([LAST - 59 + offset]).filter(|time| *time > miner.seen.height()).collect()
}

/// How much of its growth a miner has behind it at each of its times, out of the last one.
fn growth(miner: &Miner, times: &[i64]) -> Vec<u64> {
    // Two small regions had filled their machines by 31 August: five sixths of what they have in the end.
    let early = miner.region.as_ref().is_some_and(|region| matches!(region.as_str(), "AF" | "OC"));
    let change = epoch(moment(8, 31, 16, 6)).height();
    let before = times.iter().filter(|time| **time <= change).count() as u64;
    let after = times.len() as u64 - before;
    let weight = |time: &i64| match (early, *time <= change) {
        (false, _) => between(&format!("growth of {} at {time}", miner.id), 60, 140),
        (true, true) => 5 * after,
        (true, false) => before,
    };
    let mut sum = 0;
    let weights = times.iter().map(|time| {
        sum += weight(time);
        sum
    });
    weights.collect()
}

/// A count that grows to `whole`, with something more from an epoch on.
fn counted(growth: &[u64], times: &[i64], whole: u64, (from, more): (i64, u64)) -> Vec<(i64, u128)> {
    let last = growth.last().copied().unwrap_or(1);
    let value = |(time, grown): (&i64, &u64)| {
        (*time, u128::from(whole * grown / last + if *time >= from { more } else { 0 }))
    };
    times.iter().zip(growth).map(value).collect()
}

/// Only what changes is a step.
fn steps(values: &[(i64, u128)]) -> Result<Vec<StepDocument>> {
    let mut last = None;
    let mut steps = Vec::new();
    for (time, value) in values {
        if last.replace(*value) != Some(*value) {
            steps.push((Epoch::new(*time).context("an epoch")?, Some(Quantity(*value))));
        }
    }
    Ok(steps)
}

/// The sectors a miner has at each of its times. A missed proof costs some of them half a day.
fn powers(miner: &Miner, times: &[i64], growth: &[u64]) -> Vec<(i64, u64)> {
    let draw = |what: &str, low, high| between(&format!("{what} of {}", miner.id), low, high);
    let early = miner.region.as_ref().is_some_and(|region| matches!(region.as_str(), "AF" | "OC"));
    let missed = (!early && draw("missing", 0, 5) == 0).then(|| draw("missed", 4, 36) as i64 * EVERY);
    let last = growth.last().copied().unwrap_or(1);
    let sectors = |(time, grown): (&i64, &u64)| {
        let dark = missed.is_some_and(|missed| (missed..missed + EVERY).contains(time));
        (*time, if dark { 0 } else { miner.sectors * grown / last })
    };
    times.iter().zip(growth).map(sectors).collect()
}

/// The rewards that everybody has earned, from the power of all of them.
fn rewards(powers: &[Vec<(i64, u64)>], people: &People) -> Vec<Vec<(i64, u128)>> {
    let mut earned: Vec<Vec<(i64, u128)>> = vec![Vec::new(); powers.len()];
    for step in 0..TIMES {
        // Whoever came later has fewer times, and the same last ones.
        let of = |power: &Vec<(i64, u64)>| power.get((step + power.len()).checked_sub(TIMES)?).copied();
        let now: Vec<Option<(i64, u64)>> = powers.iter().map(of).collect();
        let counts = |sectors: u64| if sectors < LEAST { 0 } else { u128::from(sectors) };
        let all: u128 = now.iter().flatten().map(|(_, sectors)| counts(*sectors)).sum();
        for ((earned, now), miner) in earned.iter_mut().zip(&now).zip(&people.miners) {
            let Some((time, sectors)) = now else { continue };
            let luck = u128::from(between(&format!("luck of {} at {step}", miner.id), 70, 130));
            let before = earned.last().map_or(0, |(_, sum)| *sum);
            let won = REWARDS * counts(*sectors) * luck / (100 * all.max(1));
            earned.push((*time, before + won));
        }
    }
    earned
}

/// Everything that was measured, up to the end.
pub(crate) fn measured(people: &People) -> Result<FactsDocument> {
    let mut all: [Vec<(apogee_rules::Id, Vec<StepDocument>)>; 7] = Default::default();
    let times: Vec<Vec<i64>> = people.miners.iter().map(times).collect();
    let grown: Vec<Vec<u64>> =
        people.miners.iter().zip(&times).map(|(miner, times)| growth(miner, times)).collect();
    let powers: Vec<Vec<(i64, u64)>> = people
        .miners
        .iter()
        .zip(times.iter().zip(&grown))
        .map(|(miner, (times, grown))| powers(miner, times, grown))
        .collect();
    let rewards = rewards(&powers, people);
    for (place, miner) in people.miners.iter().enumerate() {
        let (Some(times), Some(grown), Some(power), Some(reward)) =
            (times.get(place), grown.get(place), powers.get(place), rewards.get(place))
        else {
            continue;
        };
        let (storage, retrieval) = (miner.storage, miner.retrieval);
        let asian = miner.region.as_ref().is_some_and(|region| region.as_str() == "AS");
        let failed =
            if asian && storage.passed > 0 { between(&format!("outage of {}", miner.id), 8, 20) } else { 0 };
        let counts = |whole| counted(grown, times, whole, (0, 0));
        let upgrade: Vec<(i64, u128)> =
            times.get(3).filter(|_| miner.upgrades).map(|time| (*time, 1)).into_iter().collect();
        let bytes: Vec<(i64, u128)> =
            power.iter().map(|(time, sectors)| (*time, u128::from(sectors * SECTOR))).collect();
        let values = [
            bytes,
            reward.clone(),
            counts(storage.passed),
            counted(grown, times, storage.failed, (OUTAGE.0, failed)),
            counts(retrieval.passed),
            counts(retrieval.failed),
            upgrade,
        ];
        for (series, values) in all.iter_mut().zip(values) {
            // Nobody asked, nothing counted.
            if values.iter().any(|(_, value)| *value > 0) {
                series.push((miner.id.clone(), steps(&values)?));
            }
        }
    }
    let names = [
        ("power.raw", Reading::Level, Unit::Bytes, Source::Chain),
        ("reward.block", Reading::Cumulative, Unit::Atto, Source::Chain),
        ("deals.storage.ok", Reading::Cumulative, Unit::Count, Source::Observed),
        ("deals.storage.failed", Reading::Cumulative, Unit::Count, Source::Observed),
        ("deals.retrieval.ok", Reading::Cumulative, Unit::Count, Source::Observed),
        ("deals.retrieval.failed", Reading::Cumulative, Unit::Count, Source::Observed),
        ("sectors.upgrades", Reading::Cumulative, Unit::Count, Source::Observed),
    ];
    let series = names.into_iter().zip(all).map(|((name, reading, unit, source), steps)| {
        Ok(SeriesDocument { name: name.parse()?, reading, source, steps: Steps(steps), unit })
    });
    let participant =
        |miner: &Miner| Participant { id: miner.id.clone(), region: miner.region.clone(), seen: miner.seen };
    Ok(FactsDocument {
        deals: Vec::new(),
        network: NAME.parse()?,
        participants: people.miners.iter().map(participant).collect(),
        sectors: Vec::new(),
        series: series.collect::<Result<_>>()?,
    })
}
