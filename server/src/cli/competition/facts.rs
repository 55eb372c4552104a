use std::path::PathBuf;
use std::sync::Arc;

use apogee_domain::{Epoch, Network, NetworkId};
use apogee_leaderboard::FactsDocument;
use apogee_rules::{RuleSet, canonical};
use apogee_store::Store;
use clap::Args;

use super::documents;
use crate::cli::source::{Database, epoch, known};
use crate::cli::{Answer, Failure};
use crate::competitions;

#[derive(Debug, Args)]
pub(in crate::cli) struct Facts {
    /// The rule set, which says what series it reads
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    #[command(flatten)]
    database: Database,
    /// Up to which epoch, written e:51204; by default to the end of the competition or the newest final one
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    at: Option<Epoch>,
}

impl Facts {
    pub(in crate::cli) async fn run(self) -> Result<Answer, Failure> {
        let rules = [documents::rules(&self.rules)?];
        let indexed = Indexed::open(&self.database, &rules, self.at).await?;
        let facts = indexed.facts(&rules).await?;
        println!("{}", canonical::text(&facts).map_err(Failure::world)?);
        Ok(Answer::Yes)
    }
}

/// The indexed network of a competition, up to an epoch.
#[derive(Debug)]
pub(in crate::cli) struct Indexed {
    pub(in crate::cli) store: Arc<dyn Store>,
    pub(in crate::cli) network: Network,
    pub(in crate::cli) at: Epoch,
    /// Whether nothing up to that epoch can change any more.
    pub(in crate::cli) is_final: bool,
}

impl Indexed {
    /// Open the database of the network that the newest rules name; without `at` up to the end of the competition, or the newest final epoch.
    pub(in crate::cli) async fn open(
        database: &Database,
        rules: &[RuleSet],
        at: Option<Epoch>,
    ) -> Result<Self, Failure> {
        let competition = rules.last().map(|rules| &rules.competition);
        let competition = competition.ok_or_else(|| Failure::input("there are no rules"))?;
        let id: NetworkId = competition.network.as_str().parse().map_err(Failure::input)?;
        let (_, place) = database.place()?;
        let store = place.existing().await?;
        let network = known(&store, &id).await?;
        competitions::wanted(rules, &network)?;
        let cursor = store.cursor(&id).await.map_err(Failure::world)?;
        let cursor = cursor.ok_or_else(|| Failure::input(format!("{id} is not indexed yet")))?;
        let settled = cursor.final_epoch;
        let last = competition.end.minus(1);
        let at = at.or_else(|| settled.map(|settled| settled.min(last)));
        let at = at.ok_or_else(|| Failure::input(format!("no epoch of {id} is final yet")))?;
        if at > cursor.epoch {
            let newest = cursor.epoch;
            return Err(Failure::input(format!(
                "epoch {at} is in the future: {id} is indexed up to epoch {newest}"
            )));
        }
        Ok(Self { store, network, at, is_final: settled >= Some(at) })
    }

    /// The facts that some of these rules read.
    pub(in crate::cli) async fn facts(&self, rules: &[RuleSet]) -> Result<FactsDocument, Failure> {
        Ok(competitions::read_facts(&*self.store, &self.network, rules, self.at).await?)
    }
}
