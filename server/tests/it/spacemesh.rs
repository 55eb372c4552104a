//! Copies of a Spacemesh node's database, and traces of its tortoise, on the command line.

use std::path::Path;
use std::process::Command;

use apogee_testkit::{data, workspace};

/// What a command says, and how it ends.
fn apogee(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout) + &text(output.stderr))
}

#[test]
fn a_trace_is_replayed_and_the_first_answer_that_differs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let traces = workspace().join("crates/tortoise/tests/data");
    let replay = |trace: &str| apogee(folder.path(), &["spacemesh", "recount", "replay", trace]);
    let (code, said) = replay(traces.join("backlog.json").to_str().unwrap());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("verified up to layer 25\n"), "{said}");

    let trace = std::fs::read_to_string(traces.join("backlog.json")).unwrap();
    let wrong = trace.replacen("\"verified\":8,", "\"verified\":9,", 1);
    std::fs::write(folder.path().join("wrong.json"), wrong).unwrap();
    let (code, said) = replay("wrong.json");
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "wrong.json: line 18: the verified layer: expected 9, got 8\n")
    );

    std::fs::write(folder.path().join("none.json"), "{}\n").unwrap();
    let (code, said) = replay("none.json");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("line 1: not a line of a trace"), "{said}");
    let (code, said) = replay("absent.json");
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn a_copy_is_checked_and_its_rewards_are_worked_out_again() {
    let Some(recording) = data("spacemesh/devnet208") else { return };
    let folder = tempfile::tempdir().unwrap();
    let expected = std::fs::read_to_string(recording.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let genesis = expected["genesis_id"].as_str().unwrap();
    let epoch = expected["layers_per_epoch"].to_string();
    let run = |command: &str, file: &Path, genesis: &str| {
        let more = ["--genesis", genesis, "--epoch", &epoch];
        apogee(folder.path(), &[&["spacemesh", command, file.to_str().unwrap()], &more[..]].concat())
    };
    let state = recording.join("state_a.sql");
    let (code, said) = run("check", &state, genesis);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("rewards made: 202 are the same to the smidge, 0 differ"), "{said}");
    let (code, said) = run("rewards", &state, genesis);
    assert_eq!((code, said.lines().count()), (Some(0), 203), "{said}");

    // Another network, a file that was cut off, and one that a node still writes.
    let other = format!("{}{}", if genesis.starts_with('0') { '1' } else { '0' }, &genesis[1..]);
    let (code, said) = run("check", &state, &other);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("network"), "{said}");
    let whole = std::fs::read(&state).unwrap();
    let cut = folder.path().join("cut.sql");
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let (code, said) = run("check", &cut, genesis);
    assert_eq!(code, Some(2), "{said}");
    let copy = folder.path().join("copy.sql");
    std::fs::write(&copy, &whole).unwrap();
    std::fs::write(folder.path().join("copy.sql-wal"), []).unwrap();
    let (code, said) = run("rewards", &copy, genesis);
    assert_eq!(code, Some(2), "{said}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "nothing was written");
}
