//! The log as a page.

use askama::Template;

use super::{AttemptLog, Show, SlotView};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section, percent};
use crate::web::competition::probes::attempt::{AttemptView, Told};
use crate::web::competition::probes::count;
use crate::web::competition::probes::plain;
use crate::web::competition::probes::rests::RestView;
use crate::web::competition::probes::words::{Cause, title};
use crate::web::figure::grouped;
use crate::web::time::span;
use crate::web::words::fluent_args;

/// Protocols that are listed.
const PROTOCOLS: usize = 24;

#[derive(Template)]
#[template(path = "competition/probes/log.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a AttemptLog,
}

impl<'a> Page<'a> {
    pub(super) const fn new(ask: &'a Ask, view: &'a AttemptLog) -> Self {
        Self { c: Chrome::staged(ask, &view.meta, Section::Probes), view }
    }

    pub(super) fn html(&self) -> askama::Result<String> {
        self.render()
    }

    fn entity(&self) -> String {
        self.c.at_stage(&format!("m/{}", self.view.miner))
    }

    fn kind(&self) -> String {
        self.c.name("pr-kind", self.view.kind)
    }

    /// This page with another question; what was asked for besides stays.
    fn address(&self, kind: &str, show: Show, more: &str) -> String {
        let show = if show == Show::All { String::new() } else { format!("&show={}", show.name()) };
        self.c.at_stage(&format!("m/{}/attempts?kind={kind}{show}{more}", self.view.miner))
    }

    fn kinds(&self) -> Vec<(String, String, bool)> {
        let kind = |kind: &&str| {
            (self.address(kind, Show::All, ""), self.c.name("pr-kind", kind), *kind == self.view.kind)
        };
        self.view.kinds.iter().map(kind).collect()
    }

    fn shows(&self) -> Vec<(String, String, bool)> {
        let show = |show: Show| {
            let name = self.c.t(&format!("pr-show-{}", show.name()));
            (self.address(self.view.kind, show, ""), name, show == self.view.show)
        };
        Show::EVERY.into_iter().map(show).collect()
    }

    fn older(&self) -> Option<String> {
        let before = self.view.older?;
        Some(self.address(self.view.kind, self.view.show, &format!("&before={before}")))
    }

    fn newest(&self) -> Option<String> {
        self.view.first?;
        Some(self.address(self.view.kind, self.view.show, ""))
    }

    fn is_open(&self, slot: &SlotView) -> bool {
        self.view.open == Some(slot.slot)
    }

    /// Where the details of a slot are folded out, or in.
    fn toggle(&self, slot: &SlotView) -> String {
        let before = self.view.first.map(|before| format!("&before={before}")).unwrap_or_default();
        let open = if self.is_open(slot) { String::new() } else { format!("&open={}", slot.slot) };
        format!(
            "{}#s-{}",
            self.address(self.view.kind, self.view.show, &format!("{before}{open}")),
            slot.slot
        )
    }

    fn details_of(&self, slot: &SlotView) -> String {
        self.c.language().say("pr-details-of", &fluent_args!["n" => grouped(slot.slot)])
    }

