//! The recounts of a network: those that are kept, and the one that works now.

use apogee_domain::Epoch;
use apogee_store::{Recount, RecountState};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::Ask;
use super::chrome::{Chrome, Section};
use super::now::Meta;
use super::problem::Problem;
use super::query::{Asked, Nothing};
use super::view::{Csv, View};
use super::words::fluent_args;
use crate::spacemesh::Counting;

/// Recounts that are listed: the newest.
const ROWS: usize = 50;

/// Recounts of a network's votes, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recounts {
    meta: Meta,
    /// What this server does about them now; `null` where nothing works and nothing failed.
    counting: Option<CountingNow>,
    /// Whether this server begins them by itself when a copy of a node's database is new.
    begun_here: bool,
    /// How many there are.
    found: usize,
    recounts: Vec<Row>,
}

/// A recount that works, or came to nothing.
#[derive(Debug, Serialize, ToSchema)]
struct CountingNow {
    /// `works` or `failed`.
    state: &'static str,
    /// Since when it works, or when it failed; RFC 3339.
    at: String,
    /// The last layer of the copy that it counts.
    #[schema(value_type = Option<i64>)]
    to: Option<Epoch>,
    /// Why it failed: `files`, `process`, `too-long`, `ended`, `report` or `database`.
    why: Option<&'static str>,
}

/// A recount.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecountRow)]
struct Row {
    /// Digest of what was counted.
    input: String,
    /// The first layer that was counted.
    #[schema(value_type = i64)]
    first: Epoch,
    /// The last one.
    #[schema(value_type = i64)]
    last: Epoch,
    /// The newest layer that votes make final.
    #[schema(value_type = i64)]
    verified: Epoch,
    /// When it came to its end, RFC 3339.
    at: String,
    /// `open`, `applied` or `cancelled`.
    state: &'static str,
    /// Whether the index has the opinion that votes come to on that layer and all before; `null` where it has none.
    agrees: Option<bool>,
}

impl From<&Counting> for CountingNow {
    fn from(counting: &Counting) -> Self {
        match counting {
            Counting::Works { since, to } => {
                Self { state: "works", at: since.to_string(), to: Some(*to), why: None }
            }
            Counting::Failed { at, why } => {
                Self { state: "failed", at: at.to_string(), to: None, why: Some(why) }
            }
        }
    }
}

/// `GET /n/{network}/recounts`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(network): Path<String>,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Problem> {
    let scene = app.scene(&network, None).await?;
    if !scene.meta().recounts {
        return Err(Problem::NoPage);
    }
    let known = &scene.now.recounts;
    let mut kept: Vec<&Recount> = known.kept.iter().collect();
    kept.sort_by(|one, other| (other.at, &other.input).cmp(&(one.at, &one.input)));
    let mut recounts = Vec::new();
    for recount in kept.into_iter().take(ROWS) {
        let indexed = app.store.epoch(scene.network(), recount.verified).await?;
        let held = indexed.filter(|indexed| !indexed.key.is_empty());
        recounts.push(Row {
            input: recount.input.clone(),
            first: recount.first,
            last: recount.last,
            verified: recount.verified,
            at: recount.at.to_string(),
            state: recount.state.as_str(),
            agrees: held.map(|held| held.key == recount.opinion),
        });
    }
    ask.answer(&Recounts {
        meta: scene.meta(),
        counting: known.counting.as_ref().map(CountingNow::from),
        begun_here: known.begun_here,
        found: known.kept.len(),
        recounts,
    })
}

/// Class and word of a state.
pub(super) fn state(c: &Chrome<'_>, state: &str) -> (&'static str, String) {
    let (class, key) = match state {
        word if word == RecountState::Applied.as_str() => ("is-ok", "recounts-applied"),
        word if word == RecountState::Cancelled.as_str() => ("is-none", "recounts-cancelled"),
        _ => ("is-wait", "recounts-open"),
    };
    (class, c.t(key))
}

#[derive(Template)]
#[template(path = "recounts.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Recounts,
}

impl View for Recounts {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::of(ask, &self.meta, Section::Recounts), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["input", "first", "last", "verified", "at", "state", "agrees"]);
        for row in &self.recounts {
            csv.row(&[
                &row.input,
                &row.first.to_string(),
                &row.last.to_string(),
                &row.verified.to_string(),
                &row.at,
                row.state,
                &row.agrees.map(|agrees| agrees.to_string()).unwrap_or_default(),
            ]);
        }
        Some(csv)
    }
}

impl Page<'_> {
    fn heading(&self) -> String {
        let network = self.view.meta.network.to_string();
        self.c.language().say("recounts-h1", &fluent_args!["network" => network])
    }

    fn state(&self, row: &Row) -> (&'static str, String) {
        state(&self.c, row.state)
    }

    fn agrees(&self, row: &Row) -> (&'static str, String) {
        let (class, key) = match row.agrees {
            Some(true) => ("is-ok", "recounts-agrees"),
            Some(false) => ("is-bad", "recounts-differs"),
            None => ("is-none", "recounts-not-indexed"),
        };
        (class, self.c.t(key))
    }

    /// Class, what is done now, and what to do about it.
    fn now(&self) -> Option<(&'static str, String, String)> {
        let counting = self.view.counting.as_ref()?;
        let language = self.c.language();
        let time = self.c.time(&counting.at);
        Some(match (counting.to, counting.why) {
            (Some(to), _) => {
                let arguments = fluent_args!["layer" => self.c.grouped(to), "time" => time];
                ("is-wait", language.say("recounts-works", &arguments), language.t("recounts-works-text"))
            }
            (None, why) => {
                let text = self.c.name("recounts-failed", why.unwrap_or_default());
                ("is-bad", language.say("recounts-failed-at", &fluent_args!["time" => time]), text)
            }
        })
    }

    fn hidden(&self) -> Option<String> {
        let hidden = self.view.found.saturating_sub(self.view.recounts.len());
        (hidden > 0).then(|| self.c.language().say("recounts-hidden", &fluent_args!["n" => hidden]))
    }

    fn one(&self, row: &Row) -> String {
        self.c.unpinned(&format!("recounts/{}", row.input))
    }
}
