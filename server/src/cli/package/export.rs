use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use apogee_domain::{Digest, Epoch, Schedule};
use apogee_leaderboard::Entity;
use apogee_package::{About, Clock, Contents, LedgerRow, WriteError};
use apogee_rules::{Id, RuleSet, Versions};
use clap::Args;

use crate::cli::competition::documents::{self, wrong};
use crate::cli::competition::facts::Indexed;
use crate::cli::desk::Desk;
use crate::cli::source::{Database, epoch};
use crate::cli::{Answer, Failure};
use crate::competitions::{NoContents, NoObservations, PRODUCER, contents, observations, provenance};

/// Attempts of bots in a package: more rows than that it does not have in all.
const ATTEMPTS: usize = 50_000_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// A competition of the database, with its ledger
    #[arg(long, value_name = "ID", conflicts_with_all = ["rules", "entities", "ledger"])]
    competition: Option<String>,
    /// Without a competition: every version of the rules, in order
    #[arg(long, required_unless_present = "competition", num_args = 1.., value_name = "FILE")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    database: Database,
    /// Entities: who competes; by default every participant for itself
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// The ledger of decisions; by default there are none
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// At which final epoch, written e:51204; by default that of the final standings, else the end of the competition or the newest final one
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    at: Option<Epoch>,
    /// The file to make
    file: PathBuf,
}

impl Export {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let contents = match &self.competition {
            Some(id) => self.held(id).await?,
            None => self.documents().await?,
        };
        let root = write(&self.file, contents)?;
        println!("root {root}");
        Ok(Answer::Yes)
    }

    /// A competition with its ledger.
    async fn held(&self, id: &str) -> Result<Contents, Failure> {
        let desk = Desk::open(&self.database, id, true).await?;
        let competition = desk.competition();
        let last = competition.end().map(|end| end.minus(1));
        let newest = || desk.ground.final_epoch().zip(last).map(|(settled, last)| settled.min(last));
        let pinned = competition.finals().last().map(|last| last.pin.at);
        let at = self.at.or(pinned).or_else(newest);
        let at = at.ok_or_else(|| Failure::input("no epoch is final yet, or no rules are published"))?;
        settled(desk.ground.final_epoch(), at)?;
        let stood = desk.stand(at).await?;
        let contents = contents(&*desk.store, &desk.held, &desk.ground, &stood, ATTEMPTS).await;
        contents.map_err(|error| match error {
            NoContents::Store(error) | NoContents::Observations(NoObservations::Store(error)) => {
                Failure::world(error)
            }
            error => Failure::input(error),
        })
    }

    /// What documents say of an indexed network.
    async fn documents(&self) -> Result<Contents, Failure> {
        let rules: Vec<RuleSet> =
            self.rules.iter().map(|file| documents::rules(file)).collect::<Result<_, _>>()?;
        Versions::new(rules.clone()).map_err(Failure::input)?;
        let indexed = Indexed::open(&self.database, &rules, self.at).await?;
        settled(indexed.is_final.then_some(indexed.at), indexed.at)?;
        let entities: Vec<Entity> = self.entities.as_deref().map_or(Ok(Vec::new()), documents::json)?;
        let decisions: Vec<LedgerRow> = self.ledger.as_deref().map_or(Ok(Vec::new()), documents::json)?;
        let competition = rules.first().map(|rules| rules.competition.id.clone());
        let about = About {
            at: indexed.at,
            clock: clock(indexed.network.schedule())?,
            competition: competition.ok_or_else(|| Failure::input("there are no rules"))?,
            genesis: indexed.network.genesis.clone(),
            network: id(indexed.network.id.as_str())?,
            producer: PRODUCER.to_owned(),
            seq: decisions.iter().map(|row| row.seq).max().unwrap_or(0),
        };
        let facts = apogee_package::facts_until(indexed.facts(&rules).await?, &rules, about.at);
        let race = (&indexed.network.id, about.competition.as_str());
        let observations = observations(&*indexed.store, race, &facts, (about.at, ATTEMPTS)).await;
        let observations = observations.map_err(Failure::world)?;
        Ok(Contents {
            about,
            facts,
            rules,
            entities,
            claims: Vec::new(),
            decisions,
            observations,
            provenance: provenance(&*indexed.store, &indexed.network.id, indexed.at)
                .await
                .map_err(Failure::world)?,
        })
    }
}

fn settled(settled: Option<Epoch>, at: Epoch) -> Result<(), Failure> {
    if settled >= Some(at) {
        return Ok(());
    }
    Err(Failure::input(format!("epoch {at} is not final yet: it could still change")))
}

fn id(text: &str) -> Result<Id, Failure> {
    text.parse().map_err(Failure::world)
}

/// When the network's epochs are.
fn clock(schedule: Schedule) -> Result<Clock, Failure> {
    let epoch_seconds = NonZeroU32::try_from(schedule.epoch_seconds).map_err(Failure::world)?;
    let genesis = u64::try_from(schedule.genesis.seconds()).map_err(Failure::world)?;
    Ok(Clock { epoch_seconds, genesis })
}

/// Written beside its place and moved there when it is whole; a file that is there is left alone.
fn write(file: &Path, contents: Contents) -> Result<Digest, Failure> {
    if file.exists() {
        return Err(wrong(file, "there is such a file already"));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let world = |cause: std::io::Error| Failure::world(format!("{}: {cause}", file.display()));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(world)?;
    let mut out: BufWriter<&mut File> = BufWriter::new(temporary.as_file_mut());
    let root = apogee_package::export(contents, &mut out).map_err(|error| match error {
        WriteError::Defect(defect) => Failure::input(defect),
        error => Failure::world(error),
    })?;
    out.flush().map_err(world)?;
    drop(out);
    temporary.as_file().sync_all().map_err(world)?;
    temporary.persist_noclobber(file).map_err(|failed| world(failed.error))?;
    Ok(root)
}
