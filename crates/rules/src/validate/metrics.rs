use std::collections::{BTreeMap, BTreeSet};

use apogee_domain::series::Reading;
use apogee_domain::{SeriesName, Unit};

use super::Validator;
use crate::read::NESTING;
use crate::{Id, Measure, Metric, MetricKind, Window, canonical};

impl<'r> Validator<'r> {
    pub(super) fn metrics(&mut self) {
        let metrics = &self.rules.metrics;
        let depths = Depths::of(metrics);
        for (index, metric) in metrics.iter().enumerate() {
            let path = format!("metrics[{index}]");
            if let Some(before) = metrics.iter().take(index).position(|other| other.id == metric.id) {
                let reason = format_args!("{} stands at metrics[{before}].id already", metric.id);
                self.problem(format_args!("{path}.id"), reason);
            }
            self.metric(&path, metric);
            match depths.circle(&metric.id) {
                Some(circle) => {
                    self.problem(&path, format_args!("its parts lead in a circle: {}", circle.join(" → ")));
                }
                None if depths.shallow.contains(&metric.id) => {}
                None => self.problem(&path, format_args!("more than {NESTING} metrics deep")),
            }
        }
    }

    fn metric(&mut self, path: &str, metric: &'r Metric) {
        match &metric.kind {
            MetricKind::Level { series } => {
                self.read(&format!("{path}.series"), series);
            }
            MetricKind::Window { series, window } => {
                self.cumulative(&format!("{path}.series"), series);
                self.window(path, window);
            }
            MetricKind::Rate { passed, failed, min_samples, window, .. } => {
                for (name, series) in [("passed", passed), ("failed", failed)] {
                    let path = format!("{path}.{name}");
                    if let Some(unit) = self.cumulative(&path, series).filter(|unit| *unit != Unit::Count) {
                        let reason =
                            format_args!("{series} counts {}, where a count is expected", super::word(unit));
                        self.problem(&path, reason);
                    }
                }
                if passed == failed {
                    self.problem(format_args!("{path}.failed"), "it is the series of those that passed");
                }
                if let Some(samples) = min_samples {
                    self.unit(&format!("{path}.min_samples"), *samples, Some(Unit::Count));
                }
                self.window(path, window);
            }
            MetricKind::Deals { max_replicas, .. } => {
                if let Some(replicas) = max_replicas {
                    self.above_zero(&format!("{path}.max_replicas"), *replicas);
                }
            }
            MetricKind::Sectors { fault_periods, period, .. } => {
                self.above_zero(&format!("{path}.fault_periods"), *fault_periods);
                self.above_zero(&format!("{path}.period"), *period);
                let epochs = fault_periods.checked_mul(*period);
                if epochs.is_none_or(|epochs| epochs > canonical::LARGEST_INTEGER.unsigned_abs()) {
                    self.problem(format_args!("{path}.period"), "fault_periods × period is not below 2^53");
                }
            }
            MetricKind::Sum { of } => self.sum(path, of),
            MetricKind::Scaled { metric, by } => {
                self.whole(&format!("{path}.metric"), metric);
                let path = format!("{path}.by");
                if let Some(Measure::Whole(_)) = self.measured(&path, by) {
                    self.problem(path, format_args!("{by} is a whole number, where a ratio is expected"));
                }
            }
        }
    }

    fn read(&mut self, path: &str, series: &SeriesName) -> Option<(Unit, Reading)> {
        let known = self.rules.series(series);
        match (known, series.spec()) {
            (Some(_), _) => {}
            (None, Some(_)) => {
                self.problem(path, format_args!("only the network has {series}, no participant"))
            }
            (None, None) => {
                self.problem(path, format_args!("{series} is neither a series of the platform nor declared"));
            }
        }
        known
    }

    /// The unit of a cumulative series.
    fn cumulative(&mut self, path: &str, series: &SeriesName) -> Option<Unit> {
        let (unit, reading) = self.read(path, series)?;
        if reading == Reading::Level {
            self.problem(path, format_args!("{series} is a level, where a cumulative series is expected"));
        }
        Some(unit)
    }

