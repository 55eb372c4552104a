//! The main members of rules as fields of a form.

use apogee_domain::Unit;
use apogee_rules::{
    Bound, Check, CheckKind, Divide, Id, Measure, MetricKind, PoolAmount, Quantity, Ratio, RuleSet,
};

use crate::web::ask::Language;
use crate::web::words::fluent_args;

/// Fields of a form; rules of more have the rest in their address.
const MOST: usize = 60;

/// A member that a form changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// As `set.` takes it.
    pub(super) path: String,
    pub(super) label: String,
    /// Its value as people write it.
    pub(super) value: String,
}

struct Making<'r> {
    rules: &'r RuleSet,
    language: Language,
    members: Vec<Member>,
}

/// The members of some rules that are asked about most: bars, samples, places, tiers, amounts, caps.
pub(super) fn members(rules: &RuleSet, language: Language) -> Vec<Member> {
    let mut making = Making { rules, language, members: Vec::new() };
    for check in &rules.eligibility {
        making.check(check, "eligibility");
    }
    making.metrics();
    making.boards();
    making.pools();
    making.members.truncate(MOST);
    making.members
}

impl Making<'_> {
    fn put(&mut self, path: String, key: &str, id: &Id, n: usize, value: String) {
        let label = self.language.say(key, &fluent_args!["id" => id.to_string(), "n" => n]);
        self.members.push(Member { path, label, value });
    }

    fn check(&mut self, check: &Check, list: &str) {
        let path = format!("{list}.{}", check.id);
        match &check.kind {
            CheckKind::AtLeast { metric, value, .. } => {
                let value = self.bound(*value, metric);
                self.put(format!("{path}.value"), "field-at-least", &check.id, 0, value);
            }
            CheckKind::AtMost { metric, value, .. } => {
                let value = self.bound(*value, metric);
                self.put(format!("{path}.value"), "field-at-most", &check.id, 0, value);
            }
            CheckKind::All { checks } | CheckKind::Any { checks } => {
                checks.iter().for_each(|check| self.check(check, &format!("{path}.checks")));
            }
            CheckKind::Registered { deadline, .. } => {
                self.put(format!("{path}.deadline"), "field-deadline", &check.id, 0, deadline.to_string());
            }
            CheckKind::Claimed | CheckKind::Region | CheckKind::Attested { .. } => {}
        }
    }

    fn metrics(&mut self) {
        for metric in &self.rules.metrics {
            if let MetricKind::Rate { min_samples: Some(samples), .. } = &metric.kind {
                let path = format!("metrics.{}.min_samples", metric.id);
                self.put(path, "field-samples", &metric.id, 0, samples.to_string());
            }
        }
    }

    fn boards(&mut self) {
        for board in &self.rules.boards {
            if let Some(top) = board.top {
                self.put(format!("boards.{}.top", board.id), "field-top", &board.id, 0, top.to_string());
            }
            if let Some(above) = board.above {
                let above = self.quantity(above, &board.metric);
                self.put(format!("boards.{}.above", board.id), "field-above", &board.id, 0, above);
            }
        }
    }

    fn pools(&mut self) {
        for pool in &self.rules.pools {
            let path = format!("pools.{}", pool.id);
            match &pool.amount {
                PoolAmount::Fixed { amount } => {
                    self.put(format!("{path}.amount.amount"), "field-amount", &pool.id, 0, money(*amount));
                }
                PoolAmount::Tiers { metric, tiers, .. } => {
                    for (place, tier) in tiers.iter().enumerate() {
                        let (tiers, n) = (format!("{path}.amount.tiers.{place}"), place + 1);
                        let at = self.quantity(tier.at, metric);
                        self.put(format!("{tiers}.at"), "field-tier-at", &pool.id, n, at);
                        self.put(
                            format!("{tiers}.amount"),
                            "field-tier-amount",
                            &pool.id,
                            n,
                            money(tier.amount),
                        );
                    }
                }
                PoolAmount::ByDecision | PoolAmount::Open => {}
            }
            if let Divide::Flat { each } = &pool.divide {
                self.put(format!("{path}.divide.each"), "field-each", &pool.id, 0, money(*each));
            }
            if let Some(cap) = &pool.cap {
                self.put(format!("{path}.cap.share"), "field-cap", &pool.id, 0, ratio(cap.share));
            }
            if let Some(floor) = pool.floor {
                self.put(format!("{path}.floor"), "field-floor", &pool.id, 0, money(floor));
            }
        }
    }

    fn bound(&self, bound: Bound, metric: &Id) -> String {
        match bound {
            Bound::Quantity(quantity) => self.quantity(quantity, metric),
            Bound::Ratio(share) => ratio(share),
        }
    }

    fn quantity(&self, quantity: Quantity, metric: &Id) -> String {
        match self.rules.measure(metric) {
            Some(Measure::Whole(Unit::Bytes)) => bytes(quantity),
            Some(Measure::Whole(Unit::Atto)) => money(quantity),
            _ => quantity.to_string(),
        }
    }
}

