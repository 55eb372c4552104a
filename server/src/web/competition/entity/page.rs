//! The entity as a page.

use apogee_domain::Epoch;
use askama::Template;

use super::payout::{PoolShare, StepView};
use super::verdict::Verdict;
use super::{About, AppealView, Entity, Member, Metric, Place};
use crate::web::ask::{Ask, Language};
use crate::web::chart::Chart;
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::checks::CheckView;
use crate::web::competition::measured::{ValueCell, metric_name};
use crate::web::competition::pools::money;
use crate::web::competition::probes::Tallied;
use crate::web::figure::grouped;
use crate::web::time::span;
use crate::web::words::fluent_args;

/// Metrics among the headline values.
const TILES: usize = 4;

#[derive(Template)]
#[template(path = "competition/entity.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Entity,
    verdict: Verdict,
    chart: Option<Chart>,
}

impl<'a> Page<'a> {
    pub(super) fn new(ask: &'a Ask, view: &'a Entity) -> Self {
        let c = Chrome::staged(ask, &view.meta, Section::Boards);
        Self { c, view, verdict: view.verdict(ask.language), chart: view.chart(ask.language) }
    }
}

/// A check of the tree: how deep it stands is in the markup.
#[derive(Template)]
#[template(path = "competition/check.html")]
struct Leaf<'a> {
    c: Chrome<'a>,
    check: &'a CheckView,
    owner: &'a Page<'a>,
    inside: Vec<Leaf<'a>>,
}

impl askama::filters::HtmlSafe for Leaf<'_> {}

impl Leaf<'_> {
    fn needed(&self) -> String {
        let bar = self.check.bar_text();
        let key = if self.check.asks == "at-most" { "en-needed-at-most" } else { "en-needed-at-least" };
        self.c.language().say(key, &fluent_args!["bar" => bar])
    }

    fn min_samples(&self) -> Option<String> {
        let samples = self.check.min_samples.as_ref()?;
        Some(self.c.language().say("en-min-samples", &fluent_args!["n" => grouped(samples)]))
    }

    fn exact(&self) -> Option<String> {
        let value = &self.check.value.as_ref()?.0;
        match (value.whole(), value.fraction()) {
            (Some(whole), _) => Some(whole.to_string()),
            (_, Some(fraction)) => Some(fraction.to_string()),
            _ => None,
        }
    }

    fn todo(&self) -> Option<String> {
        let over = self.owner.view.over;
        let todo = (self.check.is_open() && !over).then(|| self.check.todo(self.c.language()));
        todo.filter(|todo| !todo.is_empty())
    }

    fn before(&self) -> (String, String) {
        (grouped(self.check.before), self.owner.view.moment(self.check.before).0)
    }

    fn waived(&self) -> Option<(String, String)> {
        let seq = self.check.decision?;
        let text = self.c.language().say("en-waived-by", &fluent_args!["n" => grouped(seq)]);
        Some((self.c.at_stage(&format!("decisions/{seq}")), text))
    }

    /// Miners with what each brought to a rate: name, address, class, counts.
    fn members(&self) -> Vec<(String, Option<String>, String)> {
        let Some(metric) = self.check.metric.as_deref().filter(|_| self.check.is_rate()) else {
            return Vec::new();
        };
        let members = self.owner.view.members.iter().filter(|member| member.now);
        let row = |member: &Member| {
            let rate = member.rates.iter().find(|rate| rate.metric == metric)?;
            let (passed, failed) = rate.counts?;
            let of = passed.saturating_add(failed);
            let counts = self
                .c
                .language()
                .say("en-of", &fluent_args!["passed" => grouped(passed), "n" => grouped(of)]);
            Some((member.participant.clone(), self.owner.miner(&member.participant), counts))
        };
        members.filter_map(row).take(20).collect()
    }
}

