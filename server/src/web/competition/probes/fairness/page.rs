//! The report as a page.

use askama::Template;

use super::canaries::{BotView, Gap};
use super::{BeaconView, CadenceView, Fairness, KindView, MinerView, RegionView, Vantage};
use crate::web::ask::Ask;
use crate::web::chrome::{Chrome, Section};
use crate::web::competition::probes::count::{millionths, percent};
use crate::web::competition::probes::rests::RestView;
use crate::web::competition::probes::words::{Cause, title};
use crate::web::figure::grouped;
use crate::web::time::span;
use crate::web::words::fluent_args;

/// Miners that are listed.
const MINERS: usize = 25;
/// Bars of the chart at most.
const BARS: u64 = 8;

#[derive(Template)]
#[template(path = "competition/probes/fairness.html")]
pub(super) struct Page<'a> {
    c: Chrome<'a>,
    view: &'a Fairness,
}

/// A bar: how many miners have so many slots that count.
struct Bar {
    /// The first of them.
    from: String,
    /// `20` or `20–24`.
    name: String,
    miners: u64,
    /// Of the chart, percent.
    x: String,
    middle: String,
    width: String,
    y: u64,
    height: u64,
}

impl<'a> Page<'a> {
    pub(super) const fn new(ask: &'a Ask, view: &'a Fairness) -> Self {
        Self { c: Chrome::staged(ask, &view.meta, Section::Probes), view }
    }

    /// Which beacon the seed is bound to.
    fn beacon(&self, beacon: &BeaconView) -> String {
        let language = self.c.language();
        match &beacon.said {
            Some(said) => {
                let arguments = fluent_args!["round" => grouped(said.round), "epoch" => grouped(said.epoch)];
                language.say("fair-beacon-said", &arguments)
            }
            None => language.say("fair-beacon-later", &fluent_args!["epoch" => grouped(beacon.epoch)]),
        }
    }

    /// How much of the log can be downloaded.
    fn downloadable(&self) -> Option<String> {
        let batch = self.c.grouped(self.view.downloadable?);
        Some(self.c.language().say("fair-downloadable", &fluent_args!["n" => batch]))
    }

    /// Where it is, in one of its forms.
    fn evidence(&self, ending: &str) -> String {
        self.c.ask.to(&format!("/c/{}/evidence.{ending}", self.view.meta.competition))
    }

    pub(super) fn html(&self) -> askama::Result<String> {
        self.render()
    }

    fn kind(&self, kind: &str) -> String {
        self.c.name("pr-kind", kind)
    }

