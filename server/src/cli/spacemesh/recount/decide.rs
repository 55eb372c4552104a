use apogee_domain::{Clock, NetworkId};
use apogee_store::RecountState;
use clap::Args;

use crate::cli::source::{Database, known};
use crate::cli::treasury::{actor, said};
use crate::cli::{Answer, Failure};
use crate::edge::SystemClock;
use crate::spacemesh::{By, NotDecided, decide};

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// What was counted, as `list` names it
    #[arg(value_name = "INPUT")]
    input: String,
    /// The network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    /// Who decides: the audit log names you cli:NAME
    #[arg(long, value_name = "NAME", value_parser = actor)]
    actor: String,
    /// Why, for the audit log
    #[arg(long, value_name = "WORDS")]
    reason: String,
    #[command(flatten)]
    database: Database,
}

impl Decide {
    pub(super) async fn run(self, state: RecountState) -> Result<Answer, Failure> {
        let reason = said(&self.reason)?.to_owned();
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        known(&store, &self.network).await?;
        let by = By { actor: format!("cli:{}", self.actor), reason, at: SystemClock.now() };
        let decided = decide(&*store, &self.network, &self.input, state, by).await;
        decided.map_err(|why| match why {
            NotDecided::Store(error) => Failure::world(error),
            why => Failure::input(why),
        })?;
        println!("{} is {}", self.input, state.as_str());
        Ok(Answer::Yes)
    }
}
