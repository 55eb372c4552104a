use apogee_domain::series::{self, SeriesSpec, Unit};
use apogee_domain::{Epoch, SeriesName, Step, Subject, Value};
use apogee_leaderboard::{Snapshot, Standing};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::ask::{Ask, Language};
use super::chart::{Chart, Line, TABLE, Texts};
use super::chrome::{Chrome, Section};
use super::epoch::Sums;
use super::figure::{Figure, Scale, coin, grouped};
use super::now::Meta;
use super::problem::Problem;
use super::query::{Asked, AtQuery};
use super::scene::Scene;
use super::schema;
use super::view::{Csv, View};
use super::words::fluent_args;

/// Epochs that charts go back: seven days of 30 seconds.
pub(crate) const WINDOW: i64 = 20_160;
/// Steps of one series that are read at most; more than one an epoch there are not.
const STEPS: u32 = 10_000;

/// One participant: every series at the epoch, and its steps in the window before it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Participant {
    meta: Meta,
    /// Address as the network writes it.
    #[schema(value_type = String)]
    participant: Subject,
    /// Place by quality-adjusted power; `null` where that is unknown.
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
    #[serde(skip)]
    scene: Scene,
    #[serde(skip)]
    network_power: Option<Value>,
    #[serde(skip)]
    upgrades: Vec<(Epoch, String)>,
}

/// What a participant has of one series.
#[derive(Debug, Serialize, ToSchema)]
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
    let held = app.store.subject(scene.network(), &subject, at).await?;
    if held.is_empty() || subject.is_network() {
        return Err(unknown());
    }
    let from = at.minus(WINDOW);
    let mut all = Vec::new();
    for (name, step) in held {
        let Some(spec) = name.spec().filter(|spec| spec.per_participant) else { continue };
        let steps = app.history(&scene, &name, &subject, from).await?;
        all.push(hold(&scene, name, spec, step, steps));
    }
    // The order of their list, which puts together what belongs together.
    all.sort_by_key(|held: &Held| series::ALL.iter().position(|spec| spec.name == held.series.as_str()));
    let snapshot = app.ranked(&scene, &series::POWER_QA).await?;
    let row = snapshot.rows.iter().find(|row| row.standing.subject == subject);
    let standing: Option<&Standing> = row.map(|row| &row.standing);
    let network_power = app.value(&scene, &series::POWER_QA, &Subject::network()).await?;
    let view = Participant {
        meta: scene.meta(),
        rank: standing.and_then(|standing| standing.rank),
        tied: standing.is_some_and(|standing| standing.tied),
        of: snapshot.rows.len(),
        row_hash: row.map(|row| row.hash),
        snapshot: snapshot.id,
        participant: subject,
        from,
        series: all,
        network_power,
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

/// The unit of a series in JSON.
pub(crate) const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "bytes",
        Unit::Atto => "atto",
        Unit::Gas => "gas",
        Unit::Count => "count",
        Unit::Nano => "nano",
    }
}

impl App {
    /// The steps of a series up to the scene's epoch, from the one that holds at `from` on.
    pub(crate) async fn history(
        &self,
        scene: &Scene,
        series: &SeriesName,
        subject: &Subject,
        from: Epoch,
    ) -> Result<Vec<Step>, Problem> {
        let network = scene.network();
        let mut steps = Vec::new();
        if from > Epoch::GENESIS {
            let before = self.store.subject(network, subject, from).await?;
            let held = before.into_iter().find(|(name, _)| name == series);
            steps.extend(held.map(|(_, step)| Step { epoch: from, ..step }));
        }
        let mut after = (from > Epoch::GENESIS).then_some(from);
        loop {
            let page = apogee_store::Page { after, limit: STEPS };
            let more = self.store.steps(network, series, subject, page).await?;
            after = more.last().map(|step| step.epoch);
            let full = more.len() == usize::try_from(STEPS).unwrap_or(usize::MAX);
            let beyond = after.is_none_or(|last| last > scene.epoch());
            steps.extend(more.into_iter().filter(|step| step.epoch <= scene.epoch()));
            if !full || beyond {
                return Ok(steps);
            }
        }
    }

    /// Everybody by a series at the scene's epoch.
    pub(crate) async fn ranked(&self, scene: &Scene, series: &SeriesName) -> Result<Snapshot, Problem> {
        let mut rows = self.store.board(scene.network(), series, scene.epoch()).await?;
        rows.retain(|(subject, _)| !subject.is_network());
        Ok(Snapshot::new(scene.scope(series), &rows))
    }

