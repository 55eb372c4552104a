//! How a share comes about, in steps that can be done again by hand.

use apogee_leaderboard::{PoolReason, Step};
use apogee_rules::RuleSet;
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::ask::Language;
use crate::web::competition::measured::{Shown, metric_name};
use crate::web::competition::pools::money;
use crate::web::figure::{Coin, grouped};
use crate::web::words::fluent_args;

/// What a pool holds, and how the entity's share comes about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityShare)]
pub(super) struct PoolShare {
    pub(super) pool: String,
    pub(super) region: Option<String>,
    /// What the pool holds, in atto.
    amount: String,
    /// How much of a winner's place the entity has: `0/1` where it does not win.
    wins: String,
    /// From its weight to its share; empty where it does not win.
    steps: Vec<StepView>,
    /// What it gets, in atto.
    share: String,
    /// What the next tier would change.
    next: Option<NextView>,
    #[serde(skip)]
    pub(super) atto: u128,
    #[serde(skip)]
    holds: u128,
    #[serde(skip)]
    coin: Coin,
}

/// The tier above.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityNextTier)]
struct NextView {
    /// Its place, from 0 on.
    tier: u64,
    /// What the pool would hold, in atto.
    amount: String,
    /// How far its level is away, in the unit of the tiers' metric.
    missing: String,
    /// What the entity would get with its weight of today, in atto, before caps; `null` where the pool is not divided by weight.
    share: Option<String>,
    #[serde(skip)]
    texts: [String; 2],
    #[serde(skip)]
    holds: u128,
    #[serde(skip)]
    would: Option<u128>,
}

/// A step of arithmetic in whole numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityStep)]
pub(super) struct StepView {
    /// `weigh`, `cap`, `divide`, `remainder`, `plain`, `below-floor` or `forfeit`.
    step: &'static str,
    /// The arithmetic, to be done again.
    calc: String,
    /// The amount after it, in atto; `null` where the step makes none.
    atto: Option<String>,
    #[serde(skip)]
    names: [String; 2],
    #[serde(skip)]
    value: Option<u128>,
}

impl PoolShare {
    pub(super) fn new(rules: &RuleSet, coin: Coin, reason: PoolReason) -> Self {
        let tiers = rules.pool(&reason.pool).map(|pool| &pool.amount);
        let metric = match tiers {
            Some(apogee_rules::PoolAmount::Tiers { metric, .. }) => Some(metric),
            _ => None,
        };
        // The steps end with what an entity that is not forfeited gets.
        let divided = reason.steps.iter().find_map(|step| match step {
            Step::Divide { weight, total, .. } => Some((weight, total)),
            _ => None,
        });
        let next = reason.next.as_ref().map(|next| {
            let would = divided.and_then(|(weight, total)| {
                let share = weight * next.amount.0 / total;
                u128::try_from(share).ok()
            });
            let text = |_: Language| {
                let shown = metric.map(|metric| Shown::of(rules, metric, coin, Some(next.missing.0)));
                shown.map(|shown| shown.with_unit(next.missing.0)).unwrap_or_default()
            };
            NextView {
                tier: next.tier,
                amount: next.amount.to_string(),
                missing: next.missing.to_string(),
                share: would.map(|would| would.to_string()),
                texts: Language::ALL.map(text),
                holds: next.amount.0,
                would,
            }
        });
        Self {
            pool: reason.pool.to_string(),
            region: reason.region.as_ref().map(ToString::to_string),
            amount: reason.amount.to_string(),
            wins: format!("{}/{}", reason.won.places, reason.won.among),
            steps: reason.steps.iter().map(|step| StepView::new(rules, step)).collect(),
            share: reason.share.to_string(),
            next,
            atto: reason.share.0,
            holds: reason.amount.0,
            coin,
        }
    }

    pub(super) fn wins(&self) -> bool {
        !self.steps.is_empty()
    }

    pub(super) fn steps(&self) -> &[StepView] {
        &self.steps
    }

    pub(super) fn name(&self, language: Language) -> String {
        let arguments = fluent_args!["pool" => self.pool.as_str(), "amount" => money(self.coin, self.holds)];
        match &self.region {
            None => language.say("pool-heading", &arguments),
            Some(region) => {
                let mut arguments = arguments;
                arguments.set("region", language.name("region", region));
                language.say("pool-heading-region", &arguments)
            }
        }
    }

    pub(super) fn money(&self) -> String {
        money(self.coin, self.atto)
    }

    /// What the next tier would change, in a sentence.
    pub(super) fn sensitivity(&self, language: Language) -> Option<String> {
        let next = self.next.as_ref()?;
        let [english, chinese] = &next.texts;
        let away = match language {
            Language::English => english,
            Language::Chinese => chinese,
        };
        let amount = money(self.coin, next.holds);
        let arguments =
            fluent_args!["pool" => self.pool.as_str(), "away" => away.as_str(), "amount" => amount];
        match next.would {
            None => Some(language.say("en-next", &arguments)),
            Some(would) => {
                let mut arguments = arguments;
                arguments.set("share", money(self.coin, would));
                Some(language.say("en-next-share", &arguments))
            }
        }
    }
}

impl StepView {
    fn new(rules: &RuleSet, step: &Step) -> Self {
        let named = |metric: Option<&apogee_rules::Id>| {
            Language::ALL.map(|language| match metric {
                Some(metric) => metric_name(language, rules, metric),
                None => language.t("en-equal"),
            })
        };
        let none = || [String::new(), String::new()];
        let times = |won: apogee_leaderboard::Won| match (won.places, won.among) {
            (1, 1) => String::new(),
            (places, among) => format!(" × {places} ÷ {among}"),
        };
        let (step, calc, names, value) = match step {
            Step::Weigh { metric, value, won, weight, total } => (
                "weigh",
                format!("{}{} → {weight} / {total}", grouped(value), times(*won)),
                named(metric.as_ref()),
                None,
            ),
            Step::Cap { amount, weight, total, cap } => {
                ("cap", format!("{amount} × {weight} ÷ {total} > {cap}"), none(), Some(cap.0))
            }
            Step::Divide { amount, weight, total, share, rest } => (
                "divide",
                format!("{amount} × {weight} ÷ {total} = {share}, {rest} / {total}"),
                none(),
                Some(share.0),
            ),
            Step::Remainder => ("remainder", "+ 1".to_owned(), none(), None),
            Step::Plain { metric, amount, won, share } => {
                ("plain", format!("{amount}{} = {share}", times(*won)), named(metric.as_ref()), Some(share.0))
            }
            Step::BelowFloor { floor } => ("below-floor", format!("< {floor} → 0"), none(), Some(0)),
            Step::Forfeit => ("forfeit", "→ 0".to_owned(), none(), Some(0)),
        };
        Self { step, calc, atto: value.map(|value| value.to_string()), names, value }
    }

    pub(super) fn calc(&self) -> &str {
        &self.calc
    }

    pub(super) fn amount(&self, coin: Coin) -> String {
        self.value.map(|value| money(coin, value)).unwrap_or_default()
    }

    /// What it does, in words.
    pub(super) fn words(&self, language: Language) -> String {
        let [english, chinese] = &self.names;
        let metric = match language {
            Language::English => english,
            Language::Chinese => chinese,
        };
        language.say(&format!("step-{}", self.step), &fluent_args!["metric" => metric.as_str()])
    }
}
