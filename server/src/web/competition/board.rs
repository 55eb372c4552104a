//! The board of a competition.

mod detail;
mod page;
mod query;

use std::collections::BTreeMap;
use std::sync::Arc;

use apogee_domain::Step;
use apogee_leaderboard::{BoardList, BoardRow, EntityRow};
use apogee_rules::{Board as BoardRule, Check, CheckKind, Id, RuleSet};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::detail::Detail;
use self::page::Page;
use self::query::BoardQuery;
use super::curve::{curve, is_drawn, members, size};
use super::measured::{Metered, Shown, coin_of};
use super::pools::{PoolView, pools};
use super::status::{Judge, Standing, Status};
use super::{Meta, Stage, is_indexed};
use crate::competitions::Stood;
use crate::web::ask::{Ask, Form};
use crate::web::figure::Coin;
use crate::web::query::Asked;
use crate::web::reading::WINDOW;
use crate::web::schema;
use crate::web::view::{Csv, View};
use crate::web::{App, Problem};

/// Rows of one page.
pub(super) const ROWS: usize = 50;
/// Most rows of one JSON answer.
const MOST: usize = 500;
/// Most metrics beside the one that is ranked.
const COLUMNS: usize = 6;

/// Who is where on a board of a competition.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionBoard)]
pub(crate) struct Board {
    meta: Meta,
    /// The board.
    board: String,
    /// The region of the list, where the board is divided by region.
    region: Option<String>,
    /// The metric that it is ranked by.
    metric: String,
    /// Its unit: `bytes`, `atto`, `gas`, `count`, `nano` or `ratio`.
    unit: &'static str,
    /// Metrics that eligibility looks at besides, with their units.
    columns: Vec<Column>,
    /// Pools that the winners of this list divide.
    pools: Vec<PoolView>,
    /// Rows of the list, and how many are asked for.
    total: usize,
    found: usize,
    /// Miners of all of them.
    miners: usize,
    /// Number of the first row of this page, from 1 on.
    first: usize,
    /// The next page of the same standings.
    next: Option<String>,
    rows: Vec<Row>,
    /// The row of the entity that was named by `me`.
    me: Option<Row>,
    #[serde(skip)]
    lists: Vec<ListName>,
    #[serde(skip)]
    shown: Shown,
    #[serde(skip)]
    coin: Coin,
    #[serde(skip)]
    query: BoardQuery,
    #[serde(skip)]
    detail: Option<Detail>,
    #[serde(skip)]
    rules: Arc<RuleSet>,
    #[serde(skip)]
    drawn: bool,
    #[serde(skip)]
    over: bool,
    #[serde(skip)]
    indexed: bool,
}

/// A metric beside the one that is ranked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardColumn)]
struct Column {
    metric: String,
    unit: &'static str,
    #[serde(skip)]
    id: Id,
    #[serde(skip)]
    shown: Shown,
}

/// One who competes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardRow)]
struct Row {
    entity: String,
    name: String,
    /// From 1 on, shared by equal values; `null` where the value is unknown.
    rank: Option<u64>,
    /// Whether another row has the same rank.
    tied: bool,
    #[schema(value_type = schema::Metered)]
    value: Metered,
    /// How much of a winner's place it has: `1/1`, `0/1`, or less after a split.
    wins: String,
    #[schema(value_type = BTreeMap<String, schema::Metered>)]
    metrics: BTreeMap<String, Metered>,
    region: Option<String>,
    miners: usize,
    claimed: bool,
    eligible: bool,
    status: Status,
    /// Checks that have failed.
    failing: usize,
    /// What it would be paid if it ended now, in atto.
    payout: String,
    #[serde(skip)]
    owed: u128,
    /// Whether it is the first row that does not win.
    #[serde(skip)]
    cut: bool,
    #[serde(skip)]
    steps: Vec<Step>,
}

/// A list to go to.
#[derive(Debug)]
struct ListName {
    board: String,
    region: Option<String>,
    here: bool,
}

/// `GET /c/{competition}/board`: the first board of the rules.
pub(super) async fn first(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<BoardQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query.triple).await?;
    ask.answer(&Board::of(&stage, None, query, ask.form)?)
}

/// `GET /c/{competition}/board/{board}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((competition, board)): Path<(String, String)>,
    Asked(query): Asked<BoardQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query.triple).await?;
    ask.answer(&Board::of(&stage, Some(&board), query, ask.form)?)
}

/// The list that is asked for: of the first board, and of its first region, where none is named.
fn find<'a>(
    stood: &'a Stood,
    board: Option<&str>,
    region: Option<&str>,
) -> Result<(&'a BoardRule, &'a BoardList), Problem> {
    let unknown = || {
        let parts = [board, region].into_iter().flatten().collect::<Vec<_>>();
        Problem::UnknownBoard { board: parts.join(" / ") }
    };
    let boards = &stood.rules().boards;
    let rule = match board {
        Some(name) => boards.iter().find(|rule| rule.id.as_str() == name),
        None => boards.first(),
    };
    let rule = rule.ok_or_else(unknown)?;
    let named = |list: &&BoardList| {
        list.board == rule.id
            && region.is_none_or(|name| list.region.as_ref().is_some_and(|id| id.as_str() == name))
    };
    let list = stood.standings.boards.iter().find(named).ok_or_else(unknown)?;
    Ok((rule, list))
}

