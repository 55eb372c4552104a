//! A competition worked out on the command line, from a real recording to money, by both implementations.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use apogee_testkit::example;
use serde_json::{Value, json};

fn apogee(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(folder).args(arguments).output().unwrap()
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = apogee(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = apogee(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "nothing is printed");
    String::from_utf8(output.stderr).unwrap()
}

fn rules(name: &str) -> String {
    example("rules").join(name).display().to_string()
}

/// What the second implementation says; `None` where there is no Python.
fn shadow(case: &Value) -> Option<String> {
    let program: PathBuf = example("rules").join("../../shadow/apogee_shadow.py");
    let child = Command::new("python3")
        .arg(program)
        .arg("stand")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("SKIPPED: python3 is absent");
        return None;
    };
    writeln!(child.stdin.take().unwrap(), "{case}").unwrap();
    Some(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
}

#[test]
fn a_recorded_network_becomes_a_competition_that_both_implementations_work_out_alike() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (recording, sprint) = (example("devnet-a").display().to_string(), rules("devnet-sprint.toml"));
    good(folder, &["index", "--car", &recording, "--store", "sqlite:a.sqlite"]);
    let facts = good(folder, &["competition", "facts", "--rules", &sprint, "--store", "sqlite:a.sqlite"]);
    std::fs::write(folder.join("facts.json"), &facts).unwrap();

    let stand = ["competition", "standings", "--rules", &sprint, "--facts", "facts.json"];
    let standings = good(folder, &[&stand[..], &["--format", "json"]].concat());
    let document: Value = serde_json::from_str(&standings).unwrap();
    // The pool's tier at 16 KiB is open (46 KiB are there), and the cap leaves two with half of the rewards each.
    assert_eq!(document["pools"][0]["amount"], "1000000000000000000000");
    assert_eq!(
        document["pools"][1]["shares"][0],
        json!({"amount": "5000000000000000000000", "entity": "t01000"})
    );
    // t01001 has three faulty sectors at the end, one more than the rules allow.
    assert_eq!(document["entities"][1]["eligible"], false);
    assert_eq!(document["scope"]["over"], true);

    let canonical: Value = serde_json::from_str(&good(folder, &["rules", "canonical", &sprint])).unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let case =
        json!({"facts": facts, "entities": [], "rules": canonical, "decisions": [], "at": 310, "seq": 0});
    if let Some(shadow) = shadow(&case) {
        assert_eq!(shadow, standings, "byte for byte");
    }

    let table = good(folder, &stand);
    assert!(table.contains(&format!("root {}", document["root"].as_str().unwrap())), "{table}");
    let csv = good(folder, &[&stand[..], &["--format", "csv"]].concat());
    assert!(csv.starts_with("entity,eligible,atto\nt01000,true,"), "{csv}");
}

#[test]
fn what_another_rule_does_is_shown_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = std::fs::read_to_string(rules("devnet-sprint.toml")).unwrap();
    std::fs::write(folder.join("stricter.toml"), text.replace("value = \"8KiB\"", "value = \"20KiB\""))
        .unwrap();
    let steps = json!({"t01000": [[0, "40960"]], "t01002": [[0, "8192"]]});
    let level = |name: &str| json!({"name": name, "reading": "level", "unit": "count", "source": "chain", "steps": {}});
    let grows = |name: &str, unit: &str, steps: &Value| json!({"name": name, "reading": "cumulative", "unit": unit, "source": "chain", "steps": steps});
    let mut power = level("power.raw");
    (power["unit"], power["steps"]) = (json!("bytes"), steps.clone());
    let mut faulty = level("sectors.faulty");
    faulty["steps"] = json!({"t01000": [[0, "0"]], "t01002": [[0, "0"]]});
    let facts = json!({
        "network": "devnet-a", "deals": [], "sectors": [],
        "participants": [{"id": "t01000", "seen": 0}, {"id": "t01002", "seen": 0}],
        "series": [power, faulty, grows("blocks.won", "count", &json!({})),
            grows("reward.block", "atto", &steps), grows("reward.gas", "atto", &json!({}))],
    });
    std::fs::write(folder.join("facts.json"), facts.to_string()).unwrap();
    let sprint = rules("devnet-sprint.toml");
    let simulate =
        ["competition", "simulate", "--rules", &sprint, "--with", "stricter.toml", "--facts", "facts.json"];
    let json: Value =
        serde_json::from_str(&good(folder, &[&simulate[..], &["--format", "json"]].concat())).unwrap();
    assert_eq!(json["entities"][1]["entity"], "t01002");
    assert_eq!(json["entities"][1]["eligible"], json!([true, false]));
    let table = good(folder, &simulate);
    assert!(table.contains("SIMULATION: not official") && table.contains("yes → no"), "{table}");
    let same = ["competition", "simulate", "--rules", &sprint, "--with", &sprint, "--facts", "facts.json"];
    assert!(good(folder, &same).contains("Nothing changes for anybody."));
}

