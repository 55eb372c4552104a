//! From a tree of values to the typed document: every member is known, none is missing, each has its type.

mod cursor;
mod parts;

use serde_json::Value;

use crate::{Problems, RuleSet, canonical};

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
        let mut reader = cursor::Reader::default();
        let rules = reader.rule_set(value);
        Problems::unless_none(reader.problems)?;
        rules.ok_or_else(|| Problems::whole("it is not a rule set"))
    }
}
