//! Metrics of a competition as people read them: one unit a column, rates with their samples.

use apogee_domain::{NetworkKind, Unit, Value};
use apogee_leaderboard::{Fraction, Measure};
use apogee_rules::{Bound, Id, MetricKind, RuleSet};
use askama::Template;
use askama::filters::HtmlSafe;
use serde::{Serialize, Serializer};

use super::Stage;
use crate::competitions::Ground;
use crate::web::ask::Language;
use crate::web::figure::{Coin, Figure, Scale, coin, grouped};
use crate::web::reading::unit_name;

/// How the values of a metric are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// `None` for ratios.
    pub(super) unit: Option<Unit>,
    pub(super) scale: Scale,
}

impl Shown {
    /// How a metric of these rules is shown where `typical` is one of its values.
    pub(super) fn of(rules: &RuleSet, metric: &Id, coin: Coin, typical: Option<u128>) -> Self {
        let unit = match rules.measure(metric) {
            Some(apogee_rules::Measure::Whole(unit)) => Some(unit),
            Some(apogee_rules::Measure::Ratio) | None => None,
        };
        Self { unit, scale: Scale::of(unit.unwrap_or(Unit::Count), coin, typical.map(Value)) }
    }

    /// The unit as programs read it.
    pub(super) const fn name(&self) -> &'static str {
        match self.unit {
            Some(unit) => unit_name(unit),
            None => "ratio",
        }
    }

    /// What one of the figures stands for: `TiB`; empty for things and rates.
    pub(super) const fn symbol(&self) -> &'static str {
        match self.unit {
            Some(_) => self.scale.symbol,
            None => "",
        }
    }

    /// A whole number, without its unit.
    pub(super) fn whole(&self, value: u128) -> String {
        self.scale.text(Value(value))
    }

    /// A whole number with its unit.
    pub(super) fn with_unit(&self, value: u128) -> String {
        format!("{} {}", self.whole(value), self.symbol()).trim_end().to_owned()
    }

    /// A value with its unit: `1,290.8 TiB`, `76.8 %`, `–`.
    pub(super) fn text(&self, measure: &Measure) -> String {
        match (measure.whole(), measure.fraction()) {
            (Some(whole), _) => self.with_unit(whole),
            (_, Some(fraction)) => percent(fraction),
            _ => "–".to_owned(),
        }
    }

    /// What a metric is compared with, with its unit.
    pub(super) fn bound(&self, bound: Bound) -> String {
        match bound {
            Bound::Quantity(quantity) => self.with_unit(quantity.0),
            Bound::Ratio(ratio) => percent(&Fraction::Small(ratio)).replace(".0 %", " %"),
        }
    }

    /// A value in a table.
    pub(super) fn cell(&self, measure: &Measure) -> ValueCell {
        let samples = samples(measure).unwrap_or_default();
        match (measure.whole(), measure.fraction(), self.unit) {
            (Some(whole), _, Some(unit)) => {
                let figure = Figure { value: Some(Value(whole)), unit, scale: self.scale };
                let raw = if figure.is_shown_exactly() || whole == 0 { String::new() } else { figure.raw() };
                let title = if raw.is_empty() { String::new() } else { figure.title() };
                ValueCell { text: figure.text(), raw, title, samples, muted: whole == 0 }
            }
            (_, Some(fraction), _) => ValueCell {
                text: percent(fraction),
                raw: String::new(),
                title: String::new(),
                samples,
                muted: false,
            },
            _ => ValueCell {
                text: "–".to_owned(),
                raw: String::new(),
                title: String::new(),
                samples,
                muted: true,
            },
        }
    }
}

/// A value in a table: its exact number behind it, the samples of a rate beside it.
#[derive(Debug, Template)]
#[template(
    source = r#"{% if muted %}<span class="muted">{{ text }}</span>{% else if raw.is_empty() %}{{ text }}{% else %}<data value="{{ raw }}" title="{{ title }}">{{ text }}</data>{% endif %}{% if !samples.is_empty() %} <span class="u">{{ samples }}</span>{% endif %}"#,
    ext = "html"
)]
pub(super) struct ValueCell {
    text: String,
    raw: String,
    title: String,
    samples: String,
    muted: bool,
}

impl HtmlSafe for ValueCell {}