#[test]
fn rules_are_checked_compared_and_put_into_words() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let versions = ["sr1-v1.toml", "sr1-v2.toml", "sr1-v3.toml"].map(rules);
    let checked = good(folder, &["rules", "check", &versions[0], &versions[1], &versions[2]]);
    assert_eq!(checked.lines().count(), 3);
    let unordered = refused(folder, &["rules", "check", &versions[1], &versions[0]]);
    assert!(unordered.starts_with("apogee: "), "{unordered}");

    let output = apogee(folder, &["rules", "diff", &versions[0], &versions[1]]);
    assert_eq!(output.status.code(), Some(1), "they differ");
    let diff = String::from_utf8(output.stdout).unwrap();
    assert!(diff.contains("10 TiB") && diff.contains("25,000 FIL"), "{diff}");
    good(folder, &["rules", "diff", &versions[0], &versions[0]]);

    assert!(good(folder, &["rules", "words", &versions[2]]).contains("200 PiB"));
    assert!(good(folder, &["rules", "words", &versions[2], "--lang", "zh"]).contains("奖池"));

    // The canonical form is a rule set of the same hash.
    std::fs::write(folder.join("v1.json"), good(folder, &["rules", "canonical", &versions[0]])).unwrap();
    let hash = |text: &str| text.split_whitespace().next().unwrap().to_owned();
    assert_eq!(hash(&good(folder, &["rules", "check", "v1.json"])), hash(&checked));
}

#[test]
fn documents_that_are_wrong_are_named_with_the_place_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sprint = rules("devnet-sprint.toml");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("rules.toml", "[competition]\nid = 3\n");
    write("facts.json", r#"{"network":"other","participants":[],"series":[],"deals":[],"sectors":[]}"#);
    write(
        "half.json",
        r#"{"network":"devnet-a","participants":[{"id":"a"}],"series":[],"deals":[],"sectors":[]}"#,
    );
    let stand = |rules: &str, facts: &str, more: &[&str]| {
        refused(folder, &[&["competition", "standings", "--rules", rules, "--facts", facts], more].concat())
    };
    let missing = stand("none.toml", "facts.json", &[]);
    assert!(missing.contains("none.toml"), "{missing}");
    let unfit = stand("rules.toml", "facts.json", &[]);
    assert!(unfit.contains("competition.id"), "{unfit}");
    let elsewhere = stand(&sprint, "facts.json", &[]);
    assert!(elsewhere.contains("facts.network"), "{elsewhere}");
    let half = stand(&sprint, "half.json", &[]);
    assert!(half.contains("participants[0]") && half.contains("seen"), "{half}");
    let future = stand(&sprint, "facts.json", &["--seq", "4"]);
    assert!(future.contains("the decisions end at number 0"), "{future}");
    let unindexed =
        refused(folder, &["competition", "facts", "--rules", &sprint, "--store", "sqlite:none.sqlite"]);
    assert!(unindexed.contains("none.sqlite"), "{unindexed}");
    assert!(!folder.join("none.sqlite").exists(), "nothing is written");
    let words =
        apogee(folder, &["competition", "vested", "--rules", &sprint, "--amount", "1e3", "--elapsed", "1"]);
    assert_eq!(words.status.code(), Some(2));
}
