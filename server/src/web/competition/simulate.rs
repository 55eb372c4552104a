use apogee_domain::{Digest, Epoch};
use apogee_rules::{Edit, RuleSet};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::effect::{Effect, Row, Wanted};
use super::effect_table::{EffectTable, Gauge, change, gauges, with};
use super::fields::{Member, members};
use super::question::Question;
use super::{Meta, Stage};
use crate::competitions::NoStandings;
use crate::web::ask::{Ask, Form, Language};
use crate::web::chrome::{Cell, Chrome, Section};
use crate::web::figure::Figure;
use crate::web::query::Asked;
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// What would be, were the rules or decisions others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Simulation)]
pub(crate) struct Simulation {
    meta: Meta,
    /// Number of the version that it starts from.
    base: u64,
    /// Number of the version that is applied instead, where one was asked for.
    with: Option<u64>,
    /// Members that are changed.
    changes: Vec<Changed>,
    /// What cannot be asked like that: each with the path to the member and the reason.
    problems: Vec<Wrong>,
    /// Hash of the rules that are applied; `null` where there are problems.
    #[schema(value_type = Option<String>)]
    rules: Option<Digest>,
    /// What it does to everybody; `null` where there are problems, or nothing is asked.
    effect: Option<Effect>,
    #[serde(skip)]
    fields: Vec<Field>,
    #[serde(skip)]
    versions: Vec<u64>,
    #[serde(skip)]
    asked: Asking,
}

/// A member that is changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SimulationChange)]
struct Changed {
    path: String,
    value: String,
}

/// Something that is wrong with a question.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SimulationProblem)]
struct Wrong {
    /// The member; empty where it is about the question as a whole.
    path: String,
    reason: String,
    /// Which of the changes it is about, from 0 on.
    change: Option<usize>,
}

/// A field of the form.
#[derive(Clone, Debug)]
struct Field {
    member: Member,
    /// What was asked for, where that is something else.
    asked: Option<String>,
    errors: Vec<String>,
}

/// Parts of the question that a page shows again.
#[derive(Clone, Debug, Default)]
struct Asking {
    written: [String; 2],
    only: bool,
    /// How much is changed.
    changes: usize,
}

/// `GET /c/{competition}/simulate`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(question): Asked<Question>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &question.triple).await?;
    let published = stage.rules.clone().ok_or_else(|| Problem::NoRules)?;
    let instead = question.with.map(|number| stage.version(number).cloned()).transpose()?;
    let base: &RuleSet = instead.as_ref().map_or(&published.rules, |version| &version.rules);
    let fields = members(base, ask.language);
    // A form sends all its fields: those that say what the rules say change nothing.
    let same = |edit: &Edit| fields.iter().any(|field| field.path == edit.path && field.value == edit.value);
    let edits: Vec<Edit> = question.edits.iter().filter(|edit| !same(edit)).cloned().collect();
    let seconds = stage.schedule().map(|schedule| u64::from(schedule.epoch_seconds));
    let (rules, mut problems) = match base.edited(&edits, seconds) {
        Ok(rules) => (Some(rules), Vec::new()),
        Err(refused) => {
            let wrong = refused.0.into_iter().map(|found| Wrong {
                path: found.problem.path,
                reason: found.problem.reason,
                change: found.edit,
            });
            (None, wrong.collect())
        }
    };
    let changes = edits.len() + question.changes() - question.edits.len();
    let mut effect = None;
    if let Some(rules) = rules.clone().filter(|_| changes > 0) {
        match app.what_if(&stage, rules, &question, &ask).await {
            Ok(found) => effect = Some(found),
            Err(Problem::NoStandings(NoStandings::Impossible { problem, .. })) => {
                problems.push(Wrong { path: problem.path, reason: problem.reason, change: None });
            }
            Err(Problem::NoStandings(why)) => {
                problems.push(Wrong { path: String::new(), reason: why.to_string(), change: None });
            }
            Err(other) => return Err(other),
        }
    }
    let hash = rules.filter(|_| problems.is_empty()).and_then(|rules| rules.hash().ok());
    let fields = fields.into_iter().map(|member| {
        let index = edits.iter().position(|edit| edit.path == member.path);
        let about = |wrong: &&Wrong| index.is_some() && wrong.change == index;
        let errors = problems.iter().filter(about).map(|wrong| wrong.reason.clone()).collect();
        let asked = index.and_then(|index| edits.get(index)).map(|edit| edit.value.clone());
        Field { member, asked, errors }
    });
    let mut meta = stage.meta.clone();
    meta.simulated |= changes > 0;
    ask.answer(&Simulation {
        meta,
        base: published.rules.version.number,
        with: question.with,
        fields: fields.collect(),
        changes: edits.into_iter().map(|Edit { path, value }| Changed { path, value }).collect(),
        rules: hash,
        problems,
        effect,
        versions: stage.competition.rules().iter().map(|version| version.rules.version.number).collect(),
        asked: Asking { written: question.written.clone(), only: question.only, changes },
    })
}

