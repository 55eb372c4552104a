//! Checks of an entity in words: what was found, what to do, by when.

use apogee_domain::Epoch;
use apogee_leaderboard::{Asked, CheckReason, State};
use apogee_rules::{Bound, Id, Per, RuleSet};
use serde::Serialize;
use utoipa::ToSchema;

use super::measured::{Metered, Shown, metric_name, percent};
use super::status::check_state;
use crate::web::ask::Language;
use crate::web::figure::{Coin, grouped};
use crate::web::schema;
use crate::web::words::fluent_args;

/// What a check asked and found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EntityCheck)]
pub(super) struct CheckView {
    /// Its name in the rules.
    pub(super) id: String,
    /// `pass`, `fail`, `pending` or `waived`.
    #[schema(value_type = String)]
    pub(super) state: State,
    /// `at-least`, `at-most`, `claimed`, `region`, `registered`, `attested`, `all` or `any`.
    pub(super) asks: &'static str,
    /// The metric that is compared.
    pub(super) metric: Option<String>,
    /// The unit of `value`, `bar` and `need`; `need` of a rate is a number of successes.
    pub(super) unit: Option<&'static str>,
    /// The metric of the entity.
    #[schema(value_type = Option<schema::Metered>)]
    pub(super) value: Option<Metered>,
    /// What it is compared with: digits, or `p/q`.
    pub(super) bar: Option<String>,
    /// Of the `entity`, or of each `member`.
    #[schema(value_type = Option<String>)]
    pub(super) per: Option<Per>,
    /// Samples that a rate needs.
    pub(super) min_samples: Option<String>,
    /// What has to be attested.
    pub(super) what: Option<String>,
    /// The region that is known.
    pub(super) region: Option<String>,
    /// How much is missing, where that is a number.
    pub(super) need: Option<String>,
    /// Epoch before which it has to be met.
    #[schema(value_type = i64)]
    pub(super) before: Epoch,
    /// The decision that waived it.
    pub(super) decision: Option<u64>,
    /// The checks inside, for `all` and `any`.
    #[schema(no_recursion)]
    pub(super) below: Vec<CheckView>,
    #[serde(skip)]
    pub(super) shown: Option<Shown>,
    #[serde(skip)]
    bound: Option<Bound>,
    #[serde(skip)]
    missing: Option<u128>,
    #[serde(skip)]
    named: [String; 2],
}

/// What checks are put into words with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) coin: Coin,
    /// Epoch before which the competition ends, as decisions have it.
    pub(super) end: Epoch,
    /// Decisions that waive checks of the entity.
    pub(super) waivers: &'a [(Id, u64)],
}

impl CheckView {
    pub(super) fn all(context: Context<'_>, reasons: Vec<CheckReason>) -> Vec<Self> {
        reasons.into_iter().map(|reason| Self::new(context, reason)).collect()
    }

    fn new(context: Context<'_>, reason: CheckReason) -> Self {
        let waiver = context.waivers.iter().find(|(check, _)| *check == reason.id);
        let ends_with_it = reason.before == context.rules.competition.end;
        let mut view = Self {
            id: reason.id.to_string(),
            state: reason.state,
            asks: "",
            metric: None,
            unit: None,
            value: None,
            bar: None,
            per: None,
            min_samples: None,
            what: None,
            region: None,
            need: reason.need.map(|need| need.to_string()),
            before: if ends_with_it { context.end } else { reason.before },
            decision: waiver.map(|(_, seq)| *seq).filter(|_| reason.state == State::Waived),
            below: Self::all(context, reason.below),
            shown: None,
            bound: None,
            missing: reason.need.map(|need| need.0),
            named: [String::new(), String::new()],
        };
        match reason.asked {
            Asked::Metric { metric, at_least, bar, per, value, min_samples } => {
                let typical = match bar {
                    Bound::Quantity(bar) => value.whole().max(Some(bar.0)),
                    Bound::Ratio(_) => None,
                };
                let shown = Shown::of(context.rules, &metric, context.coin, typical);
                view.asks = if at_least { "at-least" } else { "at-most" };
                view.named = Language::ALL.map(|language| metric_name(language, context.rules, &metric));
                view.metric = Some(metric.to_string());
                view.unit = Some(shown.name());
                view.value = Some(Metered(value));
                view.bar = Some(bar.to_string());
                view.per = Some(per);
                view.min_samples = min_samples.map(|samples| samples.to_string());
                view.shown = Some(shown);
                view.bound = Some(bar);
            }
            Asked::Claimed => view.asks = "claimed",
            Asked::Region { region } => {
                view.asks = "region";
                view.region = region.map(|region| region.to_string());
            }
            Asked::Registered { .. } => view.asks = "registered",
            Asked::Attested { what } => {
                view.asks = "attested";
                view.what = Some(what.to_string());
            }
            Asked::All => view.asks = "all",
            Asked::Any => view.asks = "any",
        }
        view
    }

    /// Class and word of its state.
    pub(super) fn word(&self, language: Language) -> (&'static str, String) {
        let (class, key) = check_state(self.state);
        (class, language.t(key))
    }

    pub(super) fn is_open(&self) -> bool {
        !self.state.is_met()
    }

