use serde::{Deserialize, Serialize};

use crate::refusal::{Kind, Refusal, ensure};

/// Longest title and longest text, in characters.
pub(crate) const TITLE: usize = 120;
pub(crate) const TEXT: usize = 2_000;

/// A text for people in each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl Words {
    pub(crate) fn check(&self, path: &str, limit: usize) -> Result<(), Refusal> {
        check(&self.en, &format!("{path}.en"), limit)?;
        check(&self.zh, &format!("{path}.zh"), limit)
    }
}

/// Characters that reorder what stands around them, or cannot be seen: a reader would be shown something else than what was signed.
pub(crate) fn deceives(c: char) -> bool {
    matches!(
        u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff | 0xe000..=0xf8ff | 0xf0000..=0x10_ffff
    )
}

/// A text of 1 to `limit` characters that shows as it is written; line feeds are allowed.
pub(crate) fn check(text: &str, path: &str, limit: usize) -> Result<(), Refusal> {
    ensure(
        !text.trim().is_empty() && text.chars().count() <= limit,
        Kind::BadText,
        path,
        || format!("a text of 1 to {limit} characters belongs here"),
        "write a text of that length",
    )?;
    let bad = text.chars().find(|&c| (c.is_control() && c != '\n') || deceives(c));
    bad.map_or(Ok(()), |c| {
        let wrong = format!("U+{:04X} cannot be seen or changes the order of what can", u32::from(c));
        Err(Refusal::new(Kind::BadText, path, wrong, "leave the character out"))
    })
}
