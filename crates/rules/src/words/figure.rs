//! Numbers for people: exact, and no two alike.

use apogee_domain::{Epoch, NetworkKind, Unit};

use super::{Speaker, say};
use crate::{Bound, Id, Measure, Quantity, Ratio};

const BINARY: &[(&str, u32)] =
    &[("EiB", 60), ("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

impl Speaker<'_> {
    /// An epoch, with its date where the schedule is known.
    pub(super) fn epoch(&self, epoch: Epoch) -> String {
        match self.schedule {
            Some(schedule) => {
                say!(
                    self.lang,
                    "epoch {height} ({time})",
                    "高度 {height}（{time}）",
                    height = epoch,
                    time = schedule.time_of(epoch)
                )
            }
            // Chinese text goes on behind it.
            None => say!(self.lang, "epoch {height}", "高度 {height} ", height = epoch),
        }
    }

    /// A number of epochs, with the days where the schedule is known and they are whole.
    pub(super) fn span(&self, epochs: u64) -> String {
        let seconds = self.schedule.and_then(|schedule| epochs.checked_mul(schedule.epoch_seconds.into()));
        match seconds.filter(|seconds| *seconds > 0 && seconds % 86_400 == 0) {
            Some(seconds) => say!(
                self.lang,
                "{epochs} epochs ({days} days)",
                "{epochs} 个高度（{days} 天）",
                epochs = epochs,
                days = seconds / 86_400
            ),
            None => say!(self.lang, "{epochs} epochs", "{epochs} 个高度", epochs = epochs),
        }
    }

    /// A quantity of a metric, in the metric's unit.
    pub(super) fn quantity(&self, quantity: Quantity, metric: &Id) -> String {
        match self.rules.measure(metric) {
            Some(Measure::Whole(Unit::Bytes)) => bytes(quantity.0),
            Some(Measure::Whole(Unit::Atto)) => self.money(quantity),
            Some(Measure::Whole(Unit::Gas)) => format!("{} gas", grouped(quantity.0)),
            Some(Measure::Whole(Unit::Nano)) => decimal(quantity.0, 9),
            Some(Measure::Whole(Unit::Count) | Measure::Ratio) | None => grouped(quantity.0),
        }
    }

    /// An amount of atto.
    pub(super) fn money(&self, quantity: Quantity) -> String {
        format!("{} {}", decimal(quantity.0, 18), self.coin())
    }

    /// What amounts are told in.
    pub(super) fn coin(&self) -> &'static str {
        match self.rules.kind() {
            NetworkKind::Filecoin => "FIL",
            NetworkKind::Spacemesh => "SMH",
        }
    }

    pub(super) fn bound(&self, bound: Bound, metric: &Id) -> String {
        match bound {
            Bound::Quantity(quantity) => self.quantity(quantity, metric),
            Bound::Ratio(ratio) => percent(ratio),
        }
    }
}

/// Percent where that is a whole number, else the fraction.
pub(super) fn percent(ratio: Ratio) -> String {
    let hundredfold = ratio.numerator().checked_mul(100);
    match hundredfold.map(|n| (n / ratio.denominator(), n % ratio.denominator())) {
        Some((percent, 0)) => format!("{percent} %"),
        _ => ratio.to_string(),
    }
}

/// In the largest unit in which at most three decimals are exact.
fn bytes(quantity: u128) -> String {
    let fits = |shift: u32| {
        let scale = 1_u128 << shift;
        let thousandths = quantity.checked_mul(1000).filter(|n| quantity >= scale && n % scale == 0);
        thousandths.map(|n| n >> shift)
    };
    BINARY
        .iter()
        .find_map(|(unit, shift)| Some(format!("{} {unit}", decimal(fits(*shift)?, 3))))
        .unwrap_or_else(|| format!("{} B", grouped(quantity)))
}

/// A number of units of 10 to the minus `places`, without zeros at the end.
fn decimal(number: u128, places: u32) -> String {
    let scale = 10_u128.pow(places);
    let fraction = format!("{:0width$}", number % scale, width = usize::try_from(places).unwrap_or_default());
    match fraction.trim_end_matches('0') {
        "" => grouped(number / scale),
        fraction => format!("{}.{fraction}", grouped(number / scale)),
    }
}

/// `1,234,567`.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_where_that_is_exact() {
        assert_eq!(bytes(5 << 50), "5 PiB");
        assert_eq!(bytes(3 << 49), "1.5 PiB");
        assert_eq!(bytes((1 << 50) - 1), "1,125,899,906,842,623 B");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(u128::MAX), "340,282,366,920,938,463,463,374,607,431,768,211,455 B");
        assert_eq!(decimal(100_000 * 10_u128.pow(18), 18), "100,000");
        assert_eq!(decimal(1, 18), "0.000000000000000001");
        assert_eq!(percent(Ratio::new(4, 5).unwrap()), "80 %");
        assert_eq!(percent(Ratio::new(799, 1000).unwrap()), "799/1000");
        assert_eq!(
            percent(Ratio::new(u128::MAX - 1, u128::MAX).unwrap()),
            format!("{}/{}", u128::MAX - 1, u128::MAX)
        );
    }
}
