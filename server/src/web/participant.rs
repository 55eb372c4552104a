mod charts;
mod page;
mod smeshing;
mod tiles;

use apogee_domain::series::{self, SeriesSpec};
use apogee_domain::{Epoch, NetworkKind, SeriesName, Step, Subject, Value};
use apogee_leaderboard::SnapshotRow;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use self::page::Page;
use self::smeshing::Smeshing;
use super::App;
use super::ask::Ask;
use super::figure::{Figure, Scale, coin};
use super::now::Meta;
use super::problem::Problem;
use super::query::{Asked, AtQuery};
use super::reading::{WINDOW, ranked_by, unit_name};
use super::scene::Scene;
use super::schema;
use super::view::{Csv, View};

/// One participant: every series at the epoch, and its steps in the window before it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Participant {
    meta: Meta,
    /// Address as the network writes it.
    #[schema(value_type = String)]
    participant: Subject,
    /// Place by quality-adjusted power, or by space; `null` where that is unknown.
    rank: Option<usize>,
    /// Whether others share the place.
    tied: bool,
    /// Participants that the board has.
    of: usize,
    /// Hash of the board's row, and the snapshot that holds it.
    #[schema(value_type = Option<String>)]
    row_hash: Option<apogee_domain::Digest>,
    #[schema(value_type = String)]
    snapshot: apogee_domain::Digest,
    /// Charts and steps begin here.
    #[schema(value_type = i64)]
    from: Epoch,
    series: Vec<Held>,
    /// Of a smesher: its slots in this epoch, and what may be expected of them. `null` elsewhere.
    smeshing: Option<Smeshing>,
    #[serde(skip)]
    scene: Scene,
    /// Competitions in which it is probed.
    #[serde(skip)]
    probed: Vec<String>,
    /// The network's sum of what it is ranked by.
    #[serde(skip)]
    network_total: Option<Value>,
    #[serde(skip)]
    upgrades: Vec<(Epoch, String)>,
}

/// What a participant has of one series.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Held {
    #[schema(value_type = String)]
    series: SeriesName,
    unit: &'static str,
    /// The value that holds at the epoch; `null` where it is unknown.
    #[schema(value_type = Option<String>)]
    value: Figure,
    /// It holds since this epoch.
    #[schema(value_type = i64)]
    since: Epoch,
    /// Every step of the window, the one that holds at its beginning first.
    #[schema(value_type = Vec<schema::StepAt>)]
    steps: Vec<Step>,
}

/// `GET /n/{network}/m/{participant}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((network, participant)): Path<(String, String)>,
    Asked(query): Asked<AtQuery>,
) -> Result<Response, Problem> {
    let scene = app.scene(&network, query.at).await?;
    let at = scene.epoch();
    let unknown =
        || Problem::UnknownParticipant { participant: participant.clone(), network: network.clone(), at };
    let subject: Subject = participant.parse().map_err(|_| unknown())?;
    let mut held = app.store.subject(scene.network(), &subject, at).await?;
    if held.is_empty() || subject.is_network() {
        return Err(unknown());
    }
    let kind = scene.now.network.kind;
    let asked = scene;
    let (mut scene, mut found) = app.ranked(asked.clone(), &ranked_by(kind)).await?;
    if scene.epoch() != at {
        held = app.store.subject(scene.network(), &subject, scene.epoch()).await?;
        // Who was not there a moment ago is shown when the newest epoch is ranked.
        if held.is_empty() {
            held = app.store.subject(asked.network(), &subject, at).await?;
            found = app.rankings.at(&asked.key(&ranked_by(kind))).await?;
            scene = asked;
        }
    }
    let at = scene.epoch();
    let from = at.minus(WINDOW);
    let mut all = Vec::new();
    for (name, step) in held {
        let Some(spec) = name.spec().filter(|spec| spec.per_participant) else { continue };
        let steps = app.history(&scene, &name, &subject, from).await?;
        all.push(hold(&scene, name, spec, step, steps));
    }
    // The order of their list, which puts together what belongs together.
    all.sort_by_key(|held: &Held| series::ALL.iter().position(|spec| spec.name == held.series.as_str()));
    let position = found.ranking.position(&subject);
    let row: Option<SnapshotRow> = position.and_then(|position| found.ranking.row(position));
    let network_total = app.value(&scene, &ranked_by(kind), &Subject::network()).await?;
    let smeshing = match kind {
        NetworkKind::Filecoin => None,
        NetworkKind::Spacemesh => app.smeshing(&scene, &subject).await?,
    };
    let view = Participant {
        meta: scene.meta(),
        rank: row.as_ref().and_then(|row| row.standing.rank),
        tied: row.as_ref().is_some_and(|row| row.standing.tied),
        of: found.ranking.len(),
        row_hash: row.map(|row| row.hash),
        snapshot: found.ranking.id(),
        probed: super::competition::probed_in(&app, scene.network(), &participant).await?,
        participant: subject,
        from,
        series: all,
        smeshing,
        network_total,
        upgrades: app.upgrades(&scene, from).await?,
        scene,
    };
    ask.answer(&view)
}

fn hold(scene: &Scene, name: SeriesName, spec: &SeriesSpec, step: Step, steps: Vec<Step>) -> Held {
    let most = steps.iter().filter_map(|step| step.value).max().max(step.value);
    let scale = Scale::of(spec.unit, coin(scene.now.network.kind), most);
    let value = Figure { value: step.value, unit: spec.unit, scale };
    Held { series: name, unit: unit_name(spec.unit), value, since: step.epoch, steps }
}

impl Participant {
    fn held(&self, series: &SeriesName) -> Option<&Held> {
        self.series.iter().find(|held| held.series == *series)
    }

    /// A series without a step: nothing, from the beginning on.
    fn nothing(&self, series: &SeriesName) -> Held {
        let value = self.figure(series);
        let steps = vec![Step { epoch: self.from, value: Some(Value::ZERO) }];
        Held { series: series.clone(), unit: unit_name(value.unit), value, since: self.from, steps }
    }

    /// What holds of a series; nothing was ever counted where there is no step.
    fn figure(&self, series: &SeriesName) -> Figure {
        let none = |spec: &SeriesSpec| Figure {
            value: Some(Value::ZERO),
            unit: spec.unit,
            scale: Scale::of(spec.unit, coin(self.scene.now.network.kind), None),
        };
        self.held(series).map_or_else(|| none(&super::figure::spec(series)), |held| held.value)
    }
}

impl View for Participant {
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
        let mut csv = Csv::new(&["series", "epoch", "value"]);
        for held in &self.series {
            for step in &held.steps {
                let value = step.value.map(|value| value.to_string()).unwrap_or_default();
                csv.row(&[held.series.as_str(), &step.epoch.to_string(), &value]);
            }
        }
        Some(csv)
    }
}
