mod page;
mod query;
mod rows;

use std::collections::BTreeMap;

use apogee_domain::series::{self, SeriesSpec};
use apogee_domain::{Digest, NetworkKind, SeriesName, Value};
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
use super::ask::Ask;
use super::figure::{Figure, Scale};
use super::now::Meta;
use super::problem::Problem;
use super::query::Asked;
use super::schema;
use super::view::{Csv, View};

/// Rows of one page.
const ROWS: usize = 50;
/// Most rows of a page; a table for spreadsheets may have more.
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
    /// The rows as a table, where that is what was asked for.
    #[serde(skip)]
    table: Option<Csv>,
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

impl View for Board {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::new(ask, self).render()
    }

    fn is_settled(&self) -> bool {
        self.meta.is_settled()
    }

    fn is_passing(&self) -> bool {
        self.meta.is_passing()
    }

    fn csv(&self) -> Option<Csv> {
        self.table.clone()
    }
}
