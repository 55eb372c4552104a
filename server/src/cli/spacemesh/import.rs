//! `apogee spacemesh import`

use std::path::PathBuf;
use std::sync::Arc;

use apogee_domain::NetworkId;
use apogee_spacemesh_index::source::Source;
use apogee_spacemesh_index::{Ballots, CopySource, IndexError, Indexer};
use apogee_spacemesh_state::Limits;
use clap::Args;

use crate::cli::source::Database;
use crate::cli::{Answer, Failure};
use crate::spacemesh::{Described, Recounted};

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A copy of state.sql, made with: sqlite3 state.sql "VACUUM INTO 'copy.sql'"
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file that says what the network is
    #[arg(long, value_name = "FILE")]
    described: PathBuf,
    /// The network's name
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    #[command(flatten)]
    database: Database,
}

/// Whether what was given is at fault, or the world.
pub(super) fn failure(error: IndexError) -> Failure {
    match &error {
        IndexError::Store(_) | IndexError::Worker(_) => Failure::world(error),
        _ => Failure::input(error),
    }
}

impl Import {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let described = Described::read(&self.described).map_err(Failure::input)?;
        let (network, params) = (described.network(self.network.clone()), described.params());
        // The copy is looked at before the database is: one that is refused leaves no trace.
        let file = self.file.clone();
        let opened = move || CopySource::open(&file, &params, Limits::default(), Ballots::Checked);
        let opened = tokio::task::spawn_blocking(opened).await.map_err(Failure::world)?;
        let mut source: Arc<dyn Source> = Arc::new(opened.map_err(|error| super::wrong(&self.file, error))?);
        let (_, place) = self.database.place()?;
        let store = place.open().await?;
        described.same(&*store, &self.network).await.map_err(Failure::input)?;
        if described.is_recounted() {
            source = Arc::new(Recounted::new(source, Arc::clone(&store), self.network.clone()));
        }
        let mut indexer = Indexer::new(Arc::clone(&store), source, network, params).map_err(failure)?;
        let cursor = indexer.reach_head().await.map_err(failure)?;
        let settled = cursor.final_epoch.map_or_else(|| "none".to_owned(), |layer| layer.to_string());
        println!("network  {}", self.network);
        println!("layer    {}", cursor.epoch);
        println!("final    {settled}");
        println!("digest   {}", cursor.digest);
        let failed: u64 = cursor.checks.iter().map(|check| check.failed).sum();
        for check in &cursor.checks {
            let unmade: u64 = check.not_made.iter().map(|unmade| unmade.count).sum();
            println!(
                "check    {}: {} passed, {} failed, {unmade} not made",
                check.check, check.passed, check.failed
            );
            for failure in &check.failures {
                println!("         {failure}");
            }
        }
        Ok(if failed == 0 { Answer::Yes } else { Answer::No })
    }
}
