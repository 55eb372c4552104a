use std::collections::HashMap;

use apogee_domain::series::Unit;
use apogee_rules::{Divide, Id, Ineligible, Pool, PoolAmount, Population, Problem, Quantity, Tier, TierMode};
use num_bigint::BigUint;

use crate::board::{List, Wins};
use crate::divide::{Claim, Terms, divide};
use crate::document::problem;
use crate::stand::Stage;
use crate::standings::{EntityRow, PoolResult, Share};

/// What one pool pays in one list.
#[derive(Debug)]
pub(crate) struct Paid<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) region: Option<&'a Id>,
    pub(crate) amount: u128,
    pub(crate) reached: Option<u128>,
    pub(crate) tier: Option<usize>,
    /// Competitors by their places, in order, with amounts above zero.
    pub(crate) shares: Vec<(u32, u128)>,
    pub(crate) undistributed: u128,
}

impl Paid<'_> {
    /// The result as it is published.
    pub(crate) fn result(self, rows: &[EntityRow]) -> PoolResult {
        let share = |(competitor, amount): (u32, u128)| {
            Some(Share { amount: Quantity(amount), entity: rows.get(competitor as usize)?.id.clone() })
        };
        PoolResult {
            amount: Quantity(self.amount),
            pool: self.pool.id.clone(),
            reached: self.reached.map(Quantity),
            region: self.region.cloned(),
            shares: self.shares.into_iter().filter_map(share).collect(),
            tier: self.tier.map(|tier| tier as u64),
            undistributed: Quantity(self.undistributed),
        }
    }
}

/// Sums of metrics over competitors: of all, then of each region; `None` where one is too large.
type Sums<'a> = HashMap<(usize, bool, Option<&'a Id>), (Option<u128>, Vec<Option<u128>>)>;

/// All pools, in the order of the rules and of their boards' lists.
pub(crate) fn pay<'a>(stage: &Stage<'a>, lists: &[List<'a>]) -> Result<Vec<Paid<'a>>, Problem> {
    let mut sums = Sums::new();
    let mut paid = Vec::new();
    for pool in &stage.rules.pools {
        if !stage.rules.boards.iter().any(|board| board.id == pool.board) {
            let path = format!("pools.{}.board", pool.id);
            return Err(problem(path, format_args!("there is no board {}", pool.board)));
        }
        for list in lists.iter().filter(|list| list.board.id == pool.board) {
            paid.push(pay_list(stage, pool, list, &mut sums)?);
        }
    }
    Ok(paid)
}

fn pay_list<'a>(
    stage: &Stage<'a>,
    pool: &'a Pool,
    list: &List<'a>,
    sums: &mut Sums<'a>,
) -> Result<Paid<'a>, Problem> {
    let level = level(stage, pool, list, sums)?;
    let mut winners: Vec<(u32, Wins)> =
        list.rows.iter().filter(|row| row.wins != Wins::NONE).map(|row| (row.competitor, row.wins)).collect();
    winners.sort_unstable_by_key(|(competitor, _)| *competitor);
    let mut shares = match &pool.divide {
        Divide::Weight { metric } => {
            let metric = place(stage, pool, metric, None)?;
            let weight = |competitor| stage.measure(competitor, metric).whole().unwrap_or(0);
            proportional(pool, level.amount, &winners, weight)?
        }
        Divide::Equal => proportional(pool, level.amount, &winners, |_| 1)?,
        Divide::Flat { each } => plain(pool, &winners, |_| each.0),
        Divide::Metric { metric } => {
            let metric = place(stage, pool, metric, Some(Unit::Atto))?;
            plain(pool, &winners, |competitor| stage.measure(competitor, metric).whole().unwrap_or(0))
        }
    };
    if pool.ineligible == Some(Ineligible::Forfeit) {
        for ((competitor, _), share) in winners.iter().zip(&mut shares) {
            if !stage.is_eligible(*competitor) {
                *share = 0;
            }
        }
    }
    let path = || format!("pools.{}", pool.id);
    let sum = shares.iter().try_fold(0_u128, |sum, share| sum.checked_add(*share));
    let sum = sum.ok_or_else(|| problem(path(), "its shares add up to 2^128 or more"))?;
    let amount = if pool.amount == PoolAmount::Open { sum } else { level.amount };
    let undistributed = amount.checked_sub(sum).ok_or_else(|| {
        problem(path(), format_args!("its shares add up to {sum}, more than its amount {amount}"))
    })?;
    let winners = winners.into_iter().map(|(competitor, _)| competitor);
    Ok(Paid {
        pool,
        region: list.region,
        amount,
        reached: level.reached,
        tier: level.tier,
        shares: winners.zip(shares).filter(|(_, share)| *share > 0).collect(),
        undistributed,
    })
}

/// Division by weights among winners that come by id.
fn proportional(
    pool: &Pool,
    amount: u128,
    winners: &[(u32, Wins)],
    weight: impl Fn(u32) -> u128,
) -> Result<Vec<u128>, Problem> {
    let claims: Vec<Claim> =
        winners.iter().map(|(competitor, wins)| Claim { weight: weight(*competitor), wins: *wins }).collect();
    let floor = pool.floor.map_or(0, |floor| floor.0);
    divide(Terms { amount, rounding: pool.rounding, cap: pool.cap, floor }, &claims)
        .map(|division| division.shares)
        .ok_or_else(|| problem(format_args!("pools.{}", pool.id), "the weights add up to 2^128 or more"))
}

