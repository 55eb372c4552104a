//! Two standings side by side: what rules, decisions and what-ifs do to everybody.

use std::collections::BTreeSet;

use apogee_domain::series::Unit;
use apogee_domain::{Digest, Value};
use apogee_leaderboard::{
    Comparison, Concentration, EntityChange, Payout, PayoutPart, Standings, State, compare,
};
use apogee_rules::{Id, canonical};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::Problem;
use crate::web::figure::{Coin, Figure, Scale};
use crate::web::view::Csv;

/// Rows of one page.
const ROWS: usize = 50;

/// Which rows are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Only those for whom something changes.
    pub(super) changed: bool,
    /// Which page of them, from 1 on; all for a table of data.
    pub(super) page: Option<usize>,
    /// What amounts are counted in.
    pub(super) coin: Coin,
}

/// What a rule, a decision or a what-if does to every rank and amount.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EffectOnEverybody)]
pub(super) struct Effect {
    /// Root of the standings before.
    #[schema(value_type = String)]
    before: Digest,
    /// Root of the standings after.
    #[schema(value_type = String)]
    after: Digest,
    /// Hash of the whole report (`docs/competition.md` §2).
    #[schema(value_type = String)]
    pub(super) report: Digest,
    /// How the payouts lie, before and after.
    pub(super) concentration: [Shape; 2],
    /// How many compete on either side.
    pub(super) entities: usize,
    /// How many get more.
    pub(super) gain: usize,
    /// How many get less.
    pub(super) lose: usize,
    /// How many have another rank on some board.
    pub(super) moved: usize,
    /// How many are eligible, before and after.
    pub(super) eligible: [usize; 2],
    /// Who becomes eligible.
    pub(super) newly_eligible: Vec<Row>,
    /// Who is eligible no longer.
    pub(super) newly_ineligible: Vec<Row>,
    /// Who gains most.
    pub(super) largest_gain: Option<Row>,
    /// Who loses most.
    pub(super) largest_loss: Option<Row>,
    /// Every pool whose amount or tier changes.
    pub(super) pools: Vec<PoolChange>,
    /// The board by which rows are ranked; others are in `ranks`.
    pub(super) board: Option<String>,
    /// Rows there are in all.
    pub(super) found: usize,
    /// Which page this is.
    pub(super) page: usize,
    /// One page of them, by the rank after.
    pub(super) rows: Vec<Row>,
}

/// How payouts lie among those who are paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EffectConcentration)]
pub(super) struct Shape {
    /// The sum of all payouts, in atto.
    #[schema(value_type = Option<String>)]
    pub(super) paid: Figure,
    /// How many are paid.
    pub(super) entities: u64,
    /// Part of the sum that the ten largest make.
    top_ten: Option<String>,
    /// Gini coefficient.
    gini: Option<String>,
    /// The fewest who together get more than half.
    pub(super) nakamoto: u64,
    /// The same two in thousandths.
    #[serde(skip)]
    pub(super) thousandths: [Option<u32>; 2],
}

/// What changes for one competitor.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EffectRow)]
pub(super) struct Row {
    pub(super) entity: String,
    pub(super) name: String,
    pub(super) before: Side,
    pub(super) after: Side,
    /// Every rank that changes.
    pub(super) ranks: Vec<Moved>,
    /// Checks that are not passed, where it is eligible on one side only.
    pub(super) checks: Vec<String>,
    /// Pools of which it gets another share.
    pub(super) pools: Vec<String>,
}

/// How it stands on one side.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EffectSide)]
pub(super) struct Side {
    /// On the board of the table.
    pub(super) rank: Option<u64>,
    /// Absent where it does not compete.
    pub(super) eligible: Option<bool>,
    /// In atto.
    #[schema(value_type = Option<String>)]
    pub(super) amount: Figure,
}

/// A rank that changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EffectRank)]
pub(super) struct Moved {
    pub(super) board: String,
    pub(super) region: Option<String>,
    pub(super) before: Option<u64>,
    pub(super) after: Option<u64>,
}

/// A pool that changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EffectPool)]
pub(super) struct PoolChange {
    pub(super) pool: String,
    pub(super) region: Option<String>,
    /// Amounts in atto.
    #[schema(value_type = Option<String>)]
    pub(super) before: Figure,
    #[schema(value_type = Option<String>)]
    pub(super) after: Figure,
    /// Tiers that are reached, from 1 on.
    pub(super) tier_before: Option<u64>,
    pub(super) tier_after: Option<u64>,
}

