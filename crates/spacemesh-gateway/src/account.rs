//! Accounts.

use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::LayerId;

use crate::error::{Fault, GatewayError, Listing};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::request::{Method, Request, told};

const LIST: Method = told("AccountService/List");

/// An account as a node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its address.
    pub address: Address,
    /// By the last layer that the node has executed.
    pub current: AccountState,
    /// With the transactions of its own that wait, and without coins that are on their way to it. Its layer is zero.
    pub projected: AccountState,
    /// What it was made of; `None` where it has not been made, and from nodes that do not tell.
    pub template: Option<Address>,
}

/// What an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AccountState {
    /// The least nonce that its next transaction may have.
    pub next_nonce: u64,
    /// What it holds, in smidge.
    pub balance: u64,
    /// The layer in which it last changed.
    pub layer: LayerId,
}

impl Gateway {
    /// The account at `address`; `None` where it has never been paid.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn account(&self, address: &Address) -> Result<Option<Account>, GatewayError> {
        self.find_account(address).await.map_err(|fault| self.error(LIST, fault))
    }

    async fn find_account(&self, address: &Address) -> Result<Option<Account>, Fault> {
        let request = Request::default().addresses("addresses", address, self.prefix);
        let answer = self.ask(LIST, &request.long("limit", 1)).await?;
        let items = Item::answer(&answer).list("accounts")?;
        match items.as_slice() {
            [] => Ok(None),
            [item] => {
                let account = self.read_account(item)?;
                if account.address == *address {
                    Ok(Some(account))
                } else {
                    Err(Listing::Stranger(account.address.text(self.prefix)).into())
                }
            }
            more => Err(Listing::Long { found: more.len(), limit: 1 }.into()),
        }
    }

    fn read_account(&self, item: &Item<'_>) -> Result<Account, Fault> {
        Ok(Account {
            address: item.address(item.named(["address", "accountId"]), self.prefix)?,
            current: state(item, ["current", "stateCurrent"])?,
            projected: state(item, ["projected", "stateProjected"])?,
            template: item.optional_address("template", self.prefix)?,
        })
    }
}

fn state(item: &Item<'_>, names: [&'static str; 2]) -> Result<AccountState, Fault> {
    let Some(state) = item.object(item.named(names))? else { return Ok(AccountState::default()) };
    Ok(AccountState {
        next_nonce: state.u64("counter")?,
        balance: state.u64("balance")?,
        layer: state.layer("layer")?,
    })
}
