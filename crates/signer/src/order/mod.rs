//! What an order says, held against the message that it wants signed.

mod filecoin;
mod spacemesh;

use apogee_filecoin::types::{Message, message_cid};
use apogee_spacemesh::id::GenesisId;
use apogee_spacemesh::transaction::Body;
use apogee_treasury::Order;
use sha2::{Digest as _, Sha256};

use crate::account::{Account, Protocol};
use crate::book::Whom;
use crate::refusal::{Refusal, Rule};

/// Longest id of a payment.
const LONGEST_ID: usize = 200;

/// An order whose message has been read, and says the same.
#[derive(Clone, Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) order: &'a Order,
    pub(crate) whom: Whom,
    pub(crate) message: Unsigned,
}

/// A message that was checked, and may be signed.
#[derive(Clone, Debug, PartialEq)]
pub enum Unsigned {
    /// Of Filecoin.
    Filecoin(Message),
    /// Of Spacemesh.
    Spacemesh {
        /// The network that it is for.
        genesis: GenesisId,
        /// What it does.
        body: Body,
    },
}

impl Unsigned {
    /// What a journal calls it: the CID of a message of Filecoin, SHA-256 of what is signed on Spacemesh in hexadecimal digits.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Filecoin(message) => message_cid(message).to_string(),
            Self::Spacemesh { genesis, body } => hex::encode(Sha256::digest(body.signed_bytes(genesis))),
        }
    }
}

/// Read the message of an order to the wallet `wallet`, on a network of `protocol`.
pub(crate) fn check<'a>(
    order: &'a Order,
    wallet: &Account,
    protocol: &Protocol,
) -> Result<Checked<'a>, Refusal> {
    let refused = |detail: String| Refusal::new(order.nonce, Rule::Message, detail);
    if order.payment.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
        return Err(refused("a payment's id has at most 200 bytes".into()));
    }
    let account = |text: &str, what: &str| {
        let read = Account::read(text).filter(|account| account.is_of(protocol));
        read.ok_or_else(|| refused(format!("the {what} is no address")))
    };
    let payee = account(&order.payee, "payee")?;
    let multisig = order.multisig.as_ref().map(|text| account(text, "multisig")).transpose()?;
    let whom = Whom { payee, multisig };
    let message = match protocol {
        Protocol::Filecoin => filecoin::read(order, wallet, &whom).map(Unsigned::Filecoin),
        Protocol::Spacemesh { genesis, prefix } => spacemesh::read(order, wallet, &whom, genesis, *prefix)
            .map(|body| Unsigned::Spacemesh { genesis: *genesis, body }),
    };
    Ok(Checked { order, message: message.map_err(refused)?, whom })
}
