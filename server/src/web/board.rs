use std::collections::BTreeMap;

use apogee_domain::series::{self, SeriesSpec, Unit};
use apogee_domain::{Digest, SeriesName, Subject, Value};
use apogee_leaderboard::{Scope, SnapshotRow};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::{Ask, Form};
use super::chart::{spark, unit_head};
use super::chrome::{Chrome, Section};
use super::figure::{Figure, Scale, coin, grouped};
use super::now::Meta;
use super::participant::{WINDOW, share, unit_name};
use super::problem::Problem;
use super::query::{Asked, At, Questions, Unreadable, Why, number};
use super::scene::Scene;
use super::schema;
use super::view::{Csv, View};
use super::words::fluent_args;

/// Rows of one page.
const ROWS: usize = 50;
/// Most rows of one JSON answer.
const MOST: usize = 500;

/// Letters of a name that is whole on the narrowest page.
const SHORT: usize = 12;

/// What the board of all columns shows; it is ranked by the first.
const GLOBAL: [SeriesName; 10] = [
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

/// How a board is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoardQuery {
    at: Option<At>,
    /// A series, with `-` before it for the largest first; `participant`; by default the rank.
    sort: Option<String>,
    /// Part of an address.
    q: Option<String>,
    page: Option<usize>,
    limit: Option<usize>,
}

impl Questions for BoardQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "at" => self.at = Some(value.parse()?),
            "sort" => self.sort = Some(value.to_owned()),
            "q" => self.q = Some(value.to_owned()),
            "page" => self.page = Some(number(value)?),
            "limit" => self.limit = Some(number(value)?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// `GET /n/{network}/board`: all columns, ranked by quality-adjusted power.
pub(super) async fn global(
    State(app): State<App>,
    ask: Ask,
    Path(network): Path<String>,
    Asked(query): Asked<BoardQuery>,
) -> Result<Response, Problem> {
    let scene = app.scene(&network, query.at).await?;
    ask.answer(&app.board(scene, &GLOBAL, query, ask.form).await?)
}

/// `GET /n/{network}/board/{series}`: who has how much of a series.
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, series)): Path<(String, String)>,
    Asked(query): Asked<BoardQuery>,
) -> Result<Response, Problem> {
    let spec = boards().find(|spec| spec.name == series).ok_or(Problem::UnknownSeries(series))?;
    let scene = app.scene(&network, query.at).await?;
    ask.answer(&app.board(scene, &[SeriesName::of(spec.name)], query, ask.form).await?)
}

/// The series that participants have, in the order of the menu.
pub(crate) fn boards() -> impl Iterator<Item = &'static SeriesSpec> {
    series::ALL.iter().filter(|spec| spec.per_participant)
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

impl BoardQuery {
    fn search(&self) -> Option<String> {
        let search = self.q.as_deref()?.trim().to_ascii_lowercase();
        (!search.is_empty()).then_some(search)
    }

    /// The series that is sorted by, and whether its largest comes first.
    fn sorted(&self) -> Option<(&str, bool)> {
        let sort = self.sort.as_deref()?;
        Some(sort.strip_prefix('-').map_or((sort, false), |series| (series, true)))
    }

