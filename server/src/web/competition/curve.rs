//! How a metric of an entity came about, from what was measured.

use apogee_domain::series::Reading;
use apogee_domain::{Epoch, Step, Value};
use apogee_leaderboard::{EntityRow, Membership, StepDocument};
use apogee_rules::{Id, MetricKind, RuleSet, Window};

use crate::competitions::Stood;

/// Metrics that are sums of sums: no deeper ones are drawn.
const DEPTH: usize = 4;

/// The members of an entity at the epoch that is read; an unclaimed one is its own.
pub(super) fn members(stood: &Stood, row: &EntityRow) -> Vec<Membership> {
    let at = stood.standings.scope.epoch;
    if !row.claimed {
        let since = seen(stood, &row.id).unwrap_or_default();
        return vec![Membership { from: since, participant: row.id.clone(), until: None }];
    }
    let holds = |member: &&Membership| member.from <= at && member.until.is_none_or(|until| at < until);
    memberships(stood, &row.id).iter().filter(holds).cloned().collect()
}

/// How many members an entity has at the epoch that is read.
pub(super) fn size(stood: &Stood, row: &EntityRow) -> usize {
    let at = stood.standings.scope.epoch;
    let holds = |member: &&Membership| member.from <= at && member.until.is_none_or(|until| at < until);
    if row.claimed { memberships(stood, &row.id).iter().filter(holds).count() } else { 1 }
}

/// All memberships of a claimed entity, ever.
pub(super) fn memberships<'a>(stood: &'a Stood, id: &Id) -> &'a [Membership] {
    let list = stood.entities.list();
    let place = list.binary_search_by(|entity| entity.id.cmp(id)).ok();
    place.and_then(|place| list.get(place)).map_or(&[], |entity| &entity.members)
}

/// The epoch at which a participant was first seen.
pub(super) fn seen(stood: &Stood, id: &Id) -> Option<Epoch> {
    let list = &stood.measured.participants;
    let place = list.binary_search_by(|participant| participant.id.cmp(id)).ok()?;
    list.get(place).map(|participant| participant.seen)
}

/// A series that a metric adds up, and from which epoch on it is counted; `None` where its value is what it is.
struct Part<'a> {
    series: &'a str,
    since: Option<Epoch>,
}

fn parts<'a>(rules: &'a RuleSet, metric: &Id, depth: usize, found: &mut Vec<Part<'a>>) -> Option<()> {
    match &rules.metric(metric)?.kind {
        MetricKind::Level { series } => {
            let reading = rules.series(series)?.1;
            (reading == Reading::Level).then_some(())?;
            found.push(Part { series: series.as_str(), since: None });
        }
        MetricKind::Window { series, window: Window { from, until: None, last: None } } => {
            found
                .push(Part { series: series.as_str(), since: Some(from.unwrap_or(rules.competition.start)) });
        }
        MetricKind::Sum { of } if depth < DEPTH => {
            of.iter().try_for_each(|part| parts(rules, part, depth + 1, found).map(drop).ok_or(())).ok()?;
        }
        _ => return None,
    }
    Some(())
}

/// Whether [`curve`] can draw a metric.
pub(super) fn is_drawn(rules: &RuleSet, metric: &Id) -> bool {
    parts(rules, metric, 0, &mut Vec::new()).is_some()
}

/// The sum of a metric over participants, in steps from `from` on; empty where the metric is none that can be drawn.
pub(super) fn curve<'a>(
    stood: &Stood,
    metric: &Id,
    participants: impl Iterator<Item = &'a Id> + Clone,
    from: Epoch,
) -> Vec<Step> {
    let mut wanted = Vec::new();
    if parts(stood.rules(), metric, 0, &mut wanted).is_none() {
        return Vec::new();
    }
    let last = stood.standings.scope.epoch;
    let mut lines: Vec<(&[StepDocument], Option<Epoch>)> = Vec::new();
    for part in &wanted {
        let Some(series) = stood.measured.series.iter().find(|series| series.name.as_str() == part.series)
        else {
            continue;
        };
        for participant in participants.clone() {
            let place = series.steps.0.binary_search_by(|(id, _)| id.cmp(participant)).ok();
            let steps = place.and_then(|place| series.steps.0.get(place));
            lines.extend(steps.map(|(_, steps)| (steps.as_slice(), part.since)));
        }
    }
    let mut epochs: Vec<Epoch> = lines
        .iter()
        .flat_map(|(steps, _)| {
            let first = steps.partition_point(|(epoch, _)| *epoch <= from);
            let until = steps.partition_point(|(epoch, _)| *epoch <= last);
            steps.get(first..until.max(first)).unwrap_or_default()
        })
        .map(|(epoch, _)| *epoch)
        .chain([from])
        .collect();
    epochs.sort_unstable();
    epochs.dedup();
    let at = |steps: &[StepDocument], epoch: Epoch| {
        let after = steps.partition_point(|(step, _)| *step <= epoch);
        match after.checked_sub(1).and_then(|place| steps.get(place)) {
            Some((_, value)) => value.map(|value| value.0),
            None => Some(0),
        }
    };
    let sum = |epoch: Epoch| {
        lines.iter().try_fold(0_u128, |sum, (steps, since)| {
            let before = since.map_or(Some(0), |since| at(steps, since.minus(1)))?;
            sum.checked_add(at(steps, epoch)?.saturating_sub(before))
        })
    };
    epochs.into_iter().map(|epoch| Step { epoch, value: sum(epoch).map(Value) }).collect()
}

/// What a participant gained of a cumulative series in a window, as it was measured; `None` where that is unknown.
pub(super) fn gained(
    stood: &Stood,
    series: &apogee_domain::SeriesName,
    participant: &Id,
    window: &Window,
) -> Option<u128> {
    let start = stood.rules().competition.start;
    let last = stood.standings.scope.epoch;
    let (from, until) = match window.last {
        Some(epochs) => {
            let epochs = i64::try_from(epochs).unwrap_or(i64::MAX);
            (last.plus(1).minus(epochs).max(start), last)
        }
        None => (window.from.unwrap_or(start), window.until.map_or(last, |until| until.minus(1).min(last))),
    };
    let series = stood.measured.series.iter().find(|other| other.name.as_str() == series.as_str())?;
    let place = series.steps.0.binary_search_by(|(id, _)| id.cmp(participant)).ok();
    let steps = place.and_then(|place| series.steps.0.get(place)).map_or(&[][..], |(_, steps)| steps);
    let at = |epoch: Epoch| {
        let after = steps.partition_point(|(step, _)| *step <= epoch);
        match after.checked_sub(1).and_then(|place| steps.get(place)) {
            Some((_, value)) => value.map(|value| value.0),
            None => Some(0),
        }
    };
    // Genesis has no epoch before it.
    let before = if from > Epoch::GENESIS { at(from.minus(1))? } else { 0 };
    Some(at(until)?.saturating_sub(before))
}
