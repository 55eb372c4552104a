//! `apogee index`

use std::sync::Arc;

use apogee_domain::Epoch;
use apogee_indexer::Indexer;
use apogee_store::Store;
use clap::{Args, Subcommand};

use super::source::{Chosen, Database, known};
use super::{Answer, Failure, Format, progress};
use crate::edge;
use crate::follow::indexer;
use crate::networks::Chain;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Index {
    #[command(subcommand)]
    command: Option<IndexCommand>,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Chosen,
}

#[derive(Debug, Subcommand)]
enum IndexCommand {
    /// Derive the rows of a range again from the chain, and compare them with the database, which is only read.
    ///
    /// Exits 1 when a row differs.
    Verify(Verify),
    /// Go back to what the database and the chain share, however deep below what is final, and index on from there.
    ///
    /// For the day on which the chain has left what was final: then one of the two is wrong, and this says that it is the database.
    Resync(Again),
    /// Remove what is indexed of a network, and index it anew: after an upgrade that derives other rows, or from another start.
    Anew(Again),
}

#[derive(Debug, Args)]
struct Again {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Chosen,
}

#[derive(Debug, Args)]
struct Verify {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    chosen: Chosen,
    /// First epoch
    #[arg(long, default_value = "0")]
    from: Epoch,
    /// Last epoch; by default the newest indexed one
    #[arg(long)]
    to: Option<Epoch>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Index {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self.command {
            Some(IndexCommand::Verify(verify)) => return verify.run().await,
            Some(IndexCommand::Resync(again)) => return again.resync().await,
            Some(IndexCommand::Anew(again)) => return again.anew().await,
            None => {}
        }
        let (config, place) = self.database.place()?;
        // Nothing is written before every chain can be read.
        let mut chains = Vec::new();
        for prepared in self.chosen.prepared(&config)? {
            chains.push(prepared.open().await?);
        }
        let store = place.open().await?;
        for chain in chains {
            let mut indexer = indexer(chain.clone(), store.clone(), edge::entropy_source()?);
            let cursor = progress::backfill(&mut indexer, &chain, &store).await?;
            println!("{} {} {}", chain.network.id, cursor.epoch, cursor.digest);
        }
        Ok(Answer::Yes)
    }
}

impl Again {
    async fn resync(self) -> Result<Answer, Failure> {
        let (chain, mut indexer, _) = self.open().await?;
        let cursor = indexer.resync().await.map_err(progress::failure)?;
        println!("{} {} {}", chain.network.id, cursor.epoch, cursor.digest);
        Ok(Answer::Yes)
    }

    async fn anew(self) -> Result<Answer, Failure> {
        let (chain, mut indexer, store) = self.open().await?;
        indexer.clear().await.map_err(progress::failure)?;
        let cursor = progress::backfill(&mut indexer, &chain, &store).await?;
        println!("{} {} {}", chain.network.id, cursor.epoch, cursor.digest);
        Ok(Answer::Yes)
    }

    /// The chain and its indexer, on a database that is there.
    async fn open(self) -> Result<(Chain, Indexer, Arc<dyn Store>), Failure> {
        let (config, place) = self.database.place()?;
        let chain = self.chosen.one(&config)?.open().await?;
        let store = place.existing().await?;
        Ok((chain.clone(), indexer(chain, store.clone(), edge::entropy_source()?), store))
    }
}

impl Verify {
    async fn run(self) -> Result<Answer, Failure> {
        let (config, place) = self.database.place()?;
        let prepared = self.chosen.one(&config)?;
        let chain = prepared.open().await?;
        let store = place.existing().await?;
        known(&store, &chain.network.id).await?;
        let cursor = store.cursor(&chain.network.id).await.map_err(Failure::world)?;
        let cursor =
            cursor.ok_or_else(|| Failure::input(format!("{} is not indexed yet", chain.network.id)))?;
        let to = self.to.unwrap_or(cursor.epoch);
        if to > cursor.epoch {
            return Err(Failure::input(format!(
                "--to is epoch {to}, but {} is indexed up to epoch {}",
                chain.network.id, cursor.epoch
            )));
        }
        if self.from > to {
            return Err(Failure::input(format!("--from is epoch {}, after the last epoch {to}", self.from)));
        }
        let indexer = indexer(chain, store, edge::entropy_source()?);
        let found = indexer.verify(self.from, to).await.map_err(progress::failure)?;
        let verdict = found.difference.as_ref().map_or_else(|| "the same".to_owned(), ToString::to_string);
        match self.format {
            Format::Json => println!("{}", serde_json::to_string_pretty(&found).map_err(Failure::world)?),
            Format::Csv => {
                println!("from,to,steps,digest,same");
                let same = found.difference.is_none();
                println!("{},{},{},{},{same}", found.from, found.to, found.steps, found.digest);
            }
            Format::Table => {
                println!("epochs   {} to {}", found.from, found.to);
                println!("steps    {}", found.steps);
                println!("digest   {}", found.digest);
                println!("verdict  {verdict}");
            }
        }
        Ok(if found.difference.is_none() { Answer::Yes } else { Answer::No })
    }
}
