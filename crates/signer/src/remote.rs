use apogee_filecoin::rpc::Client;
use apogee_treasury::Signed;
use async_trait::async_trait;

use crate::account::{Account, Protocol};
use crate::keys::verify;
use crate::order::Unsigned;
use crate::signer::{Keys, KeysError, signed};

/// Keys that another program holds: `lotus-wallet`, which may have them in a Ledger, or a node.
///
/// They are keys of Filecoin. It sees only what policy and journal let through, and what it answers is checked: a signature is that of the wallet over the
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
    async fn accounts(&self, protocol: &Protocol) -> Result<Vec<Account>, KeysError> {
        match protocol {
            Protocol::Filecoin => Ok(self.0.wallet_list().await?.iter().map(Account::from).collect()),
            Protocol::Spacemesh { .. } => Ok(Vec::new()),
        }
    }

    async fn sign(&self, wallet: &Account, messages: Vec<Unsigned>) -> Result<Vec<Signed>, KeysError> {
        let wallet = wallet.filecoin().ok_or("it has no such keys")?;
        let mut all = Vec::with_capacity(messages.len());
        for message in messages {
            let Unsigned::Filecoin(message) = message else { return Err("it has no such keys".into()) };
            let signature = self.0.wallet_sign(&wallet, &message).await?;
            verify(&wallet, &message, &signature)?;
            all.push(signed(message, signature)?);
        }
        Ok(all)
    }
}
