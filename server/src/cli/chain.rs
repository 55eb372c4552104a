use clap::Subcommand;

use super::verify::Verify;

#[derive(Debug, Subcommand)]
pub(super) enum Chain {
    /// Make every consensus check on a chain, and print how often each passed, failed or could not be made.
    ///
    /// Exits 1 when a check failed.
    Verify(Verify),
}
