//! The published schema: compared with what is committed, or written again by `cargo xtask regen`; and held against what the reader accepts.

use std::fs;
use std::path::PathBuf;

use apogee_rules::{RuleSet, schema};
use serde_json::{Value, json};

use crate::examples::{ALL, read};
use crate::refused::BASE;

#[test]
fn the_published_schema_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/rules.schema.json");
    let text = format!("{:#}\n", schema());
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/rules.schema.json is not current: run `cargo xtask regen` and commit"
    );
}

/// The document with each of its members taken away, joined by a stranger, or replaced by something of another type.
fn mistakes(document: &Value, pointer: &str, found: &mut Vec<(String, Value)>) {
    let here = document.pointer(pointer).expect("a place");
    let mut with = |what: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = document.clone();
        change(changed.pointer_mut(pointer).expect("a place"));
        found.push((format!("{pointer} {what}"), changed));
    };
    for other in [Value::Null, json!(true), json!(-1), json!("a word"), json!([]), json!({})] {
        if !pointer.is_empty() {
            with(&format!("is {other}"), &|place| *place = other.clone());
        }
    }
    if let Value::Object(members) = here {
        with("has a stranger", &|place| place["stranger"] = json!(1));
        for name in members.keys() {
            with(&format!("lacks {name}"), &|place| {
                place.as_object_mut().expect("an object").remove(name);
            });
        }
    }
    let inner: Vec<String> = match here {
        Value::Object(members) => members.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    };
    for name in inner {
        mistakes(document, &format!("{pointer}/{name}"), found);
    }
}

#[test]
fn the_schema_accepts_and_refuses_the_shapes_that_the_reader_does() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for rules in ALL.map(read) {
        let document = serde_json::to_value(&rules).unwrap();
        assert!(validator.is_valid(&document), "{}", rules.competition.id);
    }
    let base = serde_json::to_value(RuleSet::from_toml(BASE).unwrap()).unwrap();
    let mut found = Vec::new();
    mistakes(&base, "", &mut found);
    let mut refused = 0;
    for (what, document) in found {
        // The reader looks at meaning once the shape is right.
        const MEANINGS: [&str; 6] = [
            "there is no ",
            "it is empty",
            "a sum of nothing",
            "has no regions",
            "neither a series",
            "supersedes nothing",
        ];
        let answer = RuleSet::from_value(&document).err();
        let shape = answer.is_none_or(|problems| {
            problems.iter().all(|problem| {
                let meaning = MEANINGS.iter().any(|words| problem.reason.contains(words));
                meaning && !problem.reason.contains("no such member")
            })
        });
        refused += usize::from(!shape);
        assert_eq!(validator.is_valid(&document), shape, "{what}: {:?}", RuleSet::from_value(&document));
    }
    assert!(refused > 1000, "{refused}");
}