    fn window(&mut self, path: &str, window: &Window) {
        let (start, end) = (self.rules.competition.start, self.rules.competition.end);
        if let Some(from) = window.from.filter(|from| *from < start || *from >= end) {
            let reason = format_args!("{from} is outside the competition, {start} to {end}");
            self.problem(format_args!("{path}.from"), reason);
        }
        if let Some(until) = window.until.filter(|until| *until <= start || *until > end) {
            let reason = format_args!("{until} is outside the competition, {start} to {end}");
            self.problem(format_args!("{path}.until"), reason);
        }
        if let (Some(from), Some(until)) = (window.from, window.until)
            && from >= until
        {
            self.problem(
                format_args!("{path}.until"),
                format_args!("{until} is not after {path}.from, {from}"),
            );
        }
        let Some(last) = window.last else { return };
        let path = format!("{path}.last");
        self.above_zero(&path, last);
        if window.from.is_some() || window.until.is_some() {
            self.problem(&path, "a window with last has neither from nor until");
        }
        let length = end.since(start);
        if i64::try_from(last).is_ok_and(|last| last > length) && length > 0 {
            self.problem(&path, format_args!("{last} epochs are more than the competition has, {length}"));
        }
    }

    fn sum(&mut self, path: &str, of: &'r [Id]) {
        if of.is_empty() {
            self.problem(format_args!("{path}.of"), "a sum of nothing");
        }
        self.unique(of.iter().enumerate().map(|(index, id)| (id, format!("{path}.of[{index}]"))));
        let mut unit = None;
        for (index, id) in of.iter().enumerate() {
            let path = format!("{path}.of[{index}]");
            let Some(this) = self.whole(&path, id) else { continue };
            let first = *unit.get_or_insert(this);
            if this != first {
                let (this, first) = (super::word(this), super::word(first));
                self.problem(
                    path,
                    format_args!("{id} is an amount of {this}, where the parts before are {first}"),
                );
            }
        }
    }
}

fn parts(metric: &Metric) -> Vec<&Id> {
    match &metric.kind {
        MetricKind::Sum { of } => of.iter().collect(),
        MetricKind::Scaled { metric, by } => vec![metric, by],
        _ => Vec::new(),
    }
}

/// How metrics lead to each other.
struct Depths<'m> {
    /// Those with at most [`NESTING`] metrics between them and their series, themselves included.
    shallow: BTreeSet<&'m Id>,
    /// Of each other one, a part that is not shallow either, if it has such a part.
    next: BTreeMap<&'m Id, &'m Id>,
}

impl<'m> Depths<'m> {
    fn of(metrics: &'m [Metric]) -> Self {
        let there: BTreeSet<&Id> = metrics.iter().map(|metric| &metric.id).collect();
        let mut shallow: BTreeSet<&Id> = BTreeSet::new();
        for _ in 0..NESTING {
            let known = |id: &Id| !there.contains(id) || shallow.contains(id);
            let more: Vec<_> = metrics.iter().filter(|metric| parts(metric).into_iter().all(known)).collect();
            shallow.extend(more.into_iter().map(|metric| &metric.id));
        }
        let deep = |id: &&Id| there.contains(*id) && !shallow.contains(*id);
        let rest = metrics.iter().filter(|metric| deep(&&metric.id));
        let next =
            rest.filter_map(|metric| Some((&metric.id, parts(metric).into_iter().find(deep)?))).collect();
        Self { shallow, next }
    }

    /// The way along those parts, if it comes back to where it was.
    fn circle(&self, from: &'m Id) -> Option<Vec<&'m str>> {
        let mut way = vec![from];
        let mut seen = BTreeSet::from([from]);
        let mut here = from;
        loop {
            here = *self.next.get(here)?;
            way.push(here);
            if !seen.insert(here) {
                return Some(way.into_iter().map(Id::as_str).collect());
            }
        }
    }
}
