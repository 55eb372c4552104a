//! The story, told once, and what the tests ask of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use apogee_competition::{Accepted, Competition, Founded, Row, Said, Unfounded, check_rows};
use apogee_domain::Epoch;
use apogee_leaderboard::{Decisions, Entities, Facts, Standings, stand};
use apogee_package::{Contents, facts_until};
use apogee_rules::{Id, RuleSet};
use sr1_history::{FILE, History};

pub(crate) fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(|| History::tell().unwrap())
}

/// The package in the repository.
pub(crate) fn package() -> &'static [u8] {
    static PACKAGE: OnceLock<Vec<u8>> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap();
        zstd::decode_all(&file[..]).unwrap()
    })
}

pub(crate) fn contents() -> &'static Contents {
    static CONTENTS: OnceLock<Contents> = OnceLock::new();
    CONTENTS.get_or_init(|| apogee_package::import(package()).unwrap().contents)
}

pub(crate) fn id(text: &str) -> Id {
    text.parse().unwrap()
}

pub(crate) fn at(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

/// What a server does with a package: hold its ledger against the rest of it.
pub(crate) fn founded(contents: &Contents) -> Result<Founded, Unfounded> {
    let claims: Vec<Accepted> = contents
        .claims
        .iter()
        .map(|claim| Accepted {
            action: claim.effect.action.clone(),
            entity: claim.effect.entity.clone(),
            epoch: claim.epoch,
            message: claim.message.clone(),
            miner: claim.effect.participant.clone().unwrap(),
            signature: claim.signature.clone(),
        })
        .collect();
    let rows = contents.decisions.iter().map(|row| Row {
        effect: &row.effect,
        entry: &row.entry,
        hash: row.hash,
        signatures: &row.signatures,
    });
    let said = Said { rules: &contents.rules, entities: &contents.entities, claims: &claims };
    check_rows(contents.about.competition.clone(), rows, &said)
}

/// Standings of the package's facts at an epoch, as a ledger has everything else.
pub(crate) fn standings(competition: &Competition, at: Epoch, rules: &RuleSet) -> Standings {
    let versions: Vec<RuleSet> =
        competition.rules().iter().map(|published| (*published.rules).clone()).collect();
    let facts = Facts::new(facts_until(contents().facts.clone(), &versions, at)).unwrap();
    let entities = competition.entities_document().unwrap();
    let decisions = competition.decisions_document().unwrap();
    stand(&facts, &entities, rules, &decisions, at, competition.seq()).unwrap()
}

/// Standings at the end under some rules, everything else as it is.
pub(crate) fn finally(rules: &RuleSet) -> Standings {
    let contents = contents();
    let facts = Facts::new(contents.facts.clone()).unwrap();
    let entities = Entities::new(contents.entities.clone()).unwrap();
    let decisions: Vec<_> = contents
        .decisions
        .iter()
        .map(|row| apogee_leaderboard::Decision { effect: row.effect.clone(), seq: row.seq })
        .collect();
    let decisions = Decisions::new(decisions).unwrap();
    stand(&facts, &entities, rules, &decisions, contents.about.at, contents.about.seq).unwrap()
}

fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shadow").join(name)
}

/// What the second implementation says of a package, line by line.
pub(crate) fn shadow(bytes: &[u8]) -> Vec<String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let run = Command::new("python3")
        .arg(program("apogee_package.py"))
        .arg("verify")
        .arg(file.path())
        .output()
        .unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let good = text.starts_with("OK ");
    assert_eq!(run.status.code(), Some(i32::from(!good)), "{}", String::from_utf8_lossy(&run.stderr));
    text.lines().map(str::to_owned).collect()
}

/// The standings that the second implementation makes of a case.
pub(crate) fn shadow_stands(case: &serde_json::Value) -> String {
    let mut run = Command::new("python3")
        .arg(program("apogee_shadow.py"))
        .arg("stand")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = run.stdin.take().unwrap();
    writeln!(input, "{case}").unwrap();
    drop(input);
    String::from_utf8(run.wait_with_output().unwrap().stdout).unwrap().trim_end().to_owned()
}
