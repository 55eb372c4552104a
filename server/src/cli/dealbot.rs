//! `apogee dealbot`: the keys of bots, the seeds of their schedules, and how miners do.

use std::error::Error;
use std::path::{Path, PathBuf};

use apogee_dealbot::desk::Desk;
use apogee_dealbot::schedule::Seed;
use apogee_dealbot::verdict::{Bar, Tally};
use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use serde::Serialize;

use super::source::Database;
use super::{Answer, Failure, Format, operator};
use crate::bots::{Bots, SEED_TITLE};

/// First line of a file with the key of a bot.
pub(super) const KEY_TITLE: &str = "apogee-bot-key-1";

/// What is asked of miners where nothing else is said: 80 of 100, of 100 slots at least, four of five of which count.
const BAR: Bar = Bar { rate: 800_000, least: 100, coverage: 800_000 };

#[derive(Debug, Subcommand)]
pub(super) enum Dealbot {
    /// Make the key of a bot in a new file that only you can read, and print the public key for the settings of the server.
    New(File),
    /// Make the seed of a schedule in a new file that only you can read, and print the commitment to publish before the first slot.
    Seed(File),
    /// Print a seed, to be published after the last slot: whoever has it derives every moment again.
    Reveal(File),
    /// Show what the slots of every miner come to.
    Status(Status),
}

#[derive(Debug, Args)]
pub(super) struct File {
    /// The file with the secret
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    database: Database,
    /// The competition
    #[arg(long, value_name = "NAME")]
    race: String,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the slots of one kind of a miner come to.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    miner: String,
    ok: u64,
    fail: u64,
    excluded: u64,
    /// Millionths: the rate is at least this, and at most that, 95 % sure of each.
    lower: u32,
    upper: u32,
    verdict: &'static str,
}

impl Dealbot {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::New(File { file }) => {
                let key = SigningKey::from_bytes(&operator::made(&file, KEY_TITLE)?);
                println!("{}", hex::encode(key.verifying_key().as_bytes()));
            }
            Self::Seed(File { file }) => {
                println!("{}", Seed::new(operator::made(&file, SEED_TITLE)?).commitment());
            }
            Self::Reveal(File { file }) => println!("{}", hex::encode(operator::held(&file, SEED_TITLE)?)),
            Self::Status(status) => status.show().await?,
        }
        Ok(Answer::Yes)
    }
}

impl Status {
    async fn show(self) -> Result<(), Failure> {
        let (config, place) = self.database.place()?;
        let bots = Bots::open(&config, seed).map_err(Failure::input)?;
        let plan = bots.plan(&self.race).ok_or_else(|| {
            Failure::input(format!(
                "the settings have no probes.{}: name those of the server with --config",
                self.race
            ))
        })?;
        let store = place.existing().await?;
        let tallies = Desk { store: &*store, plan }.tallies().await.map_err(Failure::world)?;
        let rows: Vec<Row> =
            tallies.iter().map(|((kind, miner), tally)| row(kind.as_str(), miner, tally)).collect();
        print(&rows, self.format)
    }
}

fn row(kind: &'static str, miner: &str, tally: &Tally) -> Row {
    Row {
        kind,
        miner: miner.to_owned(),
        ok: tally.sample.successes,
        fail: tally.sample.failures,
        excluded: tally.planned().saturating_sub(tally.sample.size()),
        lower: tally.sample.lower(),
        upper: tally.sample.upper(),
        verdict: tally.verdict(BAR).as_str(),
    }
}

fn print(rows: &[Row], format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(rows).map_err(Failure::world)?),
        Format::Csv => {
            println!("kind,miner,ok,fail,excluded,lower,upper,verdict");
            for Row { kind, miner, ok, fail, excluded, lower, upper, verdict } in rows {
                println!("{kind},{miner},{ok},{fail},{excluded},{lower},{upper},{verdict}");
            }
        }
        Format::Table => {
            println!(
                "kind        miner             ok    fail  excluded   between and (millionths)  verdict"
            );
            for Row { kind, miner, ok, fail, excluded, lower, upper, verdict } in rows {
                println!(
                    "{kind:<10}  {miner:<12}{ok:>8}{fail:>8}{excluded:>10}   {lower:>11} {upper:>13}  {verdict}"
                );
            }
        }
    }
    Ok(())
}

/// The seed of a file.
pub(super) fn seed(file: &Path) -> Result<[u8; 32], Box<dyn Error + Send + Sync>> {
    operator::held(file, SEED_TITLE).map_err(|failure| failure.to_string().into())
}