    fn class_of(&self, slot: &SlotView) -> &'static str {
        match slot.outcome {
            Some("ok") => "is-ok",
            Some("fail") => "is-bad",
            Some(_) => "is-none",
            None => "is-wait",
        }
    }

    fn outcome(&self, slot: &SlotView) -> String {
        self.c.t(&format!("pr-outcome-{}", slot.outcome.unwrap_or("open")))
    }

    /// What was seen, in a few words.
    fn seen(&self, slot: &SlotView) -> String {
        match (&slot.title, slot.outcome) {
            (Some(title), _) => title.clone(),
            (None, Some("ok")) => {
                let received = slot.attempts.iter().filter_map(|attempt| attempt.told.as_ref());
                let received = received.map(|told| told.received).max().unwrap_or(0);
                self.c.language().say("pr-received", &fluent_args!["n" => received])
            }
            _ => slot.attempts.last().map(|attempt| self.code(attempt)).unwrap_or_default(),
        }
    }

    fn code(&self, attempt: &AttemptView) -> String {
        attempt
            .code
            .as_deref()
            .map_or_else(|| self.c.t("pr-went-well"), |code| title(self.c.language(), code))
    }

    fn stage(&self, stage: &str) -> String {
        self.c.name("pr-stage", stage)
    }

    fn ended_at(&self, slot: &SlotView) -> String {
        let last = slot.attempts.iter().rev().find_map(AttemptView::last_stage);
        last.map_or_else(|| "–".to_owned(), |stage| self.stage(stage))
    }

    fn bots(&self, slot: &SlotView) -> String {
        let names: Vec<&str> = slot.attempts.iter().map(|attempt| attempt.bot.as_str()).collect();
        if names.is_empty() { "–".to_owned() } else { names.join(", ") }
    }

    fn fault(&self, attempt: &AttemptView) -> (&'static str, String) {
        let class = match attempt.fault {
            "none" => "is-ok",
            "miner" => "is-bad",
            "ambiguous" => "is-wait",
            _ => "is-none",
        };
        (class, self.c.t(&format!("pr-fault-{}", attempt.fault)))
    }

    fn attempt_of(&self, attempt: &AttemptView) -> String {
        let arguments = fluent_args!["n" => attempt.attempt, "bot" => plain(&attempt.bot), "region" => attempt.region.as_str()];
        self.c.language().say("pr-attempt", &arguments)
    }

    /// `1.204 s`
    fn took(&self, milliseconds: &u64) -> String {
        format!("{}.{:03} s", grouped(milliseconds / 1000), milliseconds % 1000)
    }

    fn text(&self, text: &str) -> String {
        plain(text)
    }

    fn protocols(&self, told: &Told) -> Option<String> {
        let more = told.protocols.len().saturating_sub(PROTOCOLS);
        let listed: Vec<String> = told.protocols.iter().take(PROTOCOLS).map(|name| plain(name)).collect();
        let more = if more > 0 { format!(" + {more}") } else { String::new() };
        (!listed.is_empty()).then(|| format!("{}{more}", listed.join(" ")))
    }

    /// The text of an error after the sentence of its code, unless it says nothing more.
    fn errors<'t>(&self, told: &'t Told) -> Vec<&'t String> {
        let detail = std::iter::once(&told.detail).filter(|detail| !detail.is_empty());
        let errors = told.errors.iter().filter(|error| **error != told.detail);
        detail.chain(errors).collect()
    }

    fn class(&self) -> &'static str {
        self.view.tally.class()
    }

    fn verdict(&self) -> String {
        self.c.t(&format!("pr-verdict-{}", self.view.tally.verdict))
    }

    fn sentence(&self) -> String {
        let tally = &self.view.tally;
        let arguments = fluent_args!["ok" => tally.ok, "n" => tally.counts()];
        self.c.language().say("pr-of", &arguments)
    }

    /// The failure that there is most of.
    fn worst(&self) -> Option<&Cause> {
        self.view.causes.first().filter(|cause| cause.outcome == "fail")
    }

    fn verdict_how(&self) -> String {
        let (tally, bar) = (&self.view.tally, self.view.bar);
        let arguments = fluent_args![
            "least" => bar.least,
            "n" => tally.counts(),
            "coverage" => tally.covered(),
            "needed" => count::percent(bar.coverage.into()),
            "lower" => count::percent(tally.lower.into()),
            "upper" => count::percent(tally.upper.into()),
            "bar" => count::percent(bar.rate.into()),
        ];
        self.c.language().say(&format!("pr-verdict-{}-how", tally.verdict), &arguments)
    }

    fn interval(&self) -> String {
        let tally = &self.view.tally;
        let tenth = |millionths: u32| count::percent(millionths.into());
        let arguments = fluent_args!["lower" => tenth(tally.lower), "upper" => tenth(tally.upper)];
        self.c.language().say("pr-interval", &arguments)
    }

    /// Places of both bounds' distance, of the rate and of the bar, in percent.
    fn gauge(&self) -> [String; 4] {
        let tally = &self.view.tally;
        let place = |part: u32| percent(part.into(), 1_000_000);
        let rate = count::millionths(tally.ok, tally.counts());
        [
            place(tally.lower),
            place(tally.upper.saturating_sub(tally.lower)),
            percent(i64::try_from(rate).unwrap_or(0), 1_000_000),
            place(self.view.bar.rate),
        ]
    }

    fn bar(&self) -> String {
        count::percent(self.view.bar.rate.into())
    }

    fn lasted(&self, seconds: &u64) -> String {
        span(self.c.language(), i64::try_from(*seconds).unwrap_or(i64::MAX))
    }

    fn outage(&self) -> String {
        let outage = self.view.longest_outage.as_ref();
        outage.map_or_else(|| "–".to_owned(), |outage| self.lasted(&outage.seconds))
    }

    fn counts_as(&self, cause: &Cause) -> (&'static str, String) {
        let class = if cause.outcome == "fail" { "is-bad" } else { "is-none" };
        (class, self.c.t(&format!("pr-outcome-{}", cause.outcome)))
    }

    fn why_rest(&self, rest: &RestView) -> String {
        self.c.name("rest-why", &rest.why)
    }

    fn check(&self) -> String {
        let (race, miner) = (&self.view.meta.competition, &self.view.miner);
        self.c.ask.to(&format!("/check/{race}/{miner}?kind={}", self.view.kind))
    }

    fn declare(&self) -> String {
        self.c.at_stage(&format!("maintenance?miner={}", self.view.miner))
    }

    /// Whether the same eyes look twice.
    const fn is_alone(&self) -> bool {
        self.view.fleet < 2
    }

    const fn is_counted(&self) -> bool {
        self.view.tally.counts() > 0
    }

    const fn is_paged(&self) -> bool {
        self.view.older.is_some() || self.view.first.is_some()
    }

    fn lead(&self) -> String {
        let tally = &self.view.tally;
        let arguments =
            fluent_args!["due" => tally.planned(), "n" => tally.counts(), "aside" => tally.excluded];
        self.c.language().say("pr-lead", &arguments)
    }

    fn found(&self) -> String {
        self.c
            .language()
            .say("pr-found", &fluent_args!["n" => self.view.found, "shown" => self.view.slots.len()])
    }
}
