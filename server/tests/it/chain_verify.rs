use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn verify(arguments: &[&str]) -> Output {
    let recording = apogee_testkit::example("devnet-a");
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    command.current_dir(recording).args(["chain", "verify"]).args(arguments);
    command.output().unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn message(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn every_check_of_a_part_of_the_recording_passes() {
    let output = verify(&["--car", "chain.car.zst", "--from", "100", "--to", "130", "--format", "json"]);
    assert_eq!(code(&output), Some(0), "{}", message(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["failed"], 0);
    assert_eq!((&report["from"], &report["to"]), (&100.into(), &130.into()));
    let blocks = report["blocks"].as_u64().unwrap();
    assert!(blocks > 30, "{blocks} blocks");
    for check in [
        "header_cid",
        "block_signature",
        "election_vrf",
        "win_count",
        "ticket_vrf",
        "base_fee",
        "winning_post",
    ] {
        let figures = &report["checks"][check];
        assert_eq!(figures["passed"].as_u64(), Some(blocks), "{check}: {figures}");
        assert_eq!(figures["not_made"], serde_json::json!({}), "{check}");
    }
    assert!(report["checks"]["certificate"]["passed"].as_u64().unwrap() > 10);
}

#[test]
fn a_recording_is_named_by_its_folder_as_well() {
    let range = ["--from", "100", "--to", "104", "--format", "json"];
    let said = |named: &[&str]| {
        let output = verify(&[named, &range].concat());
        assert_eq!(code(&output), Some(0), "{named:?}: {}", message(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let archive = said(&["--car", "chain.car.zst"]);
    assert_eq!(said(&["--car", "."]), archive);
    assert_eq!(said(&["--car", ".", "--recording", "."]), archive);
}

#[test]
fn the_wrong_networks_rules_fail_and_are_named() {
    let output =
        verify(&["--car", "chain.car.zst", "--network", "calibration", "--from", "10", "--to", "12"]);
    assert_eq!(code(&output), Some(1), "{}", message(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("failed: timestamp at epoch 10"), "{text}");
}

#[test]
fn bad_input_has_one_clear_message_and_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.car.zst");
    let whole = std::fs::read(apogee_testkit::example("devnet-a/chain.car.zst")).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let elsewhere = folder.path().join("chain.car.zst");
    std::fs::copy(apogee_testkit::example("devnet-a/chain.car.zst"), &elsewhere).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (arguments, said) in [
        (vec!["--car", "absent.car", "--network", "mainnet"], "absent.car"),
        (vec!["--car", &text(&cut), "--recording", "."], "cut.car.zst cannot be used"),
        (vec!["--car", &text(&elsewhere)], "which network is it?"),
        (vec!["--car", "chain.car.zst", "--to", "9999"], "--to is epoch 9999, but the chain ends at epoch"),
        (vec!["--car", "chain.car.zst", "--from", "20", "--to", "10"], "--from is epoch 20"),
        (vec!["--car", "chain.car.zst", "--from=-1"], "an epoch is a whole number"),
        (vec!["--car", "chain.car.zst", "--depth", "3"], "--depth"),
        (vec![], "--car"),
    ] {
        let output = verify(&arguments);
        assert_eq!(code(&output), Some(2), "{arguments:?}");
        assert!(message(&output).contains(said), "{arguments:?}: {}", message(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