/// A ratio in percent with one decimal, rounded half up.
pub(super) fn percent(fraction: &Fraction) -> String {
    let (numerator, denominator) = fraction.parts();
    let tenths = ((numerator * 2000_u32 + &denominator) / (denominator * 2_u32)).to_string();
    let (whole, tenth) = tenths.split_at_checked(tenths.len().saturating_sub(1)).unwrap_or(("", "0"));
    let whole = if whole.is_empty() { "0".to_owned() } else { grouped(whole) };
    format!("{whole}.{tenth} %")
}

/// Successes of a rate, where they are a whole number: they are not for means over members.
pub(super) fn passed(measure: &Measure) -> Option<u128> {
    let (samples, fraction) = (measure.samples()?, measure.fraction()?);
    let (numerator, denominator) = fraction.parts();
    let passed = numerator * samples;
    let rest = &passed % &denominator;
    if rest.bits() == 0 { u128::try_from(passed / denominator).ok() } else { None }
}

/// What a rate was taken from: `63/82`.
pub(super) fn samples(measure: &Measure) -> Option<String> {
    let samples = measure.samples()?;
    let of = grouped(samples);
    Some(match passed(measure) {
        Some(passed) => format!("{}/{of}", grouped(passed)),
        None => format!("n = {of}"),
    })
}

/// The 95 % interval of Wilson around a rate, in thousandths.
pub(super) fn interval(passed: u128, samples: u128) -> Option<(u128, u128)> {
    /// The square of 1.96, in parts of 10,000.
    const SQUARE: u128 = 38_416;
    let failed = samples.checked_sub(passed)?;
    if samples == 0 || samples > 1 << 40 {
        return None;
    }
    let middle = passed * 20_000 + SQUARE;
    let root = (SQUARE * (SQUARE + 40_000 * passed * failed / samples)).isqrt();
    let whole = 2 * (samples * 10_000 + SQUARE);
    Some((middle.saturating_sub(root) * 1000 / whole, ((middle + root) * 1000 / whole).min(1000)))
}

/// The coin that a competition is paid in.
pub(super) fn coin_of(stage: &Stage) -> Coin {
    match stage.ground() {
        Some(Ground::Index { network, .. }) => coin(network.kind),
        // Packages are of Filecoin networks.
        Some(Ground::Archive(_)) | None => coin(NetworkKind::Filecoin),
    }
}

/// A metric by name: that of its series where it reads one that everybody knows, else its own.
pub(super) fn metric_name(language: Language, rules: &RuleSet, metric: &Id) -> String {
    let series = |id: &Id| match rules.metric(id).map(|metric| &metric.kind) {
        Some(MetricKind::Level { series } | MetricKind::Window { series, .. }) => Some(series.clone()),
        _ => None,
    };
    let Some(mine) = series(metric).filter(|series| series.spec().is_some()) else {
        return language.name("metric", metric.as_str());
    };
    let others = rules.metrics.iter().filter(|other| series(&other.id).as_ref() == Some(&mine)).count();
    if others > 1 { language.name("metric", metric.as_str()) } else { language.name("head", mine.as_str()) }
}

/// A metric as documents have it: `{"value"}`, for rates `{"samples", "value"}`.
#[derive(Clone, Debug)]
pub(super) struct Metered(pub(super) Measure);

impl Serialize for Metered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use apogee_leaderboard::Rate;
    use apogee_rules::Ratio;

    use super::*;

    fn rate(numerator: u128, denominator: u128, samples: u128) -> Measure {
        let value = Ratio::new(numerator, denominator).map(Fraction::Small);
        Measure::Rate(Some(Box::new(Rate { value, samples })))
    }

    #[test]
    fn a_rate_is_never_a_bare_percentage() {
        let rate = rate(63, 82, 82);
        assert_eq!(percent(rate.fraction().unwrap()), "76.8 %");
        assert_eq!(samples(&rate).unwrap(), "63/82");
    }

    #[test]
    fn a_mean_of_rates_has_no_successes_to_count() {
        assert_eq!(samples(&rate(2, 3, 10)).unwrap(), "n = 10");
        assert_eq!(percent(&Fraction::Small(Ratio::new(1, 2000).unwrap())), "0.1 %");
        assert_eq!(percent(&Fraction::Small(Ratio::new(0, 1).unwrap())), "0.0 %");
    }

    #[test]
    fn the_interval_is_wilsons() {
        assert_eq!(interval(63, 82), Some((666, 846)));
        assert_eq!(interval(0, 0), None);
        assert_eq!(interval(10, 10).unwrap().1, 1000);
        assert_eq!(interval(0, 10).unwrap().0, 0);
    }
}
