//! Where a miner declares that it will be worked on.

use apogee_competition::claim::Role;
use apogee_dealbot::desk::DeskError;
use apogee_domain::Timestamp;
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Probing;
use super::rests::RestView;
use crate::claims::{AHEAD, Declaring, NotDeclared, Rest, declare, declared, left};
use crate::competitions::Ground;
use crate::web::ask::{Ask, Form};
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::{Meta, Stage, TripleQuery};
use crate::web::figure::grouped;
use crate::web::query::{Asked, Questions, Unreadable, Why};
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 86_400_000_000;

/// What is to be declared.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = MaintenanceAsked)]
pub(in crate::web::competition) struct Query {
    miner: String,
    /// `owner` or `worker`.
    role: String,
    /// The beginning, RFC 3339.
    from: String,
    minutes: String,
}

impl Questions for Query {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        let text = match name {
            "miner" => &mut self.miner,
            "role" if matches!(value, "" | "owner" | "worker") => &mut self.role,
            "role" => return Err(Why::Choice),
            "from" => &mut self.from,
            "minutes" => &mut self.minutes,
            _ => return Err(Why::Name),
        };
        value.trim().clone_into(text);
        Ok(())
    }
}

/// A statement to sign, and what was declared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Maintenance)]
pub(crate) struct Maintenance {
    meta: Meta,
    /// What was asked for.
    asked: Query,
    /// Minutes of a day that a miner may declare.
    budget: u32,
    /// Minutes that the miner has left of the day of the beginning; `null` where neither is known.
    left: Option<i64>,
    /// The earliest beginning.
    earliest: String,
    /// The statement, where enough was asked for.
    statement: Option<String>,
    /// Its bytes in hexadecimal, for a wallet.
    hex: Option<String>,
    /// Why there is none, in the language of the address.
    problem: Option<String>,
    /// What is declared: of the miner that was asked for, else of everybody, the newest first.
    declared: Vec<RestView>,
    #[serde(skip)]
    mark: String,
}

/// What the mark of a form is made over.
fn form(competition: &str) -> String {
    format!("maintenance {competition}")
}

/// `GET /c/{competition}/maintenance`
pub(in crate::web::competition) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<Query>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &TripleQuery::default()).await?;
    let probing = Probing::of(&app, &stage)?;
    let (budget, now) = (app.bots.maintenance(stage.id()), probing.now);
    let miner = Some(query.miner.as_str()).filter(|miner| !miner.is_empty());
    let from = query.from.parse::<Timestamp>().ok();
    let mut rest_of_day = None;
    if let (Some(miner), Some(from)) = (miner, from) {
        let reach = (Timestamp(from.0.saturating_sub(DAY)), Timestamp(from.0.saturating_add(DAY)));
        rest_of_day = Some(left(&declared(&*app.store, probing.plan, miner, reach).await?, from, budget));
    }
    let made = miner.map(|_| statement(&app, &stage, &probing, &query));
    let (statement, problem) = match made {
        Some(Ok(rest)) => (Some(rest.to_string()), None),
        Some(Err(field)) => (None, Some(ask.language.t(field))),
        None => (None, None),
    };
    // Whole minutes are easily written.
    let earliest = now.0.saturating_add(AHEAD).div_euclid(MINUTE).saturating_add(2).saturating_mul(MINUTE);
    let view = Maintenance {
        budget,
        left: rest_of_day,
        earliest: Timestamp(earliest).to_string(),
        hex: statement.as_ref().map(hex::encode),
        statement,
        problem,
        declared: probing.rests(&stage, miner).await?,
        mark: app.guard.mark(&form(&competition)),
        asked: query,
        meta: stage.meta.clone(),
    };
    let mut response = ask.answer(&view)?;
    response.headers_mut().insert(header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The statement that was asked for; the message that says what is missing.
fn statement(app: &App, stage: &Stage, probing: &Probing<'_>, query: &Query) -> Result<Rest, &'static str> {
    let from: Timestamp = query.from.parse().map_err(|_| "rest-no-from")?;
    let minutes: i64 = query.minutes.parse().map_err(|_| "rest-no-minutes")?;
    if !(1..=i64::from(app.bots.maintenance(stage.id()).max(1)).saturating_mul(31)).contains(&minutes) {
        return Err("rest-no-minutes");
    }
    let said = Timestamp::from_seconds(probing.now.seconds());
    let nonce = app.guard.mark(&format!("maintenance {} {query:?} {said}", stage.id()));
    Ok(Rest {
        network: probing.plan.network.clone(),
        race: stage.id().parse().map_err(|_| "rest-no-miner")?,
        miner: query.miner.parse().map_err(|_| "rest-no-miner")?,
        role: if query.role == "worker" { Role::Worker } else { Role::Owner },
        from,
        to: Timestamp(from.0.saturating_add(minutes.saturating_mul(MINUTE))),
        said,
        nonce: nonce.chars().take(32).collect(),
    })
}

/// `POST /c/{competition}/maintenance`: to what is declared where it holds; where not, a problem that says why.
pub(in crate::web::competition) async fn submit(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (mut mark, mut statement, mut signature) = (String::new(), String::new(), String::new());
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "mark" => mark = value.into_owned(),
            // Browsers send a text's line feeds as two characters.
            "statement" => statement = value.replace("\r\n", "\n"),
            "signature" => signature = value.chars().filter(|c| !c.is_ascii_whitespace()).collect(),
            _ => {
                let (name, value) = (name.into_owned(), value.into_owned());
                return Err(Problem::Query(Unreadable { name, value, why: Why::Name }));
            }
        }
    }
    if !app.guard.knows(&form(&competition), &mark) {
        return Err(Problem::StaleForm);
    }
    let rest = app.declare(&competition, &statement, &signature).await?;
    if ask.form == Form::Json {
        let told = serde_json::json!({
            "miner": rest.miner, "from": rest.from.to_string(), "to": rest.to.to_string(),
        });
        return Ok(([(header::CONTENT_TYPE, "application/json")], told.to_string()).into_response());
    }
    let there = format!("/c/{competition}/m/{}/attempts", rest.miner);
    Ok(Redirect::to(&format!("{}#maintenance", ask.to(&there))).into_response())
}

