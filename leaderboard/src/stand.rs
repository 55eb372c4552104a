use std::collections::HashMap;
use std::sync::Arc;

use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Problem, RuleSet, canonical};

use crate::board::{self, Wins};
use crate::check::{Candidate, Examiner, Shape, State};
use crate::document::problem;
use crate::effects::{Effects, Known};
use crate::field::{Competitor, Field};
use crate::measure::Measure;
use crate::metric::{Group, Meter};
use crate::payout::payouts;
use crate::plan::Plans;
use crate::pool;
use crate::standings::{EntityRow, Found, Frame, Won};
use crate::time::Clock;
use crate::{Decisions, Entities, Facts, Standings, StandingsScope};

/// Everything that boards and pools look at.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) clock: Clock,
    pub(crate) effects: Effects<'a>,
    pub(crate) meter: Meter<'a>,
    pub(crate) field: Field<'a>,
    rows: Vec<EntityRow>,
}

/// Standings at epoch `at`, under one version of the rules and the decisions up to number `seq`.
///
/// A function of what it is given and of nothing else; the order of rows makes no difference.
///
/// # Errors
/// What is asked for is impossible: an epoch before the start, facts of another network or without a series that a metric reads, a live decision
/// about something that is not there, a quantity of 2¹²⁸ or more. The problem says where.
pub fn stand(
    facts: &Facts,
    entities: &Entities,
    rules: &RuleSet,
    decisions: &Decisions,
    at: Epoch,
    seq: u64,
) -> Result<Standings, Problem> {
    let frame = Arc::new(frame(rules));
    let stage = Stage::new(facts, entities, rules, decisions, at, seq, &frame)?;
    let lists = board::lists(&stage)?;
    let paid = pool::pay(&stage, &lists)?;
    let awards = stage.awards();
    let scope = stage.scope(facts, entities)?;
    // Of a million entities each of these is large: what is no longer needed goes as soon as what is made of it is there.
    let Stage { rows, field, meter, .. } = stage;
    drop((field, meter));
    let boards = lists.into_iter().map(|list| list.result(&rows)).collect();
    let payouts = payouts(&rows, &paid, &awards)?;
    let pools = paid.into_iter().map(|paid| paid.result(&rows)).collect();
    let format = "apogee-standings-1";
    let mut standings =
        Standings { boards, entities: rows, format, payouts, pools, root: Digest::default(), scope };
    standings.root = standings.tree_hash()?;
    Ok(standings)
}

fn frame(rules: &RuleSet) -> Frame {
    let metrics: Vec<Id> = rules.metrics.iter().map(|metric| metric.id.clone()).collect();
    let mut sorted: Vec<usize> = (0..metrics.len()).collect();
    sorted.sort_by_key(|place| metrics.get(*place));
    Frame { metrics, sorted, shape: Shape::new(&rules.eligibility) }
}

impl<'a> Stage<'a> {
    fn new(
        facts: &'a Facts,
        entities: &'a Entities,
        rules: &'a RuleSet,
        decisions: &'a Decisions,
        at: Epoch,
        seq: u64,
        frame: &Arc<Frame>,
    ) -> Result<Self, Problem> {
        if facts.network.as_str() != rules.competition.network.as_str() {
            let reason = format_args!("{} where the rules say {}", facts.network, rules.competition.network);
            return Err(problem("facts.network", reason));
        }
        let mut effects =
            Effects::new(decisions, seq, Known { facts, entities, rules, shape: &frame.shape })?;
        let clock = Clock::new(&rules.competition, effects.end, at)?;
        let plans = Plans::new(rules, facts, clock, &effects.removed)?;
        let field = Field::new(facts, entities, rules, &effects, clock)?;
        let meter = Meter { facts, plans, adjusted: std::mem::take(&mut effects.adjusted) };
        let mut stage = Self { rules, clock, effects, meter, field, rows: Vec::new() };
        stage.rows = stage.assess(&Examiner::new(rules, clock)?, frame)?;
        Ok(stage)
    }

    fn assess(&self, examiner: &Examiner<'_>, frame: &Arc<Frame>) -> Result<Vec<EntityRow>, Problem> {
        // Many entities, few outcomes.
        let mut known: HashMap<Box<[State]>, Arc<Found>> = HashMap::new();
        let mut rows = Vec::with_capacity(self.field.list.len());
        for competitor in &self.field.list {
            let mut share = |states: Box<[State]>| {
                let found = |states: &[State]| Found { states: states.into(), frame: Arc::clone(frame) };
                Arc::clone(known.entry(states).or_insert_with_key(|states| Arc::new(found(states))))
            };
            rows.push(self.assess_one(competitor, examiner, &mut share)?);
        }
        Ok(rows)
    }

