mod filed;
mod made;
mod page;

use apogee_domain::Epoch;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::made::ClaimQuery;
use self::made::{Made, make};
use super::{Meta, Stage, TripleQuery};
use crate::competitions::Ground;
use crate::web::ask::{Ask, Form};
use crate::web::query::Asked;
use crate::web::{App, Problem};

/// A message to sign, and where its signature goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClaimForm)]
pub(crate) struct Claim {
    meta: Meta,
    /// What was asked for.
    asked: ClaimQuery,
    /// The message, where enough was asked for.
    message: Option<Made>,
    /// Why there is none.
    problem: Option<String>,
    /// Regions to choose from.
    regions: Vec<String>,
    /// Tracks to choose from.
    tracks: Vec<String>,
    /// Where messages are good: epochs from now.
    life: i64,
    #[serde(skip)]
    mark: String,
}

/// `GET /c/{competition}/claim`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<ClaimQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &TripleQuery::default()).await?;
    let rules = stage.rule_set()?;
    let ids = |ids: &[apogee_rules::Id]| ids.iter().map(ToString::to_string).collect();
    let issued = app.newest(&stage).await?;
    let made = make(&app, &stage, &query, issued);
    let (message, problem) = match made {
        Some(Ok(made)) => (Some(made), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    ask.answer(&Claim {
        message,
        problem,
        regions: ids(&rules.competition.regions),
        tracks: ids(&rules.competition.tracks),
        life: apogee_competition::claim::LIFE,
        mark: app.guard.mark(&form(&competition)),
        asked: query,
        meta: stage.meta,
    })
}

impl App {
    /// The epoch that messages are issued at: the newest one, also while standings are frozen, or they would be born old.
    async fn newest(&self, stage: &Stage) -> Result<Epoch, Problem> {
        Ok(match stage.ground() {
            Some(Ground::Index { network, cursor }) => {
                self.store.cursor(&network.id).await?.map_or(cursor.epoch, |cursor| cursor.epoch)
            }
            Some(ground) => ground.head(),
            None => Epoch::GENESIS,
        })
    }
}

/// What the mark of a form is made over.
fn form(competition: &str) -> String {
    format!("claim {competition}")
}

/// `POST /c/{competition}/claim`: to the entry where it is accepted; where not, a problem with a kind of its own.
pub(super) async fn submit(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let sent = filed::read(&body)?;
    if !app.guard.knows(&form(&competition), &sent.mark) {
        return Err(Problem::StaleForm);
    }
    let accepted = app.file(&competition, &sent.filed).await?;
    let now = app.now.load();
    let frozen = now.competition(&competition).is_some_and(|now| now.held.competition().frozen().is_some());
    if frozen {
        // Its number would tell how long the ledger is.
        return Ok(Redirect::to(&ask.to(&format!("/c/{competition}"))).into_response());
    }
    let entry = format!("/c/{competition}/decisions/{}", accepted.seq);
    if ask.form == Form::Json {
        let text = serde_json::json!({ "seq": accepted.seq, "hash": accepted.hash, "entry": entry });
        return Ok(([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response());
    }
    Ok(Redirect::to(&ask.to(&entry)).into_response())
}
