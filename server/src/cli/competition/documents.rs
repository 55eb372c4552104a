use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use apogee_domain::Epoch;
use apogee_leaderboard::{Decisions, Entities, Facts, LARGEST_DOCUMENT, Standings, stand};
use apogee_rules::{Problem, RuleSet};
use clap::Args;
use serde::de::DeserializeOwned;

use crate::cli::Failure;
use crate::cli::source::epoch;

/// What standings are made of, beside the rules: files as in `docs/rules.md`.
#[derive(Debug, Args)]
pub(super) struct Documents {
    /// Facts: what was measured
    #[arg(long, value_name = "FILE")]
    facts: PathBuf,
    /// Entities: who competes; by default every participant for itself
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// Decisions; by default there are none
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Look at the decisions up to this number only
    #[arg(long, value_name = "NUMBER")]
    seq: Option<u64>,
    /// At which epoch, written e:51204; by default at the last one of the competition
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    at: Option<Epoch>,
}

/// [`Documents`] that were read.
#[derive(Debug)]
pub(super) struct Inputs {
    facts: Facts,
    entities: Entities,
    decisions: Decisions,
    seq: u64,
    at: Option<Epoch>,
}

impl Documents {
    pub(super) fn read(&self) -> Result<Inputs, Failure> {
        let facts = Facts::parse(&bytes(&self.facts)?).map_err(|problem| wrong(&self.facts, problem))?;
        let entities = parse(self.entities.as_deref(), Entities::parse)?;
        let decisions = parse(self.decisions.as_deref(), Decisions::parse)?;
        let newest = decisions.list().last().map_or(0, |decision| decision.seq);
        let seq = self.seq.unwrap_or(newest);
        if seq > newest {
            return Err(Failure::input(format!("--seq {seq}: the decisions end at number {newest}")));
        }
        Ok(Inputs { facts, entities, decisions, seq, at: self.at })
    }
}

impl Inputs {
    /// Standings under some rules.
    pub(super) fn stand(&self, rules: &RuleSet) -> Result<Standings, Failure> {
        let at = self.at.unwrap_or_else(|| rules.competition.end.minus(1));
        let Self { facts, entities, decisions, seq, .. } = self;
        stand(facts, entities, rules, decisions, at, *seq)
            .map_err(|problem| Failure::input(format!("there are no standings at epoch {at}: {problem}")))
    }
}

/// A rule set: canonical JSON where the file is called so, TOML else.
pub(crate) fn rules(file: &Path) -> Result<RuleSet, Failure> {
    let bytes = bytes(file)?;
    let rules = if file.extension().is_some_and(|extension| extension == "json") {
        RuleSet::from_canonical(bytes.trim_ascii_end())
    } else {
        let text = str::from_utf8(&bytes).map_err(|cause| wrong(file, cause))?;
        RuleSet::from_toml(text)
    };
    rules.map_err(|problems| wrong(file, problems))
}

/// The list in a file; without one an empty list.
fn parse<T>(file: Option<&Path>, parse: impl Fn(&[u8]) -> Result<T, Problem>) -> Result<T, Failure> {
    match file {
        Some(file) => parse(&bytes(file)?).map_err(|problem| wrong(file, problem)),
        None => parse(b"[]").map_err(|problem| Failure::world(problem.to_string())),
    }
}

/// A JSON document that is checked where it is used.
pub(crate) fn json<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    serde_json::from_slice(&bytes(file)?).map_err(|cause| wrong(file, cause))
}

pub(crate) fn wrong(file: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::input(format!("{}: {problem}", file.display()))
}

/// What a file holds, if it is not too much.
pub(crate) fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read =
        File::open(file).and_then(|open| open.take(LARGEST_DOCUMENT as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|cause| wrong(file, cause))?;
    if bytes.len() > LARGEST_DOCUMENT {
        return Err(wrong(file, format_args!("more than {LARGEST_DOCUMENT} bytes")));
    }
    Ok(bytes)
}