impl Board {
    fn of(stage: &Stage, board: Option<&str>, query: BoardQuery, form: Form) -> Result<Self, Problem> {
        let stood = stage.standing()?;
        let (rule, list) = find(stood, board, query.region.as_deref())?;
        let (rules, standings) = (stood.rules(), &stood.standings);
        let coin = coin_of(stage);
        let shown = Shown::of(rules, &rule.metric, coin, typical(list));
        let columns = columns(rules, &rule.metric, coin);
        let judge = Judge::new(stage, stood);
        let entity = |row: &BoardRow| standings.entity(row.entity.as_str());
        let mut rows: Vec<(&BoardRow, &EntityRow)> =
            list.rows.iter().filter_map(|row| Some((row, entity(row)?))).collect();
        let (total, search) = (rows.len(), query.search());
        let miners = rows.iter().map(|(_, row)| size(stood, row)).sum();
        rows.retain(|(_, row)| query.show.takes(row));
        if let Some(search) = &search {
            rows.retain(|(_, row)| {
                row.id.as_str().to_lowercase().contains(search) || row.name().to_lowercase().contains(search)
            });
        }
        let names: Vec<&str> =
            columns.iter().map(|column| column.metric.as_str()).chain([rule.metric.as_str()]).collect();
        query.order(standings, &judge, &names, &mut rows)?;
        let found = rows.len();
        // A table for spreadsheets is whole.
        let limit = if form == Form::Csv { found.max(1) } else { query.limit.unwrap_or(ROWS).clamp(1, MOST) };
        let page = query.page.unwrap_or(1).max(1);
        let skipped = limit.saturating_mul(page - 1);
        let is_plain = query.sort.is_none() && rule.top.is_some();
        let last = list.rows.iter().rposition(|row| row.wins.places > 0).filter(|_| is_plain);
        let cut = last.and_then(|last| list.rows.get(last + 1)).map(|row| &row.entity);
        let drawn = form == Form::Html && is_drawn(rules, &rule.metric);
        let made = |(place, row): (&BoardRow, &EntityRow)| {
            let mut made = Row::of(stood, &columns, place, row, judge.look(row));
            made.cut = cut == Some(&place.entity);
            if drawn {
                made.steps = steps(stood, &rule.metric, row);
            }
            made
        };
        let rows: Vec<Row> = rows.into_iter().skip(skipped).take(limit).map(made).collect();
        let mine = list.rows.iter().find(|row| query.me.as_deref() == Some(row.entity.as_str()));
        let me = mine.and_then(|place| Some(made((place, entity(place)?))));
        let opened = rows.iter().find(|row| query.open.as_deref() == Some(&*row.entity));
        let opened = opened.filter(|_| form == Form::Html).and_then(|row| standings.entity(&row.entity));
        let lists = standings.boards.iter().map(|other| ListName {
            board: other.board.to_string(),
            region: other.region.as_ref().map(ToString::to_string),
            here: other.board == list.board && other.region == list.region,
        });
        let mut view = Self {
            meta: stage.meta.clone(),
            board: rule.id.to_string(),
            region: list.region.as_ref().map(ToString::to_string),
            metric: rule.metric.to_string(),
            unit: shown.name(),
            pools: pools(stage, stood, |pool, result| pool.board == rule.id && result.region == list.region),
            total,
            found,
            miners,
            first: skipped.saturating_add(1).min(found),
            next: None,
            rows,
            me,
            lists: lists.collect(),
            shown,
            coin,
            detail: opened.map(|row| Detail::of(stage, stood, row, &rule.metric)),
            rules: Arc::clone(&stood.rules.rules),
            drawn,
            over: standings.scope.over,
            indexed: is_indexed(stage),
            columns,
            query,
        };
        view.next = (skipped.saturating_add(limit) < found).then(|| {
            let rest = view.address(view.query.sort.as_deref(), page + 1, None);
            let (path, query) = rest.split_once('?').unwrap_or((&rest, ""));
            let pinned = if view.meta.asked.is_empty() {
                format!("at=e:{}&seq={}", view.meta.chain.epoch, view.meta.seq)
            } else {
                view.meta.asked.clone()
            };
            format!("/c/{}/{path}.json?{query}&{pinned}", view.meta.competition)
        });
        Ok(view)
    }

