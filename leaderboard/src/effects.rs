use std::collections::{BTreeMap, HashMap, HashSet};

use apogee_domain::series::Reading;
use apogee_domain::{Digest, Epoch};
use apogee_rules::{Id, PoolAmount, Problem, RuleSet, canonical};

use crate::check::Shape;
use crate::document::problem;
use crate::series::Source;
use crate::{Decision, Decisions, Effect, Entities, Facts};

/// What all live decisions together do (`docs/rules.md` §4).
#[derive(Debug, Default)]
pub(crate) struct Effects<'a> {
    /// Of all of them, in order.
    pub(crate) hash: Digest,
    pub(crate) end: Option<Epoch>,
    pub(crate) regions: HashMap<&'a str, &'a Id>,
    pub(crate) removed: Vec<Removal<'a>>,
    /// By series, then participant.
    pub(crate) adjusted: HashMap<usize, HashMap<u32, Vec<Adjustment>>>,
    pub(crate) disqualified: HashSet<&'a str>,
    /// By entity: places of checks in the tree.
    pub(crate) waived: HashMap<&'a str, HashSet<usize>>,
    pub(crate) attested: HashSet<(&'a str, &'a str)>,
    pub(crate) amounts: HashMap<&'a str, u128>,
    /// By number of the decision.
    pub(crate) awards: BTreeMap<u64, (&'a Id, u128)>,
}

#[derive(Debug)]
pub(crate) struct Removal<'a> {
    pub(crate) epochs: (i64, i64),
    /// Empty for all.
    pub(crate) metrics: &'a [Id],
    /// Empty for all.
    pub(crate) regions: &'a [Id],
}

/// From an epoch on, so much more or less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adjustment {
    pub(crate) from: i64,
    pub(crate) negative: bool,
    pub(crate) amount: u128,
}

/// Against what the names in decisions are checked.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) entities: &'a Entities,
    pub(crate) rules: &'a RuleSet,
    pub(crate) shape: &'a Shape,
}

/// The decisions that no live revert names, by number.
fn live(decisions: &[Decision]) -> Vec<&Decision> {
    let mut reverted = HashSet::new();
    let mut live: Vec<&Decision> = Vec::new();
    for decision in decisions.iter().rev() {
        if reverted.contains(&decision.seq) {
            continue;
        }
        if let Effect::Revert { seq } = decision.effect {
            reverted.insert(seq);
        }
        live.push(decision);
    }
    live.reverse();
    live
}

impl<'a> Effects<'a> {
    /// Everything that decisions up to `seq` do.
    pub(crate) fn new(decisions: &'a Decisions, seq: u64, known: Known<'_>) -> Result<Self, Problem> {
        let live = live(decisions.until(seq));
        let idle = |effect: &Effect| matches!(effect, Effect::Revert { .. } | Effect::Note {});
        let hashed: Vec<&Effect> =
            live.iter().map(|decision| &decision.effect).filter(|effect| !idle(effect)).collect();
        let hash = canonical::hash(&hashed).map_err(|cause| problem("decisions", cause))?;
        let mut effects = Self { hash, ..Self::default() };
        for decision in live {
            effects
                .apply(decision, known)
                .map_err(|reason| problem(format_args!("decisions.{}", decision.seq), reason))?;
        }
        Ok(effects)
    }

    /// Decisions come by number, so that the last one holds.
    fn apply(&mut self, decision: &'a Decision, known: Known<'_>) -> Result<(), String> {
        match &decision.effect {
            Effect::Disqualify { entities } => {
                entities.iter().try_for_each(|entity| known.entity(entity))?;
                self.disqualified.extend(entities.iter().map(Id::as_str));
            }
            Effect::Waive { entity, check } => {
                known.entity(entity)?;
                let place = known.shape.place(check).ok_or_else(|| format!("there is no check {check}"))?;
                self.waived.entry(entity.as_str()).or_default().insert(place);
            }
            Effect::RemoveInterval { from, until, metrics, regions } => {
                for metric in metrics {
                    let there = known.rules.metrics.iter().any(|other| other.id == *metric);
                    there.then_some(()).ok_or_else(|| format!("there is no metric {metric}"))?;
                }
                let epochs = (from.height(), until.height());
                self.removed.push(Removal { epochs, metrics, regions });
            }
            Effect::SetRegion { target, region } => {
                known.entity(target)?;
                self.regions.insert(target.as_str(), region);
            }
            Effect::Adjust { participant, series, from, delta } => {
                let who = known.facts.participant(participant.as_str());
                let who = who.ok_or_else(|| format!("there is no participant {participant}"))?;
                let series = known.observed(series)?;
                let adjustment =
                    Adjustment { from: from.height(), negative: delta.negative, amount: delta.amount.0 };
                self.adjusted.entry(series).or_default().entry(who).or_default().push(adjustment);
            }
            Effect::Attest { entity, what } => {
                known.entity(entity)?;
                self.attested.insert((entity.as_str(), what.as_str()));
            }
            Effect::SetAmount { pool, amount } => {
                known.open_to_decision(pool)?;
                self.amounts.insert(pool.as_str(), amount.0);
            }
            Effect::Award { entity, amount, .. } => {
                known.entity(entity)?;
                self.awards.insert(decision.seq, (entity, amount.0));
            }
            Effect::SetEnd { until } => {
                if *until <= known.rules.competition.start {
                    return Err(format!(
                        "{until} is not after the start at {}",
                        known.rules.competition.start
                    ));
                }
                self.end = Some(*until);
            }
            Effect::Revert { .. } | Effect::Note {} => {}
        }
        Ok(())
    }
}

impl Known<'_> {
    /// An entity of the array, or a participant, which is an entity of its own where nobody claims it.
    fn entity(self, id: &Id) -> Result<(), String> {
        let known =
            self.entities.find(id.as_str()).is_some() || self.facts.participant(id.as_str()).is_some();
        known.then_some(()).ok_or_else(|| format!("there is no entity or participant {id}"))
    }

    fn observed(self, name: &Id) -> Result<usize, String> {
        let index = self.facts.series(name.as_str()).ok_or_else(|| format!("there is no series {name}"))?;
        match self.facts.series.get(index) {
            Some(series) if series.source == Source::Observed && series.reading == Reading::Cumulative => {
                Ok(index)
            }
            _ => Err(format!("{name} is not an observed cumulative series")),
        }
    }

    fn open_to_decision(self, id: &Id) -> Result<(), String> {
        match self.rules.pools.iter().find(|pool| pool.id == *id).map(|pool| &pool.amount) {
            Some(PoolAmount::ByDecision) => Ok(()),
            Some(_) => Err(format!("the rules fix the amount of pool {id}")),
            None => Err(format!("there is no pool {id}")),
        }
    }
}
