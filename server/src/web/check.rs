//! What a bot would see at a miner now: for whoever is signed in, and for nobody's score.

use apogee_bot::Checked;
use apogee_dealbot::schedule::Kind;
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;

use super::App;
use super::ask::{Ask, Form};
use super::chrome::{Chrome, Section};
use super::competition::{Meta, TripleQuery, advice, plain, title};
use super::problem::Problem;
use super::query::{Asked, Questions, Why};
use super::signin::field;
use super::time::span;
use super::view::{Csv, View};
use super::words::fluent_args;
use crate::identity::Visitor;

/// Which kind of probe it is.
#[derive(Debug, Default)]
pub(super) struct Query {
    kind: Option<Kind>,
}

impl Questions for Query {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "kind" => self.kind = Some(Kind::of(value).ok_or(Why::Choice)?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// The newest look at a miner, and whether another one may be asked for.
#[derive(Debug, Serialize)]
struct CheckPage {
    meta: Meta,
    miner: String,
    /// `storage` or `retrieval`.
    kind: &'static str,
    /// `none`, `waiting` or `done`.
    state: &'static str,
    /// When it was asked for.
    at: Option<String>,
    /// Seconds until another one may be asked for.
    wait: u64,
    seen: Option<Seen>,
    #[serde(skip)]
    mark: String,
}

/// What was seen. Texts are the miner's, as they came.
#[derive(Debug, Serialize)]
struct Seen {
    started: String,
    ended: String,
    /// Why it did not go well; `null` where it did.
    code: Option<&'static str>,
    /// The code in words, in the language of the address.
    title: Option<String>,
    /// What to do, in the language of the address.
    advice: Option<String>,
    stages: Vec<Stage>,
    errors: Vec<String>,
    target: String,
    resolved: Vec<String>,
    remote: Option<String>,
    agent: Option<String>,
    protocols: Vec<String>,
    status: Option<u16>,
    received: u64,
}

#[derive(Debug, Serialize)]
struct Stage {
    stage: &'static str,
    milliseconds: u64,
}

impl Seen {
    fn new(ask: &Ask, seen: &Checked) -> Self {
        let code = seen.failure.map(|code| code.as_str());
        let stages = seen.stages.iter().map(|passage| Stage {
            stage: passage.stage.as_str(),
            milliseconds: u64::try_from(passage.ended.since(passage.started).as_millis()).unwrap_or(u64::MAX),
        });
        Self {
            started: seen.started.to_string(),
            ended: seen.ended.to_string(),
            code,
            title: code.map(|code| title(ask.language, code)),
            advice: code.map(|code| advice(ask.language, code)),
            stages: stages.collect(),
            errors: seen.errors.clone(),
            target: seen.target.clone(),
            resolved: seen.resolved.iter().map(ToString::to_string).collect(),
            remote: seen.remote.map(|remote| remote.to_string()),
            agent: seen.agent.clone(),
            protocols: seen.protocols.clone(),
            status: seen.status,
            received: seen.received,
        }
    }
}

impl App {
    /// The page of a miner, for whoever is signed in.
    async fn check(
        &self,
        ask: &Ask,
        visitor: &Visitor,
        (competition, miner): (&str, &str),
        kind: Option<Kind>,
    ) -> Result<CheckPage, Problem> {
        visitor.signed_in()?;
        let stage = self.stage(competition, &TripleQuery::default()).await?;
        let none = || Problem::NoProbes { competition: competition.to_owned() };
        let plan = self.bots.plan(stage.id()).filter(|_| stage.meta.probed).ok_or_else(none)?;
        let asked = plan.cadences.iter().map(|cadence| cadence.kind);
        let served = |of: &Kind| {
            kind.is_none_or(|kind| kind == *of) && self.bots.look(competition, miner, *of).is_some()
        };
        let unknown = || Problem::NotProbed { miner: miner.to_owned() };
        let kind = asked.into_iter().find(served).ok_or_else(unknown)?;
        let checks = self.checks.as_ref().ok_or_else(none)?;
        let key = (competition.to_owned(), miner.to_owned(), kind);
        let look = checks.newest(&key);
        Ok(CheckPage {
            miner: miner.to_owned(),
            kind: kind.as_str(),
            state: match &look {
                None => "none",
                Some(look) if look.seen.is_none() => "waiting",
                Some(_) => "done",
            },
            at: look.as_ref().map(|look| look.at.to_string()),
            wait: checks.wait(&key),
            seen: look.and_then(|look| look.seen).map(|seen| Seen::new(ask, &seen)),
            mark: visitor.mark(),
            meta: stage.meta,
        })
    }
}

/// `GET /check/{competition}/{miner}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path((competition, miner)): Path<(String, String)>,
    Asked(query): Asked<Query>,
) -> Result<Response, Problem> {
    let view = app.check(&ask, &visitor, (&competition, &miner), query.kind).await?;
    let mut response = ask.answer(&view)?;
    if view.state == "waiting" && ask.form == Form::Html {
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("3"));
    }
    Ok(response)
}

/// `POST /check/{competition}/{miner}`: somebody looks as soon as there is a place.
pub(super) async fn begin(
    State(app): State<App>,
    ask: Ask,
    visitor: Visitor,
    Path((competition, miner)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Problem> {
    let kind = Kind::of(&field(&body, "kind"));
    let page = app.check(&ask, &visitor, (&competition, &miner), kind).await?;
    let unknown = || Problem::NotProbed { miner: miner.clone() };
    let kind = Kind::of(page.kind).ok_or_else(unknown)?;
    let task = app.bots.look(&competition, &miner, kind).ok_or_else(unknown)?;
    let checks = app.checks.as_ref().ok_or_else(unknown)?;
    checks.begin((competition.clone(), miner.clone(), kind), task).map_err(Problem::NotNow)?;
    let form = ask.form.suffix();
    let there = format!("/check/{competition}/{miner}{form}?kind={}", kind.as_str());
    let there = if form.is_empty() { ask.to(&there) } else { there };
    Ok(Redirect::to(&there).into_response())
}

impl View for CheckPage {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Probes), view: self }.render()
    }

    /// How long each stage took.
    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["stage", "milliseconds"]);
        for stage in self.seen.iter().flat_map(|seen| &seen.stages) {
            csv.row(&[stage.stage, &stage.milliseconds.to_string()]);
        }
        Some(csv)
    }
}

#[derive(Template)]
#[template(path = "check.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a CheckPage,
}

impl Page<'_> {
    fn log(&self) -> String {
        self.c.at_stage(&format!("m/{}/attempts?kind={}", self.view.miner, self.view.kind))
    }

    fn here(&self) -> String {
        self.c.ask.to(&format!("/check/{}/{}", self.view.meta.competition, self.view.miner))
    }

    fn kind(&self) -> String {
        self.c.name("pr-kind", self.view.kind)
    }

    fn again(&self) -> String {
        let wait = i64::try_from(self.view.wait).unwrap_or(0);
        self.c.language().say("check-again", &fluent_args!["time" => span(self.c.language(), wait)])
    }

    fn stage(&self, stage: &str) -> String {
        self.c.name("pr-stage", stage)
    }

    fn took(&self, milliseconds: &u64) -> String {
        format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
    }

    fn text(&self, text: &str) -> String {
        plain(text)
    }

    fn protocols(&self, seen: &Seen) -> String {
        let listed: Vec<String> = seen.protocols.iter().take(24).map(|name| plain(name)).collect();
        listed.join(" ")
    }
}
