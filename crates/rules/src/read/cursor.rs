use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use apogee_domain::Unit;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde_json::{Map, Value};

use super::LIST;
use crate::{Problem, canonical};

/// A value and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Node<'v> {
    pub(crate) value: &'v Value,
    pub(crate) path: String,
}

/// An object of which members are taken by name.
#[derive(Debug)]
pub(crate) struct Object<'v> {
    members: &'v Map<String, Value>,
    path: String,
    taken: BTreeSet<&'static str>,
}

/// Gathers problems on the way.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) problems: Vec<Problem>,
    /// There when a person wrote the document: usual members may be absent, quantities carry their unit.
    pub(crate) author: Option<Author>,
}

/// What is known of a document written by a person.
#[derive(Debug, Default)]
pub(crate) struct Author {
    /// Length of an epoch.
    pub(crate) epoch_seconds: Option<u64>,
    /// The unit that was written with each quantity.
    pub(crate) spoken: Spoken,
}

/// By path: the unit written there, `None` for a bare number.
pub(crate) type Spoken = BTreeMap<String, Option<Unit>>;

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl Reader {
    /// Note a problem; `None` for the caller to hand on.
    pub(crate) fn problem<T>(&mut self, path: &str, reason: impl Display) -> Option<T> {
        self.problems.push(Problem { path: path.to_owned(), reason: reason.to_string() });
        None
    }

    pub(crate) fn other<T>(&mut self, node: &Node<'_>, expected: &str) -> Option<T> {
        self.problem(&node.path, format_args!("{expected} is expected here, not {}", what(node.value)))
    }

    pub(crate) fn object<'v>(&mut self, node: &Node<'v>) -> Option<Object<'v>> {
        match node.value {
            Value::Object(members) => {
                Some(Object { members, path: node.path.clone(), taken: BTreeSet::new() })
            }
            _ => self.other(node, "an object"),
        }
    }

    /// A member that has to be there.
    pub(crate) fn needed<'v, T>(
        &mut self,
        object: &mut Object<'v>,
        name: &'static str,
        read: impl FnOnce(&mut Self, Node<'v>) -> Option<T>,
    ) -> Option<T> {
        let path = join(&object.path, name);
        object.taken.insert(name);
        match object.members.get(name) {
            Some(value) => read(self, Node { value, path }),
            None => self.problem(&path, "it is missing"),
        }
    }

    /// A member that may be absent. `None` only when it is there and wrong.
    pub(crate) fn optional<'v, T>(
        &mut self,
        object: &mut Object<'v>,
        name: &'static str,
        read: impl FnOnce(&mut Self, Node<'v>) -> Option<T>,
    ) -> Option<Option<T>> {
        if object.members.contains_key(name) {
            self.needed(object, name, read).map(Some)
        } else {
            object.taken.insert(name);
            Some(None)
        }
    }

    /// A member that authors leave out when it is the usual one.
    pub(crate) fn usual<'v, T>(
        &mut self,
        object: &mut Object<'v>,
        name: &'static str,
        read: impl FnOnce(&mut Self, Node<'v>) -> Option<T>,
        usual: impl FnOnce() -> T,
    ) -> Option<T> {
        if self.author.is_some() && !object.members.contains_key(name) {
            object.taken.insert(name);
            Some(usual())
        } else {
            self.needed(object, name, read)
        }
    }

    /// Every member that nobody asked for is a problem.
    pub(crate) fn close(&mut self, object: &Object<'_>) {
        for name in object.members.keys().filter(|name| !object.taken.contains(name.as_str())) {
            let path = join(&object.path, &shown(name));
            self.problem::<()>(&path, "there is no such member here");
        }
    }

    pub(crate) fn list<'v, T>(
        &mut self,
        node: &Node<'v>,
        mut read: impl FnMut(&mut Self, Node<'v>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(items) = node.value else { return self.other(node, "a list") };
        if items.len() > LIST {
            let reason = format_args!("{} items, where {LIST} are allowed", items.len());
            return self.problem(&node.path, reason);
        }
        let read: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, value)| read(self, Node { value, path: format!("{}[{index}]", node.path) }))
            .collect();
        read.into_iter().collect()
    }

    pub(crate) fn text<'v>(&mut self, node: &Node<'v>) -> Option<&'v str> {
        match node.value {
            Value::String(text) => Some(text),
            _ => self.other(node, "text"),
        }
    }

    pub(crate) fn truth(&mut self, node: &Node<'_>) -> Option<bool> {
        match node.value {
            Value::Bool(truth) => Some(*truth),
            _ => self.other(node, "true or false"),
        }
    }

    pub(crate) fn number(&mut self, node: &Node<'_>) -> Option<u64> {
        let Value::Number(number) = node.value else { return self.other(node, "a number") };
        match number.as_u64().filter(|number| *number <= canonical::LARGEST_INTEGER.unsigned_abs()) {
            None => {
                self.problem(&node.path, format_args!("{number} is not a whole number from 0 to 2^53 − 1"))
            }
            whole => whole,
        }
    }

    /// Text that has a form of its own: an id, a quantity, a ratio.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, node: &Node<'_>) -> Option<T> {
        let text = self.text(node)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(cause) => self.problem(&node.path, format_args!("{:?}: {cause}", shown(text))),
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: DeserializeOwned>(&mut self, node: &Node<'_>) -> Option<T> {
        let text = self.text(node)?;
        match T::deserialize(StrDeserializer::<WordError>::new(&shown(text))) {
            Ok(value) => Some(value),
            Err(cause) => self.problem(&node.path, cause),
        }
    }

    pub(crate) fn kind<'v>(&mut self, o: &mut Object<'v>) -> Option<(&'v str, String)> {
        self.needed(o, "kind", |r, n| Some((r.text(&n)?, n.path)))
    }

    pub(crate) fn unknown_kind<T>(&mut self, kind: &(&str, String), known: &str) -> Option<T> {
        self.problem(&kind.1, format_args!("{:?} is no kind here; there are {known}", shown(kind.0)))
    }
}

/// What a stranger wrote, short enough to repeat.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 64;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
