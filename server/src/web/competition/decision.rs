use apogee_competition::{Act, Needs, Signed};
use apogee_domain::{Digest, Epoch};
use apogee_rules::Id;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::acts::Teller;
use super::decisions::{AppealRow, appeal_state, appeals, reverts};
use super::effect::{Effect, Wanted};
use super::effect_table::{EffectTable, change};
use super::rules_diff::{Attached, DiffQuery};
use super::{Meta, Stage};
use crate::competitions::Triple;
use crate::web::ask::{Ask, Form};
use crate::web::chrome::{Chrome, Section};
use crate::web::query::Asked;
use crate::web::view::{Csv, View};
use crate::web::words::fluent_args;
use crate::web::{App, Problem};

/// One entry of the ledger, who signed it, and what it does to everybody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
pub(crate) struct EntryView {
    meta: Meta,
    seq: u64,
    /// What is done, in the language of the address.
    title: String,
    /// The act's kind.
    kind: &'static str,
    /// How many different operators such an act needs; 0 for a signed message of a miner.
    needs: u32,
    /// The entry as it is kept: it, its hash and its signatures. SHA-256 of the canonical JSON of `entry` is `hash`.
    record: Value,
    #[schema(value_type = String)]
    hash: Digest,
    /// Hash of the entry before.
    #[schema(value_type = Option<String>)]
    previous: Option<Digest>,
    /// Whether it holds; `null` for what is no decision.
    live: Option<bool>,
    /// The entry that took it back.
    reverted_by: Option<u64>,
    /// Appeals about it, and what became of them.
    appeals: Vec<AppealRow>,
    /// The epoch at which its effect is shown.
    #[schema(value_type = Option<i64>)]
    at: Option<Epoch>,
    /// What it does to everybody; `null` for what changes no standings, and before the start.
    effect: Option<Effect>,
    /// The report that was attached, and the same made again.
    attached: Option<Attached>,
    #[serde(skip)]
    signed: Signed,
    #[serde(skip)]
    last: u64,
    #[serde(skip)]
    next: Option<Digest>,
}

/// `GET /c/{competition}/decisions/{seq}`
pub(super) async fn show(
    State(app): State<App>,
    ask: Ask,
    Path((competition, seq)): Path<(String, String)>,
    Asked(query): Asked<DiffQuery>,
) -> Result<Response, Problem> {
    let stage = app.stage(&competition, &query.triple).await?;
    let seq: u64 = seq.parse().map_err(|_| Problem::NoPage)?;
    let last = stage.competition.seq();
    let unknown = || Problem::UnknownEntry { seq, last };
    let signed = stage.entry(seq).ok_or_else(unknown)?.clone();
    let entry = &signed.entry;
    let page = (ask.form != Form::Csv).then_some(query.page.unwrap_or(1));
    let wanted = Wanted { changed: true, page, coin: stage.coin() };
    let mut shown = (None, None, None);
    if let Some(ground) = app.between(&stage, &signed)? {
        // At the epoch of its report, unless another is asked for.
        let newest = stage.newest();
        let at = query.triple.at.map_or(ground.at, |_| stage.meta.chain.epoch).max(ground.start).min(newest);
        if at >= ground.start {
            let effect = app.effect(&stage, &ground, at, wanted).await?;
            let recomputed = match ground.at {
                same if same == at => Some(effect.report),
                other if other <= newest => Some(app.effect(&stage, &ground, other, wanted).await?.report),
                _ => None,
            };
            let hash = entry.preview.or(match &entry.act {
                Act::PublishRules { simulation, .. } => *simulation,
                _ => None,
            });
            let attached = hash.map(|attached| Attached {
                attached,
                recomputed,
                at: ground.at,
                same: recomputed == Some(attached),
            });
            shown = (Some(at), Some(effect), attached);
        }
    }
    let teller = Teller { language: ask.language, competition: &stage.competition, coin: stage.coin() };
    let (at, effect, attached) = shown;
    ask.answer(&EntryView {
        seq,
        title: teller.tell(entry),
        kind: entry.act.kind(),
        needs: needs(&stage, &entry.act),
        record: serde_json::to_value(&*signed)?,
        hash: signed.hash,
        previous: entry.previous,
        live: entry.act.is_decision().then(|| stage.competition.live().contains(&seq)),
        reverted_by: reverts(&stage).get(&seq).copied(),
        appeals: appeals(&stage)
            .into_iter()
            .filter(|appeal| appeal.about == seq || appeal.seq == seq)
            .collect(),
        at,
        effect,
        attached,
        last,
        next: stage.entry(seq + 1).map(|signed| signed.hash),
        signed: (*signed).clone(),
        meta: stage.meta,
    })
}

