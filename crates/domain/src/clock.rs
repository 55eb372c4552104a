use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: microseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `seconds` after 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long ago `earlier` was; zero when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Year, month (1–12), day (1–31), hour, minute, second of a timestamp, in UTC.
fn civil(timestamp: Timestamp) -> (i64, i64, i64, i64, i64, i64) {
    let seconds = timestamp.seconds();
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days are counted from 1 March of year 0, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day, of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

/// RFC 3339 in UTC, to the second: `2026-05-24T09:12:30Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = civil(*self);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The text is not a time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time is written 2026-05-24T09:12:30Z; seconds, or the whole time of day, may be left out")]
pub struct InvalidTime;

/// RFC 3339 in UTC: `2026-05-24T09:12:30Z`, `2026-05-24T09:12Z`, or the beginning of a day, `2026-05-24`. Years 1970 to 9999.
impl FromStr for Timestamp {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
        let time = time.strip_suffix('Z').ok_or(InvalidTime)?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = match time.len() {
            5 => {
                let [hour, minute] = numbers(time, ':', [2, 2])?;
                [hour, minute, 0]
            }
            _ => numbers(time, ':', [2, 2, 2])?,
        };
        // Days are counted from 1 March of year 0, as in `civil`.
        let (of_year, year_from_march) = ((month + 9) % 12, year - i64::from(month <= 2));
        let days = year_from_march * 365 + year_from_march / 4 - year_from_march / 100
            + year_from_march / 400
            + (153 * of_year + 2) / 5
            + day
            - 1
            - 719_468;
        let read = Self::from_seconds(days * 86_400 + hour * 3_600 + minute * 60 + second);
        // What is no day or no hour reads back as another.
        if year >= 1970 && civil(read) == (year, month, day, hour, minute, second) {
            return Ok(read);
        }
        Err(InvalidTime)
    }
}

/// Numbers of so many digits with `between` between them.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Result<[i64; N], InvalidTime> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits).ok_or(InvalidTime)?;
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidTime);
        }
        *number = part.parse().map_err(|_| InvalidTime)?;
    }
    if parts.next().is_some() { Err(InvalidTime) } else { Ok(numbers) }
}

/// Where the time of day comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A clock that stands until it is told to move: tests, replays.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.0)))
    }

    /// Move forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_228_020, "2026-11-21T02:27:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_seconds(seconds).to_string(), text);
        }
    }

    #[test]
    fn times_are_read_in_the_forms_that_people_write() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29T00:00Z", 951_782_400),
            ("2026-11-21T02:27:00Z", 1_795_228_020),
            ("2100-02-28T23:59:59Z", 4_107_542_399),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp::from_seconds(seconds)), "{text}");
        }
        for text in [
            "",
            "2020",
            "2020-9-1",
            "2020-02-30",
            "2021-02-29",
            "2020-13-01",
            "1969-12-31",
            "2020-01-01T24:00Z",
            "2020-01-01T00:00",
            "2020-01-01T00:00:60Z",
            "2020-01-01T00:00:00+08:00",
            "2020-01-01-01",
            "2020-0١-01",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTime), "{text}");
        }
    }
}
