//! From a tree of values to the typed document: every member is known, none is missing, each has its type.

mod author;
mod check;
mod cursor;
mod head;
mod human;
mod metric;
mod pool;
mod scalar;

use serde_json::Value;

use cursor::{Author, Reader};
pub(crate) use cursor::{Spoken, shown};

use crate::edit::covers;
use crate::{Problems, RuleSet, canonical, validate};

/// Largest document, in bytes.
pub(crate) const DOCUMENT: usize = 1 << 20;
/// Longest list.
pub(crate) const LIST: usize = 256;
/// Deepest nesting of checks, and longest chain of metrics of metrics.
pub(crate) const NESTING: usize = 8;

impl RuleSet {
    /// Read a rule set from its canonical text, at most 1 MiB.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, Problems> {
        let value = canonical::read(bytes, DOCUMENT).map_err(Problems::whole)?;
        Self::from_value(&value)
    }

    /// Read a rule set from JSON that has been parsed.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn from_value(value: &Value) -> Result<Self, Problems> {
        let mut reader = Reader::default();
        let rules = reader.rule_set(value);
        finish(reader, rules)
    }
}

/// A canonical document of which some members are written as authors write them.
pub(crate) struct Edited<'v> {
    pub(crate) value: &'v Value,
    /// The ways to those members.
    pub(crate) places: &'v [String],
    pub(crate) epoch_seconds: Option<u64>,
}

impl Edited<'_> {
    pub(crate) fn read(&self) -> Result<RuleSet, Problems> {
        let author = Author { epoch_seconds: self.epoch_seconds, ..Author::default() };
        let mut reader = Reader { author: Some(author), ..Reader::default() };
        let rules = reader.rule_set(self.value);
        if let Some(author) = &mut reader.author {
            // Quantities of a canonical document have no unit.
            author.spoken.retain(|path, _| self.places.iter().any(|place| covers(place, path)));
        }
        finish(reader, rules)
    }
}

/// Shape first: references of a document of which parts are missing would lead nowhere.
fn finish(reader: Reader, rules: Option<RuleSet>) -> Result<RuleSet, Problems> {
    Problems::unless_none(reader.problems)?;
    let rules = rules.ok_or_else(|| Problems::whole("it is not a rule set"))?;
    let spoken = reader.author.map(|author| author.spoken).unwrap_or_default();
    Problems::unless_none(validate::problems(&rules, &spoken))?;
    Ok(rules)
}
