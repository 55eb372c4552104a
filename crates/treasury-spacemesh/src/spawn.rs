//! A wallet is made before it can pay: by a transaction of its own, which takes its first nonce.

use apogee_domain::Atto;
use apogee_spacemesh::id::{PublicKey, TransactionId};
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh::transaction::{Body, Call, Payment};
use apogee_treasury::chain::{Chain as _, ChainError, Outcome};
use apogee_treasury::{Order, Purpose, SignError, Signer};

use crate::chain::{Spacemesh, wrong};
use crate::{gas, outcome};

/// How far a wallet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spawned {
    /// It is made, by the last layer that the node has executed. A fork may undo that: wait as deep as for a payment before it is opened.
    Done,
    /// The transaction that makes it waits at the node. Ask again after a layer.
    Waits(TransactionId),
}

/// Why a wallet was not made.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The node cannot be read.
    #[error("whether the wallet is spawned cannot be read")]
    Chain(#[from] ChainError),
    /// The signer fails or refuses.
    #[error("the signer does not sign")]
    Sign(#[from] SignError),
    /// It owns too little to be made.
    #[error("{address} owns {has} smidge, and making it costs {needs}: pay it first")]
    Funds {
        /// Which wallet.
        address: String,
        /// What it owns, in smidge.
        has: u64,
        /// What making it costs, in smidge.
        needs: u64,
    },
    /// The node did not take the transaction, or did not say so. The same may be done again: it gives the same bytes.
    #[error("the node does not say that it takes the transaction: {}", .0.text())]
    NotTaken(Outcome),
}

impl Spacemesh {
    /// Make the wallet of `key` at a gas price of one smidge, if it is not made: have the transaction signed under `fence` and hand it in. As long
    /// as it is not executed each call gives the same bytes, so that it can be called again whatever came of it, also after a fork.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub async fn spawn(
        &self,
        signer: &dyn Signer,
        key: &PublicKey,
        fence: u64,
    ) -> Result<Spawned, SpawnError> {
        let spawn = Spawn::Wallet(*key);
        let principal = spawn.address();
        let address = principal.text(self.network.prefix);
        let now = self.present(&principal).await?;
        let nothing = Call::Spend(Payment { destination: principal, amount: 0 });
        let (nonce, gas_price) = (now.next_nonce, gas::LEAST_PRICE);
        let probe = Body { principal, call: nothing, nonce, gas_price };
        if self.estimate(probe).await?.is_some() {
            return Ok(Spawned::Done);
        }
        let body = Body { principal, call: Call::Spawn(spawn), nonce, gas_price };
        let needs = gas::of(&body).saturating_mul(gas_price);
        if now.balance < needs {
            return Err(SpawnError::Funds { address, has: now.balance, needs });
        }
        let message = body.signed_bytes(&self.network.genesis);
        let order = Order {
            // It takes a nonce and pays nobody.
            purpose: Purpose::Cancel,
            nonce,
            payment: None,
            payee: address.clone(),
            amount: Atto::ZERO,
            multisig: None,
            fee: gas::offer(needs, gas_price).fee(),
            message: message.clone(),
        };
        let signed = signer.sign(&address, fence, &[order]).await?.pop();
        let signed = signed.ok_or_else(|| wrong("the signer's answer", &"nothing was signed"))?;
        self.check(&message, &signed)?;
        match outcome::of(self.gateway.submit(&signed.bytes).await) {
            Outcome::Accepted | Outcome::Known => Ok(Spawned::Waits(TransactionId::of(&signed.bytes))),
            other => Err(SpawnError::NotTaken(other)),
        }
    }
}
