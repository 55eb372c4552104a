//! `apogee package`

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use apogee_domain::{Epoch, Network};
use apogee_leaderboard::Entity;
use apogee_package::{About, Checks, Clock, Contents, LedgerRow, Provenance, ReadError, WriteError};
use apogee_rules::{Id, Versions};
use apogee_store::{EpochRecord, Page};
use clap::{Args, Subcommand};

use super::competition::documents::{self, wrong};
use super::competition::facts::Indexed;
use super::source::{Database, epoch};
use super::{Answer, Failure};

/// Epochs that are read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Package {
    /// Write the package of a competition on an indexed network.
    Export(Export),
    /// Check a package with nothing but itself: the file, what belongs together, and every standing and payout computed again.
    ///
    /// Exits 1 at the first row that is not what it should be.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Every version of the rules, in order
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    database: Database,
    /// Entities: who competes; by default every participant for itself
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// The ledger of decisions; by default there are none
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// At which final epoch, written e:51204; by default at the end of the competition, or the newest final one
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    at: Option<Epoch>,
    /// The file to make
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A package
    file: PathBuf,
}

impl Package {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Export(export) => export.run().await,
            Self::Verify(verify) => verify.run(),
        }
    }
}

impl Export {
    async fn run(self) -> Result<Answer, Failure> {
        let rules = self.rules.iter().map(|file| documents::rules(file)).collect::<Result<Vec<_>, _>>()?;
        Versions::new(rules.clone()).map_err(Failure::input)?;
        let indexed = Indexed::open(&self.database, &rules, self.at).await?;
        if !indexed.is_final {
            return Err(Failure::input(format!(
                "epoch {} is not final yet: it could still change",
                indexed.at
            )));
        }
        let entities: Vec<Entity> = self.entities.as_deref().map_or(Ok(Vec::new()), documents::json)?;
        let decisions: Vec<LedgerRow> = self.ledger.as_deref().map_or(Ok(Vec::new()), documents::json)?;
        let id = |text: &str| -> Result<Id, Failure> { text.parse().map_err(Failure::world) };
        let competition = rules.first().map(|rules| rules.competition.id.clone());
        let about = About {
            at: indexed.at,
            clock: clock(&indexed.network)?,
            competition: competition.ok_or_else(|| Failure::input("there are no rules"))?,
            genesis: indexed.network.genesis.clone(),
            network: id(indexed.network.id.as_str())?,
            producer: concat!("apogee ", env!("CARGO_PKG_VERSION")).to_owned(),
            seq: decisions.iter().map(|row| row.seq).max().unwrap_or(0),
        };
        let contents = Contents {
            about,
            facts: indexed.facts(&rules).await?,
            rules,
            entities,
            claims: Vec::new(),
            decisions,
            observations: Vec::new(),
            provenance: provenance(&indexed).await?,
        };
        let root = write(&self.file, contents)?;
        println!("root {root}");
        Ok(Answer::Yes)
    }
}

/// When the network's epochs are.
fn clock(network: &Network) -> Result<Clock, Failure> {
    let epoch_seconds = NonZeroU32::try_from(network.epoch_seconds).map_err(Failure::world)?;
    let genesis = u64::try_from(network.genesis_time.seconds()).map_err(Failure::world)?;
    Ok(Clock { epoch_seconds, genesis })
}

/// Written beside its place and moved there when it is whole; a file that is there is left alone.
fn write(file: &Path, contents: Contents) -> Result<apogee_domain::Digest, Failure> {
    if file.exists() {
        return Err(wrong(file, "there is such a file already"));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let world = |cause: std::io::Error| Failure::world(format!("{}: {cause}", file.display()));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(world)?;
    let mut out = BufWriter::new(temporary.as_file_mut());
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

/// Where every epoch comes from, oldest first.
async fn provenance(indexed: &Indexed) -> Result<Vec<Provenance>, Failure> {
    let Indexed { store, network, at, .. } = indexed;
    let mut provenance = Vec::new();
    let mut after = Some(at.plus(1));
    loop {
        let records = store.epochs(&network.id, Page { after, limit: PAGE }).await.map_err(Failure::world)?;
        after = records.last().map(|record| record.epoch);
        provenance.extend(records.iter().map(of));
        if records.len() < PAGE as usize {
            break;
        }
    }
    provenance.reverse();
    if let Some(oldest) = provenance.first_mut() {
        oldest.granted = oldest.epoch > Epoch::GENESIS;
    }
    Ok(provenance)
}

fn of(record: &EpochRecord) -> Provenance {
    let sum = |count: fn(&apogee_store::CheckRecord) -> u64| record.checks.iter().map(count).sum();
    Provenance {
        checks: Checks {
            failed: sum(|check| check.failed),
            not_made: sum(|check| check.not_made.iter().map(|unmade| unmade.count).sum()),
            passed: sum(|check| check.passed),
        },
        digest: record.digest,
        epoch: record.epoch,
        granted: false,
        key: record.key.split(',').filter(|cid| !cid.is_empty()).map(str::to_owned).collect(),
    }
}

impl Verify {
    fn run(self) -> Result<Answer, Failure> {
        let file = File::open(&self.file).map_err(|cause| wrong(&self.file, cause))?;
        match apogee_package::verify(BufReader::new(file)) {
            Ok(report) => {
                println!("{report}");
                Ok(Answer::Yes)
            }
            Err(ReadError::Defect(defect)) => {
                println!("WRONG {defect}");
                Ok(Answer::No)
            }
            Err(error) => Err(Failure::world(error)),
        }
    }
}