/// `80%` where that is exact.
fn ratio(ratio: Ratio) -> String {
    let hundredfold = ratio.numerator().checked_mul(100);
    match hundredfold.filter(|n| n % ratio.denominator() == 0) {
        Some(n) => format!("{}%", n / ratio.denominator()),
        None => ratio.to_string(),
    }
}

/// In the largest unit of which it is a whole number.
fn bytes(quantity: Quantity) -> String {
    const UNITS: [(&str, u32); 6] =
        [("EiB", 60), ("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let whole = UNITS.iter().find(|(_, shift)| quantity.0 > 0 && quantity.0.is_multiple_of(1 << shift));
    whole.map_or_else(|| format!("{quantity}B"), |(unit, shift)| format!("{}{unit}", quantity.0 >> shift))
}

fn money(quantity: Quantity) -> String {
    const ATTO: u128 = 1_000_000_000_000_000_000;
    let fraction = format!("{:018}", quantity.0 % ATTO);
    match fraction.trim_end_matches('0') {
        "" => format!("{}FIL", quantity.0 / ATTO),
        fraction => format!("{}.{fraction}FIL", quantity.0 / ATTO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apogee_rules::Edit;

    #[test]
    fn every_field_says_what_the_rules_say() {
        for file in ["sr1-v1", "sr1-v3", "sr2-actual", "slingshot-2", "devnet-sprint"] {
            let path = apogee_testkit::workspace().join(format!("examples/rules/{file}.toml"));
            let rules = RuleSet::from_toml(&std::fs::read_to_string(path).unwrap()).unwrap();
            let fields = members(&rules, Language::English);
            assert!(!fields.is_empty(), "{file}");
            let edits: Vec<Edit> = fields
                .iter()
                .map(|field| Edit { path: field.path.clone(), value: field.value.clone() })
                .collect();
            // Everything written as it stands in the form changes nothing.
            assert_eq!(rules.edited(&edits, Some(30)).unwrap(), rules, "{file}");
        }
    }

    #[test]
    fn figures_are_written_as_authors_write_them() {
        assert_eq!(bytes(Quantity(10 << 40)), "10TiB");
        assert_eq!(bytes(Quantity(3 << 49)), "1536TiB");
        assert_eq!((bytes(Quantity(0)), bytes(Quantity(5))), ("0B".into(), "5B".into()));
        assert_eq!(money(Quantity(25_000 * 10_u128.pow(18))), "25000FIL");
        assert_eq!(money(Quantity(1)), "0.000000000000000001FIL");
        assert_eq!(
            (ratio(Ratio::new(4, 5).unwrap()), ratio(Ratio::new(1, 3).unwrap())),
            ("80%".into(), "1/3".into())
        );
    }
}
