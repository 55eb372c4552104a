//! The faucets of this process that pay back: their policies, and one task each that reads the final epochs of its network.

mod indexed;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apogee_domain::{Atto, Clock, Epoch, NetworkId, Timestamp};
use apogee_faucet::refund::{RefundError, RefundPolicy, WalkError, Walked, begin, walk};
use apogee_store::{ClaimState, Page, Store, StoreError};
use tokio::sync::watch;

pub(crate) use self::indexed::{Indexed, Readable, stand};
use crate::cli::chain_of;
use crate::config::{Config, is_name};
use crate::networks::NoChain;
use crate::policies;
use crate::sources::Sources;

/// How long to wait when there is nothing to read, and after a failure that may pass.
const ROUND: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_secs(5);
/// Epochs that are read in a round.
const EPOCHS: u32 = 32;
/// Rows that are read at once, and pages of them that are summed at most.
const PAGE: u32 = 1_000;
const PAGES: usize = 100;

/// Why a faucet that pays back cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRefund {
    #[error("refunds.{refund}: there is no wallet {wallet} in the settings")]
    Wallet { refund: String, wallet: String },
    #[error(
        "refunds.{refund}: the wallet {wallet} only proposes for a multisig; a refund wants one that pays"
    )]
    Proposes { refund: String, wallet: String },
    #[error("refunds.{refund}: {network} is of Spacemesh, where no message proves sectors")]
    Spacemesh { refund: String, network: NetworkId },
    #[error("refunds.{refund}: a name is 1 to 40 characters of a–z, 0–9 and -")]
    Name { refund: String },
    #[error("refunds.{refund}: in the database this is the name of a faucet that grants; take another name")]
    Taken { refund: String },
    #[error("{}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{policy} cannot be used")]
    Policy {
        policy: String,
        #[source]
        cause: RefundError,
    },
    #[error(
        "the policy of refunds.{refund} is not the one of its number in the database; give it a higher version"
    )]
    Older {
        refund: String,
        #[source]
        cause: StoreError,
    },
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

/// Why a round was not made.
#[derive(Debug, thiserror::Error)]
enum NoRound {
    #[error("{0} is not followed here")]
    Absent(NetworkId),
    #[error(transparent)]
    Chain(#[from] NoChain),
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

/// A faucet that pays back.
#[derive(Debug)]
pub(crate) struct Payback {
    pub(crate) network: NetworkId,
    pub(crate) name: String,
    pub(crate) policy: RefundPolicy,
    /// Nothing before this epoch is read.
    from: Option<Epoch>,
    /// What addresses begin with.
    pub(crate) prefix: char,
    state: Mutex<State>,
}

/// How a faucet that pays back does.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// What its newest day comes to, by state; `None` before it was summed.
    pub(crate) day: Option<Day>,
    /// Why the last round failed, in words.
    pub(crate) failed: Option<String>,
}

/// Messages of a day.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    /// Its first epoch.
    pub(crate) from: Epoch,
    /// Messages, what they burnt and what is paid back of it, by state.
    pub(crate) sums: BTreeMap<&'static str, (u64, Atto, Atto)>,
}

/// The faucets of this process that pay back.
#[derive(Debug, Default)]
pub(crate) struct Refunds(BTreeMap<(NetworkId, String), Arc<Payback>>);

impl Refunds {
    /// Those of some settings. Their policies go into the database.
    pub(crate) async fn open(
        config: &Config,
        store: &dyn Store,
        clock: &dyn Clock,
    ) -> Result<Self, NoRefund> {
        let mut all = BTreeMap::new();
        for (name, settings) in &config.refunds {
            let wallet = config.wallets.get(&settings.wallet);
            let wallet = wallet
                .ok_or_else(|| NoRefund::Wallet { refund: name.clone(), wallet: settings.wallet.clone() })?;
            if wallet.proposes_for.is_some() {
                return Err(NoRefund::Proposes { refund: name.clone(), wallet: settings.wallet.clone() });
            }
            if config.networks.get(&wallet.network).is_some_and(|network| network.spacemesh.is_some()) {
                return Err(NoRefund::Spacemesh { refund: name.clone(), network: wallet.network.clone() });
            }
            if !is_name(name) {
                return Err(NoRefund::Name { refund: name.clone() });
            }
            let (text, policy) = policy(name, settings.policy.as_ref())?;
            let network = wallet.network.clone();
            put(store, clock.now(), (&network, name), &settings.wallet, (&policy, &text)).await?;
            let prefix = wallet.address.chars().next().unwrap_or('t');
            let payback = Payback {
                network: network.clone(),
                name: name.clone(),
                policy,
                from: settings.from,
                prefix,
                state: Mutex::default(),
            };
            all.insert((network, name.clone()), Arc::new(payback));
        }
        Ok(Self(all))
    }

    /// One of them.
    pub(crate) fn get(&self, network: &NetworkId, name: &str) -> Option<&Arc<Payback>> {
        self.0.get(&(network.clone(), name.to_owned()))
    }

    /// The names of those of a network.
    pub(crate) fn of(&self, network: &NetworkId) -> Vec<String> {
        self.0.keys().filter(|(of, _)| of == network).map(|(_, name)| name.clone()).collect()
    }

    /// Read and pay back until `end` says so.
    pub(crate) fn keep(
        &self,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
        sources: &Arc<Sources>,
        end: &watch::Receiver<bool>,
    ) {
        for payback in self.0.values() {
            let job = Job {
                payback: Arc::clone(payback),
                store: Arc::clone(store),
                clock: Arc::clone(clock),
                sources: Arc::clone(sources),
                end: end.clone(),
            };
            // What a round had begun when the process ends is whole or not there.
            tokio::spawn(job.run());
        }
    }
}