    /// Whether all is as it should be: nobody has far fewer slots that count than others, and not too much is unknown.
    fn class(&self, kind: &KindView) -> &'static str {
        let even = kind.most.saturating_sub(kind.least).saturating_mul(5) <= kind.most.max(1);
        let known = kind.tally.verdict != "blocked";
        if even && known && kind.tally.coverage >= self.view.bar.coverage.into() {
            "is-ok"
        } else {
            "is-wait"
        }
    }

    fn sentence(&self, kind: &KindView) -> String {
        let arguments = fluent_args![
            "miners" => kind.miners.len(),
            "planned" => kind.tally.planned(),
            "coverage" => kind.tally.covered(),
            "spread" => kind.most.saturating_sub(kind.least),
        ];
        self.c.language().say("fair-sentence", &arguments)
    }

    fn unknown(&self, kind: &KindView) -> String {
        let unknown = kind.tally.set_aside.get("UNCLASSIFIED").copied().unwrap_or(0);
        percent(millionths(unknown, kind.tally.planned()))
    }

    fn missed(&self, kind: &KindView) -> String {
        grouped(kind.tally.set_aside.get("MISSED_NO_WORKER").copied().unwrap_or(0))
    }

    fn looks(&self) -> String {
        let sum = |of: fn(&BotView) -> u64| self.view.bots.iter().map(of).fold(0, u64::saturating_add);
        let (good, all) = (sum(|bot| bot.good), sum(|bot| bot.looks));
        if all == 0 { "–".to_owned() } else { percent(millionths(good, all)) }
    }

    fn live(&self) -> String {
        let live = self.view.bots.iter().filter(|bot| bot.live).count();
        let arguments = fluent_args!["n" => live, "of" => self.view.settings.fleet];
        self.c.language().say("fair-live", &arguments)
    }

    fn bars(&self, kind: &KindView) -> Vec<Bar> {
        let step = (kind.most.saturating_sub(kind.least) / BARS).saturating_add(1);
        let mut bars: Vec<(u64, u64)> = Vec::new();
        let mut from = kind.least;
        while from <= kind.most && !kind.miners.is_empty() {
            bars.push((from, 0));
            let Some(next) = from.checked_add(step) else { break };
            from = next;
        }
        for miner in &kind.miners {
            let place = miner.tally.counts().saturating_sub(kind.least).checked_div(step);
            let bar =
                place.and_then(|place| usize::try_from(place).ok()).and_then(|place| bars.get_mut(place));
            if let Some((_, miners)) = bar {
                *miners = miners.saturating_add(1);
            }
        }
        let most = bars.iter().map(|(_, miners)| *miners).max().unwrap_or(0).max(1);
        let places = bars.len().max(1) as u64;
        let at = |tenths: u64| {
            let thousandths = tenths.saturating_mul(10_000).checked_div(places).unwrap_or(0);
            format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
        };
        let bar = |(place, (from, miners)): (usize, (u64, u64))| {
            let tenths = (place as u64).saturating_mul(10);
            let height = miners.saturating_mul(90).div_ceil(most);
            Bar {
                from: grouped(from),
                name: if step == 1 {
                    grouped(from)
                } else {
                    format!("{}–{}", grouped(from), grouped(from.saturating_add(step).saturating_sub(1)))
                },
                miners,
                x: at(tenths.saturating_add(1)),
                middle: at(tenths.saturating_add(5)),
                width: at(8),
                y: 120_u64.saturating_sub(height),
                height,
            }
        };
        bars.into_iter().enumerate().map(bar).collect()
    }

    fn attempts_of(&self, kind: &KindView) -> String {
        let arguments = fluent_args![
            "least" => kind.least_attempts, "median" => kind.median_attempts, "most" => kind.most_attempts,
        ];
        self.c.language().say("fair-attempts-of", &arguments)
    }

    /// Attempts at the miners of a region from each place where bots stand.
    fn from(&self, region: &RegionView) -> Vec<String> {
        let places = self.view.settings.regions.iter();
        places.map(|place| grouped(region.from.get(place).copied().unwrap_or(0))).collect()
    }

    fn vantages<'v>(&'v self, kind: &'v KindView) -> Vec<&'v Vantage> {
        self.view.vantages.iter().filter(|vantage| vantage.kind == kind.tally.kind).collect()
    }

    fn went_well(&self, vantage: &Vantage) -> String {
        format!(
            "{} {}/{}",
            percent(millionths(vantage.ok, vantage.attempts)),
            grouped(vantage.ok),
            grouped(vantage.attempts)
        )
    }

    /// The error that a bot saw most, and how often.
    fn mostly(&self, vantage: &Vantage) -> Option<(String, String)> {
        let (code, count) = vantage.codes.iter().max_by_key(|(_, count)| **count)?;
        Some((self.title(code), grouped(count)))
    }

    fn why(&self, rest: &RestView) -> String {
        self.c.name("rest-why", &rest.why)
    }

    fn whose(&self, rest: &RestView) -> String {
        rest.miner.clone().unwrap_or_else(|| self.c.t("rest-everybody"))
    }

    fn spread(&self, kind: &KindView) -> String {
        let arguments = fluent_args!["least" => kind.least, "median" => kind.median, "most" => kind.most];
        self.c.language().say("fair-spread", &arguments)
    }

    fn region(&self, region: &str) -> String {
        if region.is_empty() { self.c.t("fair-no-region") } else { self.c.name("region", region) }
    }

    fn short(&self, region: &RegionView) -> bool {
        region.tally.coverage < self.view.bar.coverage.into()
    }

    fn covered(&self, region: &RegionView) -> String {
        format!("{}/{}", grouped(region.tally.counts()), grouped(region.tally.planned()))
    }

    fn listed<'k>(&self, kind: &'k KindView) -> &'k [MinerView] {
        kind.miners.get(..MINERS).unwrap_or(&kind.miners)
    }

    fn log(&self, kind: &KindView, miner: &str) -> String {
        self.c.at_stage(&format!("m/{miner}/attempts?kind={}", kind.tally.kind))
    }

    fn more(&self, kind: &KindView) -> Option<String> {
        let more = kind.miners.len().checked_sub(MINERS).filter(|more| *more > 0)?;
        Some(self.c.language().say("fair-more", &fluent_args!["n" => more]))
    }

    fn verdict(&self, miner: &MinerView) -> String {
        self.c.t(&format!("pr-verdict-{}", miner.tally.verdict))
    }

    fn counts_as(&self, cause: &Cause) -> (&'static str, String) {
        let class = if cause.outcome == "fail" { "is-bad" } else { "is-none" };
        (class, self.c.t(&format!("pr-outcome-{}", cause.outcome)))
    }

    fn stage(&self, cause: &Cause) -> String {
        self.c.name("pr-stage", cause.stage())
    }

    fn title(&self, code: &str) -> String {
        title(self.c.language(), code)
    }

    fn good(&self, bot: &BotView) -> String {
        format!("{} {}/{}", percent(millionths(bot.good, bot.looks)), grouped(bot.good), grouped(bot.looks))
    }

    fn lasted(&self, seconds: &u64) -> String {
        span(self.c.language(), i64::try_from(*seconds).unwrap_or(i64::MAX))
    }

    fn gap(&self, gap: &Gap) -> String {
        let arguments = fluent_args!["bot" => gap.bot.as_str(), "time" => self.lasted(&gap.seconds)];
        self.c.language().say("fair-gap", &arguments)
    }

    fn cadence(&self, cadence: &CadenceView) -> String {
        let arguments = fluent_args!["time" => self.lasted(&cadence.seconds), "n" => cadence.slots];
        self.c.language().say("fair-cadence", &arguments)
    }

    fn canary(&self) -> String {
        let seconds = u64::try_from(self.view.settings.canary_seconds).unwrap_or(0);
        self.c.language().say("fair-canary", &fluent_args!["time" => self.lasted(&seconds)])
    }

    fn fleet(&self) -> String {
        let settings = &self.view.settings;
        let arguments = fluent_args!["n" => settings.fleet, "regions" => settings.regions.join(", ")];
        self.c.language().say("fair-fleet", &arguments)
    }

    fn attempts(&self) -> String {
        self.c.language().say("fair-attempts", &fluent_args!["n" => self.view.settings.attempts])
    }

    fn bar(&self) -> String {
        let bar = self.view.bar;
        let arguments = fluent_args![
            "rate" => percent(bar.rate.into()), "least" => bar.least, "coverage" => percent(bar.coverage.into()),
        ];
        self.c.language().say("fair-bar", &arguments)
    }
}
