use apogee_domain::series::{self, Unit};
use apogee_domain::{SeriesName, Subject, Value};
use apogee_leaderboard::{Scope, Snapshot};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;

use super::App;
use super::ask::Ask;
use super::now::Meta;
use super::problem::Problem;
use super::scene::{Asked, AtQuery};
use super::view::{Csv, View};

#[derive(Serialize)]
struct Board {
    meta: Meta,
    series: &'static str,
    unit: Unit,
    snapshot: Snapshot,
}

#[derive(Template)]
#[template(path = "board.html")]
struct Page<'a> {
    ask: &'a Ask,
    view: &'a Board,
    unit: &'static str,
    boards: Vec<&'static str>,
}

impl View for Board {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        let boards = series::ALL.iter().filter(|spec| spec.per_participant).map(|spec| spec.name).collect();
        Page { ask, view: self, unit: unit(self.unit), boards }.render()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["rank", "participant", "value"]);
        for row in &self.snapshot.rows {
            let rank = row.standing.rank.map(|rank| rank.to_string()).unwrap_or_default();
            let value = row.standing.value.map(|value| value.to_string()).unwrap_or_default();
            csv.row(&[&rank, row.standing.subject.as_str(), &value]);
        }
        Some(csv)
    }
}

/// `GET /n/{network}/board/{series}`: who has how much of a series at an epoch.
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, series)): Path<(String, String)>,
    Asked(query): Asked<AtQuery>,
) -> Result<Response, Problem> {
    let spec = series::ALL.iter().find(|spec| spec.name == series && spec.per_participant);
    let spec = spec.ok_or(Problem::UnknownSeries(series))?;
    let scene = app.scene(&network, query.at).await?;
    let name = SeriesName::of(spec.name);
    let mut rows: Vec<(Subject, Option<Value>)> =
        app.store.board(scene.network(), &name, scene.epoch()).await?;
    rows.retain(|(subject, _)| !subject.is_network());
    let scope = Scope {
        network: scene.network().clone(),
        genesis: scene.now.network.genesis.clone(),
        series: name,
        since: None,
        at: scene.epoch(),
        chain: scene.record.digest,
    };
    let snapshot = Snapshot::new(scope, &rows);
    ask.answer(&Board { meta: scene.meta(), series: spec.name, unit: spec.unit, snapshot })
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "bytes",
        Unit::Atto => "attoFIL",
        Unit::Gas => "gas",
        Unit::Count => "pieces",
        Unit::Nano => "10⁻⁹",
    }
}
