//! Accounts as text: one text for each. Of Filecoin with the letter of mainnet, since messages and files have no network in them: `f` and `t` are two
//! letters for one address. Of Spacemesh as its network writes it, in lower case.

use std::fmt;
use std::sync::Arc;

use apogee_filecoin::types::json::{address_text, parse_address};
use apogee_spacemesh::address::{Address as Mesh, Prefix};
use apogee_spacemesh::id::{GenesisId, PublicKey};
use apogee_spacemesh::template::Spawn;
use fvm_shared::address::{Address, Network};

/// How the network of a signer's wallets writes addresses and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Filecoin.
    Filecoin,
    /// Spacemesh.
    Spacemesh {
        /// Which network: it is in every message that is signed.
        genesis: GenesisId,
        /// What its addresses begin with.
        prefix: Prefix,
    },
}

/// An account, by the one text that it is told by here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account(Arc<str>);

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({self})")
    }
}

impl From<&Address> for Account {
    fn from(address: &Address) -> Self {
        Self(address_text(address, Network::Mainnet).into())
    }
}

impl Account {
    /// The account that a text is told by, if it is its one writing but for the letter of a Filecoin network.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let Ok(address) = parse_address(text) else { return Self::read_mesh(text) };
        let account = Self::from(&address);
        (account.0.get(1..) == text.get(1..)).then_some(account)
    }

    fn read_mesh(text: &str) -> Option<Self> {
        let prefix = prefix_of(text)?;
        let account = Self::of_mesh(&Mesh::parse(text, prefix).ok()?, prefix);
        (*account.0 == *text).then_some(account)
    }

    fn of_mesh(address: &Mesh, prefix: Prefix) -> Self {
        Self(address.text(prefix).into())
    }

    /// The wallet of an Ed25519 key, on a network of Spacemesh.
    #[must_use]
    pub fn of_key(key: PublicKey, prefix: Prefix) -> Self {
        Self::of_mesh(&Spawn::Wallet(key).address(), prefix)
    }

    /// What it begins with on Spacemesh.
    pub(crate) fn prefix(&self) -> Option<Prefix> {
        prefix_of(&self.0)
    }

    /// As its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address on Filecoin that it is.
    #[must_use]
    pub fn filecoin(&self) -> Option<Address> {
        parse_address(&self.0).ok()
    }

    /// The address that it is on a network of Spacemesh whose addresses begin with `prefix`.
    #[must_use]
    pub fn spacemesh(&self, prefix: Prefix) -> Option<Mesh> {
        Mesh::parse(&self.0, prefix).ok()
    }

    /// Whether a network has such accounts.
    #[must_use]
    pub fn is_of(&self, protocol: &Protocol) -> bool {
        match protocol {
            Protocol::Filecoin => self.filecoin().is_some(),
            Protocol::Spacemesh { prefix, .. } => self.spacemesh(*prefix).is_some(),
        }
    }
}

/// What is before the last 1 of an address.
fn prefix_of(text: &str) -> Option<Prefix> {
    Prefix::new(text.rsplit_once('1')?.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_text() {
        let key = PublicKey([7; 32]);
        let account = Account::of_key(key, Prefix::TEST);
        assert!(account.as_str().starts_with("stest1"), "{account}");
        assert_eq!(Account::read(account.as_str()), Some(account.clone()));
        assert_eq!(Account::read(&account.as_str().to_uppercase()), None);
        assert_eq!(Account::read(&format!("{account}q")), None);
        let main = Account::of_key(key, Prefix::MAIN);
        let network = |prefix| Protocol::Spacemesh { genesis: GenesisId::default(), prefix };
        assert!(account != main && main.is_of(&network(Prefix::MAIN)) && !main.is_of(&network(Prefix::TEST)));
        assert!(!main.is_of(&Protocol::Filecoin));
        let id = Account::read("t01000");
        assert_eq!(id, Account::read("f01000"));
        assert!(id.is_some_and(|id| id.is_of(&Protocol::Filecoin) && !id.is_of(&network(Prefix::TEST))));
        for text in ["", "1", "f001000", "t", "stest1", "stest1qqqq", "f0100\u{e9}"] {
            assert_eq!(Account::read(text), None, "{text}");
        }
    }
}
