//! The port to a chain, over a node's gateway.

use std::collections::BTreeSet;
use std::sync::Arc;

use apogee_domain::{Atto, Epoch, NetworkId};
use apogee_spacemesh::address::Address;
use apogee_spacemesh::id::LayerId;
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::signature::SIGNATURE_BYTES;
use apogee_spacemesh::transaction::{Body, Call, Payment, Signatures, Transaction};
use apogee_spacemesh_gateway::{Code, Fault, Gateway, GatewayError, Network, TransactionState};
use apogee_store::Store;
use apogee_treasury::Signed;
use apogee_treasury::chain::{Account, Chain, ChainError, Draft, Executed, Gas, Outcome, PrepareError, Tip};
use async_trait::async_trait;

use crate::effect::Done;
use crate::money::{atto, smidge};
use crate::{gas, outcome};

/// The exit code of a transaction that its account could not pay.
pub const NO_BALANCE: u32 = 1;
/// The exit code of one that failed otherwise.
pub const FAILED: u32 = 2;
/// The exit code of a nonce that was left out: nothing was executed, and nothing ever will be.
pub const OVERTAKEN: u32 = 3;

/// How a node says that an account has not been made.
pub(crate) const NOT_SPAWNED: &str = "not spawned";
/// How a node says that an account had too little.
const TOO_LITTLE: &str = "no balance";

/// A Spacemesh network, as one node tells it.
///
/// Amounts are atto of an SMH; what is no whole smidge is refused. What is counted is what the node says to have been executed: it is held against
/// the account's nonce, layer and balance, read again, and bound to the layer's hash, but nothing of it is proven.
#[derive(Clone, Debug)]
pub struct Spacemesh {
    pub(crate) gateway: Gateway,
    pub(crate) network: Network,
    pub(crate) store: Arc<dyn Store>,
    /// What the network is called here.
    pub(crate) id: NetworkId,
}

impl Spacemesh {
    /// The network behind a node's gateway. `network` is what is known of it and not asked for: a node of another one is refused at every turn.
    /// From `store` only the messages of the network's wallets are read.
    #[must_use]
    pub fn new(gateway: Gateway, network: Network, store: Arc<dyn Store>, id: NetworkId) -> Self {
        Self { gateway, network, store, id }
    }

    pub(crate) fn address(&self, text: &str) -> Result<Address, ChainError> {
        self.read(text).map_err(|why| wrong("an address", &why))
    }

    /// An address from the one text that it is told by. `Err` with why it is none.
    fn read(&self, text: &str) -> Result<Address, String> {
        let prefix = self.network.prefix;
        let address = Address::parse(text, prefix).map_err(|error| format!("{text}: {error}"))?;
        let written = address.text(prefix);
        // In capitals it is the same account, and another text than that of what is executed.
        if written == text { Ok(address) } else { Err(format!("{text} is written {written}")) }
    }

    /// What a transfer says; `Err` with why it can never be one.
    fn payment(&self, draft: &Draft) -> Result<Payment, String> {
        let destination = self.read(&draft.to)?;
        let amount = smidge(draft.amount).ok_or_else(|| {
            format!("{} atto are no whole number of smidge that there can be", draft.amount)
        })?;
        Ok(Payment { destination, amount })
    }

