//! Spans of time and amounts of money as people write them in a policy.

use std::fmt;
use std::str::FromStr;

use apogee_domain::{Atto, NetworkKind, Timestamp};
use serde::{Deserialize, Serialize};

/// A length of time in microseconds; written `30d`, `24h`, `15m`, `6s` or `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(i64);

/// The text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a length of time is a whole number from 1 on with ms, s, m, h or d, as in 24h; at most 36500d")]
pub struct InvalidSpan;

/// From the longest to the shortest, so that the first that divides a span writes it.
const UNITS: [(&str, i64); 5] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];
const LONGEST: i64 = 36_500 * 86_400_000_000;

impl Span {
    /// A day.
    pub const DAY: Self = Self(86_400_000_000);

    /// Its length in microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Its length in whole seconds, rounded up.
    #[must_use]
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0).div_ceil(1_000_000)
    }

    /// The moment that is this much after `at`.
    #[must_use]
    pub const fn after(self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_add(self.0))
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;
    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(InvalidSpan)?;
        let (_, micros) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(InvalidSpan)?;
        let number: i64 = number.parse().map_err(|_| InvalidSpan)?;
        let span = number.checked_mul(*micros).ok_or(InvalidSpan)?;
        if (1..=LONGEST).contains(&span) { Ok(Self(span)) } else { Err(InvalidSpan) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, micros)| self.0 % micros == 0);
        let (name, micros) = whole.unwrap_or(&("ms", 1_000));
        write!(f, "{}{name}", self.0 / micros)
    }
}

/// What money is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Coin {
    /// Filecoin's: 10¹⁸ attoFIL.
    Fil,
    /// Spacemesh's: 10⁹ smidge, and 10¹⁸ of what is counted in here.
    Smh,
}

impl Coin {
    /// The coin of a network.
    #[must_use]
    pub const fn of(kind: NetworkKind) -> Self {
        match kind {
            NetworkKind::Filecoin => Self::Fil,
            NetworkKind::Spacemesh => Self::Smh,
        }
    }

    /// How it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Fil => "FIL",
            Self::Smh => "SMH",
        }
    }

    /// How many decimals an amount has at most.
    const fn decimals(self) -> usize {
        match self {
            Self::Fil => DECIMALS,
            Self::Smh => 9,
        }
    }

    /// So much of it.
    #[must_use]
    pub const fn money(self, atto: Atto) -> Money {
        Money { atto, coin: self }
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// Money; written `100 FIL`, `0.5 SMH`, or in attoFIL, `1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money {
    /// How much, 10⁻¹⁸ of the coin.
    pub atto: Atto,
    /// Of what.
    pub coin: Coin,
}

/// The text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an amount is written 100 FIL, 0.5 FIL (at most 18 decimals), 0.5 SMH (at most 9 decimals), or as a whole number of attoFIL"
)]
pub struct InvalidMoney;

const DECIMALS: usize = 18;
/// Atto of one coin.
const ONE: u128 = 1_000_000_000_000_000_000;

impl FromStr for Money {
    type Err = InvalidMoney;
    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        let Some((number, symbol)) = text.split_once(' ') else {
            return text.parse().map(|atto| Coin::Fil.money(atto)).map_err(|_| InvalidMoney);
        };
        let coin = [Coin::Fil, Coin::Smh].into_iter().find(|coin| coin.symbol() == symbol);
        let coin = coin.ok_or(InvalidMoney)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let whole: Atto = whole.parse().map_err(|_| InvalidMoney)?;
        if part.len() > coin.decimals() {
            return Err(InvalidMoney);
        }
        let part: Atto = format!("{part:0<DECIMALS$}").parse().map_err(|_| InvalidMoney)?;
        let atto = whole.0.checked_mul(ONE).and_then(|whole| whole.checked_add(part.0));
        // "1. FIL" has no decimals after its point.
        atto.filter(|_| !number.ends_with('.')).map(|atto| coin.money(Atto(atto))).ok_or(InvalidMoney)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.atto.0 / ONE, self.atto.0 % ONE);
        if part == 0 {
            return write!(f, "{whole} {}", self.coin);
        }
        let part = format!("{part:0DECIMALS$}");
        write!(f, "{whole}.{} {}", part.trim_end_matches('0'), self.coin)
    }
}

macro_rules! as_text {
    ($name:ident, $error:ident) => {
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
as_text!(Span, InvalidSpan);
as_text!(Money, InvalidMoney);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_in_the_longest_unit() {
        for (text, written) in
            [("30d", "30d"), ("24h", "1d"), ("90m", "90m"), ("120s", "2m"), ("500ms", "500ms")]
        {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), written);
        }
        for text in ["", "0s", "5", "s", "-1s", "1w", "1 h", "36501d", "9999999999999999999d", "１s", "1é"]
        {
            assert_eq!(text.parse::<Span>(), Err(InvalidSpan), "{text}");
        }
    }

    #[test]
    fn amounts_are_exact_to_the_last_of_18_decimals() {
        for (text, atto) in [
            ("100 FIL", 100 * ONE),
            ("0.5 FIL", ONE / 2),
            ("0.000000000000000001 FIL", 1),
            ("7", 7),
            ("340282366920938463463.374607431768211455 FIL", u128::MAX),
        ] {
            let read: Money = text.parse().unwrap();
            assert_eq!(read, Coin::Fil.money(Atto(atto)), "{text}");
            assert_eq!(read.to_string().parse(), Ok(read), "{text}");
        }
        for (text, atto) in [("100 SMH", 100 * ONE), ("0.000000001 SMH", ONE / 1_000_000_000)] {
            let read: Money = text.parse().unwrap();
            assert_eq!(read, Coin::Smh.money(Atto(atto)), "{text}");
            assert_eq!(read.to_string(), text);
        }
        for text in [
            "1 SMHs",
            "1  SMH",
            "1 smh",
            "0.0000000001 SMH",
            "",
            " FIL",
            "1. FIL",
            ".5 FIL",
            "1.0000000000000000000 FIL",
            "-1 FIL",
            "1FIL",
            "1.5",
            "1e3 FIL",
        ] {
            assert_eq!(text.parse::<Money>(), Err(InvalidMoney), "{text}");
        }
        assert_eq!("340282366920938463463.374607431768211456 FIL".parse::<Money>(), Err(InvalidMoney));
    }
}
