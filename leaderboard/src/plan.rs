use apogee_domain::series::{Reading, Unit};
use apogee_rules::{
    Aggregation, Counting, DealMeasure, Id, Metric, MetricKind, Problem, RuleSet, SectorMeasure, Window,
};

use crate::Facts;
use crate::document::problem;
use crate::effects::Removal;
use crate::series::Source;
use crate::time::{Clock, Kept};

/// How metrics are taken: names resolved, windows and kept epochs worked out once.
#[derive(Debug)]
pub(crate) struct Plans<'a> {
    /// In the order of the rules.
    pub(crate) list: Vec<Plan<'a>>,
    /// Places of `list`, parts before what they are part of.
    pub(crate) order: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) id: &'a Id,
    pub(crate) kind: Kind,
    /// `None` for ratios.
    pub(crate) unit: Option<Unit>,
    everywhere: Epochs,
    regions: Vec<(&'a Id, Epochs)>,
}

/// Series and metrics by their places.
#[derive(Debug)]
pub(crate) enum Kind {
    Level { series: usize },
    Window { series: usize, span: (i64, i64) },
    Rate { passed: usize, failed: usize, mean: bool, span: (i64, i64) },
    Deals { measure: DealMeasure, start_after: Option<i64>, most_replicas: Option<u64>, own: bool },
    Sectors { measure: SectorMeasure, longest_fault: u128 },
    Sum { of: Vec<usize> },
    Scaled { metric: usize, by: usize },
}

/// Which epochs count for a metric in a region.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    pub(crate) kept: Kept,
    /// Where levels are read.
    pub(crate) last: Option<i64>,
}

impl<'a> Plans<'a> {
    pub(crate) fn new(
        rules: &'a RuleSet,
        facts: &Facts,
        clock: Clock,
        removed: &[Removal<'a>],
    ) -> Result<Self, Problem> {
        let mut list = rules
            .metrics
            .iter()
            .enumerate()
            .map(|(index, metric)| plan(rules, index, metric, facts, clock, removed))
            .collect::<Result<Vec<_>, _>>()?;
        let order = order(&list)?;
        for place in &order {
            let unit = list.get(*place).map(|plan| unit(facts, &list, plan)).transpose()?.flatten();
            if let Some(plan) = list.get_mut(*place) {
                plan.unit = unit;
            }
        }
        Ok(Self { list, order })
    }

    pub(crate) fn place(&self, metric: &Id, path: &str) -> Result<usize, Problem> {
        let place = self.list.iter().position(|plan| plan.id == metric);
        place.ok_or_else(|| problem(path, format_args!("there is no metric {metric}")))
    }
}

impl<'a> Plan<'a> {
    /// The epochs that count in a region.
    pub(crate) fn epochs(&self, region: Option<&Id>) -> &Epochs {
        let of = |region: &Id| self.regions.iter().find(|(other, _)| *other == region);
        region.and_then(of).map_or(&self.everywhere, |(_, epochs)| epochs)
    }

    /// The series that the metric reads itself.
    pub(crate) fn series(&self) -> [Option<usize>; 2] {
        match self.kind {
            Kind::Level { series } | Kind::Window { series, .. } => [Some(series), None],
            Kind::Rate { passed, failed, .. } => [Some(passed), Some(failed)],
            _ => [None, None],
        }
    }

