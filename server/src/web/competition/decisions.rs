use std::collections::BTreeMap;

use apogee_competition::{Act, Competition, Entry, Outcome};
use apogee_domain::{Digest, Epoch};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::acts::Teller;
use super::blockers::{Blocked, blockers};
use super::effect_table::pages;
use super::rules_diff::DiffQuery;
use super::{Meta, Stage};
use crate::web::ask::{Ask, Form, Language};
use crate::web::chrome::{Chrome, Section};
use crate::web::query::Asked;
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// Decisions of one page.
const ROWS: usize = 50;

/// Every decision, the newest first, and every appeal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompetitionDecisions)]
pub(crate) struct Decisions {
    meta: Meta,
    /// How many there are.
    found: usize,
    page: usize,
    decisions: Vec<Row>,
    /// Every appeal, the newest first.
    appeals: Vec<AppealRow>,
    /// What stands between the competition and final standings; `null` unless it is over and not final.
    blockers: Option<Vec<Blocked>>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionRow)]
struct Row {
    /// Number of its entry.
    seq: u64,
    /// What kind, as in the ledger.
    kind: &'static str,
    /// In words, in the language of the address.
    title: String,
    #[schema(value_type = i64)]
    epoch: Epoch,
    time: String,
    actor: String,
    approvers: Vec<String>,
    reason: Option<String>,
    /// Whether there is a part that is not public.
    private: bool,
    /// Whether it holds; `null` for what cannot be taken back.
    live: Option<bool>,
    /// The entry that took it back.
    reverted_by: Option<u64>,
    /// Numbers of appeals about it.
    appeals: Vec<u64>,
    #[schema(value_type = String)]
    hash: Digest,
}

/// An appeal and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AppealRow)]
pub(super) struct AppealRow {
    pub(super) seq: u64,
    pub(super) entity: String,
    pub(super) name: String,
    /// The entry it is about.
    pub(super) about: u64,
    pub(super) text: String,
    /// Number of the entry that answered it.
    pub(super) answered: Option<u64>,
    /// `upheld` or `dismissed`.
    pub(super) outcome: Option<&'static str>,
    /// Why, and the decision that follows.
    pub(super) reason: Option<String>,
    pub(super) decision: Option<u64>,
}

/// What is listed: what changes a number or settles what is paid.
pub(super) const fn is_listed(act: &Act) -> bool {
    act.is_decision()
        || matches!(
            act,
            Act::PublishRules { .. } | Act::Finalize { .. } | Act::Amend { .. } | Act::ApprovePayout { .. }
        )
}

/// `GET /c/{competition}/decisions`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path(competition): Path<String>,
    Asked(query): Asked<DiffQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query.triple).await?;
    let page = if ask.form == Form::Csv { None } else { Some(query.page.unwrap_or(1)) };
    ask.answer(&Decisions::of(&stage, ask.language, page))
}

impl Decisions {
    fn of(stage: &Stage, language: Language, page: Option<usize>) -> Self {
        let competition = &stage.competition;
        let teller = Teller { language, competition, coin: stage.coin() };
        let reverts = reverts(stage);
        let live = competition.live();
        let listed: Vec<_> =
            stage.entries().iter().rev().filter(|signed| is_listed(&signed.entry.act)).collect();
        let found = listed.len();
        let at = page.unwrap_or(1).clamp(1, found.div_ceil(ROWS).max(1));
        let (skip, take) = page.map_or((0, usize::MAX), |_| ((at - 1) * ROWS, ROWS));
        let rows = listed.into_iter().skip(skip).take(take).map(|signed| {
            let entry = &signed.entry;
            let about = competition.appeals().iter().filter(|(_, appeal)| appeal.about == entry.seq);
            Row {
                seq: entry.seq,
                kind: entry.act.kind(),
                title: teller.tell(entry),
                epoch: entry.epoch,
                time: entry.time.to_string(),
                actor: entry.actor.to_string(),
                approvers: entry.approvers.iter().map(ToString::to_string).collect(),
                reason: entry.reason.clone(),
                private: entry.private.is_some(),
                live: entry.act.is_decision().then(|| live.contains(&entry.seq)),
                reverted_by: reverts.get(&entry.seq).copied(),
                appeals: about.map(|(seq, _)| *seq).collect(),
                hash: signed.hash,
            }
        });
        Self {
            decisions: rows.collect(),
            found,
            page: at,
            appeals: appeals(stage),
            blockers: blockers(stage, language),
            meta: stage.meta.clone(),
        }
    }
}

