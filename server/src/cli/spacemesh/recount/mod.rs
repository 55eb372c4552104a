//! `apogee spacemesh recount`

mod decide;
mod keep;
mod list;
mod replay;
mod run;

use apogee_store::RecountState;
use clap::Subcommand;

use self::decide::Decide;
use self::keep::Keep;
use self::list::List;
use self::replay::Replay;
use self::run::Run;
use crate::cli::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum Recount {
    /// Replay what a node told its tortoise, and hold every answer of the node against ours.
    ///
    /// Exits 1 with the first answer that differs.
    Replay(Replay),
    /// Count the votes of a copy of a node's database, in this process alone and within bounds, and write a report.
    ///
    /// Nothing but the report and the checkpoint is written. Ended at any moment, the same command goes on from the last epoch it had counted. Exits 1 where votes decide otherwise than the node.
    Run(Box<Run>),
    /// Put a report beside a network of the database, to be decided.
    Keep(Keep),
    /// The recounts of a network.
    List(List),
    /// Decide that what a recount says is final: layers up to the one that it verified are, in an index that has the same opinion there.
    Apply(Decide),
    /// Decide that a recount says nothing.
    Cancel(Decide),
}

impl Recount {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Replay(replay) => replay.run(),
            Self::Run(run) => run.run(),
            Self::Keep(keep) => keep.run().await,
            Self::List(list) => list.run().await,
            Self::Apply(decide) => decide.run(RecountState::Applied).await,
            Self::Cancel(decide) => decide.run(RecountState::Cancelled).await,
        }
    }
}
