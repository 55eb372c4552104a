//! `apogee faucet`: ask a faucet for money, and look after one.

mod asking;
mod kept;
mod tending;

use clap::Subcommand;

use super::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Faucet {
    /// Ask for a grant, with the key of `apogee login`. Exits 1 when it is refused, and says by which rules and until when.
    ///
    /// When no answer comes, ask again the same way: it is the same request, and is granted once.
    Request(asking::Request),
    /// Look at every rule without asking for anything. Exits 1 when one refuses.
    Check(asking::Check),
    /// Show a faucet, or what became of a grant. Exits 1 when it is paused, or the grant was not paid.
    Status(asking::Status),
    /// Let a faucet of the database grant nothing more. What is granted is paid.
    Pause(tending::Control),
    /// Let a faucet of the database grant again.
    Resume(tending::Control),
    /// Compare the wallet that a faucet pays from with its chain, message by message. Exits 1 when something differs.
    Reconcile(tending::Reconcile),
    /// Except somebody from rules for some days: an identity, an actor or a network.
    Allow(tending::Allow),
    /// Refuse somebody: an identity, an actor or a network.
    Deny(tending::Deny),
    /// Strike an exception or a refusal.
    Remove(tending::Remove),
    /// List exceptions and refusals.
    Entries(tending::Entries),
}

impl Faucet {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Request(request) => request.run().await,
            Self::Check(check) => check.run().await,
            Self::Status(status) => status.run().await,
            Self::Pause(control) => control.run(false).await,
            Self::Resume(control) => control.run(true).await,
            Self::Reconcile(reconcile) => reconcile.run().await,
            Self::Allow(allow) => allow.run().await,
            Self::Deny(deny) => deny.run().await,
            Self::Remove(remove) => remove.run().await,
            Self::Entries(entries) => entries.run().await,
        }
    }
}
