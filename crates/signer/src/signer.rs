use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use apogee_domain::Clock;
use apogee_filecoin::types::{Message, MessageSignature, SignedMessage, message_cid};
use apogee_treasury::{Order, SignError, Signed, Signer};
use async_trait::async_trait;
use fvm_shared::address::Address;

use crate::address;
use crate::book::{Entry, Whom};
use crate::journal::{Journal, NotAdmitted};
use crate::keystore::Keystore;
use crate::order::{Checked, check};
use crate::policy::{Policy, WalletPolicy};
use crate::refusal::{Refusal, Rule};

/// Most orders at once.
pub const MOST_ORDERS: usize = 500;

/// Why a key cannot sign now.
pub type KeysError = Box<dyn Error + Send + Sync>;

/// Where keys are. Whoever calls has checked what is to be signed.
#[async_trait]
pub trait Keys: Send + Sync + fmt::Debug {
    /// The addresses of the keys.
    async fn addresses(&self) -> Result<Vec<Address>, KeysError>;

    /// Sign messages of `wallet`, in order. Every signature has been checked.
    async fn sign(&self, wallet: Address, messages: Vec<Message>)
    -> Result<Vec<MessageSignature>, KeysError>;
}

#[async_trait]
impl Keys for Arc<Keystore> {
    async fn addresses(&self) -> Result<Vec<Address>, KeysError> {
        Ok(Keystore::addresses(self).collect())
    }

    async fn sign(
        &self,
        wallet: Address,
        messages: Vec<Message>,
    ) -> Result<Vec<MessageSignature>, KeysError> {
        let keystore = Self::clone(self);
        let signing = move || {
            let key = keystore.key(&wallet).ok_or("the keystore has no key of the wallet")?;
            messages.iter().map(|message| Ok(key.sign(message)?)).collect()
        };
        tokio::task::spawn_blocking(signing).await?
    }
}

/// Policy and journal in front of keys, in this process.
///
/// A message is in the journal, durably, before a key is used on it.
#[derive(Debug)]
pub struct LocalSigner {
    policy: Arc<Policy>,
    journal: Arc<Mutex<Journal>>,
    keys: Box<dyn Keys>,
    clock: Arc<dyn Clock>,
}

impl LocalSigner {
    /// A signer. `clock` says which day it is for the caps of a day.
    #[must_use]
    pub fn new(policy: Policy, journal: Journal, keys: Box<dyn Keys>, clock: Arc<dyn Clock>) -> Self {
        Self { policy: Arc::new(policy), journal: Arc::new(Mutex::new(journal)), keys, clock }
    }

    fn wallet_of_policy(&self, text: &str, nonce: u64) -> Result<(Address, &WalletPolicy), Refusal> {
        let address = address::read(text).filter(|address| self.policy.wallet(address).is_some());
        let found = address.and_then(|address| Some((address, self.policy.wallet(&address)?)));
        found.ok_or_else(|| Refusal::new(nonce, Rule::Wallet, "it is no wallet of the policy"))
    }

    fn entry(&self, policy: &WalletPolicy, fence: u64, checked: &Checked<'_>) -> (Whom, Entry) {
        let order = checked.order;
        let entry = Entry {
            at: self.clock.now(),
            wallet: policy.text.clone(),
            fence,
            nonce: order.nonce,
            purpose: order.purpose,
            payment: order.payment.clone(),
            payee: order.payee.clone(),
            amount: order.amount,
            multisig: order.multisig.clone(),
            fee: order.fee,
            message: message_cid(&checked.message).to_string(),
        };
        (checked.whom, entry)
    }
}

#[async_trait]
impl Signer for LocalSigner {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        let addresses = self.keys.addresses().await.map_err(SignError::Unavailable)?;
        let mut wallets: Vec<_> =
            addresses.iter().filter_map(|address| Some(self.policy.wallet(address)?.text.clone())).collect();
        wallets.sort_unstable();
        Ok(wallets)
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        let Some(first) = orders.first() else { return Ok(Vec::new()) };
        let (address, policy) = self.wallet_of_policy(wallet, first.nonce)?;
        if orders.len() > MOST_ORDERS {
            let detail = format!("at most {MOST_ORDERS} messages are signed at once");
            return Err(Refusal::new(first.nonce, Rule::Message, detail).into());
        }
        if !self.keys.addresses().await.map_err(SignError::Unavailable)?.contains(&address) {
            return Err(Refusal::new(first.nonce, Rule::Wallet, "there is no key of the wallet").into());
        }
        let (mut entries, mut messages) = (Vec::new(), Vec::new());
        for order in orders {
            let checked = check(order, &address)?;
            policy.message(&checked)?;
            entries.push(self.entry(policy, fence, &checked));
            messages.push(checked.message);
        }
        self.record(address, entries).await?;
        let signatures = self.keys.sign(address, messages.clone()).await.map_err(SignError::Unavailable)?;
        if signatures.len() != messages.len() {
            return Err(SignError::Unavailable("the keys gave another number of signatures".into()));
        }
        messages.into_iter().zip(signatures).map(|(message, signature)| signed(message, signature)).collect()
    }
}

impl LocalSigner {
    async fn record(&self, wallet: Address, entries: Vec<(Whom, Entry)>) -> Result<(), SignError> {
        let (journal, policy) = (Arc::clone(&self.journal), Arc::clone(&self.policy));
        let write = move || {
            let Ok(mut journal) = journal.lock() else {
                return Err(SignError::Unavailable("the journal is lost".into()));
            };
            let limits =
                policy.wallet(&wallet).ok_or_else(|| SignError::Unavailable("the policy is lost".into()))?;
            journal.admit(wallet, limits, entries).map_err(|error| match error {
                NotAdmitted::Refused(refusal) => refusal.into(),
                NotAdmitted::Journal(error) => SignError::Unavailable(error.into()),
            })
        };
        tokio::task::spawn_blocking(write).await.map_err(|error| SignError::Unavailable(error.into()))?
    }
}

fn signed(message: Message, signature: MessageSignature) -> Result<Signed, SignError> {
    let signed = SignedMessage { message, signature };
    let bytes = fvm_ipld_encoding::to_vec(&signed).map_err(|error| SignError::Unavailable(error.into()))?;
    Ok(Signed { bytes, id: signed.cid().to_string() })
}
