//! What pools hold, and how far it is to their next tier.

use apogee_domain::{Unit, Value};
use apogee_leaderboard::{EntityRow, PoolResult, next_tier};
use apogee_rules::{Gate, Id, Pool, PoolAmount, Population, Tier};
use askama::Template;
use askama::filters::HtmlSafe;
use serde::Serialize;
use utoipa::ToSchema;

use super::Stage;
use super::measured::{Shown, coin_of, metric_name};
use crate::competitions::Stood;
use crate::web::ask::Language;
use crate::web::chrome::percent;
use crate::web::figure::{Coin, Scale};
use crate::web::words::fluent_args;

/// A pool in one list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PoolHolds)]
pub(super) struct PoolView {
    /// Its id.
    pub(super) pool: String,
    /// The board whose winners divide it.
    pub(super) board: String,
    /// The region of the list.
    pub(super) region: Option<String>,
    /// What it holds, in atto.
    pub(super) amount: String,
    /// How much of it nobody gets, in atto.
    pub(super) undistributed: String,
    /// Who gets something.
    pub(super) paid: usize,
    /// The level that is reached, in `unit`; `null` without tiers.
    pub(super) reached: Option<String>,
    /// The metric that tiers look at; `null` without tiers.
    pub(super) metric: Option<String>,
    /// Its unit.
    pub(super) unit: Option<&'static str>,
    /// Place of the tier that holds, from 0 on.
    pub(super) tier: Option<u64>,
    /// Its tiers.
    pub(super) tiers: Vec<TierView>,
    /// How far the level of the next tier is away, in `unit`; `null` where there is none.
    pub(super) missing: Option<String>,
    #[serde(skip)]
    holds: u128,
    #[serde(skip)]
    level: u128,
    #[serde(skip)]
    shown: Option<Shown>,
    #[serde(skip)]
    coin: Coin,
    #[serde(skip)]
    all: bool,
    #[serde(skip)]
    named: Option<[String; 2]>,
}

/// A tier of a pool.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PoolTier)]
pub(super) struct TierView {
    /// The level from which it is open.
    pub(super) at: String,
    /// What the pool holds then, in atto.
    pub(super) amount: String,
    /// What every region has to reach besides.
    pub(super) gate: Option<GateView>,
    #[serde(skip)]
    level: u128,
    #[serde(skip)]
    holds: u128,
    #[serde(skip)]
    shown: Shown,
}

/// A condition that every region has to meet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PoolGate)]
pub(super) struct GateView {
    /// The metric.
    pub(super) metric: String,
    /// What each region needs, in the unit of the metric.
    pub(super) each_region: String,
    /// Whether every region has it.
    pub(super) met: bool,
    /// The region that has least, and how much.
    pub(super) lowest: Option<Lowest>,
    #[serde(skip)]
    needed: u128,
    #[serde(skip)]
    shown: Shown,
}

/// The region that has least.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PoolLowest)]
pub(super) struct Lowest {
    /// The region.
    pub(super) region: String,
    /// How much it has.
    pub(super) value: String,
    #[serde(skip)]
    sum: u128,
}

/// The pools in lists that `of` names.
pub(super) fn pools(stage: &Stage, stood: &Stood, of: impl Fn(&Pool, &PoolResult) -> bool) -> Vec<PoolView> {
    let rules = stood.rules();
    let both = stood.standings.pools.iter().filter_map(|result| Some((rules.pool(&result.pool)?, result)));
    let mut gates = Gates { stood, known: Vec::new() };
    let named = both.filter(|(pool, result)| of(pool, result));
    named.map(|(pool, result)| PoolView::new(stage, &mut gates, pool, result)).collect()
}

/// Gates that were looked at: the tiers of a pool often have the same.
struct Gates<'a> {
    stood: &'a Stood,
    known: Vec<(&'a Gate, Option<&'a Id>, Least)>,
}

/// The region that has least of something, and how much.
type Least = Option<(Id, u128)>;

impl<'a> Gates<'a> {
    fn least(&mut self, gate: &'a Gate, track: Option<&'a Id>) -> Least {
        if let Some((.., least)) = self.known.iter().find(|(one, of, _)| *one == gate && *of == track) {
            return least.clone();
        }
        let least = self.look(gate, track);
        self.known.push((gate, track, least.clone()));
        least
    }

