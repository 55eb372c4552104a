//! A made chain behind a node, an index of it, and operators: what competitions in a database are tested on.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use apogee_filecoin::crypto::drand::BeaconKey;
use apogee_simnet::{Access, Recipe, SimNode, Simulation, Wallet};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const STORE: &str = "sqlite:a.sqlite";

pub(crate) struct Made {
    pub(crate) folder: TempDir,
    pub(crate) simulation: Arc<Simulation>,
    url: String,
    // Dropped in this order: the node ends before its runtime.
    _node: SimNode,
    _runtime: Runtime,
}

/// The competition that every test here is about.
pub(crate) const RULES: &str = r#"
[competition]
id = "sprint"
name = { en = "Sprint", zh = "冲刺赛" }
network = "simnet"
start = 8
end = 40
regions = []

[version]
number = 1
from = 0
reason = { en = "Rules of the first day.", zh = "开赛时的规则。" }
retroactive = true

[[metrics]]
id = "power"
kind = "level"
series = "power.raw"

[[eligibility]]
id = "some-power"
kind = "at-least"
metric = "power"
value = "1TiB"

[[boards]]
id = "power"
metric = "power"
population = "eligible"

[[pools]]
id = "rewards"
board = "power"
amount = { kind = "fixed", amount = "1000FIL" }
divide = { kind = "weight", metric = "power" }
"#;

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

impl Made {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(Recipe { seed, miners: 5, finality: 10, wallets: 9, ..Recipe::default() })
    }

    pub(crate) fn of(recipe: Recipe) -> Self {
        let seconds = recipe.block_delay;
        let simulation = Arc::new(Simulation::new(recipe).unwrap());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let node = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            SimNode::start(listener, simulation.clone(), Access::default()).unwrap()
        });
        let folder = tempfile::tempdir().unwrap();
        let beacon = *simulation.params().beacons.at(0).unwrap();
        let BeaconKey::Unchained(key) = beacon.key else { panic!("a made beacon is unchained") };
        let key: String = key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let info = serde_json::json!({
            "public_key": key, "period": beacon.period, "genesis_time": beacon.genesis_time,
            "hash": "00", "groupHash": "00", "schemeID": "bls-unchained-g1-rfc9380", "metadata": {"beaconID": "made"},
        });
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("drand.json", &info.to_string());
        write(
            "network.toml",
            &format!(
                "epoch_seconds = {seconds}\ngenesis_version = 28\nfinality_epochs = 10\nbeacon = \"drand.json\"\n"
            ),
        );
        write("rules.toml", RULES);
        let url = node.url();
        let made = Self { folder, simulation, url, _node: node, _runtime: runtime };
        for operator in ["ana", "bo", "cy"] {
            made.good(&["operator", "new", &format!("{operator}.key")]);
        }
        made
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn apogee(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(self.path()).args(arguments).output().unwrap()
    }

    /// What the command prints.
    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let output = self.apogee(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(arguments)).unwrap()
    }

    /// Why the command is refused: one line, exit code 2, and the ledger is as it was.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let before = self.ledger();
        let output = self.apogee(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with("apogee: ") && message.lines().count() == 1, "{message}");
        assert_eq!(self.ledger(), before, "{arguments:?} wrote");
        message
    }

    fn ledger(&self) -> Vec<u8> {
        self.apogee(&["competition", "list", "--format", "csv", "--store", STORE]).stdout
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where the state of the chain is read.
    pub(crate) fn chain(&self) -> Vec<&str> {
        vec!["--rpc", &self.url, "--rules", "network.toml"]
    }

    /// Mine to an epoch at least, and index.
    pub(crate) fn index(&self, epoch: i64) {
        self.simulation.mine_to(apogee_domain::Epoch::new(epoch).unwrap()).unwrap();
        let index = [&["index", "--network", "simnet", "--store", STORE], &self.chain()[..]].concat();
        self.good(&index);
    }

    /// Found the competition with three operators, of whom two act together.
    pub(crate) fn found(&self) {
        let operators: Vec<String> = ["ana", "bo", "cy"]
            .iter()
            .map(|name| {
                let key = self.good(&["operator", "show", &format!("{name}.key")]);
                format!("{name}={}", key.trim())
            })
            .collect();
        let new = [
            "competition",
            "new",
            "--id",
            "sprint",
            "--network",
            "simnet",
            "--domain",
            "apogee.example",
            "--threshold",
            "2",
            "--notice",
            "5",
            "--yes",
            "--store",
            STORE,
            "--key",
            "ana.key",
            "--key",
            "bo.key",
            "--key",
            "cy.key",
            "--operator",
            &operators[0],
            "--operator",
            &operators[1],
            "--operator",
            &operators[2],
        ];
        self.good(&new);
    }

    /// `decide take` by two operators.
    pub(crate) fn deciding<'a>(act: &[&'a str]) -> Vec<&'a str> {
        let take = [
            "decide",
            "take",
            "--competition",
            "sprint",
            "--actor",
            "ana",
            "--key",
            "ana.key",
            "--key",
            "bo.key",
            "--reason",
            "It has to be.",
            "--recorded",
            "--yes",
            "--store",
            STORE,
        ];
        [&take[..], act].concat()
    }

    pub(crate) fn decide(&self, act: &[&str]) -> String {
        self.good(&Self::deciding(act))
    }

    /// The competition with its rules, open for claims.
    pub(crate) fn opened(self) -> Self {
        self.index(4);
        self.found();
        let publish = [&Self::deciding(&["--rule-set", "rules.toml"])[..], &["--key", "cy.key"]].concat();
        self.good(&publish);
        self.decide(&["open-registration"]);
        self
    }

    /// The wallets of the made chain by what they are called.
    pub(crate) fn wallet(&self, index: usize) -> &Wallet {
        self.simulation.wallet(index).unwrap()
    }

    /// The entries of the ledger by kind.
    pub(crate) fn kinds(&self) -> BTreeMap<String, usize> {
        let csv = self.good(&["competition", "show", "sprint", "--format", "csv", "--store", STORE]);
        let mut kinds = BTreeMap::new();
        for line in csv.lines().skip(1) {
            *kinds.entry(line.split(',').nth(3).unwrap().to_owned()).or_insert(0) += 1;
        }
        kinds
    }
}
