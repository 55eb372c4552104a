//! A case as text, and the standings of one.

use apogee_domain::Epoch;
use apogee_leaderboard::{Decisions, Entities, Facts, stand};
use apogee_rules::{Problem, RuleSet};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// One line of canonical JSON: the standings, or `{"error":{"path","reason"}}`.
pub(crate) fn answer(case: &Value) -> String {
    match standings(case) {
        Ok(standings) => standings.canonical().expect("standings can be written"),
        Err(Problem { path, reason }) => json!({"error": {"path": path, "reason": reason}}).to_string(),
    }
}

pub(crate) fn standings(case: &Value) -> Result<apogee_leaderboard::Standings, Problem> {
    let facts = Facts::new(document(case, "facts")?)?;
    let entities = Entities::new(document(case, "entities")?)?;
    let decisions = Decisions::new(document(case, "decisions")?)?;
    let rules = RuleSet::from_value(&case["rules"])
        .map_err(|problems| problems.iter().next().cloned().expect("a refused document has problems"))?;
    let at: Epoch = document(case, "at")?;
    stand(&facts, &entities, &rules, &decisions, at, document(case, "seq")?)
}

fn document<T: DeserializeOwned>(case: &Value, name: &str) -> Result<T, Problem> {
    let refused = |cause: serde_json::Error| Problem { path: name.to_owned(), reason: cause.to_string() };
    serde_json::from_value(case[name].clone()).map_err(refused)
}
