mod page;
mod query;

use std::collections::BTreeMap;

use apogee_domain::series::{self, SeriesSpec, Unit};
use apogee_domain::{Digest, NetworkKind, SeriesName, Subject, Value};
use apogee_leaderboard::{Scope, SnapshotRow};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::page::Page;
pub(crate) use self::page::in_sentence;
pub(crate) use self::query::{BoardQuery, encoded};

use super::App;
use super::ask::{Ask, Form};
use super::chart::spark;
use super::figure::{Figure, Scale, coin};
use super::now::Meta;
use super::problem::Problem;
use super::query::Asked;
use super::reading::{WINDOW, unit_name};
use super::scene::Scene;
use super::schema;
use super::view::{Csv, View};

/// Rows of one page.
const ROWS: usize = 50;
/// Most rows of one JSON answer.
const MOST: usize = 500;

/// What the board of all columns shows; it is ranked by the first.
fn global_columns(kind: NetworkKind) -> &'static [SeriesName] {
    match kind {
        NetworkKind::Filecoin => &FILECOIN,
        NetworkKind::Spacemesh => &SPACEMESH,
    }
}

static FILECOIN: [SeriesName; 10] = [
    series::POWER_QA,
    series::POWER_RAW,
    series::SECTORS_LIVE,
    series::SECTORS_FAULTY,
    series::REWARD_BLOCK,
    series::REWARD_GAS,
    series::PENALTY,
    series::BLOCKS_WON,
    series::WINCOUNT,
    series::EXPECTED_WINS,
];

/// Who is malfeasant is said before what somebody earned.
static SPACEMESH: [SeriesName; 10] = [
    series::SPACE_UNITS,
    series::MALFEASANCE,
    series::ATX_WEIGHT,
    series::ATX_STREAK,
    series::SLOTS_ASSIGNED,
    series::SLOTS_FILLED,
    series::SLOTS_MISSED,
    series::REWARD_LAYERS,
    series::EXPECTED_LAYERS,
    series::REWARD_BLOCK,
];

/// Who has how much, ranked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Board {
    meta: Meta,
    /// What the board is ranked by.
    series: &'static str,
    columns: Vec<Column>,
    /// Address of the standings by content: it covers all rows, not only those of this page.
    #[schema(value_type = String)]
    snapshot: Digest,
    /// What the snapshot is about.
    #[schema(value_type = schema::Scope)]
    scope: Scope,
    /// Rows of the board, and how many match the search.
    total: usize,
    found: usize,
    /// Number of the first row of this page, from 1 on.
    first: usize,
    /// The next page of the same snapshot.
    next: Option<String>,
    rows: Vec<Row>,
    #[serde(skip)]
    query: BoardQuery,
    #[serde(skip)]
    global: bool,
    #[serde(skip)]
    kind: NetworkKind,
    #[serde(skip)]
    network_total: Option<Value>,
}

/// A column and its unit.
#[derive(Debug, Serialize, ToSchema)]
struct Column {
    series: &'static str,
    unit: &'static str,
    #[serde(skip)]
    scale: Scale,
}

/// One participant.
#[derive(Debug, Serialize, ToSchema)]
struct Row {
    #[serde(flatten)]
    #[schema(value_type = schema::Ranked)]
    standing: SnapshotRow,
    /// A string of digits for each series; `null` where it is unknown.
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    values: BTreeMap<&'static str, Figure>,
    #[serde(skip)]
    trend: Option<Trend>,
}

/// The curve of the ranked series in the window, and where it begins.
#[derive(Debug)]
struct Trend {
    path: String,
    begin: String,
}

/// `GET /n/{network}/board`: all columns, ranked by quality-adjusted power, or by space.
pub(super) async fn global(
    State(app): State<App>,
    ask: Ask,
    Path(network): Path<String>,
    Asked(query): Asked<BoardQuery>,
) -> Result<Response, Problem> {
    let scene = app.scene(&network, query.at).await?;
    let columns = global_columns(scene.now.network.kind);
    ask.answer(&app.board(scene, columns, query, ask.form).await?)
}

/// `GET /n/{network}/board/{series}`: who has how much of a series.
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, series)): Path<(String, String)>,
    Asked(query): Asked<BoardQuery>,
) -> Result<Response, Problem> {
    let scene = app.scene(&network, query.at).await?;
    let mut boards = boards(scene.now.network.kind);
    let spec = boards.find(|spec| spec.name == series).ok_or(Problem::UnknownSeries(series))?;
    ask.answer(&app.board(scene, &[SeriesName::of(spec.name)], query, ask.form).await?)
}

/// The series that participants have, in the order of the menu.
pub(crate) fn boards(kind: NetworkKind) -> impl Iterator<Item = &'static SeriesSpec> {
    series::of(kind).filter(|spec| spec.per_participant)
}