impl App {
    /// Declare maintenance.
    async fn declare(&self, competition: &str, statement: &str, signature: &str) -> Result<Rest, Problem> {
        let stage = self.stage(competition, &TripleQuery::default()).await?;
        let none = || Problem::NoProbes { competition: competition.to_owned() };
        let plan = self.bots.plan(stage.id()).filter(|_| stage.meta.probed).ok_or_else(none)?;
        let Some(Ground::Index { network, .. }) = stage.ground() else { return Err(none()) };
        let world = self.sources.world(&plan.network).await;
        let world = world.map_err(|error| Problem::NoState { why: error.to_string() })?;
        let budget = self.bots.maintenance(stage.id());
        let ground = Declaring { store: &*self.store, world: &world, network, plan, budget };
        let _one = self.declaring.lock().await;
        declare(ground, statement, signature).await.map_err(|error| match error {
            NotDeclared::State(error) => Problem::NoState { why: error.to_string() },
            NotDeclared::Store(error) => error.into(),
            NotDeclared::Desk(DeskError::Store(error)) => error.into(),
            NotDeclared::Desk(error) => Problem::Broken(Box::new(error)),
            error => Problem::NotDeclared(Box::new(error)),
        })
    }
}

#[derive(Template)]
#[template(path = "competition/probes/maintenance.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Maintenance,
}

impl View for Maintenance {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Probes), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["miner", "from", "to", "why", "said", "statement", "signature"]);
        for rest in &self.declared {
            let miner = rest.miner.as_deref().unwrap_or_default();
            csv.row(&[miner, &rest.from, &rest.to, &rest.why, &rest.said, &rest.statement, &rest.signature]);
        }
        Some(csv)
    }
}

impl Page<'_> {
    fn lead(&self) -> String {
        self.c.language().say("rest-lead", &fluent_args!["n" => self.view.budget])
    }

    fn left(&self) -> Option<String> {
        let left = self.view.left?;
        Some(self.c.language().say("rest-left", &fluent_args!["n" => left]))
    }

    fn is_worker(&self) -> bool {
        self.view.asked.role == "worker"
    }

    fn role(&self) -> String {
        self.c.t(if self.is_worker() { "claim-role-worker" } else { "claim-role-owner" })
    }

    fn why(&self, rest: &RestView) -> String {
        self.c.name("rest-why", &rest.why)
    }

    fn whose(&self, rest: &RestView) -> String {
        rest.miner.clone().unwrap_or_else(|| self.c.t("rest-everybody"))
    }

    fn bytes(&self) -> String {
        let bytes = self.view.statement.as_ref().map_or(0, String::len);
        self.c.language().say("claim-sign-how", &fluent_args!["n" => bytes])
    }

    fn most(&self) -> String {
        grouped(self.view.budget)
    }
}
