use std::collections::BTreeMap;

use super::{Clause, Voice};
use crate::RuleSet;

/// A statement of the rules that another version makes differently, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reworded {
    /// Of which member it speaks, as in [`Clause::path`].
    pub path: String,
    /// What the older version says; absent if it says nothing.
    pub before: Option<String>,
    /// What the newer version says; absent if it says nothing any more.
    pub after: Option<String>,
}

impl RuleSet {
    /// What `newer` says differently, in its order; what it no longer says stands at the end.
    #[must_use]
    pub fn reworded(&self, newer: &Self, voice: &Voice) -> Vec<Reworded> {
        let clauses = |rules: &Self| rules.words(voice).into_iter().flat_map(|section| section.clauses);
        let older: Vec<Clause> = clauses(self).collect();
        let mut before: BTreeMap<&str, &str> =
            older.iter().map(|c| (c.path.as_str(), c.text.as_str())).collect();
        let mut changes: Vec<Reworded> = Vec::new();
        for Clause { path, text, .. } in clauses(newer) {
            let before = before.remove(path.as_str());
            if before != Some(text.as_str()) {
                changes.push(Reworded { path, before: before.map(str::to_owned), after: Some(text) });
            }
        }
        let gone = older.iter().filter(|clause| before.contains_key(clause.path.as_str()));
        changes.extend(gone.map(|clause| Reworded {
            path: clause.path.clone(),
            before: Some(clause.text.clone()),
            after: None,
        }));
        changes
    }
}
