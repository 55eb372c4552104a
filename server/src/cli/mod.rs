//! The command line: one file a command.

mod admin;
mod chain;
mod claim;
mod competition;
mod config;
mod db;
mod dealbot;
mod decide;
mod demo;
mod desk;
mod explain;
mod faucet;
mod health;
mod index;
mod login;
mod operator;
mod package;
mod payout;
mod progress;
mod refunds;
mod rules;
mod serve;
mod show;
mod signer;
mod simnet;
mod simulate;
mod source;
mod spacemesh;
mod standings;
mod treasury;
mod verify;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::competitions::NoFacts;
use crate::networks::NoChain;
use crate::store::NoDatabase;

/// Run a testnet competition on numbers that anyone can check.
#[derive(Debug, Parser)]
#[command(name = "apogee", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Index the recording of a real Lotus network and serve its board.
    Demo(demo::Demo),
    /// Follow the configured networks and serve their boards.
    Serve(serve::Serve),
    /// Index chains up to their heads.
    Index(index::Index),
    /// Rank the participants of an indexed network.
    Standings(standings::Standings),
    /// Look at a chain.
    #[command(subcommand)]
    Chain(chain::Chain),
    /// Look at a rule set.
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Found, show and check competitions, and work them out from documents.
    #[command(subcommand)]
    Competition(competition::Competition),
    /// Claim a miner for a competition with the key of its owner or worker.
    #[command(subcommand)]
    Claim(claim::Claim),
    /// Act for a competition: each act is a signed entry of its ledger.
    #[command(subcommand)]
    Decide(decide::Decide),
    /// Say why somebody is where it is and gets what it gets: eligibility as a tree of checks, and the arithmetic of every share.
    Explain(explain::Explain),
    /// Show what other rules would do to everybody's rank and money in a competition of the database.
    ///
    /// Nothing is changed: the result is a comparison, not a standing.
    Simulate(simulate::Simulate),
    /// From final standings to what is paid.
    #[command(subcommand)]
    Payout(payout::Payout),
    /// Look after the wallets that pay, and after what is paid.
    #[command(subcommand)]
    Treasury(treasury::Treasury),
    /// Ask a faucet for money, and look after one.
    #[command(subcommand)]
    Faucet(faucet::Faucet),
    /// Show what miners are paid back for proving sectors, and what would be.
    #[command(subcommand)]
    Refunds(refunds::Refunds),
    /// Look after the bots that probe miners.
    #[command(subcommand)]
    Dealbot(dealbot::Dealbot),
    /// Get a key for this machine: a browser elsewhere lets it in.
    Login(login::Login),
    /// Give the key of this machine back.
    Logout(login::Logout),
    /// Say who may do what: roles, blocks, invitations.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Make the keys that operators sign with.
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Write and check the one file from which a competition can be recomputed.
    #[command(subcommand)]
    Package(package::Package),
    /// Look after the database.
    #[command(subcommand)]
    Db(db::Db),
    /// Look at the settings.
    #[command(subcommand)]
    Config(config::Configure),
    /// Keep the keys of wallets, and sign with them in a process of its own.
    #[command(subcommand)]
    Signer(signer::Signer),
    /// Play networks for tests.
    #[command(subcommand)]
    Simnet(simnet::Simnet),
    /// Check and index copies of a Spacemesh node's database, and count votes again.
    #[command(subcommand)]
    Spacemesh(spacemesh::Spacemesh),
    /// Ask a running server whether it is well.
    ///
    /// Exits 1 when it is not.
    Health(health::Health),
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// JSON for programs.
    Json,
    /// CSV for spreadsheets.
    Csv,
}

/// What a command came to, when nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

/// Why a command could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// What it was given is of no use: exit code 2.
    #[error(transparent)]
    Input(Box<dyn Error + Send + Sync>),
    /// What it needs failed: exit code 3.
    #[error(transparent)]
    World(Box<dyn Error + Send + Sync>),
}

impl Failure {
    pub(crate) fn input(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Input(error.into())
    }

    pub(crate) fn world(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::World(error.into())
    }
}

impl From<NoDatabase> for Failure {
    fn from(error: NoDatabase) -> Self {
        if error.is_input() { Self::input(error) } else { Self::world(error) }
    }
}

impl From<NoChain> for Failure {
    fn from(error: NoChain) -> Self {
        if error.is_input() { Self::input(error) } else { Self::world(error) }
    }
}

impl From<NoFacts> for Failure {
    fn from(error: NoFacts) -> Self {
        match error {
            NoFacts::Store(error) => Self::world(error),
            error @ NoFacts::Moving => Self::world(error),
            error => Self::input(error),
        }
    }
}

/// Do what was asked. Exit codes: 0 good, 1 the answer is "no", 2 bad usage or input, 3 the world failed.
pub async fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Demo(demo) => demo.run().await,
        Command::Serve(serve) => serve.run().await,
        Command::Index(index) => index.run().await,
        Command::Standings(standings) => standings.run().await,
        Command::Chain(chain) => chain.run().await,
        Command::Rules(rules) => rules.run(),
        Command::Competition(competition) => competition.run().await,
        Command::Claim(claim) => claim.run().await,
        Command::Decide(decide) => decide.run().await,
        Command::Explain(explain) => explain.run().await,
        Command::Simulate(simulate) => simulate.run().await,
        Command::Payout(payout) => payout.run().await,
        Command::Treasury(treasury) => treasury.run().await,
        Command::Faucet(faucet) => faucet.run().await,
        Command::Refunds(refunds) => refunds.run().await,
        Command::Dealbot(dealbot) => dealbot.run().await,
        Command::Login(login) => login.run().await,
        Command::Logout(logout) => logout.run().await,
        Command::Admin(admin) => admin.run().await,
        Command::Operator(operator) => operator.run(),
        Command::Package(package) => package.run().await,
        Command::Db(db) => db.run().await,
        Command::Config(config) => config.run(),
        Command::Signer(signer) => signer.run().await,
        Command::Simnet(simnet) => simnet.run().await,
        Command::Spacemesh(spacemesh) => spacemesh.run().await,
        Command::Health(health) => health.run().await,
    };
    match outcome {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("apogee: {}", chain_of(&failure));
            ExitCode::from(match failure {
                Failure::Input(_) => 2,
                Failure::World(_) => 3,
            })
        }
    }
}

/// An error with its causes, on one line.
pub(crate) fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
