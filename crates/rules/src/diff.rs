use std::collections::BTreeSet;

use serde_json::Value;

use crate::RuleSet;
use crate::canonical::NotCanonical;

/// One member that differs between two rule sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which: items of lists stand by their id, name or level, as in `pools[region].amount.tiers[10995116277760].amount`. Of a list whose items come in another
    /// order, the list itself.
    pub path: String,
    /// Its value before; absent if it is new.
    pub before: Option<Value>,
    /// Its value now; absent if it is gone.
    pub after: Option<Value>,
}

/// Every member that differs, in the order of names. Two rule sets without a difference have the same hash.
///
/// # Errors
/// As [`RuleSet::canonical`].
pub fn diff(older: &RuleSet, newer: &RuleSet) -> Result<Vec<Change>, NotCanonical> {
    let value = |rules| serde_json::to_value(rules).map_err(NotCanonical::Json);
    let mut changes = Vec::new();
    compare("", Some(&value(older)?), Some(&value(newer)?), &mut changes);
    Ok(changes)
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let dot = if path.is_empty() { "" } else { "." };
                compare(&format!("{path}{dot}{name}"), before.get(name), after.get(name), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            let (old, new) = (keys(before), keys(after));
            for key in old.iter().chain(new.iter().filter(|key| !old.contains(key))) {
                let find = |keys: &[String], items: &[Value]| {
                    let index = keys.iter().position(|other| other == key)?;
                    items.get(index).cloned()
                };
                let (before, after) = (find(&old, before), find(&new, after));
                compare(&format!("{path}[{key}]"), before.as_ref(), after.as_ref(), changes);
            }
            let kept = |keys: &[String], others: &[String]| -> Vec<Value> {
                keys.iter().filter(|key| others.contains(key)).map(|key| Value::from(key.as_str())).collect()
            };
            let (before, after) = (kept(&old, &new), kept(&new, &old));
            if before != after {
                let (before, after) = (Some(Value::Array(before)), Some(Value::Array(after)));
                changes.push(Change { path: path.to_owned(), before, after });
            }
        }
        _ => changes.push(Change { path: path.to_owned(), before: before.cloned(), after: after.cloned() }),
    }
}

/// What tells the items of a list apart: in a rule set that was read, no two have the same.
fn keys(items: &[Value]) -> Vec<String> {
    let key = |item: &Value| {
        let own = ["id", "name", "at"].into_iter().find_map(|name| item.get(name)?.as_str());
        own.or_else(|| item.as_str()).unwrap_or_default().to_owned()
    };
    items.iter().map(key).collect()
}