impl Effect {
    pub(super) fn of(before: &Standings, after: &Standings, wanted: Wanted) -> Result<Self, Problem> {
        let comparison = compare(before, after);
        let report = canonical::hash(&comparison).map_err(|cause| Problem::Broken(Box::new(cause)))?;
        let board = after.boards.first().or(before.boards.first()).map(|list| list.board.clone());
        let made = Making { before, after, board: board.as_ref(), coin: wanted.coin };
        let mut shown: Vec<&EntityChange> =
            comparison.entities.iter().filter(|change| !wanted.changed || change.is_any()).collect();
        shown.sort_by_cached_key(|change| {
            let (old, new) = made.rank(change);
            (new.or(old).unwrap_or(u64::MAX), new.is_none(), change.entity.clone())
        });
        let found = shown.len();
        let page = wanted.page.unwrap_or(1).clamp(1, found.div_ceil(ROWS).max(1));
        let of_page: Vec<&EntityChange> = match wanted.page {
            None => shown,
            Some(_) => shown.into_iter().skip((page - 1) * ROWS).take(ROWS).collect(),
        };
        let all = || comparison.entities.iter();
        let turned = |to: bool| {
            let turned = all().filter(move |change| {
                (change.eligible.0 == Some(true)) != to && (change.eligible.1 == Some(true)) == to
            });
            turned.take(ROWS).map(|change| made.row(change)).collect()
        };
        let gained = |change: &&EntityChange| change.amount.1.0.saturating_sub(change.amount.0.0);
        let lost = |change: &&EntityChange| change.amount.0.0.saturating_sub(change.amount.1.0);
        let largest = |by: &dyn Fn(&&EntityChange) -> u128| {
            let most = all().max_by_key(|change| by(change)).filter(|change| by(change) > 0);
            most.map(|change| made.row(change))
        };
        let (newly_eligible, newly_ineligible) = (turned(true), turned(false));
        Ok(Self {
            before: comparison.before,
            after: comparison.after,
            report,
            entities: comparison.entities.len(),
            gain: all().filter(|change| gained(change) > 0).count(),
            lose: all().filter(|change| lost(change) > 0).count(),
            moved: all().filter(|change| change.ranks.iter().any(|rank| rank.before != rank.after)).count(),
            eligible: [
                all().filter(|change| change.eligible.0 == Some(true)).count(),
                all().filter(|change| change.eligible.1 == Some(true)).count(),
            ],
            newly_eligible,
            newly_ineligible,
            largest_gain: largest(&gained),
            largest_loss: largest(&lost),
            pools: made.pools(),
            rows: of_page.into_iter().map(|change| made.row(change)).collect(),
            board: board.map(|board| board.to_string()),
            found,
            page,
            concentration: shapes(&comparison, wanted.coin),
        })
    }

    pub(super) const fn pages(&self) -> usize {
        self.found.div_ceil(ROWS)
    }

    pub(super) fn csv(&self) -> Csv {
        let mut csv = Csv::new(&[
            "entity",
            "name",
            "rank_before",
            "rank_after",
            "atto_before",
            "atto_after",
            "eligible_before",
            "eligible_after",
        ]);
        let rank = |rank: Option<u64>| rank.map(|rank| rank.to_string()).unwrap_or_default();
        let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string()).unwrap_or_default();
        for row in &self.rows {
            csv.row(&[
                &row.entity,
                &row.name,
                &rank(row.before.rank),
                &rank(row.after.rank),
                &row.before.amount.raw(),
                &row.after.amount.raw(),
                &flag(row.before.eligible),
                &flag(row.after.eligible),
            ]);
        }
        csv
    }
}

struct Making<'a> {
    before: &'a Standings,
    after: &'a Standings,
    board: Option<&'a Id>,
    coin: Coin,
}

