use std::collections::HashSet;

use apogee_rules::{Aggregation, Bound, Check, CheckKind, Id, MetricKind, Per, Problem, RuleSet};
use serde::{Deserialize, Serialize};

use crate::document::problem;
use crate::entities::Entity;
use crate::measure::Measure;
use crate::metric::TooLarge;
use crate::need::{more, passed};
use crate::time::Clock;

/// What became of a check, from worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is not met.
    Fail,
    /// It may be met yet.
    Pending,
    /// It is met.
    Pass,
    /// It counts as met by decision.
    Waived,
}

impl State {
    /// Whether it counts as met.
    #[must_use]
    pub const fn is_met(self) -> bool {
        matches!(self, Self::Pass | Self::Waived)
    }
}

/// The tree of checks in one row: each before those below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) nodes: Vec<ShapeNode>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShapeNode {
    pub(crate) id: Id,
    /// Place after the last check below this one.
    pub(crate) end: usize,
    /// Whether it can have checks below.
    pub(crate) is_group: bool,
}

impl Shape {
    pub(crate) fn new(checks: &[Check]) -> Self {
        fn add(checks: &[Check], nodes: &mut Vec<ShapeNode>) {
            for check in checks {
                let place = nodes.len();
                let below = match &check.kind {
                    CheckKind::All { checks } | CheckKind::Any { checks } => Some(checks),
                    _ => None,
                };
                nodes.push(ShapeNode { id: check.id.clone(), end: 0, is_group: below.is_some() });
                add(below.map_or(&[], Vec::as_slice), nodes);
                let end = nodes.len();
                if let Some(node) = nodes.get_mut(place) {
                    node.end = end;
                }
            }
        }
        let mut nodes = Vec::new();
        add(checks, &mut nodes);
        Self { nodes }
    }

    pub(crate) fn place(&self, id: &Id) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == *id)
    }
}

/// What is known of an entity when its checks are looked at.
pub(crate) struct Candidate<'c> {
    /// `None` where it is unclaimed.
    pub(crate) entity: Option<&'c Entity>,
    pub(crate) region: Option<&'c Id>,
    pub(crate) measures: &'c [Measure],
    /// The measures of each member alone, where a check asks for them.
    pub(crate) members: &'c [Vec<Measure>],
    /// Epochs at which the members were first seen.
    pub(crate) seen: &'c [i64],
    pub(crate) waived: Option<&'c HashSet<usize>>,
    /// What decisions attest.
    pub(crate) attested: &'c dyn Fn(&Id) -> bool,
}

/// The states of all checks, in the order of the shape, and what is missing where that is a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) states: Vec<State>,
    pub(crate) needs: Vec<(u32, u128)>,
    /// A check of which more is missing than a quantity can say.
    pub(crate) too_large: Option<usize>,
}

/// Looks at checks.
#[derive(Debug)]
pub(crate) struct Examiner<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) clock: Clock,
    /// The metric of each check in the order of the shape, by its place.
    metrics: Vec<Option<usize>>,
    pub(crate) asks_members: bool,
    /// Place after each check of the first level and those below it.
    shape: Vec<usize>,
}

impl<'a> Examiner<'a> {
    pub(crate) fn new(rules: &'a RuleSet, clock: Clock) -> Result<Self, Problem> {
        let mut examiner = Self { rules, clock, metrics: Vec::new(), asks_members: false, shape: Vec::new() };
        for check in &rules.eligibility {
            examiner.resolve(std::slice::from_ref(check))?;
            examiner.shape.push(examiner.metrics.len());
        }
        Ok(examiner)
    }

    fn resolve(&mut self, checks: &[Check]) -> Result<(), Problem> {
        for check in checks {
            match &check.kind {
                CheckKind::AtLeast { metric, per, .. } | CheckKind::AtMost { metric, per, .. } => {
                    let place = self.rules.metrics.iter().position(|other| other.id == *metric);
                    let place = place.ok_or_else(|| {
                        problem(
                            format_args!("eligibility.{}", check.id),
                            format_args!("there is no metric {metric}"),
                        )
                    })?;
                    self.metrics.push(Some(place));
                    self.asks_members |= *per == Per::Member;
                }
                CheckKind::All { checks } | CheckKind::Any { checks } => {
                    self.metrics.push(None);
                    self.resolve(checks)?;
                }
                _ => self.metrics.push(None),
            }
        }
        Ok(())
    }

    /// Look at all checks of a candidate.
    pub(crate) fn examine(&self, candidate: &Candidate<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        for check in &self.rules.eligibility {
            self.state(check, candidate, &mut outcome);
        }
        outcome
    }

    /// Whether every check of the competition is met.
    pub(crate) fn passes(&self, outcome: &Outcome) -> bool {
        let mut place = 0;
        self.shape.iter().all(|end| {
            let met = outcome.states.get(place).is_some_and(|state| state.is_met());
            place = *end;
            met
        })
    }

