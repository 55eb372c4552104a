use apogee_domain::series::{self, Unit};
use apogee_domain::{Digest, Epoch, NetworkId, SeriesName, Subject, Value};
use apogee_leaderboard::{Scope, Snapshot, SnapshotRow};
use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::App;
use super::problem::Problem;

#[derive(Template)]
#[template(path = "board.html")]
struct Board {
    network: NetworkId,
    series: &'static str,
    unit: &'static str,
    at: Epoch,
    head: Epoch,
    final_epoch: Option<Epoch>,
    boards: Vec<&'static str>,
    id: Digest,
    rows: Vec<SnapshotRow>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    at: Option<String>,
}

/// `GET /n/{network}/board/{series}` and `….json`: who has how much of a series at an epoch.
pub(super) async fn show(
    State(app): State<App>,
    Path((network, series)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (series, json) = series.strip_suffix(".json").map_or((&*series, false), |series| (series, true));
    let spec = series::ALL.iter().find(|spec| spec.name == series && spec.per_participant);
    let spec = spec.ok_or_else(|| Problem::NotFound(format!("there is no board of {series}")))?;
    let networks = app.store.networks().await?;
    let network = networks.into_iter().find(|known| known.id.as_str() == network);
    let network = network.ok_or_else(|| Problem::NotFound("there is no network of that name".into()))?;
    let cursor = app.store.cursor(&network.id).await?;
    let cursor = cursor.ok_or_else(|| Problem::NotFound(format!("{} is not indexed yet", network.id)))?;
    let at = asked.at.as_deref().map_or(Ok(cursor.epoch), epoch)?;
    if at > cursor.epoch {
        return Err(Problem::NotFound(format!(
            "epoch {at} is in the future: the head is epoch {}",
            cursor.epoch
        )));
    }
    let record = app.store.epoch(&network.id, at).await?;
    let record = record.ok_or_else(|| Problem::NotFound(format!("epoch {at} is not indexed")))?;
    let name = SeriesName::of(spec.name);
    let mut rows: Vec<(Subject, Option<Value>)> = app.store.board(&network.id, &name, at).await?;
    rows.retain(|(subject, _)| !subject.is_network());
    let scope = Scope {
        network: network.id.clone(),
        genesis: network.genesis,
        series: name,
        since: None,
        at,
        chain: record.digest,
    };
    let snapshot = Snapshot::new(scope, &rows);
    if json {
        return Ok(Json(snapshot).into_response());
    }
    let board = Board {
        network: network.id,
        series: spec.name,
        unit: unit(spec.unit),
        at,
        head: cursor.epoch,
        final_epoch: cursor.final_epoch,
        boards: series::ALL.iter().filter(|spec| spec.per_participant).map(|spec| spec.name).collect(),
        id: snapshot.id,
        rows: snapshot.rows,
    };
    Ok(Html(board.render()?).into_response())
}

/// `e:51204`
fn epoch(text: &str) -> Result<Epoch, Problem> {
    let number = text.strip_prefix("e:").and_then(|number| number.parse().ok());
    number.ok_or_else(|| Problem::Invalid("at is written e:51204, an epoch after e:".into()))
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
