//! What the documents say that is generated: compared with what is committed, or written again by `cargo xtask regen`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use apogee_domain::series::{ALL, Reading, Unit};

use crate::served::Served;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compare a reference with its committed text; or write it, when `cargo xtask regen` asks.
fn reference(name: &str, text: &str) {
    let path = root().join("docs/reference").join(name);
    if std::env::var_os("REGENERATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/reference/{name} is not current: run `cargo xtask regen` and commit");
}

/// The help of a command, and the names of its subcommands.
fn help(words: &[&str]) -> (String, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apogee"));
    // Lines break where they do for whoever has no terminal.
    let output = command.args(words).arg("--help").env_remove("COLUMNS").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let commands = text.split("\nCommands:\n").nth(1).unwrap_or_default();
    let names = commands
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let names = names.map(Into::into).collect();
    (text, names)
}

fn describe(words: &[&str], page: &mut String) {
    let (text, commands) = help(words);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let title = ["apogee"].iter().chain(words).copied().collect::<Vec<_>>().join(" ");
    writeln!(page, "\n## `{title}`\n\n```text\n{}\n```", lines.join("\n").trim_end()).unwrap();
    for command in &commands {
        describe(&[words, &[command.as_str()]].concat(), page);
    }
}

#[test]
fn the_reference_of_the_command_line_is_current() {
    let mut page = String::from(
        "# The command line\n\nWhat every command says of itself. Written by `cargo xtask regen`.\n\n\
         Exit codes: 0 good, 1 the answer is \"no\", 2 bad usage or input, 3 the world failed.\n",
    );
    describe(&[], &mut page);
    assert!(page.contains("## `apogee chain verify`"), "{page}");
    reference("cli.md", &page);
}

#[test]
fn the_reference_of_the_service_is_current() {
    let document = Served::new().get("/openapi.json").json();
    let path = root().join("docs/reference/openapi.json");
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&document).unwrap() + "\n").unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    // The order of names in it depends on what else is built.
    let committed: Option<serde_json::Value> = serde_json::from_str(&committed).ok();
    let current = committed.as_ref() == Some(&document);
    assert!(current, "docs/reference/openapi.json is not current: run `cargo xtask regen` and commit");
}

/// What the source says of each series, by name.
fn descriptions() -> BTreeMap<String, String> {
    let source = fs::read_to_string(root().join("crates/domain/src/series.rs")).unwrap();
    let table = source.split("\nseries! {").nth(1).unwrap();
    let (mut said, mut full) = (String::new(), String::new());
    let mut descriptions = BTreeMap::new();
    for line in table.lines().map(str::trim).take_while(|line| *line != "}") {
        if let Some(text) = line.strip_prefix("/// ") {
            said.push_str(text);
        } else if let Some(name) = line.split('"').nth(1) {
            // "… by others" goes on from the last one that is a sentence of its own.
            match said.strip_prefix("… by ") {
                Some(rest) => said = format!("{} by {rest}", full.split(" by ").next().unwrap()),
                None => full = said.clone(),
            }
            descriptions.insert(name.to_owned(), std::mem::take(&mut said));
        }
    }
    descriptions
}

#[test]
fn the_reference_of_the_series_is_current() {
    let mut page = String::from(
        "# Series\n\nEvery series that Apogee produces. Written by `cargo xtask regen`.\n\n\
         A *level* holds at an epoch. A *cumulative* series never goes down: what happened in a window is its value at the end \
         less its value at the begin. A value that cannot be known is unknown, never zero.\n\n\
         | series | of | unit | read as | what |\n|---|---|---|---|---|\n",
    );
    let descriptions = descriptions();
    for spec in ALL {
        let of = if spec.per_participant { "each participant, network" } else { "network" };
        let unit = match spec.unit {
            Unit::Bytes => "bytes",
            Unit::Atto => "10⁻¹⁸ coin",
            Unit::Gas => "gas",
            Unit::Count => "count",
            Unit::Nano => "10⁻⁹",
        };
        let reading = match spec.reading {
            Reading::Level => "level",
            Reading::Cumulative => "cumulative",
        };
        let what = &descriptions[spec.name];
        writeln!(page, "| `{}` | {of} | {unit} | {reading} | {what} |", spec.name).unwrap();
    }
    reference("series.md", &page);
}
