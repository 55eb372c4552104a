use apogee_competition::Published;
use apogee_rules::Section as Part;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::versions::VersionRow;
use super::{Meta, Stage, TripleQuery, rules_diff};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::query::Asked;
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// The rules in words and as data, and every version of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionRules)]
pub(crate) struct RulesView {
    meta: Meta,
    /// The version that is shown.
    version: VersionRow,
    /// What it says, made from the data.
    words: Vec<Words>,
    /// Every version, the newest first.
    versions: Vec<VersionRow>,
    /// The rule set itself: its canonical JSON has the hash of the version.
    rules: Value,
    /// Whether one version was asked for, rather than the one in force.
    #[serde(skip)]
    single: bool,
}

/// A part of the rules in words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesPart)]
struct Words {
    id: &'static str,
    title: &'static str,
    clauses: Vec<Clause>,
}

/// A statement.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesClause)]
struct Clause {
    /// The member that it speaks of.
    path: String,
    /// How deep it stands below the one before.
    depth: usize,
    text: String,
    /// Lists that open before it, and close behind it.
    #[serde(skip)]
    opens: usize,
    #[serde(skip)]
    closes: usize,
}

impl From<Part> for Words {
    fn from(part: Part) -> Self {
        let depths: Vec<usize> = part.clauses.iter().map(|clause| clause.depth).chain([0]).collect();
        let mut before = 0;
        let clauses = part.clauses.into_iter().zip(depths.iter().skip(1)).map(|(clause, next)| {
            let opens = clause.depth.saturating_sub(before);
            before = clause.depth;
            let closes = clause.depth.saturating_sub(*next);
            Clause { path: clause.path, depth: clause.depth, text: clause.text, opens, closes }
        });
        Self { id: part.id, title: part.title, clauses: clauses.collect() }
    }
}

/// `GET /c/{competition}/rules`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<TripleQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query).await?;
    let none = || Problem::NoRules;
    let published = stage.rules.clone().ok_or_else(none)?;
    ask.answer(&RulesView::of(&stage, &published, &ask, false)?)
}

/// `GET /c/{competition}/rules/{version}`: `v2`, or two of them: `v2..v3`.
pub(super) async fn versions(
    State(app): State<App>,
    ask: Ask,
    Path((competition, versions)): Path<(String, String)>,
    Asked(query): Asked<rules_diff::DiffQuery>,
) -> Result<Response, Problem> {
    let number = |text: &str| text.strip_prefix('v')?.parse::<u64>().ok();
    if let Some((older, newer)) = versions.split_once("..") {
        let pair = number(older).zip(number(newer)).ok_or(Problem::NoPage)?;
        return rules_diff::show(&app, &ask, &competition, query, pair).await;
    }
    let number = number(&versions).ok_or(Problem::NoPage)?;
    let stage = app.stage(&competition, &query.triple).await?;
    let published = stage.version(number)?.clone();
    ask.answer(&RulesView::of(&stage, &published, &ask, true)?)
}

impl RulesView {
    fn of(stage: &Stage, published: &Published, ask: &Ask, single: bool) -> Result<Self, Problem> {
        let words = published.rules.words(&stage.voice(ask.language));
        Ok(Self {
            meta: stage.meta.clone(),
            version: stage.version_row(published, ask.language),
            words: words.into_iter().map(Words::from).collect(),
            versions: stage.versions(ask.language),
            rules: serde_json::to_value(&*published.rules)?,
            single,
        })
    }
}

impl View for RulesView {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Rules), view: self }.render()
    }

    fn is_settled(&self) -> bool {
        self.meta.chain.is_settled()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&[
            "number",
            "from",
            "until",
            "hash",
            "supersedes",
            "retroactive",
            "simulation",
            "seq",
            "reason",
        ]);
        let or_none = |value: Option<String>| value.unwrap_or_default();
        for row in &self.versions {
            csv.row(&[
                &row.number.to_string(),
                &row.from.to_string(),
                &or_none(row.until.map(|until| until.to_string())),
                &row.hash.to_string(),
                &or_none(row.supersedes.map(|hash| hash.to_string())),
                &row.retroactive.to_string(),
                &or_none(row.simulation.map(|hash| hash.to_string())),
                &row.seq.to_string(),
                &row.reason,
            ]);
        }
        Some(csv)
    }
}

#[derive(Template)]
#[template(path = "competition/rules.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a RulesView,
}

impl Page<'_> {
    fn heading(&self) -> String {
        let arguments = fluent_args!["n" => self.view.version.number.to_string()];
        let key = if self.view.single { "rules-h1-version" } else { "rules-h1" };
        self.c.language().say(key, &arguments)
    }

    fn lead(&self) -> String {
        span(&self.c, &self.view.version)
    }

    fn span(&self, row: &VersionRow) -> String {
        span(&self.c, row)
    }

    fn version_link(&self, row: &VersionRow) -> String {
        self.c.at_stage(&format!("rules/v{}", row.number))
    }

    /// The page that compares it with the version before.
    fn diff_link(&self, row: &VersionRow) -> Option<String> {
        (row.number > 1).then(|| self.c.at_stage(&format!("rules/v{}..v{}", row.number - 1, row.number)))
    }

    fn canonical(&self) -> String {
        let version = self.view.version.number;
        format!("/c/{}/rules/v{version}.json", self.view.meta.competition)
    }

    fn entry(&self, row: &VersionRow) -> String {
        self.c.at_stage(&format!("decisions/{}", row.seq))
    }
}

/// From when on a version holds, and until when.
pub(super) fn span(c: &Chrome<'_>, row: &VersionRow) -> String {
    let arguments = fluent_args![
        "from" => c.grouped(row.from),
        "time" => row.from_time.as_deref().map(|time| c.time(time)).unwrap_or_default(),
        "last" => row.until.map(|until| c.grouped(until.minus(1))).unwrap_or_default(),
    ];
    let key = match row.until {
        Some(until) if until <= row.from => "rules-span-never",
        Some(_) => "rules-span-until",
        None => "rules-span-on",
    };
    c.language().say(key, &arguments)
}
