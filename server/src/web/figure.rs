//! Numbers as they are read: one unit a column, thin grouping, rounded half up from the integer.

use std::fmt;

use apogee_domain::series::{Reading, SeriesSpec, Unit};
use apogee_domain::{NetworkKind, SeriesName, Value};
use serde::Serialize;

/// Between groups of decimals: U+202F, narrow and unbreakable.
const THIN: char = '\u{202f}';

/// A whole number with commas between thousands: `1,204`.
pub(crate) fn grouped(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", &*digits), |rest| ("\u{2212}", rest));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a network's amounts are counted in: its coin, the billionth of it for small amounts, and the smallest part of it.
pub(crate) type Coin = [&'static str; 3];

/// The coin of a network.
pub(crate) const fn coin(kind: NetworkKind) -> Coin {
    match kind {
        NetworkKind::Filecoin => ["FIL", "nanoFIL", "attoFIL"],
        NetworkKind::Spacemesh => ["SMH", "nanoSMH", "attoSMH"],
    }
}

/// How a column is scaled: its figures are divided by `divisor` and shown with `decimals` digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    divisor: u128,
    decimals: u32,
    /// What one of the shown figures stands for: `TiB`, `FIL`; empty for things.
    pub(crate) symbol: &'static str,
}

const BINARY: [(u32, &str, u32); 7] = [
    (60, "EiB", 2),
    (50, "PiB", 2),
    (40, "TiB", 1),
    (30, "GiB", 1),
    (20, "MiB", 1),
    (10, "KiB", 1),
    (0, "B", 0),
];

/// 10⁻¹⁸.
const ATTO: u128 = 1_000_000_000_000_000_000;
/// 10⁻⁹.
const NANO: u128 = 1_000_000_000;

impl Scale {
    /// The scale of a column whose largest figure is `largest`, of a network whose coin is `coin`.
    pub(crate) fn of(unit: Unit, [coin, nano, atto]: Coin, largest: Option<Value>) -> Self {
        let plain = Self { divisor: 1, decimals: 0, symbol: "" };
        match unit {
            Unit::Bytes => {
                let largest = largest.map_or(0, |value| value.0);
                let fit = BINARY.iter().find(|(shift, ..)| largest >> shift > 0);
                fit.map_or(Self { symbol: "B", ..plain }, |(shift, symbol, decimals)| Self {
                    divisor: 1 << shift,
                    decimals: *decimals,
                    symbol,
                })
            }
            // What would all be less than 0.01.
            Unit::Atto if largest.is_some_and(|value| (1..NANO / 100).contains(&value.0)) => {
                Self { symbol: atto, ..plain }
            }
            Unit::Atto if largest.is_some_and(|value| (1..ATTO / 100).contains(&value.0)) => {
                Self { divisor: NANO, decimals: 2, symbol: nano }
            }
            Unit::Atto => Self { divisor: ATTO, decimals: 2, symbol: coin },
            Unit::Nano => Self { divisor: NANO, decimals: 2, symbol: "" },
            Unit::Gas => Self { symbol: "gas", ..plain },
            Unit::Count => plain,
        }
    }

    /// A figure in thousandths of what is shown: for drawings.
    pub(crate) const fn thousandths(self, value: Value) -> u128 {
        let (whole, rest) = (value.0 / self.divisor, value.0 % self.divisor);
        whole.saturating_mul(1000).saturating_add(rest.saturating_mul(1000) / self.divisor)
    }

    /// Whether there is nothing between two figures.
    pub(crate) const fn is_whole(self) -> bool {
        self.divisor == 1
    }

    /// A figure at this scale: `1,290.8`.
    pub(crate) fn text(self, value: Value) -> String {
        let unit = 10_u128.pow(self.decimals);
        let (whole, rest) = (value.0 / self.divisor, value.0 % self.divisor);
        // The rest is less than 2⁶⁰ or 10¹⁸, so that times 100 fits.
        let parts = (rest * unit + self.divisor / 2) / self.divisor;
        let (whole, parts) = if parts == unit { (whole + 1, 0) } else { (whole, parts) };
        if value.0 == 0 {
            "0".to_owned()
        } else if whole == 0 && parts == 0 {
            format!("< {}", fraction(0, 1, self.decimals))
        } else {
            fraction(whole, parts, self.decimals)
        }
    }
}

fn fraction(whole: u128, parts: u128, decimals: u32) -> String {
    match usize::try_from(decimals) {
        Ok(width @ 1..) => format!("{}.{parts:0width$}", grouped(whole)),
        _ => grouped(whole),
    }
}

/// A sum with all its decimals: `1,204.660 000 000 000 000 001`.
pub(crate) fn exact(unit: Unit, value: Value) -> String {
    let (divisor, width) = match unit {
        Unit::Atto => (ATTO, 18),
        Unit::Nano => (NANO, 9),
        Unit::Bytes | Unit::Gas | Unit::Count => return grouped(value),
    };
    let digits = format!("{:0width$}", value.0 % divisor);
    let kept = digits.trim_end_matches('0').len().max(2);
    let mut text = format!("{}.", grouped(value.0 / divisor));
    for (index, digit) in digits.chars().take(kept).enumerate() {
        if index > 0 && index.is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// What is known of one number: a JSON string of digits, `null` where it is unknown.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Figure {
    pub(crate) value: Option<Value>,
    #[serde(skip)]
    pub(crate) unit: Unit,
    #[serde(skip)]
    pub(crate) scale: Scale,
}

impl Figure {
    /// As it stands in a table; a dash where it is unknown.
    pub(crate) fn text(&self) -> String {
        self.value.map_or_else(|| "–".to_owned(), |value| self.scale.text(value))
    }

    /// The whole number: bytes, attos, pieces.
    pub(crate) fn raw(&self) -> String {
        self.value.map(|value| value.to_string()).unwrap_or_default()
    }

    /// With everything that [`text`](Self::text) rounds away.
    pub(crate) fn exact(&self) -> String {
        self.value.map_or_else(|| "–".to_owned(), |value| exact(self.unit, value))
    }

    /// The exact figure and its unit, as a tooltip.
    pub(crate) fn title(&self) -> String {
        match self.unit {
            Unit::Bytes => format!("{} B", self.exact()),
            Unit::Atto => format!(
                "{} {}",
                self.exact(),
                self.scale.symbol.trim_start_matches("nano").trim_start_matches("atto")
            ),
            Unit::Nano | Unit::Gas | Unit::Count => self.exact(),
        }
    }

    /// Whether [`text`](Self::text) rounds nothing away.
    pub(crate) const fn is_shown_exactly(&self) -> bool {
        self.scale.is_whole()
    }

    /// Whether it is known to be nothing.
    pub(crate) fn is_zero(&self) -> bool {
        self.value == Some(Value::ZERO)
    }
}

/// `12.4 %` of a whole; nothing where either is unknown.
pub(crate) fn share(part: Option<Value>, whole: Option<Value>) -> Option<String> {
    let (part, whole) = (part?.0, whole?.0);
    let tenths = part.checked_mul(1000)?.checked_add(whole / 2)?.checked_div(whole)?;
    Some(format!("{}.{} %", tenths / 10, tenths % 10))
}

/// What is known of a series; an unknown one is counted in pieces.
pub(crate) fn spec(name: &SeriesName) -> SeriesSpec {
    let unknown = SeriesSpec {
        name: "",
        unit: Unit::Count,
        reading: Reading::Level,
        per_participant: true,
        kinds: &[],
    };
    name.spec().copied().unwrap_or(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIL: Coin = coin(NetworkKind::Filecoin);

    #[test]
    fn thousands_have_commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "\u{2212}1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn bytes_are_rounded_half_up_at_the_scale_of_their_column() {
        let scale = Scale::of(Unit::Bytes, FIL, Some(Value(1_419_194_633_551_872)));
        assert_eq!((scale.symbol, &*scale.text(Value(1_419_194_633_551_872))), ("PiB", "1.26"));
        let tib = Scale::of(Unit::Bytes, FIL, Some(Value(1 << 49)));
        for (bytes, text) in [
            (1 << 40, "1.0"),
            ((1 << 40) + (1 << 36), "1.1"),
            (0, "0"),
            (1, "< 0.1"),
            (u128::MAX, "309,485,009,821,345,068,724,781,056.0"),
        ] {
            assert_eq!(tib.text(Value(bytes)), text, "{bytes}");
        }
        assert_eq!(Scale::of(Unit::Bytes, FIL, Some(Value(0))).symbol, "B");
    }

    #[test]
    fn money_is_exact_to_the_last_digit() {
        let one = Value(1_204_660_000_000_000_000_001);
        assert_eq!(
            exact(Unit::Atto, one),
            "1,204.660\u{202f}000\u{202f}000\u{202f}000\u{202f}000\u{202f}001"
        );
        assert_eq!(exact(Unit::Atto, Value(1_500_000_000_000_000_000)), "1.50");
        let fil = Scale::of(Unit::Atto, FIL, None);
        assert_eq!(fil.text(Value(1_995_000_000_000_000_000)), "2.00");
        assert_eq!(fil.text(Value(1)), "< 0.01");
        let small = Scale::of(Unit::Atto, FIL, Some(Value(16_942_665_621_632)));
        let least = Scale::of(Unit::Atto, FIL, Some(Value(37_892)));
        assert_eq!((least.symbol, &*least.text(Value(37_892))), ("attoFIL", "37,892"));
        assert_eq!((small.symbol, &*small.text(Value(16_942_665_621_632))), ("nanoFIL", "16,942.67"));
        assert_eq!(fil.text(Value(u128::MAX)), "340,282,366,920,938,463,463.37");
    }
}
