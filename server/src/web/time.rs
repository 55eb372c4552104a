//! Moments as people read them.

use super::ask::Language;
use super::look::Zone;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2026-05-22T08:42:00Z` as `22 May 2026, 08:42:00 UTC`; what is no such moment stays as it is.
pub(crate) fn time(language: Language, zone: Zone, rfc3339: &str) -> String {
    let readable = || {
        let (date, clock) = rfc3339.strip_suffix('Z')?.split_once('T')?;
        let mut parts = date.splitn(3, '-').map(|part| part.parse::<u32>().ok());
        let date = (parts.next()??, parts.next()??, parts.next()??);
        let (hour, rest) = clock.split_once(':')?;
        let hour = hour.parse::<u32>().ok()?.checked_add(zone.hours())?;
        let (year, month, day) = if hour < 24 { date } else { day_after(date) };
        let (name, hour, sign) =
            (MONTHS.get(usize::try_from(month.checked_sub(1)?).ok()?)?, hour % 24, zone.sign());
        Some(match language {
            Language::English => format!("{day} {name} {year}, {hour:02}:{rest} {sign}"),
            Language::Chinese => format!("{year:04}-{month:02}-{day:02} {hour:02}:{rest} {sign}"),
        })
    };
    readable().unwrap_or_else(|| rfc3339.to_owned())
}

const fn day_after((year, month, day): (u32, u32, u32)) -> (u32, u32, u32) {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    match (day < last, month < 12) {
        (true, _) => (year, month, day + 1),
        (false, true) => (year, month + 1, 1),
        (false, false) => (year + 1, 1, 1),
    }
}

/// A length of time in its two largest units, rounded down: `2 d 20 h`.
pub(crate) fn span(language: Language, seconds: i64) -> String {
    const UNITS: [(i64, &str, &str); 4] =
        [(86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分"), (1, "s", "秒")];
    let seconds = seconds.max(0);
    let first = UNITS.iter().position(|(length, ..)| seconds >= *length).unwrap_or(UNITS.len() - 1);
    let (mut left, mut parts) = (seconds, Vec::new());
    for (place, (length, en, zh)) in UNITS.iter().enumerate().skip(first).take(2) {
        let count = left / length;
        left %= length;
        if count > 0 || place == first {
            let unit = match language {
                Language::English => en,
                Language::Chinese => zh,
            };
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_both_languages() {
        let moment = "2026-05-02T08:42:00Z";
        assert_eq!(time(Language::English, Zone::Utc, moment), "2 May 2026, 08:42:00 UTC");
        assert_eq!(time(Language::Chinese, Zone::Utc, moment), "2026-05-02 08:42:00 UTC");
        for strange in ["2026-13-02T08:42:00Z", "2026-05-02", "", "ZTZ"] {
            assert_eq!(time(Language::English, Zone::East8, strange), strange);
        }
    }

    #[test]
    fn a_length_of_time_has_its_two_largest_units() {
        for (seconds, text) in [
            (-5, "0 s"),
            (59, "59 s"),
            (3_600, "1 h"),
            (3_659, "1 h"),
            (90_000, "1 d 1 h"),
            (244_859, "2 d 20 h"),
        ] {
            assert_eq!(span(Language::English, seconds), text);
        }
        assert_eq!(span(Language::Chinese, 244_859), "2 天 20 小时");
    }

    #[test]
    fn the_day_begins_eight_hours_earlier_in_the_east() {
        for (moment, there) in [
            ("2026-05-02T08:42:09Z", "2026-05-02 16:42:09 UTC+8"),
            ("2026-05-02T16:00:00Z", "2026-05-03 00:00:00 UTC+8"),
            ("2024-02-28T23:59:59Z", "2024-02-29 07:59:59 UTC+8"),
            ("2100-02-28T20:00:00Z", "2100-03-01 04:00:00 UTC+8"),
            ("2026-12-31T16:30:00Z", "2027-01-01 00:30:00 UTC+8"),
        ] {
            assert_eq!(time(Language::Chinese, Zone::East8, moment), there, "{moment}");
        }
    }
}