fn needs(stage: &Stage, act: &Act) -> u32 {
    let threshold = stage.competition.founding().map_or(0, |founding| founding.threshold);
    match act.needs() {
        Needs::Nobody => 0,
        Needs::One => 1,
        Needs::Threshold => threshold,
        Needs::Everybody => match act {
            Act::Found { operators, .. } => u32::try_from(operators.len()).unwrap_or(u32::MAX),
            _ => u32::try_from(stage.competition.operators().len()).unwrap_or(u32::MAX),
        },
    }
}

/// What lies on both sides of an entry.
#[derive(Clone, Copy, Debug)]
struct Between {
    seq: u64,
    before: Digest,
    after: Digest,
    start: Epoch,
    /// The epoch of its report: the last one before the entry's, which is whole.
    at: Epoch,
}

impl App {
    /// The rules on both sides of an entry that can change standings (`docs/competition.md` §2).
    fn between(&self, stage: &Stage, signed: &Signed) -> Result<Option<Between>, Problem> {
        let entry = &signed.entry;
        let at = |start: Epoch| if entry.epoch > start { entry.epoch.minus(1).max(start) } else { start };
        if let Act::PublishRules { rules, .. } = &entry.act {
            let versions = stage.competition.rules();
            let number = rules.0.version.number;
            let find = |number: u64| versions.iter().find(|version| version.rules.version.number == number);
            let (Some(old), Some(new)) = (number.checked_sub(1).and_then(find), find(number)) else {
                return Ok(None);
            };
            let start = old.rules.competition.start.max(new.rules.competition.start);
            return Ok(Some(Between {
                seq: entry.seq,
                before: old.hash,
                after: new.hash,
                start,
                at: at(start),
            }));
        }
        if !entry.act.is_decision() {
            return Ok(None);
        }
        let before = stage.now.held.until(entry.seq.saturating_sub(1))?;
        let (Some(start), Some(rules)) = (before.start(), before.rules_at(entry.epoch)) else {
            return Ok(None);
        };
        let (seq, hash) = (entry.seq, rules.hash);
        Ok((entry.epoch >= start).then(|| Between { seq, before: hash, after: hash, start, at: at(start) }))
    }

    async fn effect(
        &self,
        stage: &Stage,
        between: &Between,
        at: Epoch,
        wanted: Wanted,
    ) -> Result<Effect, Problem> {
        let was = Triple { at, rules: between.before, seq: between.seq.saturating_sub(1) };
        let is = Triple { at, rules: between.after, seq: between.seq };
        let (was, is) = (self.standings(stage, was).await?, self.standings(stage, is).await?);
        Effect::of(&was.standings, &is.standings, wanted)
    }
}

impl View for EntryView {
    fn html(&self, ask: &Ask) -> askama::Result<String> {
        Page { c: Chrome::staged(ask, &self.meta, Section::Decisions), view: self }.render()
    }

    fn csv(&self) -> Option<Csv> {
        self.effect.as_ref().map(Effect::csv)
    }
}

#[derive(Template)]
#[template(path = "competition/decision.html")]
struct Page<'a> {
    c: Chrome<'a>,
    view: &'a EntryView,
}

