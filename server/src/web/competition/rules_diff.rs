use std::collections::BTreeSet;

use apogee_competition::Published;
use apogee_domain::{Digest, Epoch};
use apogee_rules::{Change, Clause, Reworded, canonical, diff};
use askama::Template;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::effect::{Effect, Wanted};
use super::effect_table::{EffectTable, change};
use super::marks::{Piece, marks};
use super::rules::span;
use super::versions::VersionRow;
use super::{Meta, Stage, TripleQuery};
use crate::competitions::Triple;
use crate::web::ask::{Ask, Form};
use crate::web::chrome::{Chrome, Section};
use crate::web::query::{Questions, Why, number};
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// Which standings, and which page of the table.
#[derive(Debug, Default)]
pub(crate) struct DiffQuery {
    pub(super) triple: TripleQuery,
    pub(super) page: Option<usize>,
}

impl Questions for DiffQuery {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Why> {
        match name {
            "page" => self.page = Some(number(value)?),
            _ => self.triple.take(name, value)?,
        }
        Ok(())
    }
}

/// Two versions of the rules side by side, in words and in what they do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesDiff)]
pub(crate) struct DiffView {
    meta: Meta,
    older: VersionRow,
    newer: VersionRow,
    /// Every statement that the two make differently.
    words: Vec<Statement>,
    /// Statements that are the same in both.
    same: usize,
    /// Every member that differs.
    changes: Vec<Member>,
    /// The epoch at which both are applied.
    #[schema(value_type = i64)]
    at: Epoch,
    /// What the newer one does to everybody there; `null` before the start.
    effect: Option<Effect>,
    /// The report that was attached when the newer one was published, and the same made again; `null` where they do not follow each other, or
    /// nothing was attached.
    simulation: Option<Attached>,
    /// Every version, the newest first.
    #[serde(skip)]
    versions: Vec<VersionRow>,
}

/// A statement that two versions make differently.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesStatement)]
struct Statement {
    /// The member that it speaks of.
    path: String,
    /// What the older one says; `null` if nothing.
    before: Option<String>,
    /// What the newer one says; `null` if nothing any more.
    after: Option<String>,
    #[serde(skip)]
    marked: [Vec<Piece>; 2],
}

