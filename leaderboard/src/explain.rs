use apogee_rules::{
    Bound, Check, CheckKind, Divide, Id, Ineligible, MetricKind, Per, Pool, PoolAmount, Quantity, RuleSet,
};

use crate::Standings;
use crate::board::Wins;
use crate::divide::{Claim, Claims, Terms, divide};
use crate::measure::Measure;
use crate::pool::part_of;
use crate::reason::{Asked, CheckReason, Derivation, NextTier, PoolReason, Step};
use crate::standings::{BoardList, EntityRow, PoolResult, Won};

/// Why an entity is where it is and gets what it gets, from the standings and their rules alone; `None` if it is not there.
#[must_use]
pub fn explain(standings: &Standings, rules: &RuleSet, entity: &str) -> Option<Derivation> {
    let row = standings.entity(entity)?;
    let payout = standings.payout(entity);
    let awards = payout.into_iter().flat_map(|payout| &payout.parts).filter_map(|part| match part {
        crate::PayoutPart::Award { amount, award } => Some((*award, *amount)),
        crate::PayoutPart::Share { .. } => None,
    });
    let pools = standings.pools.iter().filter_map(|result| {
        let pool = rules.pools.iter().find(|pool| pool.id == result.pool)?;
        let list =
            standings.boards.iter().find(|list| list.board == pool.board && list.region == result.region)?;
        pool_reason(standings, pool, result, list, row)
    });
    Some(Derivation {
        entity: row.id.clone(),
        eligible: row.eligible,
        checks: reasons(&rules.eligibility, row.checks(), row, rules),
        pools: pools.collect(),
        awards: awards.collect(),
        total: payout.map_or(Quantity::ZERO, |payout| payout.total),
    })
}

fn reasons<'a>(
    checks: &[Check],
    found: impl Iterator<Item = crate::Checked<'a>>,
    row: &EntityRow,
    rules: &RuleSet,
) -> Vec<CheckReason> {
    let end = rules.competition.end;
    let reason = |(check, found): (&Check, crate::Checked<'a>)| {
        let mut before = end;
        let mut below = Vec::new();
        let mut group = |checks: &[Check]| {
            below = found.below().map(|found| reasons(checks, found, row, rules)).unwrap_or_default();
        };
        let asked = match &check.kind {
            CheckKind::AtLeast { metric, value, per } => measured(metric, true, *value, *per, row, rules),
            CheckKind::AtMost { metric, value, per } => measured(metric, false, *value, *per, row, rules),
            CheckKind::Claimed => Asked::Claimed,
            CheckKind::Region => Asked::Region { region: row.region.clone() },
            CheckKind::Registered { deadline, late } => {
                let late = late.map(|late| late.deadline);
                before = late.map_or(*deadline, |late| late.max(*deadline));
                Asked::Registered { deadline: *deadline, late }
            }
            CheckKind::Attested { what } => Asked::Attested { what: what.clone() },
            CheckKind::All { checks } => {
                group(checks);
                Asked::All
            }
            CheckKind::Any { checks } => {
                group(checks);
                Asked::Any
            }
        };
        CheckReason { id: check.id.clone(), state: found.state(), asked, need: found.need(), before, below }
    };
    checks.iter().zip(found).map(reason).collect()
}

fn measured(metric: &Id, at_least: bool, bar: Bound, per: Per, row: &EntityRow, rules: &RuleSet) -> Asked {
    let min_samples = match rules.metric(metric).map(|metric| &metric.kind) {
        Some(MetricKind::Rate { min_samples, .. }) => *min_samples,
        _ => None,
    };
    let value = row.metric(metric.as_str()).cloned().unwrap_or(Measure::Unknown);
    Asked::Metric { metric: metric.clone(), at_least, bar, per, value, min_samples }
}

/// What is missing to the tier above the one that holds, if the pool has one.
#[must_use]
pub fn next_tier(pool: &Pool, result: &PoolResult) -> Option<NextTier> {
    let PoolAmount::Tiers { tiers, .. } = &pool.amount else { return None };
    let place = result.tier.map_or(0, |tier| tier + 1);
    let tier = tiers.get(usize::try_from(place).ok()?)?;
    let reached = result.reached.unwrap_or(Quantity::ZERO).0;
    let missing = Quantity(tier.at.0.saturating_sub(reached));
    Some(NextTier { tier: place, amount: tier.amount, missing, gate: tier.gate.clone() })
}

