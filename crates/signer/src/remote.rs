use apogee_filecoin::rpc::Client;
use apogee_filecoin::types::{Message, MessageSignature};
use async_trait::async_trait;
use fvm_shared::address::Address;

use crate::keys::verify;
use crate::signer::{Keys, KeysError};

/// Keys that another program holds: `lotus-wallet`, which may have them in a Ledger, or a node.
///
/// It sees only what policy and journal let through, and what it answers is checked: a signature is that of the wallet over the
/// message that was asked for, or it is not handed on.
#[derive(Debug)]
pub struct RemoteWallet(Client);

impl RemoteWallet {
    /// The wallet at `client`'s endpoint; `lotus-wallet` answers at the path `/rpc/v0`.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self(client)
    }
}

#[async_trait]
impl Keys for RemoteWallet {
    async fn addresses(&self) -> Result<Vec<Address>, KeysError> {
        Ok(self.0.wallet_list().await?)
    }

    async fn sign(
        &self,
        wallet: Address,
        messages: Vec<Message>,
    ) -> Result<Vec<MessageSignature>, KeysError> {
        let mut signatures = Vec::with_capacity(messages.len());
        for message in &messages {
            let signature = self.0.wallet_sign(&wallet, message).await?;
            verify(&wallet, message, &signature)?;
            signatures.push(signature);
        }
        Ok(signatures)
    }
}