    /// One value at the scene's epoch; `None` where it is unknown.
    pub(crate) async fn value(
        &self,
        scene: &Scene,
        series: &SeriesName,
        subject: &Subject,
    ) -> Result<Option<Value>, Problem> {
        let held = self.store.subject(scene.network(), subject, scene.epoch()).await?;
        Ok(held.into_iter().find(|(name, _)| name == series).and_then(|(_, step)| step.value))
    }

    /// When the network changed its version: a mark on every chart.
    async fn upgrades(&self, scene: &Scene, from: Epoch) -> Result<Vec<(Epoch, String)>, Problem> {
        let steps = self.history(scene, &series::NETWORK_VERSION, &Subject::network(), from).await?;
        let named = |step: &Step| Some((step.epoch, format!("nv{}", step.value?)));
        Ok(steps.iter().skip(1).filter_map(named).collect())
    }
}

#[derive(Template)]
#[template(path = "participant.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Participant,
    charts: Vec<(&'static str, Chart)>,
    sums: Sums,
}

impl View for Participant {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        let c = Chrome::of(ask, &self.meta, Section::Board);
        let charts = self.charts(ask.language);
        Page { c, view: self, charts, sums: Sums::of(&self.scene.record) }.render()
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

impl Participant {
    fn held(&self, series: &SeriesName) -> Option<&Held> {
        self.series.iter().find(|held| held.series == *series)
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

    fn share(&self) -> Option<String> {
        share(self.figure(&series::POWER_QA).value, self.network_power)
    }

    fn charts(&self, language: Language) -> Vec<(&'static str, Chart)> {
        type Plot = (&'static str, &'static str, &'static str, &'static [SeriesName]);
        const PLOTS: [Plot; 4] = [
            ("power", "miner-power", "miner-power-caption", &[series::POWER_QA, series::POWER_RAW]),
            (
                "sectors",
                "miner-sectors",
                "miner-sectors-caption",
                &[series::SECTORS_LIVE, series::SECTORS_FAULTY, series::SECTORS_RECOVERING],
            ),
            ("wins", "miner-wins", "miner-wins-caption", &[series::WINCOUNT, series::EXPECTED_WINS]),
            ("rewards", "miner-rewards", "miner-rewards-caption", &[series::REWARD_BLOCK]),
        ];
        PLOTS
            .into_iter()
            .filter_map(|(id, heading, caption, names)| {
                Some((heading, self.chart(language, id, (heading, caption), names)?))
            })
            .collect()
    }

    fn chart(
        &self,
        language: Language,
        id: &'static str,
        (heading, caption): (&str, &str),
        names: &[SeriesName],
    ) -> Option<Chart> {
        let held: Vec<&Held> = names.iter().filter_map(|name| self.held(name)).collect();
        let (first, main) = (self.from, *held.first()?);
        // Things and their billionths share a chart: the finer scale shows both.
        let nano = held.iter().any(|held| held.value.unit == Unit::Nano);
        let lift = |held: &Held, value: Value| match (nano, held.value.unit) {
            (true, Unit::Count) => Value(value.0.saturating_mul(1_000_000_000)),
            _ => value,
        };
        let lines: Vec<Line> = held
            .iter()
            .map(|held| Line {
                name: language.name("head", held.series.as_str()),
                end: held.value.text(),
                steps: held
                    .steps
                    .iter()
                    .map(|step| Step { value: step.value.map(|value| lift(held, value)), ..*step })
                    .collect(),
            })
            .collect();
        let most = lines.iter().flat_map(|line| &line.steps).filter_map(|step| step.value).max();
        let unit = if nano { Unit::Nano } else { main.value.unit };
        let scale = Scale::of(unit, coin(self.scene.now.network.kind), most);
        let end = |step: Option<&Step>| {
            let known = step.and_then(|step| step.value);
            known.map_or_else(|| "–".to_owned(), |value| main.value.scale.text(value))
        };
        let last = self.meta.epoch;
        let desc = fluent_args![
            "from" => end(main.steps.first()), "first" => grouped(first),
            "to" => end(main.steps.last()), "last" => grouped(last),
        ];
        let texts = Texts {
            id,
            caption: language.say(caption, &fluent_args!["unit" => scale.symbol]),
            title: format!("{}: {}", language.t(heading), self.participant),
            desc: language.say("miner-chart-desc", &desc),
            axis: language.say(
                "miner-epoch-axis",
                &fluent_args!["seconds" => i64::from(self.scene.now.network.epoch_seconds)],
            ),
            epoch: language.t("epoch"),
            same: language.t("table-same"),
            cut: language.say("miner-table-cut", &fluent_args!["n" => TABLE]),
        };
        Some(Chart::new(texts, scale, (first, last), &lines, &self.upgrades))
    }
}

/// `12.4 %` of a whole; nothing where either is unknown.
pub(crate) fn share(part: Option<Value>, whole: Option<Value>) -> Option<String> {
    let (part, whole) = (part?.0, whole?.0);
    let tenths = part.checked_mul(1000)?.checked_add(whole / 2)?.checked_div(whole)?;
    Some(format!("{}.{} %", tenths / 10, tenths % 10))
}

impl Page<'_> {
    fn lead(&self) -> String {
        let view = self.view;
        let language = self.c.language();
        let arguments = |rank: String| fluent_args!["network" => view.meta.network.to_string(), "rank" => rank, "n" => view.of];
        match view.rank {
            Some(_) => language.say("miner-lead", &arguments(self.rank())),
            None => language.say("miner-lead-unranked", &arguments(String::new())),
        }
    }