    /// The metrics that it is made of.
    pub(crate) fn parts(&self) -> Vec<usize> {
        match &self.kind {
            Kind::Sum { of } => of.clone(),
            Kind::Scaled { metric, by } => vec![*metric, *by],
            _ => Vec::new(),
        }
    }
}

fn plan<'a>(
    rules: &'a RuleSet,
    index: usize,
    metric: &'a Metric,
    facts: &Facts,
    clock: Clock,
    removed: &[Removal<'a>],
) -> Result<Plan<'a>, Problem> {
    let path = |member: &str| format!("metrics[{index}].{member}");
    let read = |name: &str, member: &str| {
        let place = facts.series(name);
        let place =
            place.ok_or_else(|| problem(path(member), format_args!("the facts have no series {name}")))?;
        let declared = rules.series.iter().find(|series| series.name.as_str() == name);
        let declared = declared.map(|series| (series.unit, series.reading));
        match facts.series.get(place) {
            Some(series)
                if series.source == Source::Observed && declared != Some((series.unit, series.reading)) =>
            {
                Err(problem(
                    path(member),
                    format_args!("the rules do not declare observed series {name} as it is"),
                ))
            }
            Some(series) if series.source == Source::Chain && declared.is_some() => Err(problem(
                path(member),
                format_args!("the rules declare {name} as observed, which it is not"),
            )),
            _ => Ok(place),
        }
    };
    let gained = |name: &str, member: &str| {
        let place = read(name, member)?;
        let cumulative = facts.series.get(place).is_some_and(|series| series.reading == Reading::Cumulative);
        let reason = || problem(path(member), format_args!("series {name} is not cumulative"));
        cumulative.then_some(place).ok_or_else(reason)
    };
    let counted = |name: &str, member: &str| {
        let place = gained(name, member)?;
        let counts = facts.series.get(place).is_some_and(|series| series.unit == Unit::Count);
        let reason = || problem(path(member), format_args!("series {name} does not count"));
        counts.then_some(place).ok_or_else(reason)
    };
    let part = |id: &Id, member: &str| {
        let place = rules.metrics.iter().position(|other| other.id == *id);
        place.ok_or_else(|| problem(path(member), format_args!("there is no metric {id}")))
    };
    let kind = match &metric.kind {
        MetricKind::Level { series } => Kind::Level { series: read(series.as_str(), "series")? },
        MetricKind::Window { series, window } => {
            Kind::Window { series: gained(series.as_str(), "series")?, span: span(*window, clock) }
        }
        MetricKind::Rate { passed, failed, aggregation, window, min_samples: _ } => Kind::Rate {
            passed: counted(passed.as_str(), "passed")?,
            failed: counted(failed.as_str(), "failed")?,
            mean: *aggregation == Aggregation::Mean,
            span: span(*window, clock),
        },
        MetricKind::Deals { measure, start_after, max_replicas, excess, own } => Kind::Deals {
            measure: *measure,
            start_after: start_after.map(|epoch| epoch.height()),
            most_replicas: max_replicas.filter(|_| *excess == Counting::NotCounted),
            own: *own == Counting::Counted,
        },
        MetricKind::Sectors { measure, fault_periods, period } => Kind::Sectors {
            measure: *measure,
            longest_fault: u128::from(*fault_periods).saturating_mul(u128::from(*period)),
        },
        MetricKind::Sum { of } => {
            Kind::Sum { of: of.iter().map(|id| part(id, "of")).collect::<Result<_, _>>()? }
        }
        MetricKind::Scaled { metric, by } => {
            Kind::Scaled { metric: part(metric, "metric")?, by: part(by, "by")? }
        }
    };
    let removed: Vec<_> =
        removed.iter().filter(|r| r.metrics.is_empty() || r.metrics.contains(&metric.id)).collect();
    let epochs = |region: Option<&Id>| {
        let here = |r: &&&Removal<'_>| {
            r.regions.is_empty() || region.is_some_and(|region| r.regions.contains(region))
        };
        let kept = Kept::without(removed.iter().filter(here).map(|r| r.epochs).collect());
        Epochs { last: kept.last(clock.start, clock.read), kept }
    };
    let mut regions: Vec<&'a Id> = removed.iter().flat_map(|r| r.regions).collect();
    regions.sort_unstable();
    regions.dedup();
    let everywhere = epochs(None);
    let regions = regions.into_iter().map(|region| (region, epochs(Some(region)))).collect();
    Ok(Plan { id: &metric.id, kind, unit: None, everywhere, regions })
}

/// `docs/rules.md` §5.3.
fn span(window: Window, clock: Clock) -> (i64, i64) {
    let next = clock.read + 1;
    match window.last {
        Some(last) => {
            let last = i64::try_from(last).unwrap_or(i64::MAX);
            (clock.start.max(next.saturating_sub(last)), next)
        }
        None => {
            let from = window.from.map_or(clock.start, |from| from.height());
            (from, window.until.map_or(next, |until| until.height().min(next)))
        }
    }
}

/// Parts before what they are part of.
fn order(list: &[Plan<'_>]) -> Result<Vec<usize>, Problem> {
    let mut order: Vec<usize> = Vec::with_capacity(list.len());
    while order.len() < list.len() {
        let ready = |(place, plan): &(usize, &Plan<'_>)| {
            !order.contains(place) && plan.parts().iter().all(|part| order.contains(part))
        };
        match list.iter().enumerate().find(ready) {
            Some((place, _)) => order.push(place),
            None => return Err(problem("metrics", "a metric is made of itself")),
        }
    }
    Ok(order)
}

/// The unit of a metric whose parts have theirs.
fn unit(facts: &Facts, list: &[Plan<'_>], plan: &Plan<'_>) -> Result<Option<Unit>, Problem> {
    let of = |place: &usize| list.get(*place).and_then(|part| part.unit);
    let wrong = |reason: &str| Err(problem(format_args!("metrics.{}", plan.id), reason));
    match &plan.kind {
        Kind::Level { series } | Kind::Window { series, .. } => {
            Ok(facts.series.get(*series).map(|series| series.unit))
        }
        Kind::Rate { .. } | Kind::Deals { measure: DealMeasure::ProviderShare, .. } => Ok(None),
        Kind::Deals { measure: DealMeasure::Bytes, .. } => Ok(Some(Unit::Bytes)),
        Kind::Sectors { measure: SectorMeasure::Bytes, .. } => Ok(Some(Unit::Bytes)),
        Kind::Deals { .. } | Kind::Sectors { .. } => Ok(Some(Unit::Count)),
        Kind::Sum { of: parts } => {
            let first = parts.first().and_then(of);
            match first {
                Some(_) if parts.iter().all(|part| of(part) == first) => Ok(first),
                _ => wrong("its parts are not of one unit"),
            }
        }
        Kind::Scaled { metric, by } => match (of(metric), of(by)) {
            (Some(unit), None) => Ok(Some(unit)),
            _ => wrong("it is not a whole number times a ratio"),
        },
    }
}