    /// Whether it compares a rate.
    pub(super) fn is_rate(&self) -> bool {
        self.unit == Some("ratio")
    }

    /// The metric by name.
    pub(super) fn metric_name(&self, language: Language) -> &str {
        let [english, chinese] = &self.named;
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    /// What it asks for, with its unit.
    pub(super) fn bar_text(&self) -> String {
        self.shown.zip(self.bound).map(|(shown, bound)| shown.bound(bound)).unwrap_or_default()
    }

    /// What was found, in one sentence.
    pub(super) fn sentence(&self, language: Language) -> String {
        let say = |key: &str| language.t(key);
        let met = self.state.is_met();
        match self.asks {
            "at-least" | "at-most" => self.compared(language),
            "claimed" => say(if met { "check-claimed" } else { "check-unclaimed" }),
            "region" => match &self.region {
                Some(region) => {
                    let region = language.name("region", region);
                    language.say("check-region", &fluent_args!["region" => region])
                }
                None => say("check-no-region"),
            },
            "registered" => {
                let key = if met { "check-registered" } else { "check-unregistered" };
                language.say(key, &fluent_args!["epoch" => grouped(self.before)])
            }
            "attested" => {
                let key = if met { "check-attested" } else { "check-unattested" };
                language.say(key, &fluent_args!["what" => self.what.clone().unwrap_or_default()])
            }
            group => {
                let met = self.below.iter().filter(|check| check.state.is_met()).count();
                let key = if group == "all" { "check-all" } else { "check-any" };
                language.say(key, &fluent_args!["met" => met, "n" => self.below.len()])
            }
        }
    }

    fn compared(&self, language: Language) -> String {
        let (Some(value), Some(shown)) = (&self.value, self.shown) else { return String::new() };
        let samples = value.0.samples().map(grouped).unwrap_or_default();
        let arguments = fluent_args![
            "metric" => self.metric_name(language), "value" => shown.text(&value.0),
            "bar" => self.bar_text(), "n" => samples,
        ];
        let at_least = self.asks == "at-least";
        let met = self.state.is_met();
        let key = match (value.0.fraction().is_some(), value.0.is_known(), at_least) {
            (_, false, _) if value.0.samples() == Some(0) => "check-no-samples",
            (_, false, _) => "check-unknown",
            _ if self.per == Some(Per::Member) && met => "check-members-met",
            _ if self.per == Some(Per::Member) => "check-members",
            (true, _, true) if value.0.samples().is_some() => "check-rate-at-least",
            (true, _, false) if value.0.samples().is_some() => "check-rate-at-most",
            (_, _, true) => "check-at-least",
            (_, _, false) => "check-at-most",
        };
        language.say(key, &arguments)
    }

    /// What would meet it, in one sentence.
    pub(super) fn todo(&self, language: Language) -> String {
        let epoch = grouped(self.before);
        match self.asks {
            "at-least" | "at-most" => self.more(language, &epoch),
            "claimed" => language.t("do-claim"),
            "region" => language.t("do-region"),
            "registered" => language.say("do-register", &fluent_args!["epoch" => epoch]),
            "attested" => {
                language.say("do-attest", &fluent_args!["what" => self.what.clone().unwrap_or_default()])
            }
            _ => self.first_open().map(|check| check.todo(language)).unwrap_or_default(),
        }
    }

    fn more(&self, language: Language, epoch: &str) -> String {
        let metric = self.metric_name(language);
        let arguments = fluent_args!["metric" => metric, "bar" => self.bar_text(), "epoch" => epoch];
        match (self.missing, self.shown) {
            _ if self.asks == "at-most" => language.say("do-at-most", &arguments),
            _ if self.per == Some(Per::Member) => language.say("do-member", &arguments),
            (Some(missing), _) if self.is_rate() => {
                let n = i64::try_from(missing).unwrap_or(i64::MAX);
                language.say("do-succeed", &fluent_args!["n" => n, "metric" => metric, "epoch" => epoch])
            }
            (Some(missing), Some(shown)) => {
                let need = shown.with_unit(missing);
                language.say("do-more", &fluent_args!["need" => need, "metric" => metric, "epoch" => epoch])
            }
            _ => language.say("do-reach", &arguments),
        }
    }

    /// The first check inside that is not met, down to one that is no group.
    pub(super) fn first_open(&self) -> Option<&Self> {
        let worst = self.below.iter().filter(|check| check.is_open()).min_by_key(|check| check.state)?;
        if worst.below.is_empty() { Some(worst) } else { worst.first_open() }
    }

    /// Value and bar in thousandths, where it compares a rate.
    pub(super) fn rate(&self) -> Option<(String, String, u128, u128)> {
        let (value, bound) = (self.value.as_ref()?.0.fraction()?, self.bound?);
        let Bound::Ratio(bar) = bound else { return None };
        let thousandths = |fraction: &apogee_leaderboard::Fraction| {
            let (numerator, denominator) = fraction.parts();
            u128::try_from(numerator * 1000_u32 / denominator).ok()
        };
        let bar = apogee_leaderboard::Fraction::Small(bar);
        Some((percent(value), percent(&bar).replace(".0 %", " %"), thousandths(value)?, thousandths(&bar)?))
    }
}