    /// This board below the competition, sorted and at a page.
    fn address(&self, sort: Option<&str>, page: usize, open: Option<&str>) -> String {
        let query = &self.query;
        let mut parts = Vec::new();
        parts.extend(self.region.as_deref().map(|region| format!("region={region}")));
        if query.show != query::Show::All {
            parts.push(format!("show={}", query.show.name()));
        }
        parts.extend(query.search().map(|search| format!("q={}", crate::web::board::encoded(&search))));
        parts.extend(sort.map(|sort| format!("sort={}", crate::web::board::encoded(sort))));
        parts.extend((page > 1).then(|| format!("page={page}")));
        parts.extend(query.limit.map(|limit| format!("limit={limit}")));
        parts.extend(query.me.as_deref().map(|me| format!("me={}", crate::web::board::encoded(me))));
        parts.extend(open.map(|open| format!("open={open}")));
        let path = format!("board/{}", self.board);
        if parts.is_empty() { path } else { format!("{path}?{}", parts.join("&")) }
    }
}

impl Row {
    fn of(stood: &Stood, columns: &[Column], place: &BoardRow, row: &EntityRow, standing: Standing) -> Self {
        let owed = stood.standings.payout(row.id.as_str()).map_or(0, |payout| payout.total.0);
        let metric = |column: &Column| {
            let measure = row.metric(column.metric.as_str())?.clone();
            Some((column.metric.clone(), Metered(measure)))
        };
        Self {
            entity: row.id.to_string(),
            name: row.name().to_owned(),
            rank: place.rank,
            tied: place.tied,
            value: Metered(place.value.clone()),
            wins: format!("{}/{}", place.wins.places, place.wins.among),
            metrics: columns.iter().filter_map(metric).collect(),
            region: row.region.as_ref().map(ToString::to_string),
            miners: size(stood, row),
            claimed: row.claimed,
            eligible: row.eligible,
            status: standing.status,
            failing: standing.failing,
            payout: owed.to_string(),
            owed,
            cut: false,
            steps: Vec::new(),
        }
    }
}

/// How the ranked value of an entity came about lately.
fn steps(stood: &Stood, metric: &Id, row: &EntityRow) -> Vec<Step> {
    let members = members(stood, row);
    let from = stood.standings.scope.epoch.minus(WINDOW).max(stood.rules().competition.start);
    curve(stood, metric, members.iter().map(|member| &member.participant), from)
}

/// What the column is scaled by: one giant must not make everybody else vanish.
fn typical(list: &BoardList) -> Option<u128> {
    let some = list.rows.iter().take_while(|row| row.value.whole().is_some_and(|value| value > 0)).count();
    list.rows.get(some / 2).and_then(|row| row.value.whole()).filter(|_| some > 0)
}

/// The metrics that eligibility looks at, in its order.
fn columns(rules: &RuleSet, ranked: &Id, coin: Coin) -> Vec<Column> {
    fn add(rules: &RuleSet, ranked: &Id, coin: Coin, checks: &[Check], columns: &mut Vec<Column>) {
        for check in checks {
            match &check.kind {
                CheckKind::AtLeast { metric, value, .. } | CheckKind::AtMost { metric, value, .. } => {
                    if metric == ranked || columns.iter().any(|column| column.id == *metric) {
                        continue;
                    }
                    let bar = match value {
                        apogee_rules::Bound::Quantity(bar) => Some(bar.0),
                        apogee_rules::Bound::Ratio(_) => None,
                    };
                    let shown = Shown::of(rules, metric, coin, bar);
                    let unit = shown.name();
                    columns.push(Column { metric: metric.to_string(), unit, id: metric.clone(), shown });
                }
                CheckKind::All { checks } | CheckKind::Any { checks } => {
                    add(rules, ranked, coin, checks, columns);
                }
                _ => {}
            }
        }
    }
    let mut columns = Vec::new();
    add(rules, ranked, coin, &rules.eligibility, &mut columns);
    columns.truncate(COLUMNS);
    columns
}

impl View for Board {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }

    fn csv(&self) -> Option<Csv> {
        let metrics = self.columns.iter().map(|column| column.metric.as_str());
        let head = ["rank", "entity", "name", self.metric.as_str()].into_iter().chain(metrics);
        let mut csv =
            Csv::new(&head.chain(["region", "miners", "status", "payout_atto"]).collect::<Vec<_>>());
        for row in &self.rows {
            let value = |measure: &Metered| match (measure.0.whole(), measure.0.fraction()) {
                (Some(whole), _) => whole.to_string(),
                (_, Some(fraction)) => fraction.to_string(),
                _ => String::new(),
            };
            let mut cells = vec![
                row.rank.map(|rank| rank.to_string()).unwrap_or_default(),
                row.entity.clone(),
                row.name.clone(),
                value(&row.value),
            ];
            cells.extend(
                self.columns
                    .iter()
                    .map(|column| row.metrics.get(&column.metric).map(value).unwrap_or_default()),
            );
            let status = serde_json::to_value(row.status).ok();
            cells.extend([
                row.region.clone().unwrap_or_default(),
                row.miners.to_string(),
                status.as_ref().and_then(|status| status.as_str()).unwrap_or_default().to_owned(),
                row.payout.clone(),
            ]);
            csv.row(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        }
        Some(csv)
    }
}
