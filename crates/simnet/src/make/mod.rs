//! Chains that are made from a seed.

mod actors;
mod answers;
mod archive;
mod deals;
mod execute;
mod genesis;
mod keys;
mod market;
mod mine;
mod miner;
mod multisig;
mod pool;
mod push;
mod search;
mod simulation;
mod state;
mod submit;
mod trace;
mod traffic;

use std::fmt;

use fvm_shared::address::Network;

pub use actors::{Contact, Keys, Sectors};
pub use keys::Wallet;
pub use simulation::Simulation;

/// Addresses of a made chain begin with `t`.
pub(crate) const NETWORK: Network = Network::Testnet;

/// A multisig that is there at genesis, with nothing that unlocks over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multisig {
    /// Its signers: numbers of [`wallets`](Recipe::wallets).
    pub signers: Vec<u32>,
    /// How many of them have to approve.
    pub threshold: u64,
    /// What it owns, FIL.
    pub balance: u64,
}

impl Multisig {
    /// Whether it can be: signers that are there and differ, and a threshold that they can reach.
    fn is_possible(&self, recipe: &Recipe) -> bool {
        let mut signers = self.signers.clone();
        signers.sort_unstable();
        signers.dedup();
        let there = signers.iter().all(|signer| *signer < recipe.wallets);
        let enough = u64::try_from(signers.len()).is_ok_and(|all| (1..=all).contains(&self.threshold));
        there && enough && signers.len() == self.signers.len() && signers.len() <= 256
    }
}

/// What a made chain is like. The same recipe makes the same chain, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Every key and every choice follows from it.
    pub seed: u64,
    /// Name of the network.
    pub network: String,
    /// Network version, the same at every epoch; at least 18 (receipts and gas prices), at most 28.
    pub network_version: u32,
    /// Unix time of genesis, seconds.
    pub genesis_time: u64,
    /// Seconds of an epoch; at least 1.
    pub block_delay: u64,
    /// Epochs that an election looks back (`ChainFinality`).
    pub finality: i64,
    /// Storage miners, 1 to 10,000. Five wins an epoch are spread over them by power, so that many miners are needed for blocks of one
    /// win: 50 miners make 4.5 blocks an epoch, 5 make 3.0.
    pub miners: u32,
    /// Sectors of 32 GiB of the first miner; the next ones have twice and three times as many, and so on in turn.
    pub sectors: u64,
    /// Transfers that the chain's own accounts send in each block, on average; they are made when a block is mined.
    pub messages: u32,
    /// Accounts with [`balance`](Self::balance) that send nothing by themselves ([`Simulation::wallet`]).
    pub wallets: u32,
    /// What an account owns at genesis, FIL.
    pub balance: u64,
    /// Multisigs that are there at genesis ([`Simulation::multisig`]).
    pub multisigs: Vec<Multisig>,
    /// Epochs in a thousand that nobody mines besides those that nobody wins.
    pub null_rounds: u32,
    /// How the first miners are reached, as their state says; the others announce nothing.
    pub contacts: Vec<Contact>,
}

impl Default for Recipe {
    /// A quiet network: 50 miners, no messages of its own, no null rounds of its own.
    fn default() -> Self {
        Self {
            seed: 0,
            network: "simnet".into(),
            network_version: 28,
            genesis_time: 1_700_000_000,
            block_delay: 30,
            finality: 900,
            miners: 50,
            sectors: 64,
            messages: 0,
            wallets: 8,
            balance: 100_000,
            multisigs: Vec::new(),
            null_rounds: 0,
            contacts: Vec::new(),
        }
    }
}

/// Why a chain could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The recipe is none that a chain can be made of.
    #[error("{0}")]
    Recipe(&'static str),
    /// The state of the chain is not what its own rules make it.
    #[error("the made chain is broken: {0}")]
    State(String),
    /// A key or signature could not be made.
    #[error("a key of the made chain is unusable: {0}")]
    Key(String),
    /// The archive could not be written.
    #[error("the archive could not be written")]
    Write(#[source] std::io::Error),
}

impl MakeError {
    fn state(cause: impl fmt::Display) -> Self {
        Self::State(cause.to_string())
    }

    fn key(cause: impl fmt::Debug) -> Self {
        Self::Key(format!("{cause:?}"))
    }
}

impl Recipe {
    fn check(&self) -> Result<(), MakeError> {
        let wrong = [
            (!(18..=28).contains(&self.network_version), "the network version must be 18 to 28"),
            (self.block_delay == 0, "an epoch must take a second at least"),
            (!(0..=100_000).contains(&self.finality), "the look-back must be 0 to 100,000 epochs"),
            (!(1..=10_000).contains(&self.miners), "there must be 1 to 10,000 miners"),
            (!(1..=100_000).contains(&self.sectors), "miners must have 1 to 100,000 sectors"),
            (self.messages > 1_000, "a block must have at most 1,000 messages"),
            (self.wallets > 10_000, "there must be at most 10,000 wallets"),
            (self.balance > 1_000_000, "an account must own at most 1,000,000 FIL"),
            (self.multisigs.len() > 100, "there must be at most 100 multisigs"),
            (
                !self.multisigs.iter().all(|one| one.is_possible(self)),
                "a multisig must have 1 to 256 different wallets as signers, and a threshold of 1 to their number",
            ),
            (
                self.multisigs.iter().any(|one| one.balance > 1_000_000),
                "a multisig must own at most 1,000,000 FIL",
            ),
            (self.null_rounds > 999, "at most 999 of 1,000 epochs can be null rounds"),
        ];
        wrong.into_iter().find(|(wrong, _)| *wrong).map_or(Ok(()), |(_, why)| Err(MakeError::Recipe(why)))
    }
}