    fn rank(&self) -> String {
        match self.view.rank {
            Some(rank) if self.view.tied => format!("={}", grouped(rank)),
            Some(rank) => grouped(rank),
            None => "–".to_owned(),
        }
    }

    /// One of the headline sentences: its argument is a figure with its unit.
    fn note(&self, key: &str, argument: &str, series: &SeriesName) -> String {
        let figure = self.view.figure(series);
        let symbol = if figure.is_zero() { "" } else { figure.scale.symbol };
        let text = format!("{} {symbol}", figure.text());
        self.c.language().say(key, &fluent_args![argument => text.trim()])
    }

    fn power(&self) -> Figure {
        self.view.figure(&series::POWER_QA)
    }

    fn live(&self) -> Figure {
        self.view.figure(&series::SECTORS_LIVE)
    }

    fn reward(&self) -> Figure {
        self.view.figure(&series::REWARD_BLOCK)
    }

    fn wins(&self) -> Figure {
        self.view.figure(&series::WINCOUNT)
    }

    fn power_note(&self) -> String {
        let raw = self.note("miner-raw", "value", &series::POWER_RAW);
        match self.view.share() {
            Some(share) => {
                let share = self.c.language().say("miner-share", &fluent_args!["share" => share]);
                let comma = if self.c.language() == Language::Chinese { "，" } else { ", " };
                format!("{raw}{comma}{share}")
            }
            None => raw,
        }
    }

    fn sectors_note(&self) -> String {
        let text = |series: &SeriesName| self.view.figure(series).text();
        let arguments = fluent_args![
            "faulty" => text(&series::SECTORS_FAULTY), "recovering" => text(&series::SECTORS_RECOVERING),
        ];
        self.c.language().say("miner-faulty", &arguments)
    }

    fn reward_note(&self) -> String {
        self.note("miner-tips", "value", &series::REWARD_GAS)
    }

    fn wins_note(&self) -> String {
        self.note("miner-expected", "value", &series::EXPECTED_WINS)
    }

    fn blocks_note(&self) -> String {
        let blocks = self.view.figure(&series::BLOCKS_WON).value.map_or(0, |value| value.0);
        let blocks = i64::try_from(blocks).unwrap_or(i64::MAX);
        self.c.language().say("miner-blocks", &fluent_args!["n" => blocks])
    }

    fn rank_of(&self) -> String {
        self.c.language().say("of-total", &fluent_args!["n" => self.view.of])
    }

    /// Where a series is compared with that of others.
    fn board_of(&self, held: &Held) -> String {
        format!("board/{}", held.series)
    }

    fn checks(&self) -> String {
        let counts = fluent_args!["passed" => self.sums.passed, "failed" => self.sums.failed];
        self.c.language().say("miner-checks-text", &counts)
    }

    fn unmade(&self) -> String {
        self.c.language().say("miner-unmade", &fluent_args!["n" => self.sums.unmade])
    }

    /// Class and sentence for the sums that agree with state, differ from it, and are unknown.
    fn reconciled(&self) -> Vec<(&'static str, String)> {
        let sums = [
            ("is-bad", "miner-reconciled-bad", self.sums.differ),
            ("is-ok", "miner-reconciled-ok", self.sums.agree),
            ("is-none", "miner-reconciled-unknown", self.sums.unknown),
        ];
        let say = |key, n| self.c.language().say(key, &fluent_args!["n" => n]);
        sums.into_iter().filter(|(_, _, n)| *n > 0).map(|(class, key, n)| (class, say(key, n))).collect()
    }

    /// Tipset keys are CIDs with commas: the first, and how many more.
    fn tipset(&self) -> (String, String) {
        let mut cids = self.view.meta.tipset.split(',').filter(|cid| !cid.is_empty());
        let first = cids.next().unwrap_or_default().to_owned();
        let more = cids.count();
        let more = if more == 0 {
            String::new()
        } else {
            self.c.language().say("miner-more", &fluent_args!["n" => more])
        };
        (first, more)
    }
}
