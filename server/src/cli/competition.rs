//! `apogee competition`: the ledgers of a database, and what follows from documents without any server.

pub(super) mod documents;
pub(super) mod facts;
mod found;
mod ledger;
pub(super) mod simulate;
mod standings;

use std::path::PathBuf;

use apogee_leaderboard::vested;
use apogee_rules::{Quantity, Vesting};
use clap::{Args, Subcommand};

use super::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Competition {
    /// Found a competition: the first entry of its ledger, which all its operators sign.
    New(found::New),
    /// List the competitions of a database.
    List(ledger::List),
    /// Show what a ledger says: phase, rules, entities, and its last entries.
    Show(ledger::Show),
    /// Check a competition: the ledger folds, claims prove themselves, standings come out, and what stands in the way of final ones.
    ///
    /// Exits 1 where something is not as it should be.
    Check(ledger::Check),
    /// Compute again what an entry did to every rank and amount, and compare it with the report that the entry names.
    ///
    /// Exits 1 where another report comes out.
    Effect(ledger::EffectOf),
    /// Write the facts that rules ask for, from an indexed network.
    Facts(facts::Facts),
    /// Rank everybody, say who is eligible and what each is owed.
    Standings(standings::Standings),
    /// Show what other rules do to everybody's rank and money.
    ///
    /// Nothing is changed: the result is a comparison, not a standing.
    Simulate(simulate::Simulate),
    /// Say how much of a payout is vested some epochs after its start.
    Vested(Vested),
}

#[derive(Debug, Args)]
pub(super) struct Vested {
    /// The rule set
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// The payout, in atto
    #[arg(long, value_name = "ATTO")]
    amount: Quantity,
    /// Epochs since vesting began
    #[arg(long, value_name = "EPOCHS")]
    elapsed: u64,
}

impl Competition {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::New(new) => new.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Check(check) => check.run().await,
            Self::Effect(effect) => effect.run().await,
            Self::Facts(facts) => facts.run().await,
            Self::Standings(standings) => standings.run(),
            Self::Simulate(simulate) => simulate.run(),
            Self::Vested(vested) => vested.run(),
        }
    }
}

impl Vested {
    fn run(self) -> Result<Answer, Failure> {
        let amount = match documents::rules(&self.rules)?.vesting {
            Vesting::None => self.amount,
            Vesting::Linear { epochs } => vested(self.amount, self.elapsed, epochs),
        };
        println!("{amount}");
        Ok(Answer::Yes)
    }
}
