use std::sync::Arc;

use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, Problem, Quantity, RuleSet, canonical};

use crate::board::{self, List, Wins};
use crate::check::{Candidate, Examiner, Outcome, Shape};
use crate::document::problem;
use crate::effects::{Effects, Known};
use crate::field::{Competitor, Field};
use crate::measure::Measure;
use crate::metric::{Group, Meter};
use crate::payout::payouts;
use crate::plan::Plans;
use crate::pool::{self, Paid};
use crate::standings::{BoardList, BoardRow, EntityRow, Frame, PoolResult, Share, Won};
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
    assessed: Vec<Assessed>,
}

/// What is known of one competitor.
#[derive(Debug)]
struct Assessed {
    measures: Box<[Measure]>,
    outcome: Outcome,
    disqualified: bool,
    eligible: bool,
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
    let stage = Stage::new(facts, entities, rules, decisions, at, seq, &frame.shape)?;
    let lists = board::lists(&stage)?;
    let paid = pool::pay(&stage, &lists)?;
    let mut standings = Standings {
        boards: lists.iter().map(|list| stage.board(list)).collect(),
        payouts: payouts(&stage, &paid)?,
        pools: paid.iter().map(|paid| stage.pool(paid)).collect(),
        entities: Vec::new(),
        format: "apogee-standings-1",
        root: Digest::default(),
        scope: stage.scope(facts, entities)?,
    };
    drop((lists, paid));
    standings.entities = stage.into_rows(&frame);
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
        shape: &Shape,
    ) -> Result<Self, Problem> {
        if facts.network.as_str() != rules.competition.network.as_str() {
            let reason = format_args!("{} where the rules say {}", facts.network, rules.competition.network);
            return Err(problem("facts.network", reason));
        }
        let mut effects = Effects::new(decisions, seq, Known { facts, entities, rules, shape })?;
        let clock = Clock::new(&rules.competition, effects.end, at)?;
        let plans = Plans::new(rules, facts, clock, &effects.removed)?;
        let field = Field::new(facts, entities, rules, &effects, clock)?;
        let meter = Meter { facts, plans, adjusted: std::mem::take(&mut effects.adjusted) };
        let mut stage = Self { rules, clock, effects, meter, field, assessed: Vec::new() };
        stage.assessed = stage.assess(&Examiner::new(rules, clock)?)?;
        Ok(stage)
    }

    fn assess(&self, examiner: &Examiner<'_>) -> Result<Vec<Assessed>, Problem> {
        let mut assessed = Vec::with_capacity(self.field.list.len());
        for competitor in &self.field.list {
            assessed.push(self.assess_one(competitor, examiner)?);
        }
        Ok(assessed)
    }

    fn assess_one(&self, competitor: &Competitor<'a>, examiner: &Examiner<'_>) -> Result<Assessed, Problem> {
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
        Ok(Assessed { measures: measures.into(), outcome, disqualified, eligible })
    }

    fn measures(&self, competitor: &Competitor<'_>, group: Group<'_>) -> Result<Vec<Measure>, Problem> {
        self.meter.measure(group).map_err(|place| {
            let metric = self.meter.plans.list.get(place).map_or("", |plan| plan.id.as_str());
            problem(format_args!("entities.{}.metrics.{metric}", competitor.id), "it is 2^128 or more")
        })
    }

    pub(crate) fn is_eligible(&self, competitor: u32) -> bool {
        self.assessed.get(competitor as usize).is_some_and(|assessed| assessed.eligible)
    }

    pub(crate) fn is_disqualified(&self, competitor: u32) -> bool {
        self.assessed.get(competitor as usize).is_some_and(|assessed| assessed.disqualified)
    }

    /// A metric of a competitor, by their places.
    pub(crate) fn measure(&self, competitor: u32, metric: usize) -> &Measure {
        let assessed = self.assessed.get(competitor as usize);
        assessed.and_then(|assessed| assessed.measures.get(metric)).unwrap_or(&Measure::Unknown)
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
                last = steps.map(|step| step.epoch).fold(last, i64::max);
            }
        }
        last
    }

    fn id(&self, competitor: u32) -> Option<&Id> {
        self.field.list.get(competitor as usize).map(|competitor| competitor.id)
    }

    fn board(&self, list: &List<'_>) -> BoardList {
        let row = |row: &board::Row| {
            Some(BoardRow {
                entity: self.id(row.competitor)?.clone(),
                rank: row.rank,
                tied: row.tied,
                value: self.measure(row.competitor, list.metric).clone(),
                wins: Won::from(row.wins),
            })
        };
        let rows = list.rows.iter().filter_map(row).collect();
        BoardList { board: list.board.id.clone(), region: list.region.cloned(), rows }
    }

    fn pool(&self, paid: &Paid<'_>) -> PoolResult {
        let share = |(competitor, amount): &(u32, u128)| {
            Some(Share { amount: Quantity(*amount), entity: self.id(*competitor)?.clone() })
        };
        PoolResult {
            amount: Quantity(paid.amount),
            pool: paid.pool.id.clone(),
            reached: paid.reached.map(Quantity),
            region: paid.region.cloned(),
            shares: paid.shares.iter().filter_map(share).collect(),
            tier: paid.tier.map(|tier| tier as u64),
            undistributed: Quantity(paid.undistributed),
        }
    }

    fn scope(&self, facts: &Facts, entities: &Entities) -> Result<StandingsScope, Problem> {
        let epoch = |height| Epoch::new(height).ok_or_else(|| problem("at", "it is below zero"));
        Ok(StandingsScope {
            at: epoch(self.clock.at)?,
            competition: self.rules.competition.id.clone(),
            decisions: self.effects.count,
            entities: entities.hash(),
            epoch: epoch(self.clock.read)?,
            facts: facts.hash(),
            network: facts.network.clone(),
            over: self.clock.over,
            rules: canonical::hash(self.rules).map_err(|cause| problem("rules", cause))?,
        })
    }

    fn into_rows(self, frame: &Arc<Frame>) -> Vec<EntityRow> {
        let row = |(competitor, assessed): (&Competitor<'_>, Assessed)| EntityRow {
            id: competitor.id.clone(),
            name: competitor.entity.map(|entity| entity.name.clone()),
            region: competitor.region.cloned(),
            claimed: competitor.entity.is_some(),
            disqualified: assessed.disqualified,
            eligible: assessed.eligible,
            measures: assessed.measures,
            states: assessed.outcome.states.into(),
            needs: assessed.outcome.needs.into(),
            frame: Arc::clone(frame),
        };
        self.field.list.iter().zip(self.assessed).map(row).collect()
    }
}

impl From<Wins> for Won {
    fn from(wins: Wins) -> Self {
        let common = num_integer::gcd(wins.places, wins.among).max(1);
        Self { places: wins.places / common, among: wins.among / common }
    }
}
