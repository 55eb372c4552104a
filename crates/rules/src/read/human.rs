//! Numbers as people write them, without losing a unit of them.

use apogee_domain::Unit;

use crate::{Quantity, Ratio};

/// What can stand behind a number: its unit, and how many smallest units it is.
const UNITS: &[(&str, Unit, u128)] = &[
    ("B", Unit::Bytes, 1),
    ("KiB", Unit::Bytes, 1 << 10),
    ("MiB", Unit::Bytes, 1 << 20),
    ("GiB", Unit::Bytes, 1 << 30),
    ("TiB", Unit::Bytes, 1 << 40),
    ("PiB", Unit::Bytes, 1 << 50),
    ("EiB", Unit::Bytes, 1 << 60),
    ("attoFIL", Unit::Atto, 1),
    ("nanoFIL", Unit::Atto, 1_000_000_000),
    ("FIL", Unit::Atto, 1_000_000_000_000_000_000),
    ("smidge", Unit::Atto, 1_000_000_000),
    ("SMH", Unit::Atto, 1_000_000_000_000_000_000),
    ("gas", Unit::Gas, 1),
];

/// A number and its unit, if it has one: `1.5PiB`, `100000 FIL`, `50`.
pub(crate) fn amount(text: &str) -> Result<(Quantity, Option<Unit>), String> {
    let (number, word) = halves(text);
    let (unit, scale) = match UNITS.iter().find(|(name, ..)| *name == word) {
        Some((_, unit, scale)) => (Some(*unit), *scale),
        None if word.is_empty() => (None, 1),
        None => {
            let known: Vec<_> = UNITS.iter().map(|(name, ..)| *name).collect();
            return Err(format!("{word:?} is no unit; there are {}", known.join(", ")));
        }
    };
    scaled(number, scale).map(|quantity| (Quantity(quantity), unit))
}

/// A length of time in whole epochs: `30d`, `12h`, `30m`, `60s`.
pub(crate) fn span(text: &str, epoch_seconds: Option<u64>) -> Result<u64, &'static str> {
    const EXPECTED: &str = "a length of time is a whole number with d, h, m or s";
    let (number, word) = halves(text);
    let seconds: u64 = match word {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(EXPECTED),
    };
    let number: u64 = if number.contains('.') { None } else { number.parse().ok() }.ok_or(EXPECTED)?;
    let epoch = epoch_seconds.ok_or("without a clock a length of time is a number of epochs")?;
    let seconds = number.checked_mul(seconds).ok_or("it is too long")?;
    match (seconds.checked_div(epoch), seconds.checked_rem(epoch)) {
        (Some(epochs), Some(0)) => Ok(epochs),
        _ => Err("it is not a whole number of epochs"),
    }
}

/// `80/100`, `80%`.
pub(crate) fn ratio(text: &str) -> Option<Ratio> {
    let (p, q) = match text.strip_suffix('%') {
        Some(percent) => (percent, "100"),
        None => text.split_once('/')?,
    };
    let number = |text: &str| text.parse::<Quantity>().ok();
    Ratio::new(number(p)?.0, number(q)?.0)
}

/// The number and the word behind it, with or without a space.
fn halves(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, word) = text.split_at(end);
    (number, word.strip_prefix(' ').unwrap_or(word))
}

fn scaled(number: &str, scale: u128) -> Result<u128, String> {
    const LARGE: &str = "it is not below 2^128";
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction.trim_end_matches('0')),
        None => (number, ""),
        Some(_) => return Err("digits are missing behind the point".into()),
    };
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
        return Err("an amount is a number with its unit, such as 1.5PiB, 100000FIL or 50".into());
    }
    let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| LARGE)?;
    let places = u32::try_from(fraction.len()).map_err(|_| LARGE)?;
    let tens = 10_u128.checked_pow(places).ok_or(LARGE)?;
    let product = digits.checked_mul(scale).ok_or(LARGE)?;
    match (product.checked_div(tens), product.checked_rem(tens)) {
        (Some(quantity), Some(0)) => Ok(quantity),
        _ => Err("it is not a whole number of the smallest unit".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_or_refused() {
        let read = |text| amount(text).map(|(quantity, unit)| (quantity.0, unit));
        assert_eq!(read("1.5PiB"), Ok((3 << 49, Some(Unit::Bytes))));
        assert_eq!(read("100000 FIL"), Ok((100_000 * 10_u128.pow(18), Some(Unit::Atto))));
        assert_eq!(read("0.000000000000000001FIL"), Ok((1, Some(Unit::Atto))));
        assert_eq!(read("50"), Ok((50, None)));
        assert_eq!(read("0"), Ok((0, None)));
        for bad in [
            "",
            "PiB",
            "1.PiB",
            ".5PiB",
            "1.2.3B",
            "1PB",
            "1pib",
            "05B",
            "-1B",
            "0.3B",
            "1  B",
            "1e3",
            "0.0000000000000000001FIL",
            "340282366920938463463374607431768211456",
            "400000000000000000000FIL",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_of_time_are_whole_epochs() {
        assert_eq!(span("180d", Some(30)), Ok(518_400));
        assert_eq!(span("1m", Some(30)), Ok(2));
        assert_eq!(span("10 s", Some(1)), Ok(10));
        for bad in ["45s", "1", "d", "1.5d", "1w", "999999999999999999d"] {
            assert!(span(bad, Some(30)).is_err(), "{bad}");
        }
        assert!(span("1d", None).is_err() && span("1d", Some(0)).is_err());
    }

    #[test]
    fn ratios_are_brought_to_lowest_terms() {
        assert_eq!(ratio("80%"), Ratio::new(4, 5));
        assert_eq!(ratio("8/10"), Ratio::new(4, 5));
        for bad in ["", "1", "1/0", "0.8", "80 %", "-1/2", "%"] {
            assert_eq!(ratio(bad), None, "{bad}");
        }
    }
}
