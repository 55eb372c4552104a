//! Rules with some members changed, as a what-if asks for them.

use std::fmt;

use serde_json::{Map, Value};

use crate::read::{Edited, shown};
use crate::{Problem, RuleSet};

/// A member with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which: names with dots between them, items of lists by their id or name, or by their place from 0 on:
    /// `pools.region.amount.tiers.0.at`.
    pub path: String,
    /// Its value as authors write it (`10TiB`, `80%`, `50`), as JSON where it is an object or a list, or `-` to leave it out.
    pub value: String,
}

/// Something that is wrong with changed rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditProblem {
    /// Which of the edits it is about, from 0 on; absent where the rules as a whole do not fit together.
    pub edit: Option<usize>,
    /// What is wrong.
    pub problem: Problem,
}

/// Why rules cannot be changed like that; never empty. Shown one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEdited(pub Vec<EditProblem>);

impl fmt::Display for NotEdited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, found)| {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}", found.problem)
        })
    }
}

impl std::error::Error for NotEdited {}

impl RuleSet {
    /// The same rules with some members changed, one after the other. `epoch_seconds`: length of an epoch, with which lengths of time can be
    /// written.
    ///
    /// # Errors
    /// A path that leads nowhere, a value that does not read, and whatever is wrong with the rules that would come out.
    pub fn edited(&self, edits: &[Edit], epoch_seconds: Option<u64>) -> Result<Self, NotEdited> {
        let whole = |reason: String| Problem { path: String::new(), reason };
        let mut value = serde_json::to_value(self).map_err(|cause| {
            NotEdited(vec![EditProblem { edit: None, problem: whole(cause.to_string()) }])
        })?;
        let (mut places, mut problems) = (Vec::new(), Vec::new());
        for (index, edit) in edits.iter().enumerate() {
            let mut place = String::new();
            match put(&mut value, &edit.path, &edit.value, &mut place) {
                Ok(()) => places.push(place),
                Err(reason) => {
                    let problem = Problem { path: shown(&edit.path), reason };
                    problems.push(EditProblem { edit: Some(index), problem });
                }
            }
        }
        if !problems.is_empty() {
            return Err(NotEdited(problems));
        }
        Edited { value: &value, places: &places, epoch_seconds }.read().map_err(|problems| {
            let about = |problem: &Problem| places.iter().position(|place| covers(place, &problem.path));
            let found =
                problems.iter().map(|problem| EditProblem { edit: about(problem), problem: problem.clone() });
            NotEdited(found.collect())
        })
    }
}

/// Whether `path` is `place` or lies below it.
pub(crate) fn covers(place: &str, path: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Give the member at `path` below `node` the value that `text` says. `place` becomes the way to it as problems write it.
fn put(node: &mut Value, path: &str, text: &str, place: &mut String) -> Result<(), String> {
    match node {
        Value::Object(members) => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            if !place.is_empty() {
                place.push('.');
            }
            place.push_str(&shown(name));
            if !rest.is_empty() {
                let below = members.get_mut(name).ok_or("there is no such member")?;
                return put(below, rest, text, place);
            }
            put_member(members, name, text)
        }
        Value::Array(items) => {
            let (index, rest) = item(items, path).ok_or("there is no such item in this list")?;
            place.push_str(&format!("[{index}]"));
            if !rest.is_empty() {
                let below = items.get_mut(index).ok_or("there is no such item in this list")?;
                return put(below, rest, text, place);
            }
            match (text, items.get_mut(index)) {
                ("-", Some(_)) => drop(items.remove(index)),
                (_, Some(item)) => *item = read(Some(item), text)?,
                (_, None) => items.push(read(None, text)?),
            }
            Ok(())
        }
        _ => Err("nothing lies below this".to_owned()),
    }
}

fn put_member(members: &mut Map<String, Value>, name: &str, text: &str) -> Result<(), String> {
    if text == "-" {
        return members.remove(name).map(drop).ok_or_else(|| "there is no such member".to_owned());
    }
    let value = read(members.get(name), text)?;
    members.insert(name.to_owned(), value);
    Ok(())
}

/// The item that a path begins with, or the place behind the last one, and the rest of the path. Names may have dots: the longest holds.
fn item<'p>(items: &[Value], path: &'p str) -> Option<(usize, &'p str)> {
    let rest = |key: &str| {
        let rest = path.strip_prefix(key)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
    };
    let name = |item: &Value| {
        let own = ["id", "name"].into_iter().find_map(|name| item.get(name)?.as_str());
        own.or_else(|| item.as_str()).map(str::to_owned)
    };
    let named = items.iter().enumerate().filter_map(|(index, item)| {
        let name = name(item)?;
        Some((name.len(), index, rest(&name)?))
    });
    if let Some((_, index, rest)) = named.max_by_key(|(length, ..)| *length) {
        return Some((index, rest));
    }
    let (number, rest) = path.split_once('.').unwrap_or((path, ""));
    let index: usize = number.parse().ok()?;
    (index <= items.len()).then_some((index, rest))
}

/// What `text` says in place of `before`.
fn read(before: Option<&Value>, text: &str) -> Result<Value, String> {
    if text.starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|cause| format!("it is not JSON: {cause}"));
    }
    let number = || text.parse::<u64>().ok().map(Value::from);
    let truth = || text.parse::<bool>().ok().map(Value::from);
    let other = || Value::from(text);
    Ok(match before {
        Some(Value::String(_)) => other(),
        Some(Value::Bool(_)) => truth().unwrap_or_else(other),
        Some(Value::Number(_)) => number().unwrap_or_else(other),
        _ => truth().or_else(number).unwrap_or_else(other),
    })
}
