use apogee_domain::NetworkId;
use apogee_store::StoreError;

use crate::chain::ChainError;
use crate::faults::Halt;
use crate::signing::SignError;

/// Why the treasury did not do what it should. Whatever it had begun is either whole or not there, and is taken up again at the next turn.
#[derive(Debug, thiserror::Error)]
pub enum TreasuryError {
    /// The database failed, or another process writes for the wallet.
    #[error("the treasury's database refuses")]
    Store(#[from] StoreError),
    /// The chain cannot be read.
    #[error("the treasury cannot read the chain")]
    Chain(#[from] ChainError),
    /// The signer does not work.
    #[error("the treasury's signer fails")]
    Sign(#[from] SignError),
    /// What is stored contradicts itself or the chain.
    #[error("{what} of wallet {wallet} on {network}: {detail}")]
    Damaged {
        /// What.
        what: &'static str,
        /// Which network.
        network: NetworkId,
        /// Which wallet.
        wallet: String,
        /// Why.
        detail: String,
    },
    /// There is none of that name.
    #[error("there is no {what} {name}")]
    Unknown {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// What is wanted cannot be done as things are.
    #[error("{what} is not possible: {why}")]
    Refused {
        /// What was wanted.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// A test ended the program.
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// What the treasury answers.
pub type Result<T, E = TreasuryError> = std::result::Result<T, E>;
