//! The one answer of an entity's page: why, what to do, by when.

use apogee_competition::Phase;
use apogee_domain::Epoch;
use askama::Template;
use askama::filters::HtmlSafe;

use super::{Entity, MemberRate};
use crate::web::ask::Language;
use crate::web::chrome::percent;
use crate::web::competition::checks::CheckView;
use crate::web::competition::measured::{interval, passed};
use crate::web::competition::pools::money;
use crate::web::competition::status::Status;
use crate::web::figure::grouped;
use crate::web::words::fluent_args;

/// Why, what to do, by when.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) class: &'static str,
    pub(super) word: String,
    pub(super) sentence: String,
    pub(super) why: String,
    pub(super) gauge: Option<Gauge>,
    /// The check that decides.
    pub(super) check: Option<String>,
    /// The decision that decides.
    pub(super) decision: Option<u64>,
    pub(super) todo: String,
    pub(super) more: Vec<String>,
    /// Whether to lead to the page of claims.
    pub(super) claim: bool,
    pub(super) by: Option<Epoch>,
    pub(super) worth: String,
}

impl Entity {
    fn open_checks(&self) -> usize {
        self.checks.iter().filter(|check| check.is_open()).count()
    }

    /// The check that is to be talked about: the first that has failed, else the first that is not decided.
    fn deciding(&self) -> Option<&CheckView> {
        let open = self.checks.iter().filter(|check| check.is_open());
        let worst = open.min_by_key(|check| check.state)?;
        worst.first_open().or(Some(worst))
    }

    pub(super) fn verdict(&self, language: Language) -> Verdict {
        let (n, open) = (self.checks.len(), self.open_checks());
        let paid = money(self.coin, self.owed);
        let counts =
            fluent_args!["n" => n, "open" => open, "failing" => self.failing, "paid" => paid.as_str()];
        let key = match self.status {
            Status::Eligible if self.over => "en-verdict-eligible-over",
            Status::Eligible => "en-verdict-eligible",
            Status::Pending => "en-verdict-pending",
            Status::Disqualified => "en-verdict-disqualified",
            Status::Unclaimed => "en-verdict-unclaimed",
            Status::Ineligible if self.owed > 0 => "en-verdict-ineligible-paid",
            Status::Ineligible => "en-verdict-ineligible",
            Status::UnderAppeal => "en-verdict-appeal",
        };
        let deciding = self.deciding();
        let mut verdict = Verdict {
            class: self.status.class(),
            word: self.status_word(language),
            sentence: language.say(key, &counts),
            why: String::new(),
            gauge: None,
            check: None,
            decision: None,
            todo: String::new(),
            more: Vec::new(),
            claim: self.status == Status::Unclaimed,
            by: None,
            worth: self.worth(language),
        };
        match (self.status, deciding) {
            (Status::Disqualified, _) => self.disqualified(language, &mut verdict),
            (_, Some(check)) => self.not_met(language, check, &mut verdict),
            (_, None) => self.all_met(language, &mut verdict),
        }
        verdict
    }

    fn status_word(&self, language: Language) -> String {
        let key = match self.status {
            Status::Eligible => "en-eligible",
            Status::UnderAppeal => "en-under-appeal",
            Status::Pending => "en-pending",
            Status::Ineligible => "en-ineligible",
            Status::Unclaimed => "en-unclaimed",
            Status::Disqualified => "en-disqualified",
        };
        language.t(key)
    }

    fn worth(&self, language: Language) -> String {
        let key = if self.over { "en-worth-over" } else { "en-worth-now" };
        language.say(key, &fluent_args!["paid" => money(self.coin, self.owed)])
    }

    fn disqualified(&self, language: Language, verdict: &mut Verdict) {
        let by = self.decisions.iter().find(|about| about.act == "disqualify" && about.holds);
        verdict.why = by.and_then(|about| about.reason.clone()).unwrap_or_default();
        verdict.decision = by.map(|about| about.seq);
        self.closed(language, verdict);
    }

    /// What only a decision can change.
    fn closed(&self, language: Language, verdict: &mut Verdict) {
        let is_final = matches!(self.meta.phase, Phase::Final | Phase::Paid | Phase::Archived);
        verdict.todo = language.t(if is_final { "en-do-final" } else { "en-do-appeal" });
        verdict.by = self.appeals_until().filter(|_| !is_final);
    }

    fn appeals_until(&self) -> Option<Epoch> {
        if self.over { self.until.appeals } else { Some(self.until.appeals.unwrap_or(self.until.end)) }
    }

    fn not_met(&self, language: Language, check: &CheckView, verdict: &mut Verdict) {
        verdict.why = check.sentence(language);
        verdict.check = Some(check.id.clone());
        verdict.gauge = Gauge::of(check, language);
        // What is over can be changed by a decision alone.
        if self.over {
            self.closed(language, verdict);
            return;
        }
        verdict.todo = check.todo(language);
        verdict.by = Some(check.before);
        verdict.more.extend(self.culprit(language, check));
        let others = self.checks.iter().filter(|other| other.is_open() && other.id != check.id);
        let others = others.filter(|other| other.first_open().is_none_or(|first| first.id != check.id));
        verdict.more.extend(others.map(|other| other.todo(language)));
        verdict.claim |= check.asks == "claimed" || check.asks == "registered";
    }

