//! The port to whoever holds the keys.

use std::fmt;

use apogee_domain::Atto;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// The first message of a nonce, which pays.
    Pay,
    /// Another message of the same nonce that pays the same to the same, for a higher fee.
    Replace,
    /// Another message of the same nonce that pays nobody: nothing to the wallet itself.
    Cancel,
}

/// A message that is to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What it is for.
    pub purpose: Purpose,
    /// Its nonce.
    pub nonce: u64,
    /// The payment's id; of a message that fills a gap, none.
    pub payment: Option<String>,
    /// Who gets it, as the network writes addresses; for [`Purpose::Cancel`] the wallet itself.
    pub payee: String,
    /// How much, the smallest unit of the network; for [`Purpose::Cancel`] nothing.
    pub amount: Atto,
    /// The multisig that is to pay it, when the wallet only proposes that; never for [`Purpose::Cancel`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multisig: Option<String>,
    /// The most that its fee may come to: fee cap times gas limit.
    pub fee: Atto,
    /// The message as the network encodes it before it is signed. Who signs reads it and compares it with everything above.
    pub message: Vec<u8>,
}

/// A signed message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// Its name on the chain: a CID.
    pub id: String,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is against a rule of who holds the key. Asking again does not help.
    #[error("the signer refuses the message with nonce {nonce} by its rule {rule}: {detail}")]
    Refused {
        /// Which of the messages.
        nonce: u64,
        /// A stable word: `cap-message`, `cap-day`, `payee`, `nonce-reused`, `fence`, `message`, `wallet`.
        rule: String,
        /// What would have been right.
        detail: String,
    },
    /// It does not answer, or its answer is none. Nothing was sent; asking again may help.
    #[error("the signer is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Who holds the keys of wallets. It signs all of the orders, or none.
///
/// Asking twice for the same orders is harmless. A message with other payee or amount for a nonce that it has signed before is refused, whoever
/// asks; so is a fence below the highest one it has seen for the wallet.
#[async_trait]
pub trait Signer: Send + Sync + fmt::Debug {
    /// The addresses that it has keys for.
    async fn wallets(&self) -> Result<Vec<String>, SignError>;

    /// Sign messages of the wallet with this address, in the order of their nonces.
    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError>;
}
