//! The order in which the rows of a section stand.

use serde_json::Value;

use crate::{Section, What};

/// A part of what a row is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(i64),
    Text(String),
}

/// What two rows of a section are compared by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<Part>);

/// The members that the rows of a section are ordered by, and whether two rows may have the same.
const fn members(section: Section) -> (&'static [&'static str], bool) {
    match section {
        Section::Rules => (&["/version/number"], false),
        Section::Participants | Section::Deals | Section::Entities => (&["/id"], false),
        Section::Series => (&["/name"], false),
        Section::Steps => (&["/series", "/participant", "/steps/0/0"], false),
        Section::Sectors => (&["/participant", "/number"], false),
        Section::Decisions => (&["/seq"], false),
        Section::Observations => (&["/series", "/participant", "/epoch", "/id"], false),
        Section::Provenance => (&["/epoch"], false),
        Section::Claims => (&["/epoch"], true),
        // One row; the order of results is checked against the standings.
        Section::About | Section::Results => (&[], true),
    }
}

/// Whether a row may follow the one before it in its section; its key is kept in `last`.
pub(crate) fn check(section: Section, row: &Value, last: &mut Option<Key>) -> Result<(), What> {
    let (members, repeats) = members(section);
    let key = Key(members.iter().map(|member| part(row, member)).collect::<Result<_, _>>()?);
    let good = match last {
        None => true,
        Some(last) if repeats => *last <= key,
        Some(last) => *last < key,
    };
    *last = Some(key);
    if good { Ok(()) } else { Err(What::Order) }
}

fn part(row: &Value, member: &'static str) -> Result<Part, What> {
    match row.pointer(member) {
        Some(Value::String(text)) => Ok(Part::Text(text.clone())),
        Some(Value::Number(number)) => number.as_i64().map(Part::Number).ok_or(What::Key(member)),
        _ => Err(What::Key(member)),
    }
}
