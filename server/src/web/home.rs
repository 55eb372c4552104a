use std::collections::BTreeMap;

use apogee_domain::{Epoch, NetworkId, NetworkKind, SeriesName, Subject, series};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::Ask;
use super::chrome::{Cell, Chrome, Section};
use super::competition::Listed;
use super::figure::{Figure, Scale, coin, grouped, share};
use super::now::{Freshness, Meta};
use super::problem::Problem;
use super::query::{Asked, Nothing};
use super::reading::{ranked_by, unit_name};
use super::sums::Sums;
use super::view::{Csv, View};
use super::words::fluent_args;

/// Rows of the short board.
const TOP: usize = 10;

/// What the short board shows; it is ranked by the first.
const fn columns(kind: NetworkKind) -> [SeriesName; 3] {
    match kind {
        NetworkKind::Filecoin => [ranked_by(kind), series::SECTORS_LIVE, series::REWARD_BLOCK],
        NetworkKind::Spacemesh => [ranked_by(kind), series::SLOTS_FILLED, series::REWARD_BLOCK],
    }
}

/// Every competition and network, and the short board of the first network.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Home {
    competitions: Vec<Listed>,
    networks: Vec<Row>,
    top: Option<Top>,
}

/// One network.
#[derive(Debug, Serialize, ToSchema)]
struct Row {
    #[schema(value_type = String)]
    network: NetworkId,
    freshness: Freshness,
    /// `null` before the first epoch.
    meta: Option<Meta>,
    participants: usize,
    passed: u64,
    failed: u64,
    not_made: u64,
    null_rounds: u64,
}

/// The first places of one network.
#[derive(Debug, Serialize, ToSchema)]
struct Top {
    #[schema(value_type = String)]
    network: NetworkId,
    participants: usize,
    columns: Vec<Column>,
    rows: Vec<Place>,
}

/// A column and its unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TopColumn)]
struct Column {
    series: &'static str,
    unit: &'static str,
    #[serde(skip)]
    scale: Scale,
}

#[derive(Debug, Serialize, ToSchema)]
struct Place {
    rank: Option<usize>,
    tied: bool,
    #[schema(value_type = String)]
    participant: Subject,
    /// A string of digits for each series; `null` where it is unknown.
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    values: BTreeMap<&'static str, Figure>,
    /// Of the network's sum of the first series.
    #[serde(skip)]
    share: Option<String>,
}

/// `GET /`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Problem> {
    let now = app.now.load_full();
    let mut home = Home { competitions: app.listed(&now).await?, networks: Vec::new(), top: None };
    for network in &now.networks {
        let id = &network.network.id;
        let mut row = Row {
            network: id.clone(),
            freshness: network.freshness,
            meta: None,
            participants: 0,
            passed: 0,
            failed: 0,
            not_made: 0,
            null_rounds: 0,
        };
        if let Some(cursor) = &network.cursor {
            let scene = app.scene(id.as_str(), None).await?;
            let (scene, ranked) = app.ranked(scene, &ranked_by(network.network.kind)).await?;
            let nulls = app.value(&scene, &series::NULL_ROUNDS, &Subject::network()).await?;
            let sums = Sums::of_checks(&cursor.checks);
            row.meta = Some(scene.meta());
            row.participants = ranked.ranking.len();
            (row.passed, row.failed, row.not_made) = (sums.passed, sums.failed, sums.unmade);
            row.null_rounds = nulls.and_then(|value| u64::try_from(value.0).ok()).unwrap_or(0);
            if home.top.is_none() {
                home.top = Some(app.top(&scene, &ranked.ranking).await?);
            }
        }
        home.networks.push(row);
    }
    ask.answer(&home)
}

impl App {
    async fn top(
        &self,
        scene: &super::scene::Scene,
        ranked: &apogee_leaderboard::Ranking,
    ) -> Result<Top, Problem> {
        let kind = scene.now.network.kind;
        let names = columns(kind);
        let total = self.value(scene, &names[0], &Subject::network()).await?;
        let most = ranked.largest();
        let columns: Vec<Column> = names
            .iter()
            .filter_map(SeriesName::spec)
            .enumerate()
            .map(|(place, spec)| Column {
                series: spec.name,
                unit: unit_name(spec.unit),
                scale: Scale::of(spec.unit, coin(kind), most.filter(|_| place == 0)),
            })
            .collect();
        let standings: Vec<_> = (0..TOP).filter_map(|position| ranked.standing(position)).collect();
        let subjects: Vec<Subject> = standings.iter().map(|standing| standing.subject.clone()).collect();
        let held = self.held(scene, &names, &subjects).await?;
        let mut rows = Vec::new();
        for standing in standings {
            let figure = |column: &Column| {
                let series = SeriesName::of(column.series);
                let value = match series == names[0] {
                    true => standing.value,
                    false => held.of_ranked(&standing.subject, &series),
                };
                let unit = super::figure::spec(&series).unit;
                (column.series, Figure { value, unit, scale: column.scale })
            };
            rows.push(Place {
                rank: standing.rank,
                tied: standing.tied,
                values: columns.iter().map(figure).collect(),
                share: share(standing.value, total),
                participant: standing.subject,
            });
        }
        let network = scene.network().clone();
        Ok(Top { network, participants: ranked.len(), columns, rows })
    }
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Home,
}