    /// Put rows in order: stable, so that equal ones stay in the order of their ranks.
    fn order(&self, columns: &[SeriesName], rows: &mut [Row]) -> Result<(), Problem> {
        let Some((by, descending)) = self.sorted() else { return Ok(()) };
        match columns.iter().find(|series| series.as_str() == by) {
            Some(series) => {
                let value = |row: &Row| row.values.get(series.as_str()).and_then(|figure| figure.value);
                // What is unknown comes last both ways.
                rows.sort_by(|a, b| match (value(a), value(b)) {
                    (Some(a), Some(b)) if descending => b.cmp(&a),
                    (Some(a), Some(b)) => a.cmp(&b),
                    (a, b) => b.is_some().cmp(&a.is_some()),
                });
            }
            None if by == "participant" => {
                rows.sort_by(|a, b| a.standing.standing.subject.cmp(&b.standing.standing.subject));
                if descending {
                    rows.reverse();
                }
            }
            None => {
                let (name, value) = ("sort".to_owned(), by.to_owned());
                return Err(Problem::Query(Unreadable { name, value, why: Why::Column }));
            }
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

/// A heading inside a sentence: without its capital, unless it is spelled with more than one.
fn in_sentence(heading: String) -> String {
    let mut letters = heading.chars();
    match letters.next() {
        Some(first) if !letters.as_str().contains(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => heading,
    }
}

/// What may stand in a query as it is; the rest as its bytes.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[derive(Template)]
#[template(path = "board.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Board,
}

impl View for Board {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::of(ask, &self.meta, Section::Board), view: self }.render()
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

impl Page<'_> {
    fn series(&self) -> String {
        self.c.name("series", self.view.series)
    }

    fn heading(&self) -> String {
        let key = if self.view.global { "board-h1-global" } else { "board-h1-series" };
        let network = self.view.meta.network.to_string();
        self.c.language().say(key, &fluent_args!["network" => network, "series" => self.series()])
    }

    fn lead(&self) -> String {
        let series = in_sentence(self.series());
        let arguments = fluent_args!["n" => self.view.total, "series" => series];
        self.c.language().say("board-lead", &arguments)
    }

    fn caption(&self) -> String {
        let arguments = fluent_args!["series" => self.series(), "epoch" => grouped(self.view.meta.epoch)];
        self.c.language().say("board-caption", &arguments)
    }

    fn as_of(&self) -> String {
        self.c.language().say("board-view", &fluent_args!["epoch" => grouped(self.view.meta.epoch)])
    }

    fn since(&self) -> String {
        let from = self.view.meta.epoch.minus(WINDOW);
        self.c.language().say("board-trend-all", &fluent_args!["epoch" => grouped(from)])
    }

    /// Address, name and whether it is this one, of every board.
    fn boards(&self) -> Vec<(String, String, bool)> {
        let all = (self.c.page("board"), self.c.t("board-global"), self.view.global);
        let one = |spec: &SeriesSpec| {
            let here = !self.view.global && spec.name == self.view.series;
            (self.c.page(&format!("board/{}", spec.name)), self.c.name("head", spec.name), here)
        };
        std::iter::once(all).chain(boards().map(one)).collect()
    }

    fn address(&self, sort: Option<&str>, page: usize) -> String {
        format!("{}?{}", self.c.ask.to(&self.view.path()), self.view.with(sort, page))
    }

    /// Where a head leads, and how its column is sorted now: `ascending`, `descending`, or not.
    fn sort(&self, by: &str) -> (String, &'static str) {
        let now = self.view.query.sorted().unwrap_or((self.view.series, true));
        let (next, state) = match now {
            (series, true) if series == by => (by.to_owned(), "descending"),
            (series, false) if series == by => (format!("-{by}"), "ascending"),
            _ if by == "participant" => (by.to_owned(), ""),
            _ => (format!("-{by}"), ""),
        };
        (self.address(Some(&next), 1), state)
    }

    fn head(&self, column: &Column) -> String {
        let kind = if self.view.global { "head" } else { "series" };
        unit_head(&self.c.name(kind, column.series), column.scale)
    }

    fn sort_title(&self, series: &str) -> String {
        let name = in_sentence(self.c.name("series", series));
        self.c.language().say("board-sort", &fluent_args!["series" => name])
    }

    fn figure(&self, row: &Row, column: &Column) -> super::chrome::Cell {
        let unknown = Figure { value: None, unit: Unit::Count, scale: column.scale };
        self.c.plain_cell(row.values.get(column.series).unwrap_or(&unknown))
    }

    fn is_sorted(&self, column: &Column) -> bool {
        let by = self.view.query.sorted().map_or(self.view.series, |(series, _)| series);
        by == column.series
    }

    fn share(&self, row: &Row) -> Option<String> {
        share(row.standing.standing.value, self.view.network_total)
    }

    fn has_shares(&self) -> bool {
        self.view.network_total.is_some()
    }

    fn rank(&self, row: &Row) -> String {
        row.standing.standing.rank.map(grouped).unwrap_or_default()
    }

    /// Where the curve ends stands beside it.
    fn trend_title(&self, trend: &Trend) -> String {
        self.c.language().say("board-trend-title", &fluent_args!["from" => trend.begin.as_str()])
    }

    /// Whether the name may be cut where there is little room.
    fn is_long(&self, row: &Row) -> bool {
        row.standing.standing.subject.as_str().len() > SHORT
    }

    fn search(&self) -> String {
        self.view.query.search().unwrap_or_default()
    }

    fn found(&self) -> String {
        let arguments =
            fluent_args!["found" => self.view.found, "n" => self.view.total, "search" => self.search()];
        self.c.language().say("board-found", &arguments)
    }

    fn none(&self) -> String {
        let network = self.view.meta.network.to_string();
        let arguments = fluent_args![
            "network" => network, "epoch" => grouped(self.view.meta.epoch), "search" => self.search(),
        ];
        let key = if self.view.total == 0 { "board-empty" } else { "board-none-found" };
        self.c.language().say(key, &arguments)
    }

    fn rows_of(&self) -> String {
        let view = self.view;
        let last = view.first.saturating_add(view.rows.len()).saturating_sub(1);
        let arguments = fluent_args!["first" => view.first, "last" => last, "n" => view.found];
        self.c.language().say("board-rows", &arguments)
    }

    /// Pages to go to: number and address; no address for this one. Those near, the first and the last.
    fn pages(&self) -> Vec<(usize, Option<String>)> {
        let limit = self.view.query.limit.unwrap_or(ROWS).clamp(1, MOST);
        let last = self.view.found.div_ceil(limit);
        let here = self.view.query.page.unwrap_or(1).max(1);
        let near = |page: &usize| *page == 1 || *page == last || page.abs_diff(here) <= 1;
        let sort = self.view.query.sort.as_deref();
        let address = |page: usize| (page, (page != here).then(|| self.address(sort, page)));
        (1..=last).filter(near).map(address).collect()
    }

    fn next(&self) -> Option<String> {
        let here = self.view.query.page.unwrap_or(1).max(1);
        self.view.next.as_ref().map(|_| self.address(self.view.query.sort.as_deref(), here + 1))
    }

    /// The whole board, as of the same epoch.
    fn first_page(&self) -> String {
        format!("{}?at=e:{}", self.c.ask.to(&self.view.path()), self.view.meta.epoch)
    }

    fn snapshot_end(&self) -> String {
        let id = self.view.snapshot.to_string();
        id.get(id.len().saturating_sub(6)..).unwrap_or_default().to_owned()
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

    #[test]
    fn only_plain_words_lose_their_capital_in_a_sentence() {
        for (heading, inside) in [("Raw power", "raw power"), ("WinCount", "WinCount"), ("算力", "算力")]
        {
            assert_eq!(in_sentence(heading.to_owned()), inside);
        }
    }

    #[test]
    fn a_search_survives_being_part_of_an_address() {
        assert_eq!(encoded("t01&at=<\u{4e2d}"), "t01%26at%3D%3C%E4%B8%AD");
    }
}
