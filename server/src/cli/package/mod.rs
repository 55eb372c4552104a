//! `apogee package`

mod evidence;
mod export;
mod import;
mod verify;

use clap::Subcommand;

pub(super) use self::import::import_once;
use super::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Package {
    /// Write the package of a competition, or of what documents say of an indexed network.
    Export(export::Export),
    /// Check a package: the file, what belongs together, its ledger, and every standing and payout computed again.
    ///
    /// With a chain, where the facts come from is derived again too. Exits 1 at the first row that is not what it should be.
    Verify(verify::Verify),
    /// Verify a package and put its competition into a database, all of it or nothing.
    Import(import::Import),
}

impl Package {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Export(export) => export.run().await,
            Self::Verify(verify) => verify.run().await,
            Self::Import(import) => import.run().await,
        }
    }
}
