//! One recount: where votes decide otherwise, whose rewards change by that, and what that does to competitions.

mod held;
mod page;

use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Digest, Epoch, NetworkKind};
use apogee_recount::{Consequences, Report};
use apogee_store::{Recount, RecountState};
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use self::held::{Compared, Gap, Layer, Reward, Smesher};
use self::page::Page;
use super::App;
use super::ask::{Ask, Form};
use super::competition::OwedEffect;
use super::now::Meta;
use super::problem::Problem;
use super::query::{Asked, Questions, Why, number};
use super::scene::Scene;
use super::view::{Csv, View};

/// Rows of each list; a table of data has them all.
const ROWS: usize = 200;

/// What a recount does to competitions is worked out for one visitor at a time.
static ONE: Semaphore = Semaphore::const_new(1);
/// How long another one waits for that.
const PATIENCE: Duration = Duration::from_secs(2);

/// A recount, and what follows from it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recount)]
pub(crate) struct RecountView {
    meta: Meta,
    /// Digest of what was counted.
    input: String,
    /// blake3 of the report.
    #[schema(value_type = String)]
    report: Digest,
    /// The first layer that was counted.
    #[schema(value_type = i64)]
    first: Epoch,
    /// The last one.
    #[schema(value_type = i64)]
    last: Epoch,
    /// The newest layer that votes make final.
    #[schema(value_type = i64)]
    verified: Epoch,
    /// The opinion on that layer and all before.
    opinion: String,
    /// When it came to its end, RFC 3339.
    at: String,
    /// `open`, `applied` or `cancelled`.
    state: &'static str,
    /// Ballots that are what they claim; of a report that is kept, none is anything else.
    ballots: u64,
    /// How many layers the node executed, or thinks of, otherwise than votes decide.
    node_differs: usize,
    /// How many layers the index has another opinion on, where votes decide.
    index_differs: usize,
    /// The first of both, up to 200.
    layers: Vec<Layer>,
    /// Rewards of those layers that stay as the copy has them.
    same: u64,
    /// How many rewards go or change.
    changed: usize,
    /// The first of them, up to 200; amounts in smidge.
    rewards: Vec<Reward>,
    /// How many smeshers that concerns.
    concerned: usize,
    /// The first of them, up to 200, with what they were paid and are owed in those layers, in smidge.
    smeshers: Vec<Smesher>,
    /// Layers whose rewards are known in part only.
    gaps: Vec<Gap>,
    /// What it would do to each competition of the network that reads such layers; nothing once it is decided.
    competitions: Vec<OwedEffect>,
    #[serde(skip)]
    all: Vec<Smesher>,
}

/// `?page=`: which page of what changes for competitors.
#[derive(Debug, Default)]
pub(super) struct RecountQuery {
    page: Option<usize>,
}

impl Questions for RecountQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "page" => self.page = Some(number(value)?),
            _ => return Err(Why::Name),
        }
        Ok(())
    }
}

/// `GET /n/{network}/recounts/{input}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, input)): Path<(String, String)>,
    Asked(query): Asked<RecountQuery>,
) -> Result<Response, Problem> {
    let scene = app.scene(&network, None).await?;
    let unknown = || Problem::UnknownRecount { input: input.clone() };
    // As it is known now, with what a freeze leaves of it.
    let recount = scene.now.recounts.kept.iter().find(|recount| recount.input == input);
    let recount = recount.ok_or_else(unknown)?.clone();
    let text = app.store.recount_report(scene.network(), &input).await?.ok_or_else(unknown)?;
    let read = tokio::task::spawn_blocking(move || Report::from_json(text.as_bytes()));
    let report = read.await.map_err(|cause| Problem::Broken(Box::new(cause)))??;
    let (digest, first, last) = (report.digest(), recount.first, recount.last);
    let checked = report.checks.as_ref().map_or(0, |checks| checks.passed);
    let page = match ask.form {
        Form::Csv => None,
        form => Some((form == Form::Html).then_some(query.page.unwrap_or(1))),
    };
    // It is worked out to its end, whoever still waits: so the place is held until then.
    let place = tokio::time::timeout(PATIENCE, ONE.acquire()).await.map_err(|_| Problem::Busy)?;
    let place = place.map_err(|_| Problem::Busy)?;
    let working = tokio::spawn({
        let (app, scene, recount) = (app.clone(), scene.clone(), recount.clone());
        async move {
            let _place = place;
            follows(&app, &scene, &recount, report, page).await
        }
    });
    let (compared, rewards, competitions) =
        working.await.map_err(|cause| Problem::Broken(Box::new(cause)))??;
    let coin = super::figure::coin(NetworkKind::Spacemesh);
    let all: Vec<Smesher> = rewards.smeshers.iter().map(|total| Smesher::new(total, coin)).collect();
    ask.answer(&RecountView {
        meta: scene.meta(),
        report: Digest(digest.0),
        first,
        last,
        verified: recount.verified,
        opinion: recount.opinion,
        at: recount.at.to_string(),
        state: recount.state.as_str(),
        ballots: checked,
        node_differs: compared.node,
        index_differs: compared.index,
        layers: compared.layers,
        same: rewards.same,
        changed: rewards.changes.len(),
        rewards: rewards.changes.iter().take(ROWS).map(Reward::new).collect(),
        concerned: all.len(),
        smeshers: all.iter().take(ROWS).cloned().collect(),
        gaps: rewards.unknown.iter().take(ROWS).map(Gap::new).collect(),
        competitions,
        input,
        all,
    })
}

/// What follows from a report: how it stands to the index, and what it does to competitions. `page`: which page of the latter; `None` where they are not shown.
async fn follows(
    app: &App,
    scene: &Scene,
    recount: &Recount,
    report: Report,
    page: Option<Option<usize>>,
) -> Result<(Compared, Arc<Consequences>, Vec<OwedEffect>), Problem> {
    let compared = app.compared(scene, &report).await?;
    let rewards = Arc::new(report.rewards);
    let mut competitions = Vec::new();
    let changes = !rewards.changes.is_empty() || !rewards.unknown.is_empty();
    if let Some(page) = page.filter(|_| recount.state == RecountState::Open && changes) {
        competitions = app.owed_effects(scene.network(), recount, &rewards, page).await?;
    }
    Ok((compared, rewards, competitions))
}

impl View for RecountView {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page::html(ask, self)
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&["smesher", "paid_smidge", "owed_smidge"]);
        for Smesher { smesher, paid, owed, .. } in &self.all {
            csv.row(&[smesher, paid, owed]);
        }
        Some(csv)
    }
}