impl App {
    async fn what_if(
        &self,
        stage: &Stage,
        rules: RuleSet,
        question: &Question,
        ask: &Ask,
    ) -> Result<Effect, Problem> {
        let stood = stage.standing()?;
        let none = || Problem::NoGround { competition: stage.id().to_owned() };
        let ground = stage.ground().ok_or_else(none)?;
        let after = self.stands.what_if(stood, ground, rules, question.decided()).await?;
        let page = (ask.form != Form::Csv).then_some(question.page.unwrap_or(1));
        Effect::of(&stood.standings, &after, Wanted { changed: question.only, page, coin: stage.coin() })
    }
}

impl View for Simulation {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Simulate), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        self.effect.as_ref().map(Effect::csv)
    }
}

#[derive(Template)]
#[template(path = "competition/simulate.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Simulation,
}

impl Page<'_> {
    fn say(&self, key: &str) -> String {
        let view = self.view;
        let with = view.with.map(|with| with.to_string()).unwrap_or_default();
        let arguments = fluent_args![
            "base" => view.base.to_string(), "with" => with, "n" => view.asked.changes,
            "epoch" => self.c.grouped(self.at()), "rows" => view.effect.as_ref().map_or(0, |effect| effect.found),
            "coin" => view.effect.as_ref().map_or("", |effect| effect.concentration[1].paid.scale.symbol),
        ];
        self.c.language().say(key, &arguments)
    }

    fn at(&self) -> Epoch {
        self.view.meta.chain.epoch
    }

    fn watermark(&self) -> String {
        self.say(if self.view.with.is_some() { "simulate-mark-with" } else { "simulate-mark" })
    }

    fn sides(&self) -> [String; 2] {
        [format!("v{}", self.view.base), self.c.t("simulate-side")]
    }

    fn action(&self) -> String {
        self.c.ask.to(&format!("/c/{}/simulate", self.view.meta.competition))
    }

    /// What a form keeps of the standings that are looked at.
    fn hidden(&self) -> Vec<(String, String)> {
        let asked = self.view.meta.asked.split('&').filter_map(|part| part.split_once('='));
        asked
            .filter(|(name, _)| *name != "at")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// The versions that can be started from: name, address and whether it is.
    fn bases(&self) -> Vec<(String, String, bool)> {
        let link = |number: &u64| {
            let at = self.at();
            let address = format!("{}?at=e:{at}&rules={number}", self.action());
            (format!("v{number}"), address, *number == self.view.base)
        };
        self.view.versions.iter().map(link).collect()
    }

    /// The versions that can be applied instead.
    fn instead(&self) -> Vec<(String, String, bool)> {
        let link = |number: &u64| {
            let (at, base) = (self.at(), self.view.base);
            let address = format!("{}?at=e:{at}&rules={base}&with={number}", self.action());
            (format!("v{number}"), address, Some(*number) == self.view.with)
        };
        self.view.versions.iter().filter(|number| **number != self.view.base).map(link).collect()
    }

    fn back(&self) -> String {
        self.c.at_stage("simulate")
    }

    /// Fields with their numbers: those of tiers are many, and stand behind the others.
    fn numbered(&self, tiers: bool) -> Vec<(usize, &Field)> {
        let fields = self.view.fields.iter().enumerate();
        fields.filter(|(_, field)| field.member.path.contains(".tiers.") == tiers).collect()
    }

    fn plain(&self) -> Vec<(usize, &Field)> {
        self.numbered(false)
    }

    fn tiers(&self) -> Vec<(usize, &Field)> {
        self.numbered(true)
    }

    fn tier_changed(&self) -> bool {
        self.tiers().iter().any(|(_, field)| field.asked.is_some())
    }

    fn field_value<'f>(&self, field: &'f Field) -> &'f str {
        field.asked.as_deref().unwrap_or(&field.member.value)
    }

    fn hint(&self, field: &Field) -> String {
        let version = self.view.with.unwrap_or(self.view.base).to_string();
        self.c
            .language()
            .say("simulate-hint", &fluent_args!["version" => version, "value" => field.member.value.as_str()])
    }

    /// Changes that no field shows.
    fn others(&self) -> Vec<&Changed> {
        let shown =
            |change: &&Changed| !self.view.fields.iter().any(|field| field.member.path == change.path);
        self.view.changes.iter().filter(shown).collect()
    }

    /// What is wrong, and stands under no field.
    fn general(&self) -> Vec<&Wrong> {
        let under = |wrong: &&Wrong| {
            let change = wrong.change.and_then(|index| self.view.changes.get(index));
            !self
                .view
                .fields
                .iter()
                .any(|field| change.is_some_and(|change| change.path == field.member.path))
        };
        self.view.problems.iter().filter(under).collect()
    }

    fn table<'e>(&'e self, effect: &'e Effect) -> EffectTable<'e> {
        EffectTable {
            c: self.c,
            effect,
            sides: self.sides(),
            caption: self.say("simulate-caption"),
            simulated: true,
        }
    }

    fn gauges(&self, effect: &Effect) -> Vec<(String, Option<Gauge>)> {
        gauges(&self.c, &effect.concentration, &self.sides())
    }

    /// Name, figure, unit and a line below, of each headline.
    fn tiles(&self, effect: &Effect) -> Vec<[String; 4]> {
        let language: Language = self.c.language();
        let [before, after] = &effect.concentration;
        let symbol = after.paid.scale.symbol.to_owned();
        let paid = change(&self.c, &before.paid, &after.paid);
        let since = match paid.class {
            "same" => language.t("tile-paid-same"),
            _ => language.say("tile-paid-before", &fluent_args!["amount" => before.paid.text()]),
        };
        let same = effect.entities.saturating_sub(effect.gain + effect.lose);
        let most = |row: &Option<Row>, sign: &str| match row {
            Some(row) => [
                format!("{sign}{}", change(&self.c, &row.before.amount, &row.after.amount).text),
                symbol.clone(),
                row.name.clone(),
            ],
            None => ["0".to_owned(), symbol.clone(), language.t("tile-nobody")],
        };
        let [gain, gain_unit, gainer] = most(&effect.largest_gain, "+");
        let [loss, loss_unit, loser] = most(&effect.largest_loss, "\u{2212}");
        let turned =
            fluent_args!["in" => effect.newly_eligible.len(), "out" => effect.newly_ineligible.len()];
        let grouped = |number: usize| self.c.grouped(number);
        let [was, is] = effect.eligible;
        vec![
            [language.t("effect-paid"), after.paid.text(), symbol.clone(), since],
            [
                language.t("tile-gain-lose"),
                format!("{} · {} · {}", grouped(effect.gain), grouped(effect.lose), grouped(same)),
                String::new(),
                language.t("tile-entities"),
            ],
            [
                language.t("effect-ranks-moved"),
                grouped(effect.moved),
                String::new(),
                language.say("of-total", &fluent_args!["n" => effect.entities]),
            ],
            [
                language.t("tile-eligible"),
                format!("{} → {}", grouped(was), grouped(is)),
                String::new(),
                language.say("tile-in-out", &turned),
            ],
            [language.t("tile-gain"), gain, gain_unit, gainer],
            [language.t("tile-loss"), loss, loss_unit, loser],
        ]
    }

    fn cell(&self, figure: &Figure) -> Cell {
        self.c.cell(figure)
    }

    fn entity(&self, row: &Row) -> String {
        self.c.at_stage(&format!("e/{}", row.entity))
    }

    fn failing(&self, row: &Row) -> String {
        row.checks.join(&self.c.t("list-comma"))
    }

    /// How many become eligible, or are no longer.
    fn count(&self, key: &str, rows: &[Row]) -> String {
        self.c.language().say(key, &fluent_args!["n" => rows.len()])
    }

    fn only_changed(&self) -> String {
        with(&self.c, &[("rows", "changed"), ("page", "")])
    }

    fn all_rows(&self) -> String {
        with(&self.c, &[("rows", ""), ("page", "")])
    }

    /// The whole question: this page with nothing in its address that changes nothing.
    fn address(&self) -> String {
        let view = self.view;
        let mut parts = vec![
            format!("at=e:{}", self.at()),
            format!("rules={}", view.base),
            format!("seq={}", view.meta.seq),
        ];
        parts.extend(view.with.map(|with| format!("with={with}")));
        parts.extend(
            view.changes
                .iter()
                .map(|change| format!("set.{}={}", escaped(&change.path), escaped(&change.value))),
        );
        let [remove, disqualify] = &view.asked.written;
        for (name, value) in [("remove", remove), ("disqualify", disqualify)] {
            if !value.is_empty() {
                parts.push(format!("{name}={}", escaped(value)));
            }
        }
        format!("{}?{}", self.action(), parts.join("&"))
    }
}

/// A part of an address as it may stand there.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b':' | b',' | b';' | b'/' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}