    fn look(&self, gate: &Gate, track: Option<&Id>) -> Least {
        let regions = &self.stood.rules().competition.regions;
        let mut sums = vec![0_u128; regions.len()];
        for row in &self.stood.standings.entities {
            let counts = gate.population == Population::All || row.eligible;
            let place = regions.iter().position(|region| row.region.as_ref() == Some(region));
            let sum = place.filter(|_| counts).and_then(|place| sums.get_mut(place));
            let Some(sum) = sum.filter(|_| self.runs(row, track)) else { continue };
            let value = row.metric(gate.metric.as_str()).and_then(|measure| measure.whole());
            *sum = sum.saturating_add(value.unwrap_or(0));
        }
        regions.iter().cloned().zip(sums).min_by_key(|(_, sum)| *sum)
    }

    /// Whether an entity takes part in a track.
    fn runs(&self, row: &EntityRow, track: Option<&Id>) -> bool {
        let (Some(track), true) = (track, row.claimed) else { return true };
        let list = self.stood.entities.list();
        let place = list.binary_search_by(|entity| entity.id.cmp(&row.id)).ok();
        let entity = place.and_then(|place| list.get(place));
        entity.is_some_and(|entity| entity.tracks.is_empty() || entity.tracks.contains(track))
    }
}

impl PoolView {
    fn new<'a>(stage: &Stage, gates: &mut Gates<'a>, pool: &'a Pool, result: &PoolResult) -> Self {
        let rules = gates.stood.rules();
        let coin = coin_of(stage);
        let (metric, tiers): (Option<&Id>, &[Tier]) = match &pool.amount {
            PoolAmount::Tiers { metric, tiers, .. } => (Some(metric), tiers),
            _ => (None, &[]),
        };
        let top = tiers.last().map_or(0, |tier| tier.at.0);
        let shown = metric.map(|metric| Shown::of(rules, metric, coin, Some(top)));
        let track = rules.board(&pool.board).and_then(|board| board.track.as_ref());
        let mut gate = |gate: &'a Gate| {
            let least = gates.least(gate, track);
            let shown = Shown::of(rules, &gate.metric, coin, Some(gate.each_region.0));
            GateView {
                metric: gate.metric.to_string(),
                each_region: gate.each_region.to_string(),
                met: least.as_ref().is_none_or(|(_, least)| *least >= gate.each_region.0),
                lowest: least.map(|(region, value)| Lowest {
                    region: region.to_string(),
                    value: value.to_string(),
                    sum: value,
                }),
                needed: gate.each_region.0,
                shown,
            }
        };
        let mut tier = |tier: &'a Tier| TierView {
            at: tier.at.to_string(),
            amount: tier.amount.to_string(),
            gate: tier.gate.as_ref().map(&mut gate),
            level: tier.at.0,
            holds: tier.amount.0,
            shown: metric.map_or_else(
                || Shown::of(rules, &pool.id, coin, None),
                |metric| Shown::of(rules, metric, coin, Some(tier.at.0)),
            ),
        };
        let tiers = tiers.iter().map(&mut tier).collect();
        Self {
            pool: pool.id.to_string(),
            board: pool.board.to_string(),
            region: result.region.as_ref().map(ToString::to_string),
            amount: result.amount.to_string(),
            undistributed: result.undistributed.to_string(),
            paid: result.shares.len(),
            reached: result.reached.map(|reached| reached.to_string()),
            metric: metric.map(ToString::to_string),
            unit: shown.map(|shown| shown.name()),
            tier: result.tier,
            tiers,
            missing: next_tier(pool, result).map(|next| next.missing.to_string()),
            holds: result.amount.0,
            level: result.reached.map_or(0, |reached| reached.0),
            shown,
            coin,
            all: matches!(&pool.amount, PoolAmount::Tiers { population: Population::All, .. }),
            named: metric.map(|metric| Language::ALL.map(|language| metric_name(language, rules, metric))),
        }
    }

    /// What it holds: `500,000 FIL`.
    pub(super) fn money(&self) -> String {
        neat(&money(self.coin, self.holds))
    }

    /// `Pool global: 500,000.00 FIL`, with the region where it is one of several.
    pub(super) fn heading(&self, language: Language) -> String {
        let arguments = fluent_args!["pool" => self.pool.as_str(), "amount" => self.money()];
        match &self.region {
            None => language.say("pool-heading", &arguments),
            Some(region) => {
                let mut arguments = arguments;
                arguments.set("region", language.name("region", region));
                language.say("pool-heading-region", &arguments)
            }
        }
    }

    /// Whose level counts.
    fn unlocks(&self, language: Language) -> String {
        let [english, chinese] = self.named.clone().unwrap_or_default();
        let metric = match language {
            Language::English => english,
            Language::Chinese => chinese,
        };
        let key = match (&self.named, self.all) {
            (None, _) => return String::new(),
            (_, true) => "pool-unlocked-all",
            (_, false) => "pool-unlocked-eligible",
        };
        language.say(key, &fluent_args!["metric" => metric])
    }

    /// The tiers as a scale; `None` where there are none.
    pub(super) fn thermo(&self, language: Language) -> Option<Thermo> {
        let shown = self.shown?;
        let top = self.tiers.last()?.level.max(self.level).max(1);
        let place = |level: u128| {
            // Both in thousandths of the scale's top: products of quantities may be too large.
            let thousandths =
                level.checked_mul(100_000).map_or_else(|| level / (top / 100_000).max(1), |part| part / top);
            percent(i64::try_from(thousandths).unwrap_or(100_000), 100_000)
        };
        let mut labels: Vec<Label> = Vec::new();
        let mut before = 0_u128;
        for tier in &self.tiers {
            let far = tier.level.saturating_sub(before) >= top / 14;
            if far || tier.level == top {
                if !far {
                    labels.pop();
                }
                let last = tier.level == top;
                let text = if last { shown.with_unit(tier.level) } else { shown.whole(tier.level) };
                let text = neat(&text);
                labels.push(Label {
                    x: place(tier.level),
                    anchor: if last { "end" } else { "middle" },
                    text,
                });
                before = tier.level;
            }
        }
        let now = self.level.min(top);
        let anchor = match now {
            now if now < top / 10 => "start",
            now if now > top / 10 * 9 => "end",
            _ => "middle",
        };
        let steps =
            self.tiers.iter().enumerate().map(|(index, tier)| self.step(language, shown, index, tier));
        let level = shown.with_unit(self.level);
        let (from, text) = (shown.with_unit(top), level.clone());
        Some(Thermo {
            title: language.say("pool-thermo", &fluent_args!["level" => text, "top" => from]),
            fill: place(now),
            tiers: self.tiers.iter().map(|tier| place(tier.level)).collect(),
            labels,
            level,
            anchor,
            steps: steps.collect(),
            unlocks: self.unlocks(language),
        })
    }

    fn step(&self, language: Language, shown: Shown, index: usize, tier: &TierView) -> TierStep {
        let holds = self.tier.and_then(|tier| usize::try_from(tier).ok());
        let (at, amount) = (neat(&tier.shown.with_unit(tier.level)), neat(&money(self.coin, tier.holds)));
        let arguments = fluent_args!["at" => at, "amount" => amount];
        let reached = self.level >= tier.level;
        let (class, mut note) = match holds {
            Some(holds) if holds == index => ("is-now", language.t("tier-now")),
            Some(holds) if index < holds => ("wide", language.t("tier-passed")),
            _ if reached => ("is-next", language.t("tier-level-reached")),
            _ => {
                let away = shown.with_unit(tier.level.saturating_sub(self.level));
                let next = index == holds.map_or(0, |holds| holds + 1);
                (
                    if next { "is-next" } else { "wide" },
                    language.say("tier-away", &fluent_args!["away" => away]),
                )
            }
        };
        if let Some(gate) = &tier.gate {
            note.push_str(language.t("tier-and").as_str());
            note.push_str(&gate.text(language));
        }
        TierStep { class, head: language.say("tier-head", &arguments), note }
    }
}

