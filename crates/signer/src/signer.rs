use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};

use apogee_domain::Clock;
use apogee_filecoin::types::{Message, MessageSignature, SignedMessage};
use apogee_spacemesh::scale::encode;
use apogee_spacemesh::transaction::{Body, Signatures, Transaction};
use apogee_treasury::{Order, SignError, Signed, Signer};
use async_trait::async_trait;

use crate::account::{Account, Protocol};
use crate::book::{Entry, Whom};
use crate::journal::{Journal, NotAdmitted};
use crate::keystore::Keystore;
use crate::order::{Checked, Unsigned, check};
use crate::policy::{Policy, WalletPolicy};
use crate::refusal::{Refusal, Rule};

/// Most orders at once.
pub const MOST_ORDERS: usize = 500;

/// Why a key cannot sign now.
pub type KeysError = Box<dyn Error + Send + Sync>;

/// Where keys are. Whoever calls has checked what is to be signed.
#[async_trait]
pub trait Keys: Send + Sync + fmt::Debug {
    /// The accounts that the keys have on networks of a protocol.
    async fn accounts(&self, protocol: &Protocol) -> Result<Vec<Account>, KeysError>;

    /// Sign messages of `wallet`, in order. Every signature has been checked.
    async fn sign(&self, wallet: &Account, messages: Vec<Unsigned>) -> Result<Vec<Signed>, KeysError>;
}

#[async_trait]
impl Keys for Arc<Keystore> {
    async fn accounts(&self, protocol: &Protocol) -> Result<Vec<Account>, KeysError> {
        Ok(Keystore::accounts(self, protocol).collect())
    }

    async fn sign(&self, wallet: &Account, messages: Vec<Unsigned>) -> Result<Vec<Signed>, KeysError> {
        let (keystore, wallet) = (Self::clone(self), wallet.clone());
        let signing = move || messages.into_iter().map(|message| keystore.signed(&wallet, message)).collect();
        tokio::task::spawn_blocking(signing).await?
    }
}

impl Keystore {
    fn signed(&self, wallet: &Account, message: Unsigned) -> Result<Signed, KeysError> {
        const NO_KEY: &str = "the keystore has no key of the wallet";
        match message {
            Unsigned::Filecoin(message) => {
                let address = wallet.filecoin().ok_or(NO_KEY)?;
                let signature = self.key(&address).ok_or(NO_KEY)?.sign(&message)?;
                signed(message, signature)
            }
            Unsigned::Spacemesh { genesis, body } => {
                let key = self.mesh_key(wallet).ok_or(NO_KEY)?;
                Ok(with_signature(body.clone(), key.sign(&body.signed_bytes(&genesis))))
            }
        }
    }
}

/// A message of Filecoin with its signature.
pub(crate) fn signed(message: Message, signature: MessageSignature) -> Result<Signed, KeysError> {
    let signed = SignedMessage { message, signature };
    Ok(Signed { bytes: fvm_ipld_encoding::to_vec(&signed)?, id: signed.cid().to_string() })
}

fn with_signature(body: Body, signature: [u8; 64]) -> Signed {
    let transaction = Transaction { body, signatures: Signatures::One(signature) };
    Signed { bytes: encode(&transaction), id: transaction.id().to_string() }
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

    fn wallet_of_policy(&self, text: &str, nonce: u64) -> Result<(Account, &WalletPolicy), Refusal> {
        let found = Account::read(text).and_then(|account| {
            let policy = self.policy.wallet(&account)?;
            Some((account, policy))
        });
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
            message: checked.message.name(),
        };
        (checked.whom.clone(), entry)
    }
}

#[async_trait]
impl Signer for LocalSigner {
    async fn wallets(&self) -> Result<Vec<String>, SignError> {
        let accounts = self.keys.accounts(self.policy.protocol()).await.map_err(SignError::Unavailable)?;
        let mut wallets: Vec<_> =
            accounts.iter().filter_map(|account| Some(self.policy.wallet(account)?.text.clone())).collect();
        wallets.sort_unstable();
        Ok(wallets)
    }

    async fn sign(&self, wallet: &str, fence: u64, orders: &[Order]) -> Result<Vec<Signed>, SignError> {
        let Some(first) = orders.first() else { return Ok(Vec::new()) };
        let (account, policy) = self.wallet_of_policy(wallet, first.nonce)?;
        if orders.len() > MOST_ORDERS {
            let detail = format!("at most {MOST_ORDERS} messages are signed at once");
            return Err(Refusal::new(first.nonce, Rule::Message, detail).into());
        }
        let protocol = self.policy.protocol();
        if !self.keys.accounts(protocol).await.map_err(SignError::Unavailable)?.contains(&account) {
            return Err(Refusal::new(first.nonce, Rule::Wallet, "there is no key of the wallet").into());
        }
        let (mut entries, mut messages) = (Vec::new(), Vec::new());
        for order in orders {
            let checked = check(order, &account, protocol)?;
            policy.message(&checked)?;
            entries.push(self.entry(policy, fence, &checked));
            messages.push(checked.message);
        }
        self.record(account.clone(), entries).await?;
        let signed = self.keys.sign(&account, messages).await.map_err(SignError::Unavailable)?;
        if signed.len() != orders.len() {
            return Err(SignError::Unavailable("the keys gave another number of signatures".into()));
        }
        Ok(signed)
    }
}

impl LocalSigner {
    async fn record(&self, wallet: Account, entries: Vec<(Whom, Entry)>) -> Result<(), SignError> {
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