impl App {
    async fn board(
        &self,
        scene: Scene,
        columns: &[SeriesName],
        query: BoardQuery,
        form: Form,
    ) -> Result<Board, Problem> {
        let ranked_by = &columns.first().cloned().unwrap_or(series::POWER_QA);
        let snapshot = self.ranked(&scene, ranked_by).await?;
        let coin = coin(scene.now.network.kind);
        let mut values: BTreeMap<Subject, BTreeMap<&'static str, Figure>> = BTreeMap::new();
        let mut heads = Vec::new();
        for spec in columns.iter().filter_map(SeriesName::spec) {
            let mut rows =
                self.store.board(scene.network(), &SeriesName::of(spec.name), scene.epoch()).await?;
            rows.retain(|(subject, _)| !subject.is_network());
            let scale = Scale::of(spec.unit, coin, typical(spec.unit, &rows));
            for (subject, value) in rows {
                let figure = Figure { value, unit: spec.unit, scale };
                values.entry(subject).or_default().insert(spec.name, figure);
            }
            heads.push(Column { series: spec.name, unit: unit_name(spec.unit), scale });
        }
        let total = snapshot.rows.len();
        let mut rows: Vec<Row> = snapshot
            .rows
            .into_iter()
            .map(|standing| {
                let mut values = values.remove(&standing.standing.subject).unwrap_or_default();
                // Whoever has a rank and no step of a sum has none of it yet.
                for spec in columns.iter().filter_map(SeriesName::spec) {
                    let scale = Scale::of(spec.unit, coin, None);
                    let none = Figure { value: Some(Value::ZERO), unit: spec.unit, scale };
                    values.entry(spec.name).or_insert(none);
                }
                Row { standing, values, trend: None }
            })
            .collect();
        if let Some(search) = query.search() {
            rows.retain(|row| row.standing.standing.subject.as_str().contains(&search));
        }
        query.order(columns, &mut rows)?;
        let found = rows.len();
        // A table for spreadsheets is whole.
        let limit = if form == Form::Csv { found.max(1) } else { query.limit.unwrap_or(ROWS).clamp(1, MOST) };
        let page = query.page.unwrap_or(1).max(1);
        let skipped = limit.saturating_mul(page - 1);
        let mut rows: Vec<Row> = rows.into_iter().skip(skipped).take(limit).collect();
        if form == Form::Html {
            self.trends(&scene, ranked_by, &mut rows).await?;
        }
        let network_total = self.value(&scene, ranked_by, &Subject::network()).await?;
        let mut board = Board {
            meta: scene.meta(),
            kind: scene.now.network.kind,
            series: ranked_by.spec().map_or("", |spec| spec.name),
            columns: heads,
            snapshot: snapshot.id,
            scope: snapshot.scope,
            total,
            found,
            first: skipped.saturating_add(1).min(found),
            next: None,
            rows,
            query,
            global: columns.len() > 1,
            network_total,
        };
        board.next = (skipped.saturating_add(limit) < found).then(|| board.json_page(page + 1));
        Ok(board)
    }

    /// Draw how the ranked value of each row came about.
    async fn trends(&self, scene: &Scene, series: &SeriesName, rows: &mut [Row]) -> Result<(), Problem> {
        let (from, at) = (scene.epoch().minus(WINDOW), scene.epoch());
        for row in rows {
            let Some(now) = row.values.get(series.as_str()).copied() else { continue };
            let steps = self.history(scene, series, &row.standing.standing.subject, from).await?;
            let first = steps.first().and_then(|step| step.value);
            let begin = Figure { value: first, ..now }.text();
            let Some(path) = spark(&steps, from, at) else { continue };
            row.trend = Some(Trend { path, begin });
        }
        Ok(())
    }
}

impl Board {
    fn path(&self) -> String {
        let network = &self.meta.network;
        if self.global {
            format!("/n/{network}/board")
        } else {
            format!("/n/{network}/board/{}", self.series)
        }
    }

    /// The query of a page of this board: always of the epoch that is shown, so that pages belong together.
    fn with(&self, sort: Option<&str>, page: usize) -> String {
        let mut parts = vec![format!("at=e:{}", self.meta.epoch)];
        parts.extend(self.query.search().map(|search| format!("q={}", encoded(&search))));
        parts.extend(sort.map(|sort| format!("sort={sort}")));
        parts.extend((page > 1).then(|| format!("page={page}")));
        parts.extend(self.query.limit.map(|limit| format!("limit={limit}")));
        parts.join("&")
    }

    fn json_page(&self, page: usize) -> String {
        format!("{}.json?{}", self.path(), self.with(self.query.sort.as_deref(), page))
    }
}

/// What a column is scaled by. One giant must not make everybody else's bytes vanish, so that half of them are at least a unit; amounts have
/// one coin whoever is largest.
fn typical(unit: Unit, rows: &[(Subject, Option<Value>)]) -> Option<Value> {
    let mut known: Vec<Value> = rows.iter().filter_map(|(_, value)| *value).collect();
    known.retain(|value| *value != Value::ZERO);
    known.sort_unstable();
    let place = if unit == Unit::Bytes { known.len() / 2 } else { known.len().saturating_sub(1) };
    known.get(place).copied()
}

impl View for Board {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).render()
    }

    fn is_settled(&self) -> bool {
        self.meta.is_settled()
    }

    fn csv(&self) -> Option<Csv> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.series).collect();
        let head: Vec<&str> = ["rank", "participant"].into_iter().chain(names.iter().copied()).collect();
        let mut csv = Csv::new(&head);
        for row in &self.rows {
            let standing = &row.standing.standing;
            let rank = standing.rank.map(|rank| rank.to_string()).unwrap_or_default();
            let value = |name: &&str| row.values.get(name).map(Figure::raw).unwrap_or_default();
            let values: Vec<String> = names.iter().map(value).collect();
            let cells = [rank.as_str(), standing.subject.as_str()].into_iter();
            csv.row(&cells.chain(values.iter().map(String::as_str)).collect::<Vec<_>>());
        }
        Some(csv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_giant_does_not_make_the_others_vanish() {
        let rows = |values: &[u128]| -> Vec<(Subject, Option<Value>)> {
            let row = |(n, value): (usize, &u128)| (format!("t0{n}").parse().unwrap(), Some(Value(*value)));
            values.iter().enumerate().map(row).collect()
        };
        assert_eq!(typical(Unit::Bytes, &rows(&[0, 0, 1 << 40, 1 << 41, 1 << 70])), Some(Value(1 << 41)));
        assert_eq!(typical(Unit::Atto, &rows(&[1, 2, 3])), Some(Value(3)));
        assert_eq!(typical(Unit::Bytes, &rows(&[0])), None);
    }
}