/// The text of a policy with what it says; without a file that which comes with the program.
pub(crate) fn policy(name: &str, file: Option<&PathBuf>) -> Result<(String, RefundPolicy), NoRefund> {
    let read =
        |file: &PathBuf| policies::read(file).map_err(|cause| NoRefund::Unreadable(file.clone(), cause));
    let text = file.map_or_else(|| Ok(RefundPolicy::DEFAULT.to_owned()), read)?;
    let named =
        || file.map_or_else(|| format!("the policy of refunds.{name}"), |file| file.display().to_string());
    let policy = RefundPolicy::read(&text).map_err(|cause| NoRefund::Policy { policy: named(), cause })?;
    Ok((text, policy))
}

/// The faucet with its policy, in the database.
pub(crate) async fn put(
    store: &dyn Store,
    now: Timestamp,
    (network, name): (&NetworkId, &str),
    wallet: &str,
    (policy, text): (&RefundPolicy, &str),
) -> Result<(), NoRefund> {
    if let Some(held) = store.faucet(network, name).await? {
        let text = store.policy(network, name, held.policy_version).await?.unwrap_or_default();
        if RefundPolicy::read(&text).is_err() {
            return Err(NoRefund::Taken { refund: name.to_owned() });
        }
    }
    // It has read nothing.
    let faucet = policies::row((network, name), wallet, (policy.version, policy.digest()), -1, now);
    let mut work = store.begin().await?;
    work.put_faucet(&faucet, text).await.map_err(|cause| match cause {
        cause @ StoreError::Conflict { .. } => NoRefund::Older { refund: name.to_owned(), cause },
        cause => cause.into(),
    })?;
    Ok(work.commit().await?)
}

impl Payback {
    /// How it does.
    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Where it begins when it has read nothing: where the settings say, else with the epoch of this moment. `None` before the network is indexed.
    async fn start(&self, store: &dyn Store, now: Timestamp) -> Result<Option<Epoch>, StoreError> {
        if self.from.is_some() {
            return Ok(self.from);
        }
        let networks = store.networks().await?;
        let network = networks.into_iter().find(|network| network.id == self.network);
        Ok(network.map(|network| network.schedule().epoch_of(now).unwrap_or_default()))
    }

    /// What the day of an epoch comes to.
    async fn sum(&self, store: &dyn Store, read: Epoch) -> Result<Day, StoreError> {
        let from = self.policy.day_of(read);
        let mut sums: BTreeMap<_, (u64, Atto, Atto)> =
            ClaimState::ALL.iter().map(|state| (state.as_str(), Default::default())).collect();
        let mut after = None;
        for _ in 0..PAGES {
            let page = Page { after, limit: PAGE };
            let rows = store.reimbursables_between(&self.network, &self.name, from, read, page).await?;
            for row in &rows {
                let (count, burn, refund) = sums.entry(row.state.as_str()).or_default();
                *count += 1;
                *burn = Atto(burn.0.saturating_add(row.burn.0));
                *refund = Atto(refund.0.saturating_add(row.refund.0));
            }
            let Some(last) = rows.last() else { break };
            after = Some((last.epoch, last.message.clone()));
        }
        Ok(Day { from, sums })
    }
}

/// What one faucet is kept with.
struct Job {
    payback: Arc<Payback>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sources: Arc<Sources>,
    end: watch::Receiver<bool>,
}

impl Job {
    async fn run(self) {
        let mut end = self.end.clone();
        let reading = async {
            loop {
                let round = self.round().await;
                let rest = match &round {
                    Ok(walked) if walked.more => Duration::ZERO,
                    Ok(_) => ROUND,
                    Err(_) => RETRY,
                };
                self.report(round.map(drop));
                tokio::time::sleep(rest).await;
            }
        };
        tokio::select! {
            () = reading => {}
            _ = end.wait_for(|end| *end) => {}
        }
    }

    async fn round(&self) -> Result<Walked, NoRound> {
        let payback = &*self.payback;
        let (store, network, name) = (&*self.store, &payback.network, &payback.name);
        let now = self.clock.now();
        let faucet = (network, name.as_str());
        if store.faucet(network, name).await?.is_some_and(|row| row.day < 0) {
            let Some(from) = payback.start(store, now).await? else { return Ok(Walked::default()) };
            begin(store, faucet, from).await?;
        }
        let source = self.sources.world(network).await?.source;
        let source = source.ok_or_else(|| NoRound::Absent(network.clone()))?;
        let chain = Indexed {
            store: Arc::clone(&self.store),
            source,
            network: network.clone(),
            prefix: payback.prefix,
            end: self.end.clone(),
        };
        let least = payback.from.unwrap_or_default();
        let walked = walk(store, &payback.policy, faucet, &chain, least, (EPOCHS, now)).await?;
        for settled in &walked.settled {
            let (payments, messages, amount) =
                (settled.payments, settled.messages, settled.amount.to_string());
            tracing::info!(%network, faucet = name, payments, messages, amount, "refunds are owed");
        }
        if walked.epochs > 0 || payback.state().day.is_none() {
            let read = store.faucet(network, name).await?.and_then(|row| Epoch::new(row.day));
            if let Some(read) = read {
                let day = payback.sum(store, read).await?;
                payback.set(|state| state.day = Some(day));
            }
        }
        Ok(walked)
    }

    /// A failure is said once.
    fn report(&self, round: Result<(), NoRound>) {
        let failed = round.err().map(|error| chain_of(&error));
        if let Some(error) = &failed
            && self.payback.state().failed != failed
        {
            let Payback { network, name, .. } = &*self.payback;
            tracing::warn!(%network, faucet = name, error, "refunds stand still; it is tried again");
        }
        self.payback.set(|state| state.failed = failed);
    }
}
