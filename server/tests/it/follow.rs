//! The service follows a node, which is the recording played over HTTP and WebSocket.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use apogee_testkit::example;
use serde_json::Value;

use crate::served::{Served, database};

pub(crate) struct Node {
    process: Child,
    pub(crate) url: String,
}

impl Node {
    pub(crate) fn start(epoch_ms: &str) -> Self {
        let recording = example("devnet-a").display().to_string();
        let mut process = Command::new(env!("CARGO_BIN_EXE_apogee"))
            .args([
                "simnet",
                "run",
                "--recording",
                &recording,
                "--epoch",
                epoch_ms,
                "--listen",
                "127.0.0.1:0",
            ])
            .args(["--token", "s3cret"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, url: line.trim().to_owned() }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(crate) fn apogee(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_apogee")).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn following_a_node_ends_where_indexing_the_archive_does() {
    let node = Node::start("20");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "s3cret\n").unwrap();
    let settings = format!(
        "store = \"sqlite:{store}\"\n[log]\nfilter = \"warn\"\n[networks.devnet-a]\nrules = \"{rules}\"\nkeys = \"{keys}\"\n\
         poll_seconds = 1\n[[networks.devnet-a.endpoints]]\nurl = \"{url}\"\ntoken_file = \"token\"\n",
        store = folder.path().join("f.sqlite").display(),
        rules = example("devnet-a/rules.toml").display(),
        keys = example("devnet-a/vk").display(),
        url = node.url,
    );
    let file = folder.path().join("apogee.toml");
    std::fs::write(&file, settings).unwrap();
    let served =
        Served::start(Command::new(env!("CARGO_BIN_EXE_apogee")).arg("serve").arg("--config").arg(&file));
    let begun = Instant::now();
    let archive = format!("sqlite:{}", database().display());
    let (_, expected) = apogee(&["db", "check", "--store", &archive]);
    let meta = loop {
        let board = served.get("/n/devnet-a/board/power.raw.json").json();
        if board["meta"]["head"].as_u64() == Some(313) {
            break board["meta"].clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{board}");
        std::thread::sleep(Duration::from_millis(200));
    };
    let digest = meta["digest"].as_str().unwrap();
    assert!(expected.contains(&format!("epoch 313, digest {digest}")), "{digest} is not in {expected}");
    let status = served.get("/status.json").json();
    let nodes = &status["networks"][0]["nodes"];
    assert_eq!(nodes[0]["name"], node.url.trim_end_matches("/rpc/v1"), "{status}");
    assert!(!status.to_string().contains("s3cret"));
    assert_eq!(served.get("/readyz").status, 200);
}

#[test]
fn a_node_is_verified_from_the_command_line() {
    let node = Node::start("1");
    let rules = example("devnet-a/rules.toml").display().to_string();
    let keys = example("devnet-a/vk").display().to_string();
    let begun = Instant::now();
    let verify =
        ["chain", "verify", "--rpc", &node.url, "--rules", &rules, "--keys", &keys, "--format", "json"];
    // Until the node has played that far.
    let said = loop {
        let (code, said) = apogee(&[&verify[..], &["--from", "0", "--to", "60"]].concat());
        if code == Some(0) {
            break said;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{code:?}: {said}");
        std::thread::sleep(Duration::from_millis(300));
    };
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["failed"], 0);
    assert!(report["checks"]["winning_post"]["passed"].as_u64().unwrap() > 60, "{report:#}");
    assert!(report["checks"]["certificate"]["passed"].as_u64().unwrap() > 10, "{report:#}");
    let (code, said) = apogee(&["chain", "verify", "--rpc", &node.url, "--rules", "calibration"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("it is another network"), "{said}");
}