impl Page<'_> {
    fn entry(&self, seq: &u64) -> String {
        self.c.at_stage(&format!("decisions/{seq}"))
    }

    fn say(&self, key: &str) -> String {
        let view = self.view;
        let arguments = fluent_args![
            "seq" => view.seq.to_string(), "title" => view.title.as_str(), "needs" => view.needs,
            "epoch" => view.at.map(|at| self.c.grouped(at)).unwrap_or_default(),
            "by" => view.reverted_by.unwrap_or_default().to_string(),
        ];
        self.c.language().say(key, &arguments)
    }

    fn is_actor(&self, operator: &Id) -> bool {
        *operator == self.view.signed.entry.actor
    }

    fn is_decision(&self) -> bool {
        self.view.live.is_some()
    }

    /// Class and word of whether it holds.
    fn state(&self) -> Option<(&'static str, String)> {
        let view = self.view;
        Some(match (view.reverted_by, view.live?) {
            (Some(_), _) => ("is-none", self.say("decision-reverted-by")),
            (None, true) => ("is-ok", self.say("decision-live")),
            (None, false) => ("is-none", self.say("decision-not-live")),
        })
    }

    fn previous(&self) -> Option<u64> {
        self.view.seq.checked_sub(1).filter(|seq| *seq > 0)
    }

    fn next(&self) -> Option<u64> {
        Some(self.view.seq + 1).filter(|seq| *seq <= self.view.last)
    }

    fn paragraphs(&self) -> Vec<&str> {
        let reason = self.view.signed.entry.reason.as_deref().unwrap_or_default();
        reason.split('\n').filter(|line| !line.is_empty()).collect()
    }

    /// The longer text of what was told, a paragraph a line.
    fn told(&self) -> Vec<&str> {
        let language = self.c.language();
        let text = match &self.view.signed.entry.act {
            Act::Announce { text, .. } | Act::Incident { text, .. } => match language {
                crate::web::ask::Language::English => text.en.as_str(),
                crate::web::ask::Language::Chinese => text.zh.as_str(),
            },
            Act::Claim { message, .. } => message.as_str(),
            _ => "",
        };
        text.split('\n').filter(|line| !line.is_empty()).collect()
    }

    /// Lines of evidence; those that are addresses of the web can be followed.
    fn evidence(&self) -> Vec<(bool, &str)> {
        let is_address = |line: &str| line.starts_with("https://") || line.starts_with("http://");
        self.view.signed.entry.evidence.iter().map(|line| (is_address(line), line.as_str())).collect()
    }

    fn document(&self) -> String {
        serde_json::to_string_pretty(&self.view.record).unwrap_or_default()
    }

    fn table<'e>(&'e self, effect: &'e Effect) -> EffectTable<'e> {
        let sides = ["effect-side-before", "effect-side-after"].map(|key| self.c.t(key));
        EffectTable {
            c: self.c,
            effect,
            sides,
            caption: self.say("decision-effect-caption"),
            simulated: true,
        }
    }

    /// What it does, in one sentence and one more.
    fn summary(&self, effect: &Effect) -> [String; 2] {
        let language = self.c.language();
        let [before, after] = &effect.concentration;
        let paid = change(&self.c, &before.paid, &after.paid);
        let arguments = fluent_args![
            "gain" => effect.gain, "lose" => effect.lose, "moved" => effect.moved,
            "in" => effect.newly_eligible.len(), "out" => effect.newly_ineligible.len(),
            "amount" => format!("{} {}", paid.text, after.paid.scale.symbol),
        ];
        let first = match (effect.gain + effect.lose + effect.moved, paid.class) {
            (0, _) => "decision-does-nothing",
            (_, "same") => "decision-does-same",
            (_, "up") => "decision-does-more",
            (_, _) => "decision-does-less",
        };
        [language.say(first, &arguments), language.say("decision-does-who", &arguments)]
    }

    fn appeal_state(&self, appeal: &AppealRow) -> (&'static str, String) {
        appeal_state(&self.c, appeal)
    }

    fn command(&self) -> String {
        format!("apogee package verify {}.apogee", self.view.meta.competition)
    }

    fn diff(&self) -> Option<String> {
        match &self.view.signed.entry.act {
            Act::PublishRules { rules, .. } => {
                let number = rules.0.version.number;
                Some(match number {
                    ..=1 => self.c.at_stage("rules/v1"),
                    _ => self.c.at_stage(&format!("rules/v{}..v{number}", number - 1)),
                })
            }
            _ => None,
        }
    }
}
