//! Commands that print or keep data.

use std::path::Path;
use std::process::{Command, Output};

use apogee_testkit::example;
use serde_json::Value;

fn apogee(folder: &Path, arguments: &[&str]) -> Output {
    let output =
        Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_recording_is_indexed_ranked_verified_and_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let recording = example("devnet-a").display().to_string();
    let indexed = text(&apogee(folder, &["index", "--car", &recording, "--store", "sqlite:a.sqlite"]));
    let words: Vec<&str> = indexed.split_whitespace().collect();
    assert_eq!((words[0], words[2].len()), ("devnet-a", 64), "{indexed}");

    let standings = |more: &[&str]| {
        let arguments = [&["standings", "--store", "sqlite:a.sqlite"], more].concat();
        text(&apogee(folder, &arguments))
    };
    let json: Value = serde_json::from_str(&standings(&["--at", "e:100", "--format", "json"])).unwrap();
    assert_eq!(json["scope"]["at"], 100);
    assert_eq!(json["rows"][0]["subject"], "t01000");
    let csv = standings(&["--at", "e:100", "--format", "csv"]);
    let value = json["rows"][0]["value"].as_str().unwrap();
    assert!(csv.starts_with(&format!("rank,participant,value\n1,t01000,{value}\n")), "{csv}");
    assert!(standings(&[]).contains("power.raw at epoch"), "a table");
    // What was gained in two windows is what was gained in both.
    let gained = |since: &str, at: &str| -> u128 {
        let more = ["--series", "blocks.won", "--since", since, "--at", at, "--format", "json"];
        let json: Value = serde_json::from_str(&standings(&more)).unwrap();
        json["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["value"].as_str().unwrap().parse::<u128>().unwrap())
            .sum()
    };
    assert_eq!(gained("e:50", "e:100") + gained("e:100", "e:150"), gained("e:50", "e:150"));
    assert!(gained("e:50", "e:100") > 30);

    let verify =
        ["index", "verify", "--car", &recording, "--store", "sqlite:a.sqlite", "--from", "40", "--to", "60"];
    let verified: Value =
        serde_json::from_str(&text(&apogee(folder, &[&verify[..], &["--format", "json"]].concat()))).unwrap();
    assert_eq!(verified["difference"], Value::Null, "{verified}");

    // Whether it is indexed at once, after starting elsewhere or in place of what was there, from the folder or its archive: the same digest.
    let archive = format!("{recording}/chain.car.zst");
    let again = |command: &[&str]| {
        text(&apogee(folder, &[command, &["--car", &archive, "--store", "sqlite:c.sqlite"]].concat()))
    };
    let genesis = apogee(folder, &["chain", "show", "--car", &recording, "--at", "50", "--format", "json"]);
    let shown: Value = serde_json::from_str(&text(&genesis)).unwrap();
    let key: Vec<&str> =
        shown["blocks"].as_array().unwrap().iter().map(|block| block["cid"].as_str().unwrap()).collect();
    let from_there = again(&["index", "--start", &format!("50:{}", key.join(","))]);
    assert_ne!(from_there, indexed, "its sums begin at epoch 50");
    assert_eq!(again(&["index", "resync"]), from_there, "nothing has to be taken back");
    assert_eq!(again(&["index", "anew"]), indexed);

    apogee(folder, &["db", "backup", "--store", "sqlite:a.sqlite", "b.sqlite"]);
    let checked = text(&apogee(folder, &["db", "check", "--store", "sqlite:b.sqlite"]));
    assert!(checked.contains(&format!("devnet-a: epoch {}, digest {}", words[1], words[2])), "{checked}");
}

#[test]
fn settings_are_checked_and_printed_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    let settings = "store = \"postgres://me:hunter2@db/apogee\"\n[networks.calibration]\nrules = \"calibration\"\n\
        [[networks.calibration.endpoints]]\nurl = \"https://node.example/key-77/rpc/v1\"\ntoken_file = \"token\"\n";
    std::fs::write(folder.path().join("apogee.toml"), settings).unwrap();
    let checked = text(&apogee(folder.path(), &["config", "check", "--config", "apogee.toml"]));
    assert_eq!(checked, "The settings are good: 1 networks.\n");
    let printed = text(&apogee(folder.path(), &["config", "print", "--config", "apogee.toml"]));
    assert!(printed.contains("postgres://db") && printed.contains("https://node.example"), "{printed}");
    for secret in ["hunter2", "key-77", "s3cret"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_tipset_is_shown_in_every_format() {
    let recording = example("devnet-a").display().to_string();
    let here = Path::new(".");
    let show = |more: &[&str]| text(&apogee(here, &[&["chain", "show", "--car", &recording], more].concat()));
    let json: Value = serde_json::from_str(&show(&["--format", "json"])).unwrap();
    let cid = json["blocks"][0]["cid"].as_str().unwrap();
    assert!(show(&["--at", "100"]).contains("null round"));
    assert!(show(&[]).contains(cid) && show(&["--format", "csv"]).contains(cid));
}