impl GateView {
    fn text(&self, language: Language) -> String {
        let needed = neat(&self.shown.with_unit(self.needed));
        let Some(lowest) = &self.lowest else { return String::new() };
        let region = language.name("region", &lowest.region);
        let level = self.shown.with_unit(lowest.sum);
        let key = if self.met { "gate-met" } else { "gate-unmet" };
        language.say(key, &fluent_args!["needed" => needed, "region" => region, "level" => level])
    }
}

/// A figure without decimals that say nothing.
fn neat(text: &str) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let whole = number.split_once('.').filter(|(_, rest)| rest.bytes().all(|digit| digit == b'0'));
    let number = whole.map_or(number, |(whole, _)| whole);
    format!("{number} {unit}").trim_end().to_owned()
}

/// An amount in the coin of the competition with two decimals.
pub(super) fn money(coin: Coin, atto: u128) -> String {
    let scale = Scale::of(Unit::Atto, coin, None);
    format!("{} {}", scale.text(Value(atto)), scale.symbol)
}

/// The tiers of a pool as a scale, and below it as steps.
#[derive(Debug, Template)]
#[template(path = "competition/thermo.html")]
pub(super) struct Thermo {
    title: String,
    fill: String,
    tiers: Vec<String>,
    labels: Vec<Label>,
    level: String,
    anchor: &'static str,
    steps: Vec<TierStep>,
    pub(super) unlocks: String,
}

impl HtmlSafe for Thermo {}

#[derive(Debug)]
struct Label {
    x: String,
    anchor: &'static str,
    text: String,
}

#[derive(Debug)]
struct TierStep {
    class: &'static str,
    head: String,
    note: String,
}