impl Making<'_> {
    fn money(&self, atto: u128) -> Figure {
        money(atto, self.coin)
    }

    fn rank(&self, change: &EntityChange) -> (Option<u64>, Option<u64>) {
        let of_board = change.ranks.iter().find(|rank| Some(&rank.board) == self.board);
        of_board.map_or((None, None), |rank| (rank.before, rank.after))
    }

    fn row(&self, change: &EntityChange) -> Row {
        let id = change.entity.as_str();
        let (old, new) = (self.before.entity(id), self.after.entity(id));
        let name = new.or(old).map_or(id, |row| row.name());
        let (was, is) = self.rank(change);
        let turned = (change.eligible.0 == Some(true)) != (change.eligible.1 == Some(true));
        let ineligible = if change.eligible.1 == Some(true) { old } else { new };
        let checks = ineligible.filter(|_| turned).map(|row| {
            let failed = row.checks().filter(|check| !matches!(check.state(), State::Pass | State::Waived));
            failed.map(|check| check.id().to_owned()).collect()
        });
        let moved = change.ranks.iter().filter(|rank| rank.before != rank.after);
        Row {
            entity: id.to_owned(),
            name: name.to_owned(),
            before: Side { rank: was, eligible: change.eligible.0, amount: self.money(change.amount.0.0) },
            after: Side { rank: is, eligible: change.eligible.1, amount: self.money(change.amount.1.0) },
            ranks: moved
                .map(|rank| Moved {
                    board: rank.board.to_string(),
                    region: rank.region.as_ref().map(ToString::to_string),
                    before: rank.before,
                    after: rank.after,
                })
                .collect(),
            checks: checks.unwrap_or_default(),
            pools: shares(self.before.payout(id), self.after.payout(id)),
        }
    }

    fn pools(&self) -> Vec<PoolChange> {
        let mut changes = Vec::new();
        let old = |pool: &Id, region: Option<&Id>| {
            self.before.pools.iter().find(|other| other.pool == *pool && other.region.as_ref() == region)
        };
        for new in &self.after.pools {
            let old = old(&new.pool, new.region.as_ref());
            let before = old.map(|old| (old.amount, old.tier));
            if before != Some((new.amount, new.tier)) {
                changes.push(PoolChange {
                    pool: new.pool.to_string(),
                    region: new.region.as_ref().map(ToString::to_string),
                    before: self.money(before.map_or(0, |(amount, _)| amount.0)),
                    after: self.money(new.amount.0),
                    tier_before: before.and_then(|(_, tier)| tier).map(|tier| tier + 1),
                    tier_after: new.tier.map(|tier| tier + 1),
                });
            }
        }
        let is_gone = |(pool, region): (&Id, Option<&Id>)| {
            !self.after.pools.iter().any(|new| new.pool == *pool && new.region.as_ref() == region)
        };
        let gone = self.before.pools.iter().filter(|old| is_gone((&old.pool, old.region.as_ref())));
        changes.extend(gone.map(|old| PoolChange {
            pool: old.pool.to_string(),
            region: old.region.as_ref().map(ToString::to_string),
            before: self.money(old.amount.0),
            after: self.money(0),
            tier_before: old.tier.map(|tier| tier + 1),
            tier_after: None,
        }));
        changes
    }
}

/// An amount at the scale of a coin.
pub(super) fn money(atto: u128, coin: Coin) -> Figure {
    let unit = Unit::Atto;
    Figure { value: Some(Value(atto)), unit, scale: Scale::of(unit, coin, None) }
}

/// Pools of which somebody gets another share; awards stand as `award`.
fn shares(before: Option<&Payout>, after: Option<&Payout>) -> Vec<String> {
    let parts = |payout: Option<&Payout>| -> BTreeSet<(String, u128)> {
        let parts = payout.into_iter().flat_map(|payout| &payout.parts).map(|part| match part {
            PayoutPart::Share { amount, pool, .. } => (pool.to_string(), amount.0),
            PayoutPart::Award { amount, .. } => ("award".to_owned(), amount.0),
        });
        parts.collect()
    };
    let (before, after) = (parts(before), parts(after));
    let changed: BTreeSet<String> =
        before.symmetric_difference(&after).map(|(pool, _)| pool.clone()).collect();
    changed.into_iter().collect()
}

fn shapes(comparison: &Comparison, coin: Coin) -> [Shape; 2] {
    let shape = |found: &Concentration| Shape {
        paid: money(found.paid.0, coin),
        entities: found.entities,
        top_ten: found.top_ten.as_ref().map(ToString::to_string),
        gini: found.gini.as_ref().map(ToString::to_string),
        nakamoto: found.nakamoto,
        thousandths: [&found.top_ten, &found.gini].map(|fraction| {
            let (part, whole) = fraction.as_ref()?.parts();
            (part * 1000_u32 / whole).to_string().parse().ok()
        }),
    };
    [shape(&comparison.concentration.0), shape(&comparison.concentration.1)]
}
