//! Where somebody asks, and is granted or refused.

mod batch;
mod settle;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apogee_domain::{Atto, Clock, Digest, NetworkId, Timestamp};
use apogee_store::{Grant, Identity, Store, StoreError};
use rand::RngCore;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use crate::policy::{Applicant, Assessment, Facts, Policy, Standing, prefixes};
use crate::{InvalidRecipient, Named, Notation, Recipient};

pub use self::batch::standing;
pub use self::settle::free_funds;

/// Requests that are decided in one unit of work.
const BATCH: usize = 64;
/// Requests that wait at most.
const QUEUE: usize = 4_096;
/// The longest key that an asker may give a request.
pub const LONGEST_KEY: usize = 128;
/// The longest code of an event that is looked at.
pub const LONGEST_CODE: usize = 128;

/// What is asked for, checked and resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks, for whom, and from where.
    pub applicant: Applicant,
    /// The address that is paid, as the network writes it.
    pub payee: String,
    /// The address as it was given.
    pub given: String,
    /// What the asker calls this request: asking again with the same key is asking for the same grant.
    pub key: String,
    /// Digest of what is asked.
    pub body: Digest,
}

/// What somebody typed.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// From where.
    pub from: IpAddr,
    /// The recipient, in any form of its address.
    pub recipient: &'a str,
    /// The code of an event; an empty one is none.
    pub code: &'a str,
    /// What the asker calls this request.
    pub key: &'a str,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is granted.
    Granted(Grant),
    /// It was granted before.
    Repeated(Grant),
    /// The key was used for another request.
    OtherRequest,
    /// It is refused. Nothing was counted.
    Refused(Assessment),
}

