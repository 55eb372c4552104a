use unicode_normalization::UnicodeNormalization;
use unicode_security::GeneralSecurityProfile;
use unicode_security::confusable_detection::skeleton;
use unicode_security::restriction_level::{RestrictionLevel, RestrictionLevelDetection};

use crate::refusal::{Kind, Refusal};
use crate::text::deceives;

/// Longest name, in characters.
const LENGTH: usize = 40;
/// What a name may hold besides letters, digits and marks.
const PUNCTUATION: &str = " -_.&+'()!#·";
/// Whoever bears one of these speaks for the organisers.
const RESERVED: [&str; 14] = [
    "admin",
    "administrator",
    "apogee",
    "dealbot",
    "everyone",
    "filecoin",
    "foundation",
    "moderator",
    "official",
    "operator",
    "organiser",
    "organizer",
    "system",
    "unclaimed",
];

fn bad(kind: Kind, wrong: impl Into<String>) -> Refusal {
    let remedy = match kind {
        Kind::BadName => "choose a name of letters and digits of one script, such as 6Block or 六块",
        _ => "choose another name",
    };
    Refusal::new(kind, "message Name", wrong, remedy)
}

/// What two names share that cannot be told apart at a glance (Unicode TS 39 §4), whatever their width and gaps: with case taken away after
/// and before, for a large I looks like a small l, and FIL reads as Fil.
fn looks(name: &str) -> [String; 2] {
    let plain: String = name.nfkc().filter(|c| c.is_alphanumeric()).collect();
    let lower = |text: &str| -> String { text.chars().flat_map(char::to_lowercase).collect() };
    [lower(&skeleton(&plain).collect::<String>()), skeleton(&lower(&plain)).collect()]
}

/// A participant's id, which an unclaimed participant bears as its name.
fn is_participant(name: &str) -> bool {
    let mut letters = name.chars();
    matches!(letters.next(), Some('f' | 't' | 'F' | 'T'))
        && letters.next().is_some_and(|c| c.is_ascii_digit())
        && letters.all(|c| c.is_ascii_alphanumeric())
}

/// Whether letters and digits, in lower case, look like the id of a miner: `f0` or `t0` and a number of four digits or more, where `o` reads as 0,
/// `i` and `l` as 1. Miners are numbered from 1,000; below, words such as "foil" would do.
pub(crate) fn resembles_miner(plain: &str) -> bool {
    let digit = |c| match c {
        'o' => '0',
        'i' | 'l' => '1',
        c => c,
    };
    let mut letters = plain.chars();
    let network = matches!(letters.next(), Some('f' | 't'));
    let mut digits = letters.map(digit);
    network
        && digits.next() == Some('0')
        && digits.next().is_some_and(|c| matches!(c, '1'..='9'))
        && digits.clone().count() >= 3
        && digits.all(|c| c.is_ascii_digit())
}

/// The same of a name, by what it looks like. A letter may look like a Latin one in one case only: the Cyrillic т does as Т.
fn reads_as_miner(name: &str) -> bool {
    let plain: String = name.nfkc().filter(|c| c.is_alphanumeric()).collect();
    let looks = |text: String| -> String { skeleton(&text).flat_map(char::to_lowercase).collect() };
    [plain.to_uppercase(), plain.to_lowercase(), plain].into_iter().any(|text| resembles_miner(&looks(text)))
}

/// Whether a name can be shown.
pub(crate) fn check(name: &str) -> Result<(), Refusal> {
    let length = name.chars().count();
    if !(2..=LENGTH).contains(&length) {
        return Err(bad(Kind::BadName, format!("{length} characters, where 2 to {LENGTH} are allowed")));
    }
    if !unicode_normalization::is_nfc(name) {
        return Err(bad(Kind::BadName, "it is not in normal form C"));
    }
    if name.trim() != name || name.contains("  ") {
        return Err(bad(Kind::BadName, "spaces stand at an end, or more than one together"));
    }
    if let Some(c) =
        name.chars().find(|&c| !PUNCTUATION.contains(c) && (deceives(c) || !c.identifier_allowed()))
    {
        return Err(bad(Kind::BadName, format!("U+{:04X} cannot stand in a name", u32::from(c))));
    }
    let letters: String = name.chars().filter(|&c| !PUNCTUATION.contains(c)).collect();
    if letters.is_empty() || !letters.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return Err(bad(Kind::BadName, "it mixes scripts that look alike, or has no letter"));
    }
    if is_participant(name) || reads_as_miner(name) {
        return Err(bad(Kind::NameReserved, "it reads as a participant's id"));
    }
    let seen = looks(name);
    let reads_as = |word: &&&str| looks(word).iter().zip(&seen).any(|(word, seen)| seen.contains(word));
    match RESERVED.iter().find(reads_as) {
        Some(word) => Err(bad(
            Kind::NameReserved,
            format!("it reads as \u{201c}{word}\u{201d}, which is kept for the organisers"),
        )),
        None => Ok(()),
    }
}

/// Whether a name is, or looks like, one of `others`.
pub(crate) fn clash<'a>(name: &str, others: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
    let seen = looks(name);
    for other in others {
        if other == name {
            return Err(bad(Kind::NameTaken, "another entity has it"));
        }
        if looks(other).iter().zip(&seen).any(|(a, b)| a == b) {
            return Err(bad(Kind::NameConfusable, format!("it looks like \u{201c}{other}\u{201d}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> Kind {
        check(name).map_or_else(|refusal| refusal.kind, |()| panic!("{name:?} stands"))
    }

    #[test]
    fn names_of_real_miners_stand() {
        for name in [
            "6Block",
            "六块 6Block",
            "IPFSMain",
            "1475",
            "Spacetime Cloud",
            "Müller & Söhne",
            "東京ストレージ",
            "ООО Сфера",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_deceives_a_reader_does_not() {
        for name in [
            "",
            "x",
            " x y",
            "x  y",
            "ab\u{202e}cd",
            "ab\u{200d}cd",
            "a\u{301}bc e\u{301}",
            "Ηello",
            "pаypal",
            "...",
            "a\nb",
            "smile 😀",
            "tag\u{e0041}",
            &"x".repeat(41),
            "Ａpple",
        ] {
            assert_eq!(refused(name), Kind::BadName, "{name:?}");
        }
        for name in ["t01000", "F0123", "Official 6Block", "Apogee", "0fficial", "A-P-O-G-E-E", "FiIecoin"] {
            assert_eq!(refused(name), Kind::NameReserved, "{name:?}");
        }
    }

    #[test]
    fn a_name_that_looks_like_another_is_told_apart() {
        let kind = |name| clash(name, ["6Block", "Müller"]).map_err(|refusal| refusal.kind);
        assert_eq!(kind("6Block"), Err(Kind::NameTaken));
        for name in ["6block", "6 Block", "6B1ock", "6BIock", "6-BLOCK"] {
            assert_eq!(kind(name), Err(Kind::NameConfusable), "{name}");
        }
        assert_eq!(kind("7Block"), Ok(()));
    }
}