    fn all_met(&self, language: Language, verdict: &mut Verdict) {
        verdict.why = language.say("en-why-met", &fluent_args!["n" => self.checks.len()]);
        let next = self.pools.iter().find_map(|pool| pool.sensitivity(language));
        verdict.todo = match next {
            Some(next) if !self.over => next,
            _ if self.over => language.t("en-do-nothing-over"),
            _ => language.t("en-do-nothing"),
        };
        verdict.by = Some(self.until.end);
    }

    /// The miner with most of the failures of a rate.
    fn culprit(&self, language: Language, check: &CheckView) -> Option<String> {
        let metric = check.metric.as_deref().filter(|_| check.is_rate())?;
        let failed = |rates: &[MemberRate]| {
            let rate = rates.iter().find(|rate| rate.metric == metric)?;
            rate.counts.map(|(_, failed)| failed)
        };
        let now = || self.members.iter().filter(|member| member.now);
        let worst = now().max_by_key(|member| failed(&member.rates))?;
        let all: u128 = now().filter_map(|member| failed(&member.rates)).fold(0, u128::saturating_add);
        let most = failed(&worst.rates).filter(|failed| *failed > 0 && now().count() > 1)?;
        let arguments = fluent_args![
            "miner" => worst.participant.as_str(), "failed" => grouped(most), "all" => grouped(all),
        ];
        Some(language.say("en-culprit", &arguments))
    }

    /// Date and span until an epoch.
    pub(super) fn moment(&self, epoch: Epoch) -> (String, i64) {
        let seconds = i64::from(self.until.schedule.epoch_seconds);
        let span = epoch.since(self.meta.chain.epoch).saturating_mul(seconds);
        (self.until.schedule.time_of(epoch).to_string(), span)
    }
}

/// A rate against its bar.
#[derive(Debug, Template)]
#[template(
    source = r#"<svg class="gauge" role="img" aria-label="{{ title }}"><line x1="0" x2="100%" y1="30" y2="30"/>{% for tick in 0..11 %}<line x1="{{ tick * 10 }}%" x2="{{ tick * 10 }}%" y1="{% if tick % 2 == 0 %}26{% else %}28{% endif %}" y2="30"/>{% endfor %}{% if let Some((from, width)) = band %}<rect class="ci" x="{{ from }}" width="{{ width }}" y="19" height="7"/>{% endif %}<line class="val" x1="{{ value }}" x2="{{ value }}" y1="15" y2="30"/><line class="bar" x1="{{ bar }}" x2="{{ bar }}" y1="6" y2="32"/><text class="t-val" x="{{ value }}" dx="{% if left %}-6{% else %}6{% endif %}" y="13" text-anchor="{% if left %}end{% else %}start{% endif %}">{{ value_text }}</text><text x="{{ bar }}" dx="{% if left %}6{% else %}-6{% endif %}" y="13" text-anchor="{% if left %}start{% else %}end{% endif %}">{{ bar_text }}</text><text x="0" y="44">{{ least }} %</text><text x="100%" y="44" text-anchor="end">100 %</text></svg><p class="small soft">{{ samples }}</p>"#,
    ext = "html"
)]
pub(super) struct Gauge {
    title: String,
    band: Option<(String, String)>,
    value: String,
    bar: String,
    left: bool,
    value_text: String,
    bar_text: String,
    least: u128,
    samples: String,
}

impl HtmlSafe for Gauge {}

impl Gauge {
    fn of(check: &CheckView, language: Language) -> Option<Self> {
        let (value_text, bar_text, value, bar) = check.rate()?;
        let measure = &check.value.as_ref()?.0;
        let samples = measure.samples()?;
        let band = passed(measure).and_then(|passed| interval(passed, samples));
        let lowest = band.map_or(value, |(low, _)| low.min(value)).min(bar);
        let least = if lowest >= 500 { 50 } else { 0 };
        let place = |thousandths: u128| {
            let from = least * 10;
            let part = i64::try_from(thousandths.saturating_sub(from)).unwrap_or(0);
            percent(part, i64::try_from(1000 - from).unwrap_or(1000))
        };
        let tenths = |thousandths: u128| format!("{}.{}", thousandths / 10, thousandths % 10);
        let n = grouped(samples);
        let text = match (passed(measure), band) {
            (Some(passed), Some((low, high))) => language.say(
                "en-gauge",
                &fluent_args![
                    "passed" => grouped(passed), "n" => n.as_str(), "low" => tenths(low), "high" => tenths(high),
                ],
            ),
            _ => language.say("en-gauge-n", &fluent_args!["n" => n.as_str()]),
        };
        let needed = language.say("en-gauge-bar", &fluent_args!["bar" => bar_text.as_str()]);
        Some(Self {
            title: format!("{value_text}, {needed}. {text}"),
            band: band.map(|(low, high)| {
                let range = i64::try_from(high.saturating_sub(low)).unwrap_or(0);
                (place(low), percent(range, i64::try_from(1000 - least * 10).unwrap_or(1000)))
            }),
            value: place(value),
            bar: place(bar),
            left: value <= bar,
            value_text,
            bar_text: needed,
            least,
            samples: text,
        })
    }
}