/// Why nobody was told anything.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The key is empty, too long, or not of letters, digits and `-_.:`.
    #[error("a key is 1 to {LONGEST_KEY} letters, digits, -, _, . or :")]
    Key,
    /// The recipient is no address here.
    #[error("the recipient cannot be paid")]
    Recipient(#[from] InvalidRecipient),
    /// A newer policy is in force: this process was not told.
    #[error("the faucet has policy {found} now, this process decides by {ours}")]
    Policy {
        /// In force.
        found: u32,
        /// Ours.
        ours: u32,
    },
    /// Too many others wait.
    #[error("{QUEUE} requests wait already")]
    Busy,
    /// The database did not do it. Nothing was granted, unless it says otherwise when asked again with the same key.
    #[error("the request could not be decided")]
    Store(#[source] Arc<StoreError>),
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// A faucet with its policy.
#[derive(Debug)]
pub struct Desk {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    network: NetworkId,
    faucet: String,
    notation: Notation,
    policy: Policy,
    digest: Digest,
    inner: Mutex<Inner>,
}

struct Inner {
    random: Box<dyn RngCore + Send>,
    /// What the wallet holds less what is promised.
    funds: Option<Atto>,
    waiting: Vec<Waiting>,
    /// Whether a task is deciding.
    busy: bool,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("funds", &self.funds).field("waiting", &self.waiting.len()).finish()
    }
}

struct Waiting {
    request: Request,
    answer: oneshot::Sender<Result<Answer, DeskError>>,
}

impl Desk {
    /// A desk for the faucet of that name, which [`put_faucet`](apogee_store::GrantsWork::put_faucet) has been called for with this policy.
    /// The network writes addresses in `notation`; `random` makes ids of grants, which nobody must guess.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Box<dyn RngCore + Send>,
        (network, faucet, notation): (NetworkId, String, Notation),
        policy: Policy,
    ) -> Arc<Self> {
        let inner = Inner { random, funds: None, waiting: Vec::new(), busy: false };
        let digest = policy.digest();
        let inner = Mutex::new(inner);
        Arc::new(Self { store, clock, network, faucet, notation, policy, digest, inner })
    }

    /// What it decides by.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How its network writes addresses.
    #[must_use]
    pub const fn notation(&self) -> Notation {
        self.notation
    }

    /// Its network and name.
    #[must_use]
    pub fn name(&self) -> (&NetworkId, &str) {
        (&self.network, &self.faucet)
    }

    /// What the wallet holds less what is promised, as far as is known: [`free_funds`], less what was granted since.
    #[must_use]
    pub fn funds(&self) -> Option<Atto> {
        self.inner().funds
    }

    /// Tell it what the wallet holds less what is promised.
    pub fn set_funds(&self, funds: Option<Atto>) {
        self.inner().funds = funds;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What it guards is whole between any two statements.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Read the recipient.
    ///
    /// # Errors
    /// [`DeskError::Recipient`] when it is none of this network.
    pub fn recipient(&self, text: &str) -> Result<Named, DeskError> {
        Ok(self.notation.read(text)?)
    }

    /// Put a request together. The recipient is what the network knows of [`Desk::recipient`]'s address.
    ///
    /// # Errors
    /// [`DeskError::Key`] and [`DeskError::Recipient`].
    pub fn request(&self, ask: Ask<'_>, recipient: &Recipient) -> Result<Request, DeskError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if ask.key.is_empty() || ask.key.len() > LONGEST_KEY || !ask.key.bytes().all(fits) {
            return Err(DeskError::Key);
        }
        self.recipient(ask.recipient)?;
        let code = ask.code.trim();
        // An id may be somebody else's after a fork; the form with the key never is.
        let payee = recipient.key.to_string();
        let mut body = Sha256::new();
        for part in [self.network.as_str(), &self.faucet, &payee, code] {
            body.update((part.len() as u64).to_be_bytes());
            body.update(part);
        }
        let account = &ask.identity.account;
        let applicant = Applicant {
            identity: ask.identity.actor(),
            provider: account.provider.clone(),
            account_kind: account.kind.name().to_owned(),
            account_created: account.created,
            actor: recipient.key.to_string(),
            miner: recipient.miner,
            recipient_balance: Some(recipient.balance),
            prefixes: prefixes(ask.from).to_vec(),
            code: Some(code.to_owned()).filter(|code| !code.is_empty() && code.len() <= LONGEST_CODE),
        };
        Ok(Request {
            applicant,
            payee,
            given: ask.recipient.trim().to_owned(),
            key: ask.key.to_owned(),
            body: Digest(body.finalize().into()),
        })
    }

    /// Decide a request, and owe the money where it is granted: all of that becomes true together, or nothing.
    ///
    /// Those who ask at the same time are decided one after the other in one unit of work. Whoever stops waiting is decided all the same, and
    /// is told when asking again with the same key.
    ///
    /// # Errors
    /// [`DeskError`]: nothing is known to be granted.
    pub async fn accept(self: &Arc<Self>, request: Request) -> Result<Answer, DeskError> {
        let (answer, answered) = oneshot::channel();
        let start = {
            let mut inner = self.inner();
            if inner.waiting.len() >= QUEUE {
                return Err(DeskError::Busy);
            }
            inner.waiting.push(Waiting { request, answer });
            !std::mem::replace(&mut inner.busy, true)
        };
        if start {
            tokio::spawn(batch::decide_all(Arc::clone(self)));
        }
        let gone = || StoreError::Unavailable("whoever decides has failed".into());
        answered.await.unwrap_or_else(|_| Err(gone().into()))
    }

    /// Look at every rule without granting or counting anything.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn eligibility(&self, applicant: &Applicant) -> Result<Assessment, DeskError> {
        let now = self.clock.now();
        let plan = self.policy.plan(applicant, now);
        let demands: Vec<_> = plan.demands().into_iter().collect();
        let faucet = self.store.faucet(&self.network, &self.faucet).await?;
        let faucet = faucet.ok_or_else(|| batch::absent(&self.network, &self.faucet))?;
        let charges = self.store.charges(&self.network, &self.faucet, &demands).await?;
        let entries = self.store.entries_of(&self.network, &self.faucet, &plan.subjects()).await?;
        let facts = Facts {
            standing: batch::standing(&faucet, self.wallet(&faucet).await?.as_ref(), self.funds(), now),
            exceptions: entries.iter().map(batch::exception).collect(),
            charges: demands.into_iter().map(|(key, _)| key).zip(charges).collect(),
        };
        Ok(plan.assess(&facts))
    }

    /// The state of the faucet now, for those who ask whether it is open.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn standing(&self) -> Result<Standing, DeskError> {
        let faucet = self.store.faucet(&self.network, &self.faucet).await?;
        let faucet = faucet.ok_or_else(|| batch::absent(&self.network, &self.faucet))?;
        let wallet = self.wallet(&faucet).await?;
        Ok(batch::standing(&faucet, wallet.as_ref(), self.funds(), self.clock.now()))
    }

    async fn wallet(&self, faucet: &apogee_store::Faucet) -> Result<Option<apogee_store::Wallet>, DeskError> {
        Ok(self.store.wallet(&self.network, &faucet.wallet).await?)
    }
}

/// The UTC day of a moment: days since 1970.
fn day(at: Timestamp) -> i64 {
    at.seconds().div_euclid(86_400)
}