/// A member that differs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RulesMember)]
struct Member {
    path: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// A report that was attached to an entry, and the same made again.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = AttachedReport)]
pub(super) struct Attached {
    /// Hash that stands in the entry.
    #[schema(value_type = String)]
    pub(super) attached: Digest,
    /// Hash of the report as it is made now; `null` where it cannot be made.
    #[schema(value_type = Option<String>)]
    pub(super) recomputed: Option<Digest>,
    /// Epoch it is made at.
    #[schema(value_type = i64)]
    pub(super) at: Epoch,
    /// Whether the two are the same.
    pub(super) same: bool,
}

/// The page of `v{older}..v{newer}`.
pub(super) async fn show(
    app: &App,
    ask: &Ask,
    competition: &str,
    query: DiffQuery,
    (older, newer): (u64, u64),
) -> Result<Response, Problem> {
    let stage = app.stage(competition, &query.triple).await?;
    let (old, new) = (stage.version(older)?.clone(), stage.version(newer)?.clone());
    let start = old.rules.competition.start.max(new.rules.competition.start);
    let newest = stage.meta.chain.epoch;
    // Without another wish, where the newer one begins to hold.
    let at = match query.triple.at {
        Some(_) => newest,
        None => new.rules.version.from.max(start).min(newest),
    };
    let wanted = Wanted {
        changed: true,
        page: (ask.form != Form::Csv).then_some(query.page.unwrap_or(1)),
        coin: stage.coin(),
    };
    let effect = match at >= start {
        false => None,
        true => {
            let seq = stage.meta.seq.max(old.moment.seq).max(new.moment.seq);
            let [was, is] = [&old, &new].map(|version| Triple { at, rules: version.hash, seq });
            let (was, is) = (app.standings(&stage, was).await?, app.standings(&stage, is).await?);
            Some(Effect::of(&was.standings, &is.standings, wanted)?)
        }
    };
    let simulation = match new.simulation.filter(|_| newer == older.saturating_add(1)) {
        None => None,
        Some(attached) => Some(app.attached(&stage, (&old, &new), attached).await?),
    };
    let voice = stage.voice(ask.language);
    let [before, after]: [Vec<Clause>; 2] = [&old, &new]
        .map(|version| version.rules.words(&voice).into_iter().flat_map(|part| part.clauses).collect());
    let words = paired(old.rules.reworded(&new.rules, &voice), &before, &after);
    let changed = words.iter().filter(|statement| statement.after.is_some()).count();
    let clauses = after.iter().filter(|clause| !is_of_version(&clause.path)).count();
    let members = diff(&old.rules, &new.rules).map_err(|cause| Problem::Broken(Box::new(cause)))?;
    let member = |Change { path, before, after }| Member { path, before, after };
    ask.answer(&DiffView {
        older: stage.version_row(&old, ask.language),
        newer: stage.version_row(&new, ask.language),
        words,
        same: clauses.saturating_sub(changed),
        changes: members.into_iter().map(member).collect(),
        at,
        effect,
        simulation,
        versions: stage.versions(ask.language),
        meta: stage.meta,
    })
}

impl App {
    /// The report of what a version changed, made again as it was when it was published.
    async fn attached(
        &self,
        stage: &Stage,
        (old, new): (&Published, &Published),
        attached: Digest,
    ) -> Result<Attached, Problem> {
        let start = old.rules.competition.start.max(new.rules.competition.start);
        let at = new.moment.epoch.minus(1).max(start);
        let seq = new.moment.seq;
        if at > stage.newest() {
            return Ok(Attached { attached, recomputed: None, at, same: false });
        }
        let was = Triple { at, rules: old.hash, seq: seq.saturating_sub(1) };
        let is = Triple { at, rules: new.hash, seq };
        let (was, is) = (self.standings(stage, was).await?, self.standings(stage, is).await?);
        let comparison = apogee_leaderboard::compare(&was.standings, &is.standings);
        let recomputed = canonical::hash(&comparison).map_err(|cause| Problem::Broken(Box::new(cause)))?;
        Ok(Attached { attached, recomputed: Some(recomputed), at, same: attached == recomputed })
    }
}

/// What a version says of itself; that stands beside the statements.
fn is_of_version(path: &str) -> bool {
    matches!(path, "version.number" | "version.supersedes" | "version.reason")
}

/// The list of tiers that a clause about one of them belongs to.
fn tiers(path: &str) -> Option<&str> {
    path.strip_suffix(']')?.rsplit_once('[').map(|(list, _)| list).filter(|list| list.ends_with(".tiers"))
}

/// The statements that differ. Tiers stand by their level, which is what changes most: where there are as many as before, they are compared by
/// their place.
fn paired(reworded: Vec<Reworded>, before: &[Clause], after: &[Clause]) -> Vec<Statement> {
    let of = |clauses: &[Clause], list: &str| -> Vec<Clause> {
        clauses.iter().filter(|clause| tiers(&clause.path) == Some(list)).cloned().collect()
    };
    let (mut done, mut statements) = (BTreeSet::new(), Vec::new());
    for change in reworded.into_iter().filter(|change| !is_of_version(&change.path)) {
        let Some(list) = tiers(&change.path).map(str::to_owned) else {
            statements.push(Statement::new(change.path, change.before, change.after));
            continue;
        };
        let (old, new) = (of(before, &list), of(after, &list));
        if old.len() != new.len() {
            statements.push(Statement::new(change.path, change.before, change.after));
        } else if done.insert(list.clone()) {
            let pairs = old.into_iter().zip(new).enumerate().filter(|(_, (old, new))| old.text != new.text);
            statements.extend(pairs.map(|(place, (old, new))| {
                Statement::new(format!("{list}[{place}]"), Some(old.text), Some(new.text))
            }));
        }
    }
    statements
}

impl Statement {
    fn new(path: String, before: Option<String>, after: Option<String>) -> Self {
        let marked = match (&before, &after) {
            (Some(before), Some(after)) => marks(before, after),
            (before, after) => {
                [before, after].map(|text| text.iter().map(|text| (true, text.clone())).collect())
            }
        };
        Self { path, before, after, marked }
    }
}

impl View for DiffView {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Rules), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        self.effect.as_ref().map(Effect::csv)
    }
}

#[derive(Template)]
#[template(path = "competition/rules_diff.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a DiffView,
}

