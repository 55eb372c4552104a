//! The port to a chain that accounts send money on.

mod filecoin;

use std::fmt;

use apogee_domain::{Atto, Epoch, Timestamp};
use async_trait::async_trait;

use crate::signing::Signed;
pub use filecoin::{Filecoin, Standing};

/// A place on a chain: a tipset or layer. States are those *before* its own messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its epoch.
    pub epoch: Epoch,
    /// What tells it from others of the epoch.
    pub key: String,
    /// When it was made, by its own word.
    pub time: Timestamp,
}

/// An account in a state. One that is not there has nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The nonce that its next message needs.
    pub nonce: u64,
    /// What it owns.
    pub balance: Atto,
}

/// A message of an account that was executed, and took its nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Its nonce.
    pub nonce: u64,
    /// Its name: a CID.
    pub id: String,
    /// The tip that carries it.
    pub tip: Tip,
    /// To whom, as the network writes addresses; of a proposal, whom the multisig is to pay.
    pub payee: String,
    /// How much it was to move, or proposed to.
    pub amount: Atto,
    /// 0 where it did that. A proposal that was executed at once and paid nobody has the exit code of the payment.
    pub exit_code: u32,
    /// What its sender paid for gas.
    pub cost: Atto,
    /// What its sender's account lost besides.
    pub moved: Atto,
    /// Where it proposed a payment to a multisig.
    pub proposal: Option<Proposal>,
}

/// A proposal that was made, or was to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// To which multisig, as the network writes addresses.
    pub multisig: String,
    /// Its number among all of the multisig; `None` where the message failed.
    pub number: Option<u64>,
}

/// A transfer that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who pays.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// How much.
    pub amount: Atto,
    /// The multisig that is to pay it, when `from` only proposes that.
    pub multisig: Option<String>,
}

/// What a message offers for its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gas {
    /// Units at most.
    pub limit: u64,
    /// The most for a unit.
    pub fee_cap: Atto,
    /// Of that, what a miner gets for a unit.
    pub premium: Atto,
}

impl Gas {
    /// The most that it may cost.
    #[must_use]
    pub const fn fee(&self) -> Atto {
        Atto(self.fee_cap.0.saturating_mul(self.limit as u128))
    }

    /// The same, costing no more than `most`. The premium never exceeds the fee cap.
    #[must_use]
    pub fn within(self, most: Atto) -> Self {
        if self.fee() <= most {
            return self;
        }
        let fee_cap = Atto(most.0.checked_div(u128::from(self.limit)).unwrap_or(0));
        Self { fee_cap, premium: self.premium.min(fee_cap), ..self }
    }
}

/// What became of a message that was handed to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits to be mined.
    Accepted,
    /// It did already.
    Known,
    /// Its nonce has been used: by itself, or by another. Go and look.
    NonceTooLow,
    /// It offers too little to replace the message of its nonce, or to wait at all.
    FeeTooLow,
    /// Messages before it are missing.
    Gap,
    /// The node keeps no more messages of this sender.
    Full,
    /// The node does not want it.
    Rejected(String),
    /// There was no answer, or none that can be understood: it may wait or not.
    Unknown(String),
}

impl Outcome {
    /// As it is stored: a stable word, perhaps with the node's own after `: `.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Accepted => "accepted".into(),
            Self::Known => "known".into(),
            Self::NonceTooLow => "nonce-too-low".into(),
            Self::FeeTooLow => "fee-too-low".into(),
            Self::Gap => "gap".into(),
            Self::Full => "full".into(),
            Self::Rejected(why) => format!("rejected: {why}"),
            Self::Unknown(why) => format!("unknown: {why}"),
        }
    }

    /// Whether a message of which this was noted should be sent again at once.
    #[must_use]
    pub fn is_open(text: &str) -> bool {
        ["gap", "full", "unknown"].iter().any(|word| text.starts_with(word))
    }
}

/// Why a chain could not be read or prepared for.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No node answers; asking again may help.
    #[error("the chain cannot be read")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was answered or asked cannot be right.
    #[error("{what} cannot be right: {detail}")]
    Wrong {
        /// What.
        what: &'static str,
        /// Why.
        detail: String,
    },
}

/// Why a transfer cannot be made at the moment, or ever.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Its recipient cannot receive it: no such address, or its actor refuses.
    #[error("the recipient cannot receive this: {0}")]
    Recipient(String),
    /// Whoever is to pay does not own enough.
    #[error("whoever is to pay does not own enough: {0}")]
    Funds(String),
    /// The multisig takes no such proposal of the sender, whoever is to be paid.
    #[error("the multisig does not take the proposal: {0}")]
    Multisig(String),
    /// That could not be found out.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A chain. Everything that is named by a tip is an answer for ever.
#[async_trait]
pub trait Chain: Send + Sync + fmt::Debug {
    /// The newest tip of the heaviest chain that is known.
    async fn head(&self) -> Result<Tip, ChainError>;

    /// The tip at `epoch` on the chain that ends in `tip`, or the newest one before it.
    async fn ancestor(&self, tip: &Tip, epoch: Epoch) -> Result<Tip, ChainError>;

    /// An account in the state before `tip`.
    async fn account(&self, tip: &Tip, address: &str) -> Result<Account, ChainError>;

    /// The messages of an account whose results are in the state before `upto` and not in that before `after`, which lies on its chain, by
    /// nonce. Messages that were mined and did not take their nonce are no part of it.
    async fn executed(&self, address: &str, after: &Tip, upto: &Tip) -> Result<Vec<Executed>, ChainError>;

    /// What a unit of gas costs at the least at the tip after `tip`.
    async fn floor(&self, tip: &Tip) -> Result<Atto, ChainError>;

    /// Whether a transfer could be made now, and what it should offer.
    async fn prepare(&self, draft: &Draft) -> Result<Gas, PrepareError>;

    /// The least that replaces a message of the same nonce, or `percent` of what it offered where that is more; and not below what `floor`
    /// makes sensible.
    fn bump(&self, old: &Gas, floor: Atto, percent: u32) -> Gas;

    /// The message that is to be signed.
    ///
    /// # Errors
    /// Where an address is none.
    fn build(&self, draft: &Draft, nonce: u64, gas: &Gas) -> Result<Vec<u8>, ChainError>;

    /// Whether `signed` is this message with its name. That the signature is valid is for the nodes to say.
    ///
    /// # Errors
    /// Where it is not.
    fn check(&self, message: &[u8], signed: &Signed) -> Result<(), ChainError>;

    /// Hand signed bytes to a node.
    async fn broadcast(&self, bytes: &[u8]) -> Outcome;

    /// Whether a message that failed did so for want of money alone.
    fn lacked_funds(&self, one: &Executed) -> bool;

    /// Whether an account is a signer of this multisig in the state before `tip`.
    async fn signs_for(&self, tip: &Tip, address: &str, multisig: &str) -> Result<bool, ChainError>;
}
