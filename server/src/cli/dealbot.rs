//! `apogee dealbot`: the keys of bots, the seeds of their schedules, and how miners do.

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use apogee_bot::{BotError, Canary, Patience, Settings};
use apogee_dealbot::desk::Desk;
use apogee_dealbot::schedule::Seed;
use apogee_dealbot::verdict::Tally;
use apogee_market::{Secp256k1Key, Signs};
use apogee_outbound::Reach;
use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use serde::Serialize;
use tokio::sync::watch;

use super::source::Database;
use super::{Answer, Failure, Format, operator};
use crate::bots::{BAR, Bots, CLIENT_TITLE, LOG_TITLE, SEED_TITLE};
use crate::edge::{self, SystemClock};

/// First line of a file with the key of a bot.
pub(super) const KEY_TITLE: &str = "apogee-bot-key-1";

#[derive(Debug, Subcommand)]
pub(super) enum Dealbot {
    /// Make the key of a bot in a new file that only you can read, and print the public key for the settings of the server.
    New(File),
    /// Make the seed of a schedule in a new file that only you can read, and print the commitment to publish before the first slot.
    Seed(File),
    /// Make the key of a log of evidence in a new file that only you can read, and print the public key to publish with the commitment.
    LogKey(File),
    /// Make the key of a client of deals in a new file that only you can read, and print its address on a test network.
    Client(File),
    /// Print a seed, to be published after the last slot: whoever has it derives every moment again.
    Reveal(File),
    /// Probe miners for a controller until the process is asked to end. It needs no wallet, no database and no open port.
    Run(Box<Run>),
    /// Show what the slots of every miner come to.
    Status(Status),
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// Address of the server
    #[arg(long, value_name = "URL")]
    controller: String,
    /// The name that this bot has in the settings of the server
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The region that it has there
    #[arg(long, value_name = "REGION")]
    region: String,
    /// Its key, made with `apogee dealbot new`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A folder of its own, in which results wait until the server has them
    #[arg(long, value_name = "FOLDER")]
    outbox: PathBuf,
    /// The organiser's own provider: address, root and bytes, such as `https://own.example,bafy…,1048576`
    #[arg(long, value_name = "URL,ROOT,BYTES")]
    canary: OwnData,
    /// How many attempts are made at once
    #[arg(long, value_name = "N", default_value_t = 8)]
    attempts: u32,
    /// Name servers to ask in place of the system's
    #[arg(long, value_name = "ADDRESS:PORT")]
    resolver: Vec<SocketAddr>,
    /// Dial addresses that are not public where the competition allows it: on a network of your own
    #[arg(long)]
    allow_private: bool,
}

/// Data of the organiser, as it is written on a command line.
#[derive(Clone, Debug)]
struct OwnData(Canary);

impl FromStr for OwnData {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write it as URL,ROOT,BYTES";
        let mut parts = text.rsplitn(3, ',');
        let (size, root, url) = (parts.next(), parts.next(), parts.next());
        let (Some(size), Some(root), Some(url)) = (size, root, url) else { return Err(FORM) };
        root.parse::<cid::Cid>().map_err(|_| "the root is a CID, such as bafy…")?;
        let size = size.parse().map_err(|_| FORM)?;
        Ok(Self(Canary { url: url.to_owned(), root: root.to_owned(), size }))
    }
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
            Self::LogKey(File { file }) => {
                let key = SigningKey::from_bytes(&operator::made(&file, LOG_TITLE)?);
                println!("{}", hex::encode(key.verifying_key().as_bytes()));
            }
            Self::Client(File { file }) => {
                let key = Secp256k1Key::from_bytes(&operator::made(&file, CLIENT_TITLE)?);
                let address = key.map_err(Failure::world)?.address().to_string();
                println!("t{}", address.get(1..).unwrap_or_default());
            }
            Self::Reveal(File { file }) => println!("{}", hex::encode(operator::held(&file, SEED_TITLE)?)),
            Self::Run(run) => run.run().await?,
            Self::Status(status) => status.show().await?,
        }
        Ok(Answer::Yes)
    }
}

impl Run {
    async fn run(self) -> Result<(), Failure> {
        let settings = Settings {
            controller: self.controller,
            name: self.name,
            region: self.region,
            key: SigningKey::from_bytes(&operator::held(&self.key, KEY_TITLE)?),
            outbox: self.outbox,
            attempts: self.attempts,
            canary: self.canary.0,
            reach: if self.allow_private { Reach::AlsoPrivate } else { Reach::Global },
            resolvers: self.resolver,
            patience: Patience::default(),
        };
        let (end, ended) = watch::channel(false);
        tokio::spawn(async move {
            edge::interrupted().await;
            end.send_replace(true);
            // It is held until the bot has ended: without a sender it would end at once.
            std::future::pending::<()>().await;
        });
        apogee_bot::run(settings, Arc::new(SystemClock), ended).await.map_err(|error| match error {
            error @ (BotError::Settings(_) | BotError::Outbox(_)) => Failure::input(error),
            error => Failure::world(error),
        })
    }
}

impl Status {
    async fn show(self) -> Result<(), Failure> {
        let (config, place) = self.database.place()?;
        let bots = Bots::open(&config, secret).map_err(Failure::input)?;
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

/// The secret of a file whose first line is `title`.
pub(super) fn secret(file: &Path, title: &str) -> Result<[u8; 32], Box<dyn Error + Send + Sync>> {
    operator::held(file, title).map_err(|failure| failure.to_string().into())
}