    /// What a node thinks that bytes like these use; `None` where the account has not been spawned.
    pub(crate) async fn estimate(&self, body: Body) -> Result<Option<u64>, ChainError> {
        // Of a signature its length counts.
        let unsigned = Transaction { body, signatures: Signatures::One([0; SIGNATURE_BYTES]) };
        match self.gateway.estimate_gas(&encode(&unsigned)).await {
            Ok(gas) => Ok(Some(gas)),
            Err(error) if is_unspawned(&error.fault) => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// A transaction of an account, where it was executed.
    pub(crate) fn told(&self, one: &Done, tip: Tip) -> Executed {
        let payment = one.payment();
        let exit_code = match () {
            () if one.result.succeeded => 0,
            () if one.result.message().contains(TOO_LITTLE) => NO_BALANCE,
            () => FAILED,
        };
        Executed {
            nonce: one.body.nonce,
            id: one.id.to_string(),
            tip,
            // An account that is made is paid nothing.
            payee: payment.map_or(one.body.principal, |to| to.destination).text(self.network.prefix),
            amount: payment.map_or(Atto::ZERO, |to| atto(to.amount)),
            exit_code,
            cost: atto(one.result.fee),
            moved: atto(one.moved()),
            proposal: None,
        }
    }

    /// Whether the message before `nonce` waits at the node. Where it does not, `nonce` would overtake it.
    async fn follows(&self, principal: &Address, nonce: u64) -> Result<bool, ChainError> {
        let Some(wallet) = self.wallet(principal).await? else { return Ok(false) };
        let before = nonce.saturating_sub(1);
        let attempts = self.store.attempts(&self.id, &wallet.name, before, before).await;
        // The newest is the likeliest.
        for attempt in attempts.map_err(crate::nonces::unread)?.iter().rev() {
            let Ok(id) = attempt.message.parse() else { continue };
            let known = self.gateway.transaction(&id).await.map_err(unreadable)?;
            let lost = [TransactionState::Rejected, TransactionState::Ineffectual];
            if known.is_some_and(|known| !lost.contains(&known.state)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Why a message is better not handed over now.
    async fn too_early(&self, body: &Body) -> Result<Option<Outcome>, ChainError> {
        let next = self.present(&body.principal).await?.next_nonce;
        Ok(match body.nonce {
            nonce if nonce < next => Some(Outcome::NonceTooLow),
            nonce if nonce == next || self.follows(&body.principal, nonce).await? => None,
            _ => Some(Outcome::Gap),
        })
    }
}

/// Not found is also what does not know the method.
fn is_unspawned(fault: &Fault) -> bool {
    matches!(fault, Fault::Refused { code: Code::NotFound, message } if message.contains(NOT_SPAWNED))
}

pub(crate) fn wrong(what: &'static str, detail: &dyn std::fmt::Display) -> ChainError {
    ChainError::Wrong { what, detail: detail.to_string() }
}

pub(crate) fn unreadable(error: GatewayError) -> ChainError {
    ChainError::Unavailable(Box::new(error))
}

#[async_trait]
impl Chain for Spacemesh {
    /// The newest layer that the node has executed and has an opinion on. What it calls verified is not asked for: only depth decides what is final.
    async fn head(&self) -> Result<Tip, ChainError> {
        let genesis = self.gateway.network().await.map_err(unreadable)?.genesis;
        if genesis != self.network.genesis {
            let detail = format!("it is of the network {genesis}, not {}", self.network.genesis);
            return Err(wrong("the node", &detail));
        }
        let status = self.gateway.status().await.map_err(unreadable)?;
        self.at_or_before(status.applied).await
    }

    async fn ancestor(&self, tip: &Tip, epoch: Epoch) -> Result<Tip, ChainError> {
        if epoch >= tip.epoch {
            return Ok(tip.clone());
        }
        self.stands(tip).await?;
        let found = self.at_or_before(crate::layers::layer_of(epoch)?).await?;
        // Read in between, it is of the same chain.
        self.stands(tip).await?;
        Ok(found)
    }

    async fn account(&self, tip: &Tip, address: &str) -> Result<Account, ChainError> {
        self.account_at(tip, &self.address(address)?).await
    }

    /// Nonces that were left out are among them, with [`OVERTAKEN`] for their exit code and, where there is one, the name of a message that the
    /// store has for them.
    async fn executed(&self, address: &str, after: &Tip, upto: &Tip) -> Result<Vec<Executed>, ChainError> {
        let address = self.address(address)?;
        let (first, end) = (self.first_after(after)?, self.first_after(upto)?);
        let last = LayerId(end.0.saturating_sub(1));
        if last < first {
            return Ok(Vec::new());
        }
        self.stands(after).await?;
        self.stands(upto).await?;
        let found = self.stretch(&address, first, last).await?;
        let layers: BTreeSet<LayerId> = found.own.iter().map(Done::layer).collect();
        let tips = self.tips(layers).await?;
        self.stands(after).await?;
        self.stands(upto).await?;
        self.dense(&address, found.next, &found.own, |one| tips.get(&one.layer()).cloned()).await
    }

    async fn floor(&self, _: &Tip) -> Result<Atto, ChainError> {
        Ok(atto(gas::LEAST_PRICE))
    }

    async fn prepare(&self, draft: &Draft) -> Result<Gas, PrepareError> {
        if draft.multisig.is_some() {
            return Err(PrepareError::Multisig("wallets on Spacemesh pay by themselves".into()));
        }
        let payment = self.payment(draft).map_err(PrepareError::Recipient)?;
        let principal = self.address(&draft.from)?;
        let now = self.present(&principal).await?;
        let call = Call::Spend(payment);
        let body = Body { principal, call, nonce: now.next_nonce, gas_price: gas::LEAST_PRICE };
        let Some(estimate) = self.estimate(body).await? else {
            let detail = format!("{} is not spawned: spawn it before it pays", draft.from);
            return Err(wrong("the wallet", &detail).into());
        };
        let gas = gas::offer(estimate.max(gas::most(payment.amount)), gas::LEAST_PRICE);
        let needed = draft.amount.0.saturating_add(gas.fee().0);
        if atto(now.balance).0 < needed {
            let (has, needs) = (now.balance, needed.div_ceil(crate::money::SMIDGE));
            return Err(PrepareError::Funds(format!("it has {has} smidge, and needs {needs}")));
        }
        Ok(gas)
    }

    fn bump(&self, old: &Gas, floor: Atto, percent: u32) -> Gas {
        gas::bump(old, floor, percent)
    }

    /// The network's name and the transaction without its signature.
    fn build(&self, draft: &Draft, nonce: u64, gas: &Gas) -> Result<Vec<u8>, ChainError> {
        if draft.multisig.is_some() {
            return Err(wrong("a transfer", &"wallets on Spacemesh pay by themselves"));
        }
        let payment = self.payment(draft).map_err(|why| wrong("a transfer", &why))?;
        let gas_price = gas::price(gas);
        if gas_price < gas::LEAST_PRICE {
            return Err(wrong("a transfer", &"it offers less than a smidge for a unit of gas"));
        }
        let body =
            Body { principal: self.address(&draft.from)?, call: Call::Spend(payment), nonce, gas_price };
        Ok(body.signed_bytes(&self.network.genesis))
    }

    fn check(&self, message: &[u8], signed: &Signed) -> Result<(), ChainError> {
        let read = Transaction::decode(&signed.bytes).map_err(|error| wrong("a signed message", &error))?;
        if read.body.signed_bytes(&self.network.genesis) != message {
            return Err(wrong("a signed message", &"it is not the one that was to be signed"));
        }
        let name = read.id().to_string();
        if name == signed.id {
            return Ok(());
        }
        Err(wrong("the name of a signed message", &format_args!("{} for {name}", signed.id)))
    }

    /// A nonce after the one that the account needs next is handed over only while the message before it waits at the node: the chain would not
    /// wait for that.
    async fn broadcast(&self, bytes: &[u8]) -> Outcome {
        let body = match Transaction::decode(bytes) {
            Ok(read) => read.body,
            Err(error) => return Outcome::Rejected(format!("it is no transaction: {error}")),
        };
        match self.too_early(&body).await {
            Ok(None) => outcome::of(self.gateway.submit(bytes).await),
            Ok(Some(outcome)) => outcome,
            Err(error) => outcome::unread(error),
        }
    }

    /// A nonce that was left out counts as well: its payment may get another one, as deep as that is safe.
    fn lacked_funds(&self, one: &Executed) -> bool {
        matches!(one.exit_code, NO_BALANCE | OVERTAKEN)
    }

    /// Never: proposals are not made here.
    async fn signs_for(&self, _: &Tip, _: &str, _: &str) -> Result<bool, ChainError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_knows_no_estimates_says_nothing_of_the_account() {
        let refused = |code, message: &str| Fault::Refused { code, message: message.into() };
        assert!(is_unspawned(&refused(Code::NotFound, "account is not spawned")));
        assert!(!is_unspawned(&refused(Code::NotFound, "Not Found")));
        assert!(!is_unspawned(&refused(Code::Invalid, "account is not spawned")));
        assert!(!is_unspawned(&Fault::Timeout));
    }
}
