use std::fs::File;
use std::path::{Path, PathBuf};

use apogee_competition::{Final, Founded, Hex, Pin, check_claims, fold};
use apogee_dealbot::audit::Asked;
use apogee_dealbot::schedule::Seed;
use apogee_domain::{Digest, Epoch};
use apogee_leaderboard::{Facts, Source as From, stand};
use apogee_package::{Contents, Imported, Provenance, ReadError, Report};
use apogee_rules::{Problem, RuleSet};
use clap::Args;

use super::evidence;
use crate::claims::Wallets;
use crate::cli::competition::documents::wrong;
use crate::cli::source::{Chosen, Database};
use crate::cli::{Answer, Failure, chain_of, progress};
use crate::competitions::{founded, provenance, read_facts, reader, signed_observations};
use crate::edge;
use crate::follow::indexer;
use crate::networks::Chain;
use crate::store::Place;

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// A package, packed with zstd or not
    file: PathBuf,
    #[command(flatten)]
    chosen: Chosen,
    /// The log of evidence of its bots, as evidence.car has it; said again for each file that goes on from it
    #[arg(long, value_name = "FILE")]
    evidence: Vec<PathBuf>,
    /// The seed of its probes, once it is told: every moment is derived again
    #[arg(long, requires = "evidence", value_name = "HEX")]
    seed: Option<Hex<32>>,
    /// The public key that was published with the commitment to the seed: the log has to be signed by it
    #[arg(long, requires = "evidence", value_name = "HEX")]
    log_key: Option<Hex<32>>,
    /// Settings that name the chain, in place of --car and --rpc
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What was found about a package, a line for each level.
pub(super) struct Checked {
    pub(super) report: Report,
    pub(super) contents: Contents,
    pub(super) ledger: Option<Founded>,
    lines: Vec<String>,
}

impl Checked {
    /// Say something else of a level.
    fn replace(&mut self, level: &str, said: &str) {
        for line in self.lines.iter_mut().filter(|line| line.starts_with(level)) {
            said.clone_into(line);
        }
    }
}

/// What is wrong with a package, or with the world.
pub(super) enum Unsound {
    Wrong(String),
    Failed(Failure),
}

/// Check a file with nothing but itself: the package, and that it rests on its ledger.
pub(super) fn check(file: &Path) -> Result<Checked, Unsound> {
    let open = || File::open(file).map_err(|cause| Unsound::Failed(wrong(file, cause)));
    let read = |error| match error {
        ReadError::Defect(defect) => Unsound::Wrong(defect.to_string()),
        error => Unsound::Failed(Failure::input(format!("{}: {}", file.display(), chain_of(&error)))),
    };
    let again = || reader(open()?).map_err(|cause| Unsound::Failed(wrong(file, cause)));
    let report = apogee_package::verify(again()?).map_err(read)?;
    let Imported { contents, .. } = apogee_package::import(again()?).map_err(read)?;
    let ledger = founded(&contents).map_err(|unfounded| Unsound::Wrong(chain_of(&*unfounded)))?;
    let mut lines: Vec<String> = report.to_string().lines().map(str::to_owned).collect();
    let said = match &ledger {
        None => "the ledger has no entries".to_owned(),
        Some(ledger) => {
            let claims = check_claims(&ledger.entries, &Wallets)
                .map_err(|broken| Unsound::Wrong(format!("decisions {}", chain_of(&broken))))?;
            let finals = finals(&contents, ledger).map_err(Unsound::Wrong)?;
            format!(
                "ledger made: {} entries fold and are signed by operators, {claims} signatures of claims are good, {finals} final standings have the roots that it names; \
                 the reports of its acts were not computed again",
                ledger.entries.len()
            )
        }
    };
    lines.insert(2.min(lines.len()), said);
    let observations = signed_observations(&contents.observations).map_err(Unsound::Wrong)?;
    let mut checked = Checked { report, contents, ledger, lines };
    if observations > 0 {
        let said = format!(
            "L2 made: {observations} records are signed by their bots; what slots come to waits for --evidence"
        );
        checked.replace("L2 ", &said);
    }
    Ok(checked)
}

/// Work out every version of the final standings again, and hold it against the root in the ledger: facts that were exchanged would give other ones.
fn finals(contents: &Contents, ledger: &Founded) -> Result<usize, String> {
    let finals = ledger.competition.finals();
    for Final { pin, moment } in finals {
        let place = format!("decisions {}", moment.seq);
        if contents.about.at < pin.at {
            let at = contents.about.at;
            return Err(format!(
                "{place}: standings are final at epoch {}, but the facts end at {at}",
                pin.at
            ));
        }
        let found = stood_at(contents, ledger, pin).map_err(|problem| format!("{place}: {problem}"))?;
        if found != pin.root {
            return Err(format!(
                "{place}: final standings have the root {}, but {found} comes out",
                pin.root
            ));
        }
    }
    Ok(finals.len())
}

/// The root of the standings that a pin names.
fn stood_at(contents: &Contents, ledger: &Founded, pin: &Pin) -> Result<Digest, String> {
    let until = ledger.entries.iter().take_while(|signed| signed.entry.seq <= pin.seq);
    let competition = fold(contents.about.competition.clone(), until).map_err(|broken| chain_of(&broken))?;
    let rules = competition.rules().iter().find(|published| published.hash == pin.rules);
    let rules = rules.ok_or_else(|| format!("there are no rules with the hash {}", pin.rules))?;
    let versions: Vec<RuleSet> =
        competition.rules().iter().map(|published| (*published.rules).clone()).collect();
    let at = competition.reads(pin.at);
    let stood = || -> Result<Digest, Problem> {
        let facts = Facts::new(apogee_package::facts_until(contents.facts.clone(), &versions, at))?;
        let (entities, decisions) = (competition.entities_document()?, competition.decisions_document()?);
        Ok(stand(&facts, &entities, &rules.rules, &decisions, at, pin.seq)?.root)
    };
    stood().map_err(|problem| problem.to_string())
}

