//! One clear message, the right exit code, nothing written.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use apogee_testkit::example;

fn apogee(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(folder).args(arguments).output().unwrap()
}

/// The command refuses in `lines` lines that contain `says`, and leaves its folder as it was.
fn refused(folder: &Path, arguments: &[&str], code: i32, says: &str) {
    // Whoever closes a SQLite database last tidies away the log beside it.
    let beside = |name: &str| name.ends_with("-wal") || name.ends_with("-shm");
    let files = |folder: &Path| {
        let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap()).filter(|name| !beside(name));
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = files(folder);
    let output = apogee(folder, arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(message.contains(says), "{arguments:?} says {message:?}, not {says:?}");
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{arguments:?}");
    assert_eq!(files(folder), before, "{arguments:?} wrote");
    // clap says how a command is used; what the program itself says is one line.
    if message.starts_with("apogee: ") {
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

fn recording() -> String {
    example("devnet-a").display().to_string()
}

/// A database with a short chain, made once for all who only read.
fn indexed(folder: &Path) -> String {
    let output = apogee(folder, &["index", "--car", &recording(), "--store", "sqlite:indexed.sqlite"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    "sqlite:indexed.sqlite".into()
}

#[test]
fn unknown_flags_and_commands_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &["serve", "--liste", "1"], 2, "unexpected argument '--liste'");
    refused(folder.path(), &["index", "--car"], 2, "a value is required for '--car <PATH>'");
    refused(folder.path(), &["explode"], 2, "unrecognized subcommand 'explode'");
    refused(folder.path(), &["standings", "--series", "power.row"], 2, "there is no such series");
    refused(folder.path(), &["standings", "--at", "yesterday"], 2, "an epoch is written e:51204");
}

#[test]
fn unknown_settings_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.toml"), "[http]\nconections = 5\n").unwrap();
    for command in [&["serve", "--config", "a.toml"][..], &["config", "check", "--config", "a.toml"]] {
        refused(folder.path(), command, 2, "apogee: a.toml:2: unknown setting http.conections");
    }
    refused(folder.path(), &["serve", "--config", "none.toml"], 2, "none.toml: No such file or directory");
    let output = Command::new(env!("CARGO_BIN_EXE_apogee"))
        .env("APOGEE_HTTP__CONECTIONS", "5")
        .args(["config", "print"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("APOGEE_HTTP__CONECTIONS: unknown setting"));
}

#[test]
fn a_database_of_an_unknown_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    refused(
        folder.path(),
        &["db", "migrate", "--store", "mysql://x"],
        2,
        "a database is written sqlite:FILE",
    );
    refused(
        folder.path(),
        &["db", "check", "--store", "sqlite:none.sqlite"],
        2,
        "there is no database at none.sqlite",
    );
}

#[test]
fn a_recording_that_is_absent_or_cut_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = "nowhere cannot be used: it is neither the folder of a recording nor an archive";
    refused(folder.path(), &["index", "--car", "nowhere"], 2, nothing);
    refused(folder.path(), &["chain", "verify", "--car", "nowhere"], 2, nothing);
    refused(
        folder.path(),
        &["chain", "verify", "--car", "."],
        2,
        ". cannot be used: it has no chain.car.zst",
    );
    std::fs::write(folder.path().join("text.car"), "no archive").unwrap();
    refused(folder.path(), &["index", "--car", "text.car"], 2, "text.car cannot be used: ./drand.json");
    refused(folder.path(), &["chain", "verify", "--car", "text.car"], 2, "which network is it?");
    refused(
        folder.path(),
        &["demo", "--recording", "nowhere", "--listen", "127.0.0.1:0"],
        2,
        "nowhere cannot be used",
    );
    let cut = folder.path().join("cut");
    std::fs::create_dir(&cut).unwrap();
    for name in ["net.json", "drand.json", "f3manifest.json", "f3certs.jsonl.zst"] {
        std::fs::copy(example("devnet-a").join(name), cut.join(name)).unwrap();
    }
    let whole = std::fs::read(example("devnet-a").join("chain.car.zst")).unwrap();
    std::fs::write(cut.join("chain.car.zst"), &whole[..whole.len() / 2]).unwrap();
    refused(
        folder.path(),
        &["index", "--car", "cut", "--store", "sqlite:new.sqlite"],
        2,
        "cut cannot be used",
    );
}

#[test]
fn a_node_that_cannot_be_reached_is_the_worlds_failure() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}/rpc/v1");
    let index = ["index", "--rpc", &url, "--rules", "calibration", "--store", "sqlite:new.sqlite"];
    refused(folder.path(), &index, 3, &format!("http://{free} could not be reached"));
    refused(
        folder.path(),
        &["chain", "verify", "--rpc", &url, "--rules", "calibration"],
        3,
        "could not be reached",
    );
    refused(folder.path(), &["index", "--rpc", &url], 2, "--rules <RULES>");
    refused(
        folder.path(),
        &["index", "--rpc", "node:1", "--rules", "mainnet"],
        2,
        "a node's address is like",
    );
    refused(
        folder.path(),
        &["index", "--rpc", &url, "--rules", "none.toml", "--network", "a"],
        2,
        "none.toml: No such file",
    );
}

#[test]
fn an_address_that_is_taken_is_the_worlds_failure() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(
        folder.path(),
        &["demo", "--recording", &recording(), "--listen", &address],
        3,
        "cannot be listened on",
    );
}

#[test]
fn epochs_and_networks_that_are_not_there_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = indexed(folder.path());
    let standings = |more: &[&str], says: &str| {
        let arguments = [&["standings", "--store", &store], more].concat();
        refused(folder.path(), &arguments, 2, says);
    };
    standings(&["--at", "e:99999"], "epoch 99999 is in the future: devnet-a is indexed up to epoch");
    standings(&["--network", "mainnet"], "no network mainnet in the database, which has devnet-a");
    standings(&["--since", "e:10"], "power.raw is a level");
    standings(&["--series", "reward.block", "--since", "e:99", "--at", "e:98"], "--since is after epoch 98");
    let verify = ["index", "verify", "--car", &recording(), "--store", &store];
    refused(folder.path(), &[&verify[..], &["--to", "99999"]].concat(), 2, "--to is epoch 99999");
    refused(folder.path(), &[&verify[..], &["--from", "9", "--to", "8"]].concat(), 2, "--from is epoch 9");
    // Another chain of the same name.
    let other = example("devnet-a/real-proofs").display().to_string();
    let index = ["index", "--car", &other, "--network", "devnet-a", "--store", &store];
    refused(folder.path(), &index, 2, "the genesis of the network is");
    refused(folder.path(), &["db", "backup", "--store", &store, "indexed.sqlite"], 2, "exists already");
}