    fn assess_one(
        &self,
        competitor: &Competitor<'a>,
        examiner: &Examiner<'_>,
        share: &mut dyn FnMut(Box<[State]>) -> Arc<Found>,
    ) -> Result<EntityRow, Problem> {
        let group = self.field.group(competitor);
        let measures = self.measures(competitor, group)?;
        let mut members = Vec::new();
        if examiner.asks_members {
            for member in group.members.chunks(1) {
                let mine = member.first().map_or(0, |member| *member);
                let first = group.parts.partition_point(|part| part.participant < mine);
                let end = group.parts.partition_point(|part| part.participant <= mine);
                let parts = group.parts.get(first..end).unwrap_or_default();
                members
                    .push(self.measures(competitor, Group { region: group.region, members: member, parts })?);
            }
        }
        let participants = &self.meter.facts.participants;
        let seen: Vec<i64> = group
            .members
            .iter()
            .filter_map(|member| participants.get(*member as usize))
            .map(|participant| participant.seen.height())
            .collect();
        let id = competitor.id.as_str();
        let outcome = examiner.examine(&Candidate {
            entity: competitor.entity,
            region: competitor.region,
            measures: &measures,
            members: &members,
            seen: &seen,
            waived: self.effects.waived.get(id),
            attested: &|what| self.effects.attested.contains(&(id, what.as_str())),
        });
        if outcome.too_large.is_some() {
            return Err(problem(format_args!("entities.{id}.checks"), "what is missing is 2^128 or more"));
        }
        let disqualified = self.effects.disqualified.contains(id);
        let eligible = !disqualified && examiner.passes(&outcome);
        Ok(EntityRow {
            id: competitor.id.clone(),
            name: competitor.entity.map(|entity| Arc::clone(&entity.name)),
            region: competitor.region.cloned(),
            claimed: competitor.entity.is_some(),
            disqualified,
            eligible,
            measures: measures.into(),
            needs: outcome.needs.into(),
            found: share(outcome.states.into()),
        })
    }

    fn measures(&self, competitor: &Competitor<'_>, group: Group<'_>) -> Result<Vec<Measure>, Problem> {
        self.meter.measure(group).map_err(|place| {
            let metric = self.meter.plans.list.get(place).map_or("", |plan| plan.id.as_str());
            problem(format_args!("entities.{}.metrics.{metric}", competitor.id), "it is 2^128 or more")
        })
    }

    pub(crate) fn is_eligible(&self, competitor: u32) -> bool {
        self.rows.get(competitor as usize).is_some_and(|row| row.eligible)
    }

    pub(crate) fn is_disqualified(&self, competitor: u32) -> bool {
        self.rows.get(competitor as usize).is_some_and(|row| row.disqualified)
    }

    /// A metric of a competitor, by their places.
    pub(crate) fn measure(&self, competitor: u32, metric: usize) -> &Measure {
        let row = self.rows.get(competitor as usize);
        row.and_then(|row| row.measures.get(metric)).unwrap_or(&Measure::Unknown)
    }

    /// The last step, up to the epoch that is read, of a member in a series that a metric reads; −1 if there is none.
    pub(crate) fn last_change(&self, competitor: u32, metric: usize) -> i64 {
        let Some(competitor) = self.field.list.get(competitor as usize) else { return -1 };
        let mut last = -1;
        let (mut open, mut seen) = (vec![metric], Vec::new());
        while let Some(metric) = open.pop() {
            let Some(plan) = self.meter.plans.list.get(metric).filter(|_| !seen.contains(&metric)) else {
                continue;
            };
            seen.push(metric);
            open.extend(plan.parts());
            for series in
                plan.series().into_iter().flatten().filter_map(|place| self.meter.facts.series.get(place))
            {
                let steps = self.field.members(competitor).iter();
                let steps = steps.filter_map(|member| series.step(*member, self.clock.read));
                last = steps.map(|step| step.epoch()).fold(last, i64::max);
            }
        }
        last
    }

    /// Awards above zero to those who are there: their places, decisions and amounts.
    fn awards(&self) -> Vec<(u32, u64, u128)> {
        let award = |(seq, (id, amount)): (&u64, &(&Id, u128))| {
            let place = self.field.list.binary_search_by(|competitor| competitor.id.cmp(id)).ok()?;
            Some((u32::try_from(place).ok()?, *seq, *amount))
        };
        self.effects.awards.iter().filter(|(_, (_, amount))| *amount > 0).filter_map(award).collect()
    }

    fn scope(&self, facts: &Facts, entities: &Entities) -> Result<StandingsScope, Problem> {
        let epoch = |height| Epoch::new(height).ok_or_else(|| problem("at", "it is below zero"));
        Ok(StandingsScope {
            at: epoch(self.clock.at)?,
            competition: self.rules.competition.id.clone(),
            decisions: self.effects.hash,
            entities: entities.hash(),
            epoch: epoch(self.clock.read)?,
            facts: facts.hash(),
            network: facts.network.clone(),
            over: self.clock.over,
            rules: canonical::hash(self.rules).map_err(|cause| problem("rules", cause))?,
        })
    }
}

impl From<Wins> for Won {
    fn from(wins: Wins) -> Self {
        let common = num_integer::gcd(wins.places, wins.among).max(1);
        Self { places: wins.places / common, among: wins.among / common }
    }
}
