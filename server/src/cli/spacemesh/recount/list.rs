use apogee_domain::NetworkId;
use apogee_store::Recount;
use clap::Args;

use crate::cli::source::{Database, known};
use crate::cli::{Answer, Failure};

#[derive(Debug, Args)]
pub(crate) struct List {
    /// The network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    #[command(flatten)]
    database: Database,
}

impl List {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        known(&store, &self.network).await?;
        println!("{:<66} {:>8} {:>8} {:>8} state", "input", "from", "to", "verified");
        for recount in store.recounts(&self.network).await.map_err(Failure::world)? {
            let Recount { input, first, last, verified, state, .. } = recount;
            println!("{input:<66} {first:>8} {last:>8} {verified:>8} {}", state.as_str());
        }
        Ok(Answer::Yes)
    }
}
