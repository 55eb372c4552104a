//! Times and spans as the mapping of protocol buffers writes them, in milliseconds; what is finer is cut off.

const DAY: i64 = 24 * 60 * 60;

/// Milliseconds since 1970 of an RFC 3339 time; `None` for what is none.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let (clock, zone) = match rest.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let (clock, zone) = rest.split_at_checked(rest.len().checked_sub(6)?)?;
            let (sign, zone) = zone.split_at_checked(1)?;
            let (hours, minutes) = zone.split_once(':')?;
            let seconds = (number(hours, 2, 23)? * 60 + number(minutes, 2, 59)?) * 60;
            match sign {
                "+" => (clock, seconds),
                "-" => (clock, -seconds),
                _ => return None,
            }
        }
    };
    let mut date = date.splitn(3, '-');
    let year = number(date.next()?, 4, 9999)?;
    let (month, day) = (number(date.next()?, 2, 12)?, number(date.next()?, 2, 31)?);
    let (clock, milliseconds) = fraction(clock)?;
    let mut clock = clock.splitn(3, ':');
    let (hour, minute) = (number(clock.next()?, 2, 23)?, number(clock.next()?, 2, 59)?);
    let second = number(clock.next()?, 2, 60)?;
    let days = days(year, month, day)?;
    Some((days * DAY + (hour * 60 + minute) * 60 + second - zone) * 1_000 + milliseconds)
}

/// Milliseconds of a span such as `300s`; `None` for what is none.
pub(crate) fn span(text: &str) -> Option<u64> {
    let (seconds, milliseconds) = fraction(text.strip_suffix('s')?)?;
    // No span of the protocol is longer than ten thousand years.
    let seconds = u64::try_from(number(seconds, seconds.len().min(12), 315_576_000_000)?).ok()?;
    seconds.checked_mul(1_000)?.checked_add(milliseconds.unsigned_abs())
}

/// What is before the point, and milliseconds behind it.
fn fraction(text: &str) -> Option<(&str, i64)> {
    let Some((whole, digits)) = text.split_once('.') else { return Some((text, 0)) };
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shown = digits.bytes().chain(*b"00").take(3);
    Some((whole, shown.fold(0, |all, digit| all * 10 + i64::from(digit - b'0'))))
}

/// So many digits, and no more than `most`.
fn number(text: &str, digits: usize, most: i64) -> Option<i64> {
    let good = !text.is_empty() && text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| good && *number <= most)
}

/// Days since 1970 of a date in the Gregorian calendar; `None` for a day that its month does not have.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month).ok()?.checked_sub(1)?;
    let length = lengths.get(before)?;
    if day < 1 || day > *length {
        return None;
    }
    let past = year - 1;
    let leaps = if year == 0 { -1 } else { past / 4 - past / 100 + past / 400 };
    // 719,162 days lie between the first of January of year 1 and of 1970.
    let months: i64 = lengths.iter().take(before).sum();
    Some(past * 365 + leaps - 719_162 + months + day - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_to_the_millisecond() {
        assert_eq!(instant("1970-01-01T00:00:00Z"), Some(0));
        // The main network's genesis.
        assert_eq!(instant("2023-07-14T08:00:00Z"), Some(1_689_321_600_000));
        assert_eq!(instant("2023-07-14T10:00:00.5+02:00"), Some(1_689_321_600_500));
        assert_eq!(instant("2000-02-29T23:59:59.999999999Z"), Some(951_868_799_999));
        assert_eq!(instant("1969-12-31T23:59:59Z"), Some(-1_000));
        assert_eq!(instant("0001-01-01T00:00:00Z"), Some(-62_135_596_800_000));
        assert_eq!(instant("9999-12-31T23:59:59Z"), Some(253_402_300_799_000));
        for bad in [
            "",
            "2023-07-14",
            "2023-07-14T08:00:00",
            "2023-02-29T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-7-14T08:00:00Z",
            "2023-07-14T24:00:00Z",
            "2023-07-14T08:00:00.Z",
            "2023-07-14T08:00:00+2:000",
            "+023-07-14T08:00:00Z",
            "1900-02-29T00:00:00Z",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn spans_are_seconds() {
        assert_eq!((span("300s"), span("0.25s"), span("0s")), (Some(300_000), Some(250), Some(0)));
        for bad in
            ["", "s", "300", "-1s", "1e3s", "1.s", "1.0000000000s", "999999999999s", ".5s", "9999999999999s"]
        {
            assert_eq!(span(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,40}") {
            let _ = (instant(&text), span(&text));
        }

        #[test]
        fn days_follow_each_other(year in 0_i64..9999, month in 1_i64..=12, day in 1_i64..=31) {
            if let (Some(this), Some(next)) = (days(year, month, day), days(year, month, day + 1)) {
                prop_assert_eq!(this + 1, next);
            }
            prop_assert_eq!(days(year, 12, 31).unwrap() + 1, days(year + 1, 1, 1).unwrap());
        }
    }
}