impl Verify {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let file = self.file.clone();
        let checking = tokio::task::spawn_blocking(move || check(&file)).await.map_err(Failure::world)?;
        let mut checked = match checking {
            Ok(checked) => checked,
            Err(Unsound::Wrong(what)) => {
                println!("WRONG {what}");
                return Ok(Answer::No);
            }
            Err(Unsound::Failed(failure)) => return Err(failure),
        };
        if !self.evidence.is_empty() {
            let asked = Asked {
                seed: self.seed.map(|Hex(seed)| Seed::new(seed)),
                key: self.log_key.map(|Hex(key)| key),
            };
            let files = self.evidence.clone();
            let audited = tokio::task::spawn_blocking(move || evidence::audited(&files, asked)).await;
            let found = audited.map_err(Failure::world)??;
            match found.and_then(|report| evidence::held_against(&checked.contents, &report)) {
                Ok(said) => checked.replace("L2 ", &said),
                Err(what) => {
                    println!("WRONG {what}");
                    return Ok(Answer::No);
                }
            }
        }
        if self.chosen.is_given() || self.config.is_some() {
            let (config, _) = Database::settings(self.config.clone()).place()?;
            let chosen = self.chosen.or_network(checked.contents.about.network.as_str());
            let chain = chosen.one(&config)?.open().await?;
            match derived(&checked.contents, chain).await? {
                Ok(said) => checked.replace("L1 ", &said),
                Err(what) => {
                    println!("WRONG {what}");
                    return Ok(Answer::No);
                }
            }
        }
        println!("{}", checked.lines.join("\n"));
        Ok(Answer::Yes)
    }
}

/// The first epoch that any version of the rules counts.
fn start(contents: &Contents) -> Epoch {
    contents.rules.iter().map(|rules| rules.competition.start).min().unwrap_or_default()
}

/// Derive provenance and the chain's series again, and compare them row by row: what was done, or the first row that differs.
async fn derived(contents: &Contents, chain: Chain) -> Result<Result<String, String>, Failure> {
    let about = &contents.about;
    if chain.network.genesis != about.genesis {
        let found = &chain.network.genesis;
        return Ok(Err(format!("about 1: its genesis is {}, but that of the chain {found}", about.genesis)));
    }
    let folder = tempfile::tempdir().map_err(Failure::world)?;
    let store = Place::Sqlite(folder.path().join("again.sqlite")).open().await?;
    let network = chain.network.clone();
    let mut indexer = indexer(chain.clone(), store.clone(), edge::entropy_source()?);
    let cursor = progress::backfill(&mut indexer, &chain, &store).await?;
    if cursor.epoch < about.at {
        return Ok(Err(format!(
            "provenance 0: the chain ends at epoch {}, before {}",
            cursor.epoch, about.at
        )));
    }
    let again = provenance(&*store, &network.id, about.at).await.map_err(Failure::world)?;
    // How many checks are made depends on what is at hand: an index that followed the chain made others than one that was made at one go.
    let same = |one: &Provenance, other: &Provenance| {
        (one.epoch, &one.key, one.digest, one.checks.failed)
            == (other.epoch, &other.key, other.digest, other.checks.failed)
    };
    let first = contents.provenance.first().map(|row| row.epoch);
    let again: Vec<_> = again.iter().filter(|row| Some(row.epoch) >= first).collect();
    let reaches = first.is_some_and(|first| first <= start(contents));
    if contents.provenance.len() != again.len() || !reaches {
        let what = "it does not cover every epoch from the start of the competition to the end of the facts";
        return Ok(Err(format!("provenance 0: {what}")));
    }
    for (index, row) in contents.provenance.iter().enumerate() {
        if again.get(index).is_none_or(|other| !same(row, other)) {
            return Ok(Err(format!("provenance {}: the chain has another epoch {}", index + 1, row.epoch)));
        }
    }
    let facts = read_facts(&*store, &network, &contents.rules, about.at).await?;
    let facts = apogee_package::facts_until(facts, &contents.rules, about.at);
    for (index, one) in contents.facts.participants.iter().enumerate() {
        // No chain tells where a machine stands.
        if one.region.is_some() {
            return Ok(Err(format!("participants {}: the chain names no region", index + 1)));
        }
        if facts.participants.get(index).is_none_or(|other| (&other.id, other.seen) != (&one.id, one.seen)) {
            return Ok(Err(format!("participants {}: the chain has another one there", index + 1)));
        }
    }
    if facts.participants.len() != contents.facts.participants.len() {
        return Ok(Err("participants 0: more are seen on the chain".to_owned()));
    }
    let mut steps = 0;
    for series in contents.facts.series.iter().filter(|series| series.source == From::Chain) {
        let other = facts.series.iter().find(|other| other.name == series.name);
        if other.is_none_or(|other| other.steps.0 != series.steps.0) {
            return Ok(Err(format!("steps 0: {} of the chain is another one", series.name)));
        }
        steps += series.steps.0.iter().map(|(_, steps)| steps.len()).sum::<usize>();
    }
    let observed = contents.facts.series.iter().filter(|series| series.source != From::Chain).count();
    let observed = if observed == 0 {
        String::new()
    } else {
        format!("; {observed} observed series are not on the chain")
    };
    Ok(Ok(format!(
        "L1 made: {} epochs of provenance and {steps} steps of the chain derived again and verified, all agree{observed}",
        contents.provenance.len()
    )))
}
