//! The golden cases worked out by what people have in their hands: files, the commands of this program, and the second implementation beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use apogee_rules::canonical;
use apogee_testkit::example;
use serde_json::{Value, json};

use crate::golden::{self, Program};

/// Both implementations, which have to say the same.
struct Commands {
    folder: PathBuf,
    python: bool,
}

impl Commands {
    fn apogee(&self, arguments: &[&str]) -> String {
        said(Command::new(env!("CARGO_BIN_EXE_apogee")).current_dir(&self.folder).args(arguments))
    }

    /// What the second implementation says, where there is a Python.
    fn shadow(&self, arguments: &[&str], input: &str) -> Option<String> {
        if !self.python {
            return None;
        }
        self.write("input", input);
        let program = example("rules").join("../../shadow/apogee_shadow.py");
        let input = std::fs::File::open(self.folder.join("input")).unwrap();
        Some(said(Command::new("python3").arg(program).args(arguments).stdin(input)))
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    /// Write the files of a case; what the commands have to be told about them.
    fn lay_out(&self, case: &Value) -> Vec<String> {
        for name in ["facts", "entities", "decisions", "rules"] {
            self.write(&format!("{name}.json"), &canonical::text(&case[name]).unwrap());
        }
        let (at, seq) = (format!("e:{}", case["at"]), case["seq"].to_string());
        let files = "--facts facts.json --entities entities.json --decisions decisions.json";
        files.split(' ').chain(["--at", &at, "--seq", &seq]).map(str::to_owned).collect()
    }
}

/// What a command prints when all is well.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn with<'a>(command: &[&'a str], more: &'a [String]) -> Vec<&'a str> {
    command.iter().copied().chain(more.iter().map(String::as_str)).collect()
}

impl Program for Commands {
    fn standings(&self, case: &Value) -> Value {
        let files = self.lay_out(case);
        let stand = ["competition", "standings", "--format", "json", "--rules", "rules.json"];
        let standings = self.apogee(&with(&stand, &files));
        if let Some(second) = self.shadow(&["stand"], &format!("{}\n", canonical::text(case).unwrap())) {
            assert_eq!(second, standings, "both say the same, byte for byte");
        }
        serde_json::from_str(&standings).unwrap()
    }

    fn vested(&self, amount: u128, epochs: u64, elapsed: u64) -> u128 {
        let mut rules = golden::three_of_four()["rules"].take();
        rules["vesting"] = json!({"kind": "linear", "epochs": epochs});
        self.write("rules.json", &canonical::text(&rules).unwrap());
        let [amount, epochs, elapsed] = [amount.to_string(), epochs.to_string(), elapsed.to_string()];
        let vested =
            ["competition", "vested", "--rules", "rules.json", "--amount", &amount, "--elapsed", &elapsed];
        let vested = self.apogee(&vested);
        if let Some(second) = self.shadow(&["vested", &amount, &epochs, &elapsed], "") {
            assert_eq!(second, vested);
        }
        vested.trim().parse().unwrap()
    }
}

fn commands(folder: &Path) -> Commands {
    let python = Command::new("python3").arg("--version").output().is_ok();
    if !python {
        println!("SKIPPED: python3 is absent; the second implementation needs it");
    }
    Commands { folder: folder.to_owned(), python }
}

#[test]
fn every_golden_case_comes_out_exactly_through_files_and_commands_of_both_implementations() {
    let folder = tempfile::tempdir().unwrap();
    golden::work_out(&commands(folder.path()));
}

#[test]
fn a_simulation_shows_what_it_costs_to_let_the_ineligible_weigh() {
    let Some(path) = apogee_testkit::data("golden/space-race.json") else { return };
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let commands = commands(folder.path());
    let mut case = golden::three_of_four();
    let files = commands.lay_out(&case);
    golden::let_all_weigh(&mut case["rules"]);
    commands.write("with.json", &canonical::text(&case["rules"]).unwrap());
    let simulate =
        ["competition", "simulate", "--format", "json", "--rules", "rules.json", "--with", "with.json"];
    let answer: Value = serde_json::from_str(&commands.apogee(&with(&simulate, &files))).unwrap();
    let (before, after) = (&file["SR1-E-exclude-before"]["shares"], &file["SR1-E-include-in-denominator"]);
    for row in answer["entities"].as_array().unwrap() {
        let who = row["entity"].as_str().unwrap();
        let coins = |from: &Value| {
            from.get(who).map_or_else(|| "0".to_owned(), |coins| golden::coins(coins).to_string())
        };
        assert_eq!(row["amount"], json!([coins(before), coins(after)]), "{who}");
    }
    assert_eq!(answer["entities"].as_array().unwrap().len(), 4);
}