/// Amounts that nobody else's amount changes.
fn plain(pool: &Pool, winners: &[(u32, Wins)], amount: impl Fn(u32) -> u128) -> Vec<u128> {
    let floor = pool.floor.map_or(0, |floor| floor.0);
    let part = |(competitor, wins): &(u32, Wins)| {
        let share = part_of(amount(*competitor), *wins);
        if share < floor { 0 } else { share }
    };
    winners.iter().map(part).collect()
}

/// `⌊amount × k/g⌋`.
pub(crate) fn part_of(amount: u128, wins: Wins) -> u128 {
    let part = BigUint::from(amount) * wins.places / wins.among.max(1);
    u128::try_from(part).unwrap_or(amount)
}

fn place(stage: &Stage<'_>, pool: &Pool, metric: &Id, unit: Option<Unit>) -> Result<usize, Problem> {
    let path = format!("pools.{}.divide.metric", pool.id);
    let place = stage.meter.plans.place(metric, &path)?;
    let plan = stage.meter.plans.list.get(place).and_then(|plan| plan.unit);
    match (plan, unit) {
        (None, _) => Err(problem(path, format_args!("metric {metric} is a ratio"))),
        (Some(found), Some(asked)) if found != asked => {
            Err(problem(path, format_args!("metric {metric} is not in atto")))
        }
        _ => Ok(place),
    }
}

#[derive(Default)]
struct Level {
    amount: u128,
    reached: Option<u128>,
    tier: Option<usize>,
}

/// `docs/rules.md` §10.1.
fn level<'a>(
    stage: &Stage<'a>,
    pool: &'a Pool,
    list: &List<'a>,
    sums: &mut Sums<'a>,
) -> Result<Level, Problem> {
    let (mode, metric, population, base, tiers) = match &pool.amount {
        PoolAmount::Fixed { amount } => return Ok(Level { amount: amount.0, ..Level::default() }),
        PoolAmount::ByDecision => {
            let amount = stage.effects.amounts.get(pool.id.as_str()).copied().unwrap_or(0);
            return Ok(Level { amount, ..Level::default() });
        }
        PoolAmount::Open => return Ok(Level::default()),
        PoolAmount::Tiers { mode, metric, population, base, tiers } => {
            (mode, metric, *population, base.0, tiers)
        }
    };
    let too_large = || problem(format_args!("pools.{}.amount", pool.id), "a level adds up to 2^128 or more");
    let track = list.board.track.as_ref();
    let (all, regions) = sum(stage, pool, metric, population, track, sums)?;
    let region =
        list.region.and_then(|region| stage.rules.competition.regions.iter().position(|r| r == region));
    let here = region.map_or(*all, |region| regions.get(region).copied().flatten());
    let reached = here.and_then(|here| base.checked_add(here)).ok_or_else(too_large)?;

    let mut open: Option<(usize, &Tier)> = None;
    for (index, tier) in tiers.iter().enumerate() {
        let mut met = tier.at.0 <= reached;
        if let Some(gate) = &tier.gate {
            let (_, regions) = sum(stage, pool, &gate.metric, gate.population, track, sums)?;
            for sum in regions {
                if sum.ok_or_else(too_large)? < gate.each_region.0 {
                    met = false;
                    break;
                }
            }
        }
        if met {
            open = Some((index, tier));
        }
    }
    let highest = open.map_or(0, |(_, tier)| tier.amount.0);
    let before = tiers.iter().rev().find(|tier| tier.at.0 <= base).map_or(0, |tier| tier.amount.0);
    let amount = match mode {
        TierMode::Highest => highest,
        TierMode::NewlyUnlocked => highest.saturating_sub(before),
    };
    Ok(Level { amount, reached: Some(reached), tier: open.map(|(index, _)| index) })
}

/// Sum of a metric over those in a track: of all, and of each region.
fn sum<'s, 'a>(
    stage: &Stage<'a>,
    pool: &Pool,
    metric: &'a Id,
    population: Population,
    track: Option<&'a Id>,
    sums: &'s mut Sums<'a>,
) -> Result<&'s (Option<u128>, Vec<Option<u128>>), Problem> {
    let path = format!("pools.{}.amount", pool.id);
    let place = stage.meter.plans.place(metric, &path)?;
    let key = (place, population == Population::All, track);
    Ok(sums.entry(key).or_insert_with(|| {
        let mut all = Some(0_u128);
        let mut regions = vec![Some(0_u128); stage.rules.competition.regions.len()];
        for (competitor, index) in stage.field.list.iter().zip(0_u32..) {
            let counts =
                competitor.is_in(track) && (population == Population::All || stage.is_eligible(index));
            let Some(value) = stage.measure(index, place).whole().filter(|_| counts) else { continue };
            all = all.and_then(|sum| sum.checked_add(value));
            if let Some(sum) = competitor.place.and_then(|place| regions.get_mut(place as usize)) {
                *sum = sum.and_then(|sum| sum.checked_add(value));
            }
        }
        (all, regions)
    }))
}