impl Page<'_> {
    fn say(&self, key: &str) -> String {
        let view = self.view;
        let (older, newer) = (view.older.number.to_string(), view.newer.number.to_string());
        let arguments = fluent_args![
            "older" => older, "newer" => newer, "n" => view.words.len(), "same" => view.same,
            "epoch" => self.c.grouped(view.at), "from" => self.c.grouped(view.newer.from),
            "time" => view.newer.from_time.as_deref().map(|time| self.c.time(time)).unwrap_or_default(),
        ];
        self.c.language().say(key, &arguments)
    }

    fn sides(&self) -> [String; 2] {
        [&self.view.older, &self.view.newer].map(|row| format!("v{}", row.number))
    }

    fn span(&self, row: &VersionRow) -> String {
        span(&self.c, row)
    }

    fn version_link(&self, row: &VersionRow) -> String {
        self.c.at_stage(&format!("rules/v{}", row.number))
    }

    fn table<'e>(&'e self, effect: &'e Effect) -> EffectTable<'e> {
        EffectTable {
            c: self.c,
            effect,
            sides: self.sides(),
            caption: self.say("diff-caption"),
            simulated: true,
        }
    }

    /// The same as a what-if.
    fn again(&self) -> String {
        let view = self.view;
        let (older, newer) = (view.older.number, view.newer.number);
        self.c
            .ask
            .to(&format!("/c/{}/simulate?at=e:{}&rules={older}&with={newer}", view.meta.competition, view.at))
    }

    /// Names and texts of what it does, a line each.
    fn lines(&self, effect: &Effect) -> Vec<(String, String)> {
        let language = self.c.language();
        let [before, after] = &effect.concentration;
        let two = |one: String, other: String| {
            language.say("effect-from-to", &fluent_args!["before" => one, "after" => other])
        };
        let share = |thousandths: Option<u32>| {
            thousandths.map_or_else(|| "–".to_owned(), |n| format!("{}.{} %", n / 10, n % 10))
        };
        let names = |rows: &[super::effect::Row]| match rows {
            [] => language.t("effect-none"),
            rows => {
                rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>().join(&language.t("list-comma"))
            }
        };
        let paid = change(&self.c, &before.paid, &after.paid);
        let symbol = before.paid.scale.symbol;
        let sum = match paid.class {
            "same" => format!("{} {symbol}", after.paid.text()),
            _ => format!("{} {symbol}", two(before.paid.text(), after.paid.text())),
        };
        vec![
            (language.t("effect-paid"), sum),
            (
                language.t("effect-top-ten"),
                two(
                    share(before.thousandths.first().copied().flatten()),
                    share(after.thousandths.first().copied().flatten()),
                ),
            ),
            (language.t("effect-newly-eligible"), names(&effect.newly_eligible)),
            (language.t("effect-newly-ineligible"), names(&effect.newly_ineligible)),
            (language.t("effect-ranks-moved"), self.c.grouped(effect.moved)),
        ]
    }

    fn entry(&self) -> String {
        self.c.at_stage(&format!("decisions/{}", self.view.newer.seq))
    }
}

#[cfg(test)]
mod tests {
    use apogee_rules::{Lang, RuleSet, Voice};

    use super::*;

    #[test]
    fn tiers_that_move_stand_beside_what_they_were() {
        let rules = |file: &str| {
            let path = apogee_testkit::workspace().join("examples/rules").join(file);
            RuleSet::from_toml(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        let (old, new) = (rules("sr1-v1.toml"), rules("sr1-v2.toml"));
        let voice = Voice { lang: Lang::En, schedule: None };
        let [before, after]: [Vec<Clause>; 2] =
            [&old, &new].map(|rules| rules.words(&voice).into_iter().flat_map(|part| part.clauses).collect());
        let statements = paired(old.reworded(&new, &voice), &before, &after);
        let tier = |place: usize| {
            let path = format!("pools[region].amount.tiers[{place}]");
            let found = statements.iter().find(|statement| statement.path == path).unwrap();
            (found.before.clone().unwrap(), found.after.clone().unwrap())
        };
        let (was, is) = tier(0);
        assert!(was.contains("100 TiB") && is.contains("10 TiB"), "{was} {is}");
        let (was, is) = tier(1);
        assert!(was.contains("500 TiB") && is.contains("100 TiB"), "{was} {is}");
        assert!(statements.iter().all(|statement| statement.path != "version.number"));
    }
}
