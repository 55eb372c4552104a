//! Every answer of a trace is compared: another one is found, at its line.

use apogee_tortoise::{Cause, Layer};
use serde_json::{Value, json};

use crate::{BUNDLED, run};

#[test]
fn bundled_traces_replay() {
    for (name, trace) in BUNDLED {
        let report = run(trace).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert!(report.assertions > 0, "{name}");
        assert_eq!((report.bytes, report.lines), (trace.len() as u64, trace.lines().count() as u64));
    }
}

/// Ways to give another answer than a line has; none for lines without one.
fn changed(line: &str) -> Vec<Value> {
    let line: Value = serde_json::from_str(line).unwrap();
    let with = |path: &[&str], change: &dyn Fn(&Value) -> Value| {
        let mut changed = line.clone();
        let at = path.iter().fold(&mut changed["o"], |at, name| match name.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[*name],
        });
        *at = change(at);
        changed
    };
    let more = |value: &Value| json!(value.as_u64().unwrap() + 1);
    let not = |value: &Value| json!(!value.as_bool().unwrap());
    let hash = |value: &Value| json!(format!("{}ff", value.as_str().unwrap().get(..64).unwrap()));
    let hash = |value: &Value| {
        let other = hash(value);
        if other == *value { json!(format!("0x{}", "00".repeat(32))) } else { other }
    };
    let refused = |_: &Value| json!("something else");
    match line["t"].as_u64().unwrap() {
        6 | 7 => vec![with(&["e"], &refused)],
        8 if line["o"]["opinion"].is_null() => vec![with(&["e"], &refused)],
        8 => vec![
            with(&["e"], &refused),
            with(&["opinion", "hash"], &hash),
            with(&["opinion", "abstain"], &|had| json!([had[0].as_u64().unwrap_or_default() + 1])),
            with(&["opinion"], &|_| Value::Null),
        ],
        12 => {
            let mut all = vec![
                with(&["from"], &more),
                with(&["to"], &more),
                with(&["results"], &|_| json!([])),
                with(&["results", "0", "opinion"], &hash),
                with(&["results", "0", "v"], &not),
            ];
            let blocks = line["o"]["results"][0]["blocks"].as_array().map_or(0, Vec::len);
            if blocks > 0 {
                for field in ["v", "i", "h", "l", "d"] {
                    all.push(with(&["results", "0", "blocks", "0", field], &not));
                }
                all.push(with(&["results", "0", "blocks", "0", "header", "height"], &more));
            }
            all
        }
        13 => vec![with(&["rst"], &not)],
        100 => vec![
            with(&["last"], &more),
            with(&["processed"], &more),
            with(&["verified"], &more),
            with(&["evicted"], &more),
            with(&["pending"], &more),
            with(&["full"], &not),
            with(&["local_threshold"], &|_| json!("+0'00000000000001/56")),
        ],
        _ => Vec::new(),
    }
}

#[test]
fn another_answer_is_found_at_its_line() {
    // Each answer is a replay, so the longest trace is left out.
    for (name, trace) in BUNDLED.into_iter().filter(|(name, _)| *name != "changed") {
        let lines: Vec<&str> = trace.lines().collect();
        let mut found = 0;
        for (index, line) in lines.iter().enumerate() {
            for other in changed(line) {
                let before = lines[..index].join("\n");
                let altered = format!("{before}\n{other}\n{}", lines[index + 1..].join("\n"));
                let failure = run(altered.trim_start()).expect_err("another answer");
                assert_eq!(failure.line, index as u64 + 1, "{name}: {failure}");
                assert!(matches!(failure.cause, Cause::Differs { .. }), "{name}: {failure}");
                found += 1;
            }
        }
        assert!(found > 10, "{name} has hardly an answer");
    }
}

/// What is expected and what came is said.
#[test]
fn a_difference_is_told() {
    let (_, trace) = BUNDLED[0];
    let line = trace.lines().position(|line| line.starts_with("{\"t\":100")).unwrap();
    let altered = trace.replacen("\"full\":false", "\"full\":true", 1);
    let told = run(&altered).unwrap_err().to_string();
    assert_eq!(
        told,
        format!("line {}: whether votes are counted in full: expected true, got false", line + 1)
    );
}

/// More than half of the window is evicted at once, and the network goes on.
#[test]
fn a_backlog_is_evicted_at_once() {
    let (_, trace) = BUNDLED[3];
    let applied = trace.lines().position(|line| line.contains("\"t\":13")).unwrap();
    let before: Vec<&str> = trace.lines().take(applied).collect();
    let then: Vec<&str> = trace.lines().take(applied + 1).collect();
    let evicted = |lines: &[&str]| run(&lines.join("\n")).unwrap().status.unwrap().evicted;
    let (before, after) = (evicted(&before), evicted(&then));
    assert_eq!((before, after), (Layer(6), Layer(16)));
}
