use clap::Subcommand;

use super::show::Show;
use super::verify::Verify;
use super::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Chain {
    /// Make every consensus check on a chain, and print how often each passed, failed or could not be made.
    ///
    /// Exits 1 when a check failed.
    Verify(Verify),
    /// Print a tipset of a chain, by default its head.
    Show(Show),
}

impl Chain {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Verify(verify) => verify.run().await,
            Self::Show(show) => show.run().await,
        }
    }
}