    fn state(&self, check: &Check, candidate: &Candidate<'_>, outcome: &mut Outcome) -> State {
        let place = outcome.states.len();
        outcome.states.push(State::Pending);
        let found = match &check.kind {
            CheckKind::All { checks } => {
                let below = checks.iter().map(|check| self.state(check, candidate, outcome));
                below.min().unwrap_or(State::Pass)
            }
            CheckKind::Any { checks } => {
                let below = checks.iter().map(|check| self.state(check, candidate, outcome));
                below.max().unwrap_or(State::Fail).min(State::Pass)
            }
            kind => self.leaf(kind, place, candidate),
        };
        let waived = candidate.waived.is_some_and(|places| places.contains(&place));
        let state = if waived { State::Waived } else { found };
        if let Some(slot) = outcome.states.get_mut(place) {
            *slot = state;
        }
        if !state.is_met()
            && let CheckKind::AtLeast { value, per: Per::Entity, .. } = check.kind
        {
            match self.need(place, value, candidate.measures) {
                Ok(Some(need)) => outcome.needs.push((u32::try_from(place).unwrap_or(u32::MAX), need)),
                Ok(None) => {}
                Err(TooLarge) => outcome.too_large = Some(place),
            }
        }
        state
    }

    fn leaf(&self, kind: &CheckKind, place: usize, candidate: &Candidate<'_>) -> State {
        let undecided = if self.clock.over { State::Fail } else { State::Pending };
        let when = |met: bool| if met { State::Pass } else { undecided };
        match kind {
            CheckKind::AtLeast { value, per, .. } => {
                self.compare(place, *value, *per, candidate, |order| order.is_ge())
            }
            CheckKind::AtMost { value, per, .. } => {
                self.compare(place, *value, *per, candidate, |order| order.is_le())
            }
            CheckKind::Claimed => when(candidate.entity.is_some()),
            CheckKind::Region => {
                when(candidate.region.is_some_and(|region| self.rules.competition.regions.contains(region)))
            }
            CheckKind::Registered { deadline, late } => {
                let (deadline, late) = (deadline.height(), late.map(|late| late.deadline.height()));
                self.registered(deadline, late, candidate)
            }
            CheckKind::Attested { what } => {
                let attested = candidate.entity.is_some_and(|entity| {
                    entity.attested.iter().any(|a| a.what == *what && a.from.height() <= self.clock.read)
                });
                when(attested || (candidate.attested)(what))
            }
            CheckKind::All { .. } | CheckKind::Any { .. } => undecided,
        }
    }

    fn compare(
        &self,
        place: usize,
        bar: Bound,
        per: Per,
        candidate: &Candidate<'_>,
        good: impl Fn(std::cmp::Ordering) -> bool,
    ) -> State {
        let undecided = if self.clock.over { State::Fail } else { State::Pending };
        let metric = self.metrics.get(place).copied().flatten();
        let one = |measures: &[Measure]| {
            let Some(measure) = metric.and_then(|metric| measures.get(metric)) else { return undecided };
            let enough = measure.samples().is_none_or(|samples| samples >= self.min_samples(metric));
            match measure.against(bar) {
                Some(order) if enough => {
                    if good(order) {
                        State::Pass
                    } else {
                        State::Fail
                    }
                }
                _ => undecided,
            }
        };
        match per {
            Per::Entity => one(candidate.measures),
            Per::Member => candidate.members.iter().map(|measures| one(measures)).min().unwrap_or(undecided),
        }
    }

    fn min_samples(&self, metric: Option<usize>) -> u128 {
        match metric.and_then(|metric| self.rules.metrics.get(metric)).map(|metric| &metric.kind) {
            Some(MetricKind::Rate { min_samples: Some(min), .. }) => min.0,
            _ => 0,
        }
    }

    fn registered(&self, deadline: i64, late: Option<i64>, candidate: &Candidate<'_>) -> State {
        let registered = candidate.entity.and_then(|entity| entity.registered).map(|epoch| epoch.height());
        let Some(registered) = registered.filter(|registered| *registered <= self.clock.read) else {
            let last = late.map_or(deadline, |late| late.max(deadline));
            return if self.clock.read < last { State::Pending } else { State::Fail };
        };
        let alone = candidate.entity.is_some_and(|entity| entity.members.len() == 1);
        let new = candidate.seen.iter().all(|seen| *seen >= deadline);
        let in_time = registered < deadline || late.is_some_and(|late| registered < late && alone && new);
        if in_time { State::Pass } else { State::Fail }
    }

    /// What is missing to the bar, where that is a finite number.
    fn need(&self, place: usize, bar: Bound, measures: &[Measure]) -> Result<Option<u128>, TooLarge> {
        let metric = self.metrics.get(place).copied().flatten();
        let kind = metric.and_then(|metric| self.rules.metrics.get(metric)).map(|metric| &metric.kind);
        let measure = metric.and_then(|metric| measures.get(metric)).unwrap_or(&Measure::Unknown);
        match (bar, kind) {
            (Bound::Quantity(bar), _) => Ok(bar.0.checked_sub(measure.whole().unwrap_or(0))),
            (Bound::Ratio(bar), Some(MetricKind::Rate { aggregation: Aggregation::Pooled, .. })) => {
                let Some(samples) = measure.samples() else { return Ok(None) };
                let passed = passed(measure, samples).unwrap_or(0);
                more(passed, samples, bar, self.min_samples(metric))
            }
            (Bound::Ratio(_), _) => Ok(None),
        }
    }
}