fn pool_reason(
    standings: &Standings,
    pool: &Pool,
    result: &PoolResult,
    list: &BoardList,
    row: &EntityRow,
) -> Option<PoolReason> {
    let place = list.rows.iter().find(|place| place.entity == row.id)?;
    let share = result.shares.iter().find(|share| share.entity == row.id);
    let share = share.map_or(Quantity::ZERO, |share| share.amount);
    let mut steps = match (&pool.divide, place.wins.places) {
        (_, 0) => Vec::new(),
        (Divide::Weight { metric }, _) => proportional(standings, pool, result, list, row, Some(metric)),
        (Divide::Equal, _) => proportional(standings, pool, result, list, row, None),
        (Divide::Flat { each }, _) => plain(pool, None, *each, place.wins),
        (Divide::Metric { metric }, _) => plain(pool, Some(metric), value(row, metric), place.wins),
    };
    if !steps.is_empty() && !row.eligible && pool.ineligible == Some(Ineligible::Forfeit) {
        steps.push(Step::Forfeit);
    }
    Some(PoolReason {
        pool: pool.id.clone(),
        region: result.region.clone(),
        amount: result.amount,
        next: next_tier(pool, result),
        won: place.wins,
        steps,
        share,
    })
}

fn value(row: &EntityRow, metric: &Id) -> Quantity {
    Quantity(row.metric(metric.as_str()).and_then(Measure::whole).unwrap_or(0))
}

fn plain(pool: &Pool, metric: Option<&Id>, amount: Quantity, won: Won) -> Vec<Step> {
    let share = Quantity(part_of(amount.0, Wins::from(won)));
    let mut steps = vec![Step::Plain { metric: metric.cloned(), amount, won, share }];
    below_floor(pool, share, &mut steps);
    steps
}

fn below_floor(pool: &Pool, share: Quantity, steps: &mut Vec<Step>) {
    if let Some(floor) = pool.floor.filter(|floor| share < *floor) {
        steps.push(Step::BelowFloor { floor });
    }
}

/// Divide the pool once more and note what is one entity's.
fn proportional(
    standings: &Standings,
    pool: &Pool,
    result: &PoolResult,
    list: &BoardList,
    row: &EntityRow,
    metric: Option<&Id>,
) -> Vec<Step> {
    let weigh = |row: &EntityRow| metric.map_or(Quantity(1), |metric| value(row, metric));
    let mut winners: Vec<_> = list.rows.iter().filter(|place| place.wins.places > 0).collect();
    winners.sort_unstable_by(|left, right| left.entity.cmp(&right.entity));
    let claims: Vec<Claim> = winners
        .iter()
        .filter_map(|place| standings.entity(place.entity.as_str()).map(|row| (row, place.wins)))
        .map(|(row, won)| Claim { weight: weigh(row).0, wins: Wins::from(won) })
        .collect();
    let mine = winners.iter().position(|place| place.entity == row.id);
    let Some(mine) = mine
        .and_then(|mine| Some((mine, winners.get(mine)?, Claims::new(&claims).weight(claims.get(mine)?))))
    else {
        return Vec::new();
    };
    let (place, winner, weight) = mine;
    let terms = Terms { amount: result.amount.0, rounding: pool.rounding, cap: pool.cap, floor: 0 };
    let Some(division) = divide(terms, &claims) else { return Vec::new() };
    let share = Quantity(division.shares.get(place).copied().unwrap_or(0));
    let total = division.rounds.first().map(|round| round.total.clone()).unwrap_or_default();
    let mut steps = vec![Step::Weigh {
        metric: metric.cloned(),
        value: weigh(row),
        won: winner.wins,
        weight: weight.clone(),
        total,
    }];
    let reached = |cap: u128| {
        division.rounds.iter().find(|round| round.exceeds(&weight, cap)).map(|round| (cap, round))
    };
    if let Some((cap, round)) = division.cap.and_then(reached) {
        let (amount, total, cap) = (Quantity(round.remaining), round.total.clone(), Quantity(cap));
        steps.push(Step::Cap { amount, weight, total, cap });
    } else if let Some(round) = division.rounds.last() {
        let (down, rest) = round.share(&weight);
        let (amount, total) = (Quantity(round.remaining), round.total.clone());
        steps.push(Step::Divide { amount, weight, total, share: Quantity(down), rest });
        if share.0 > down {
            steps.push(Step::Remainder);
        }
    }
    below_floor(pool, share, &mut steps);
    steps
}

impl From<Won> for Wins {
    fn from(won: Won) -> Self {
        Self { places: won.places, among: won.among }
    }
}
