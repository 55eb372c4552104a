use serde::{Deserialize, Serialize};

/// The state of a deal, as the node counts them (`storagemarket.StorageDealStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(pub u64);

/// What a state says of a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Says {
    /// It goes on.
    UnderWay,
    /// The miner has refused it. Its words are the deal's message.
    Rejected,
    /// It was on the chain and active. The chain confirms it.
    Active,
    /// It was on the chain, and is over.
    Over,
    /// Nothing that could be relied on: look on the chain.
    LookOnChain,
}

/// In the order of their numbers.
const NAMES: [&str; 31] = [
    "Unknown",
    "ProposalNotFound",
    "ProposalRejected",
    "ProposalAccepted",
    "Staged",
    "Sealing",
    "Finalizing",
    "Active",
    "Expired",
    "Slashed",
    "Rejecting",
    "Failing",
    "FundsReserved",
    "CheckForAcceptance",
    "Validating",
    "AcceptWait",
    "StartDataTransfer",
    "Transferring",
    "WaitingForData",
    "VerifyData",
    "ReserveProviderFunds",
    "ReserveClientFunds",
    "ProviderFunding",
    "ClientFunding",
    "Publish",
    "Publishing",
    "Error",
    "ProviderTransferAwaitRestart",
    "ClientTransferRestart",
    "AwaitingPreCommit",
    "TransferQueued",
];

impl State {
    /// The miner did not take the deal.
    pub const REJECTED: Self = Self(2);
    /// Its sector is proved.
    pub const ACTIVE: Self = Self(7);
    /// Something failed; nobody knows on which side.
    pub const ERROR: Self = Self(26);

    /// Its name in the node's own words; `None` for a number that no node gave.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        usize::try_from(self.0).ok().and_then(|number| NAMES.get(number).copied())
    }

    /// What it says of the deal. `Error` says nothing, and neither does what leads there: it also comes of the client's own look-ups of the chain (lotus #3796).
    #[must_use]
    pub const fn says(self) -> Says {
        match self.0 {
            2 | 10 => Says::Rejected,
            7 => Says::Active,
            8 | 9 => Says::Over,
            3..=6 | 12..=25 | 27..=30 => Says::UnderWay,
            // Unknown, ProposalNotFound, Failing, Error, and whatever comes.
            _ => Says::LookOnChain,
        }
    }
}
