use std::path::PathBuf;

use apogee_domain::{Clock, NetworkId};
use clap::Args;

use crate::cli::competition::documents::wrong;
use crate::cli::source::{Database, known};
use crate::cli::{Answer, Failure, chain_of};
use crate::edge::SystemClock;
use crate::spacemesh::{Described, NotKept, Written};

#[derive(Debug, Args)]
pub(crate) struct Keep {
    /// A report
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// The file that says what the network is: the report has to be of it
    #[arg(long, value_name = "FILE")]
    described: PathBuf,
    /// The network
    #[arg(long, value_name = "NAME")]
    network: NetworkId,
    #[command(flatten)]
    database: Database,
}

impl Keep {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let written = Written::read(&self.report).map_err(|why| wrong(&self.report, chain_of(&why)))?;
        let (_, place) = self.database.place()?;
        let store = place.existing().await?;
        known(&store, &self.network).await?;
        let described = Described::read(&self.described).map_err(Failure::input)?;
        let kept = written.keep(&*store, &self.network, &described, SystemClock.now()).await;
        let kept = kept.map_err(|why| match why {
            NotKept::Refused(why) => wrong(&self.report, why),
            NotKept::Described(why) => Failure::input(why),
            NotKept::Store(why) => Failure::world(why),
        })?;
        println!("{} {}", kept.recount.input, if kept.new { "is kept" } else { "was kept before" });
        println!("{}", kept.differs.map_or_else(|| "The index has the same opinions.".to_owned(), |layer| {
            format!("The index has another opinion on layer {layer}: index a copy that agrees, then apply.")
        }));
        Ok(Answer::Yes)
    }
}