impl View for Home {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        let meta = self.networks.iter().find_map(|row| row.meta.as_ref());
        Page { c: Chrome { meta, ..Chrome::alone(ask, Section::Networks) }, view: self }.render()
    }

    fn is_passing(&self) -> bool {
        self.networks.iter().filter_map(|row| row.meta.as_ref()).any(Meta::is_passing)
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["network", "head", "final_epoch", "participants"]);
        for row in &self.networks {
            let head = row.meta.as_ref().map(|meta| meta.epoch.to_string()).unwrap_or_default();
            let last = row.meta.as_ref().and_then(|meta| meta.final_epoch);
            let last = last.map(|epoch: Epoch| epoch.to_string()).unwrap_or_default();
            csv.row(&[&row.network.to_string(), &head, &last, &row.participants.to_string()]);
        }
        Some(csv)
    }
}

impl Page<'_> {
    fn sum(&self, of: fn(&Row) -> u64) -> u64 {
        self.view.networks.iter().map(of).sum()
    }

    fn epochs(&self) -> String {
        let epochs = |row: &Row| {
            let head = row.meta.as_ref().map_or(-1, |meta| meta.epoch.height());
            u64::try_from(head.saturating_add(1)).unwrap_or(0)
        };
        grouped(self.sum(epochs))
    }

    fn networks(&self) -> String {
        let indexed = self.view.networks.iter().filter(|row| row.meta.is_some()).count();
        self.c.language().say("home-epochs-of", &fluent_args!["n" => indexed])
    }

    fn checks(&self) -> String {
        grouped(self.sum(|row| row.passed.saturating_add(row.failed)))
    }

    fn failed(&self) -> String {
        self.c.language().say("home-checks-failed", &fluent_args!["n" => self.sum(|row| row.failed)])
    }

    fn unmade(&self) -> String {
        grouped(self.sum(|row| row.not_made))
    }

    fn nulls(&self) -> String {
        grouped(self.sum(|row| row.null_rounds))
    }

    fn chip(&self, row: &Listed) -> (&'static str, String) {
        let (class, key) = row.meta().state();
        (class, self.c.t(key))
    }

    /// Address of a competition's pages.
    fn competition(&self, row: &Listed) -> String {
        self.c.ask.to(&format!("/c/{}", row.meta().competition))
    }

    /// How long until a competition starts or ends.
    fn countdown(&self, row: &Listed) -> String {
        let c = Chrome::staged(self.c.ask, row.meta(), Section::Overview);
        c.countdown().unwrap_or_else(|| "–".to_owned())
    }

    fn board(&self, network: &NetworkId) -> String {
        self.c.ask.to(&format!("/n/{network}/board"))
    }

    fn top_heading(&self, top: &Top) -> String {
        let network = top.network.to_string();
        self.c.language().say("home-top", &fluent_args!["network" => network, "n" => top.rows.len()])
    }

    fn top_all(&self, top: &Top) -> String {
        self.c.language().say("home-top-all", &fluent_args!["n" => top.participants])
    }

    fn cell(&self, place: &Place, column: &Column) -> Cell {
        let unit = super::figure::spec(&SeriesName::of(column.series)).unit;
        let unknown = Figure { value: None, unit, scale: column.scale };
        self.c.cell(place.values.get(column.series).unwrap_or(&unknown))
    }

    fn head(&self, column: &Column) -> String {
        super::chart::unit_head(&self.c.name("head", column.series), column.scale)
    }

    /// Class and word of a network's state.
    fn state(&self, row: &Row) -> (&'static str, String) {
        let (class, key) = match (&row.meta, row.freshness) {
            (None, _) => ("is-wait", "home-waiting"),
            (_, Freshness::Live) => ("is-ok", "fresh-live"),
            (_, Freshness::Delayed) => ("is-wait", "fresh-delayed"),
            (_, Freshness::Stalled) => ("is-bad", "fresh-stalled"),
            (_, Freshness::Recorded) => ("is-none", "fresh-recorded"),
            (_, Freshness::Frozen) => ("is-none", "fresh-frozen"),
        };
        (class, self.c.t(key))
    }

    fn rank(&self, place: &Place) -> String {
        place.rank.map(grouped).unwrap_or_default()
    }
}