impl Page<'_> {
    const fn language(&self) -> Language {
        self.c.language()
    }

    fn log(&self, miner: &str, probed: &Tallied) -> String {
        self.c.at_stage(&format!("m/{miner}/attempts?kind={}", probed.kind()))
    }

    fn kind(&self, probed: &Tallied) -> String {
        self.c.name("pr-kind", probed.kind())
    }

    fn judged(&self, probed: &Tallied) -> String {
        self.c.t(&format!("pr-verdict-{}", probed.verdict()))
    }

    fn bounds(&self, probed: &Tallied) -> String {
        let (lower, upper) = probed.bounds();
        self.language().say("pr-interval", &fluent_args!["lower" => lower, "upper" => upper])
    }

    fn lead(&self) -> String {
        let view = self.view;
        let miners = view.members.iter().filter(|member| member.now).count();
        let region = view.region.as_ref().map(|region| self.language().name("region", region));
        let mut parts = Vec::new();
        parts.extend(region);
        parts.push(self.language().say("en-miners", &fluent_args!["n" => miners]));
        if let Some(epoch) = view.registered {
            parts.push(self.language().say("en-claimed-at", &fluent_args!["epoch" => grouped(epoch)]));
        } else if let Some(epoch) = view.first_seen {
            parts.push(self.language().say("en-seen-at", &fluent_args!["epoch" => grouped(epoch)]));
        }
        parts.join(" · ")
    }

    fn checks(&self) -> Vec<Leaf<'_>> {
        self.view.checks.iter().map(|check| self.leaf(check)).collect()
    }

    fn leaf<'p>(&'p self, check: &'p CheckView) -> Leaf<'p> {
        let inside = check.below.iter().map(|check| self.leaf(check)).collect();
        Leaf { c: self.c, check, owner: self, inside }
    }

    fn by(&self) -> Option<(String, String, String)> {
        let epoch: Epoch = self.verdict.by?;
        let (time, seconds) = self.view.moment(epoch);
        let key = if seconds >= 0 { "en-by-in" } else { "en-by-ago" };
        let arguments = fluent_args!["epoch" => grouped(epoch), "span" => span(self.language(), seconds.saturating_abs())];
        Some((time.clone(), self.c.time(&time), self.language().say(key, &arguments)))
    }

    fn by_head(&self) -> String {
        self.c.t(if self.view.eligible { "en-until" } else { "en-by-when" })
    }

    fn todo_head(&self) -> String {
        self.c.t(if self.view.eligible { "en-what-next" } else { "en-what-to-do" })
    }

    fn decision(&self, seq: u64) -> (String, String) {
        let text = self.language().say("en-decision", &fluent_args!["n" => grouped(seq)]);
        (self.c.at_stage(&format!("decisions/{seq}")), text)
    }

    /// The decision that decides.
    fn decided(&self) -> Option<(String, String)> {
        self.verdict.decision.map(|seq| self.decision(seq))
    }

    fn taken(&self, about: &About) -> (String, String) {
        self.decision(about.seq)
    }

    fn place_name(&self, place: &Place) -> (String, String) {
        let board = self.language().name("list", &place.board);
        match &place.region {
            None => (self.c.at_stage(&format!("board/{}", place.board)), board),
            Some(region) => {
                let name = self.language().name("region", region);
                (
                    self.c.at_stage(&format!("board/{}?region={region}", place.board)),
                    format!("{board}: {name}"),
                )
            }
        }
    }

    fn place_of(&self, place: &Place) -> String {
        self.language().say("of-total", &fluent_args!["n" => place.of])
    }

    fn tiles(&self) -> impl Iterator<Item = &Metric> {
        self.view.metrics.iter().take(TILES)
    }

    fn metric_name(&self, metric: &Metric) -> String {
        let id = self.view.rules.metrics.iter().find(|known| known.id.as_str() == metric.metric);
        id.map(|known| metric_name(self.language(), &self.view.rules, &known.id)).unwrap_or_default()
    }

    fn metric_cell(&self, metric: &Metric) -> ValueCell {
        metric.shown.cell(&metric.value.0)
    }

    fn metric_exact(&self, metric: &Metric) -> String {
        match (metric.value.0.whole(), metric.value.0.fraction()) {
            (Some(whole), _) => whole.to_string(),
            (_, Some(fraction)) => fraction.to_string(),
            _ => "–".to_owned(),
        }
    }

    fn unit(&self, metric: &Metric) -> String {
        self.c.name("in", metric.unit)
    }

    fn members_head(&self) -> Option<String> {
        let metric = &self.view.rules.boards.first()?.metric;
        let name = metric_name(self.language(), &self.view.rules, metric);
        let symbol = self.view.lines.as_ref().map_or("", |(shown, _)| shown.symbol());
        Some(if symbol.is_empty() { name } else { format!("{name}, {symbol}") })
    }

    fn member_value(&self, member: &Member) -> String {
        let shown = self.view.lines.as_ref().map(|(shown, _)| *shown);
        member.value.zip(shown).map_or_else(|| "–".to_owned(), |(value, shown)| shown.whole(value))
    }

    fn miner(&self, id: &str) -> Option<String> {
        self.view.indexed.then(|| self.c.page(&format!("m/{id}")))
    }

    fn shares(&self) -> impl Iterator<Item = &PoolShare> {
        self.view.pools.iter().filter(|pool| pool.wins())
    }

    fn unpaid(&self) -> Option<String> {
        let pools: Vec<&str> =
            self.view.pools.iter().filter(|pool| !pool.wins()).map(|pool| &*pool.pool).collect();
        let separator = if self.language() == Language::Chinese { "、" } else { ", " };
        let names = pools.join(separator);
        (!pools.is_empty()).then(|| self.language().say("en-no-place", &fluent_args!["pools" => names]))
    }

    fn step_amount(&self, step: &StepView) -> String {
        step.amount(self.view.coin)
    }

    fn total(&self) -> String {
        money(self.view.coin, self.view.owed)
    }

    fn exact_total(&self) -> String {
        let unit = self.view.coin.last().copied().unwrap_or_default();
        format!("{} {unit}", self.view.total)
    }

    fn total_head(&self) -> String {
        self.c.t(if self.view.over { "en-total-over" } else { "en-total-now" })
    }

    fn award(&self, award: &super::Award) -> (String, String, String) {
        let (href, text) = self.decision(award.decision);
        (href, text, money(self.view.coin, award.atto))
    }

    fn act(&self, about: &About) -> String {
        self.language().name("did", about.act)
    }

    fn at(&self, about: &About) -> String {
        let (time, _) = self.view.moment(about.epoch);
        let arguments = fluent_args!["epoch" => grouped(about.epoch), "time" => self.c.time(&time)];
        self.language().say("en-at", &arguments)
    }

    fn is_decision(&self, about: &About) -> bool {
        !matches!(about.act, "claim" | "answer-appeal")
    }

    fn appeal(&self, appeal: &AppealView) -> String {
        let key = if appeal.answered.is_some() { "en-appeal-answered" } else { "en-appeal-open" };
        let arguments = fluent_args![
            "n" => grouped(appeal.seq), "about" => grouped(appeal.about),
            "answer" => appeal.answered.map(grouped).unwrap_or_default(),
        ];
        self.language().say(key, &arguments)
    }
}