/// Live reverts, by what they take back.
pub(super) fn reverts(stage: &Stage) -> BTreeMap<u64, u64> {
    let live = stage.competition.live();
    let reverts = stage.entries().iter().filter(|signed| live.contains(&signed.entry.seq));
    reverts
        .filter_map(|signed| match signed.entry.act {
            Act::Revert { seq } => Some((seq, signed.entry.seq)),
            _ => None,
        })
        .collect()
}

/// Every appeal, the newest first.
pub(super) fn appeals(stage: &Stage) -> Vec<AppealRow> {
    let competition: &Competition = &stage.competition;
    let appeals = competition.appeals().iter().rev().map(|(seq, appeal)| {
        let answer: Option<&Entry> =
            appeal.answered.and_then(|answered| stage.entry(answered)).map(|signed| &signed.entry);
        let (outcome, decision) = match answer.map(|entry| &entry.act) {
            Some(Act::AnswerAppeal { outcome, decision, .. }) => (Some(outcome), *decision),
            _ => (None, None),
        };
        AppealRow {
            seq: *seq,
            entity: appeal.entity.to_string(),
            name: competition
                .entities()
                .get(&appeal.entity)
                .map_or_else(|| appeal.entity.to_string(), |entity| entity.name.clone()),
            about: appeal.about,
            text: appeal.text.clone(),
            answered: appeal.answered,
            outcome: outcome.map(|outcome| match outcome {
                Outcome::Upheld => "upheld",
                Outcome::Dismissed => "dismissed",
            }),
            reason: answer.and_then(|entry| entry.reason.clone()),
            decision,
        }
    });
    appeals.collect()
}

impl View for Decisions {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Decisions), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        let mut csv = Csv::new(&[
            "seq",
            "kind",
            "title",
            "epoch",
            "time",
            "actor",
            "approvers",
            "reason",
            "private",
            "live",
            "reverted_by",
            "hash",
        ]);
        for row in &self.decisions {
            csv.row(&[
                &row.seq.to_string(),
                row.kind,
                &row.title,
                &row.epoch.to_string(),
                &row.time,
                &row.actor,
                &row.approvers.join(" "),
                row.reason.as_deref().unwrap_or_default(),
                &row.private.to_string(),
                &row.live.map(|live| live.to_string()).unwrap_or_default(),
                &row.reverted_by.map(|seq| seq.to_string()).unwrap_or_default(),
                &row.hash.to_string(),
            ]);
        }
        Some(csv)
    }
}

#[derive(Template)]
#[template(path = "competition/decisions.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Decisions,
}

impl Page<'_> {
    fn entry(&self, seq: &u64) -> String {
        self.c.at_stage(&format!("decisions/{seq}"))
    }

    fn number(&self, seq: &u64) -> String {
        self.c.language().say("decision-number", &fluent_args!["seq" => seq.to_string()])
    }

    /// Class and word of whether it holds.
    fn state(&self, row: &Row) -> (&'static str, String) {
        let language = self.c.language();
        match (row.reverted_by, row.live) {
            (Some(seq), _) => {
                ("is-none", language.say("decision-reverted", &fluent_args!["seq" => seq.to_string()]))
            }
            (None, Some(false)) => ("is-none", language.t("decision-not-live")),
            (None, _) => ("is-ok", language.t("decision-live")),
        }
    }

    fn signed(&self, row: &Row) -> String {
        row.approvers.join(&self.c.t("list-comma"))
    }

    fn appeal_state(&self, appeal: &AppealRow) -> (&'static str, String) {
        appeal_state(&self.c, appeal)
    }

    fn rows_of(&self) -> String {
        let arguments = fluent_args!["n" => self.view.found, "page" => self.view.page, "pages" => self.view.found.div_ceil(ROWS)];
        self.c.language().say("decision-pages", &arguments)
    }

    fn pages(&self) -> Vec<(usize, Option<String>)> {
        pages(&self.c, self.view.page, self.view.found.div_ceil(ROWS))
    }
}

/// Class and word of what became of an appeal.
pub(super) fn appeal_state(c: &Chrome<'_>, appeal: &AppealRow) -> (&'static str, String) {
    match appeal.outcome {
        None => ("is-appeal", c.t("appeal-open")),
        Some("upheld") => ("is-ok", c.t("appeal-upheld")),
        Some(_) => ("is-none", c.t("appeal-dismissed")),
    }
}
