//! The faucets of this process: their policies, and what is done for them beside granting.

mod miners;
mod public;
mod subjects;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Clock, Network, NetworkId, NetworkKind};
use apogee_faucet::policy::{Coin, Condition, Policy, PolicyError, presets};
use apogee_faucet::{
    Desk, DeskError, Named, Notation, Recipient, Recipients, Unresolved, free_funds, recipient_in,
};
use apogee_filecoin::source::{Blocks, Source};
use apogee_store::{EpochKind, Page, Store, StoreError};
use async_trait::async_trait;
use cid::Cid;
use fvm_ipld_blockstore::Blockstore;
use tokio::sync::watch;

pub(crate) use self::public::{FaucetNow, FaucetsNow, Latest, band, latest, median};
pub(crate) use self::subjects::{NoSubject, key_of, name_of};
use crate::config::{Config, is_name};
use crate::edge;
use crate::networks::NoChain;
use crate::nodes::Node;
use crate::policies;
use crate::sources::Sources;

/// How often funds are looked at, and ended payments given back.
const ROUND: Duration = Duration::from_secs(5);
/// How often it is looked who operates miners.
const LEARN: Duration = Duration::from_secs(300);
/// And how soon again while nobody is known.
const LEARN_AGAIN: Duration = Duration::from_secs(10);
/// Epochs that are looked through for one with a tipset.
const EPOCHS: u32 = 64;

/// Why a faucet cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoFaucet {
    #[error("faucets.{faucet}: there is no wallet {wallet} in the settings")]
    Wallet { faucet: String, wallet: String },
    #[error(
        "faucets.{faucet}: the wallet {wallet} only proposes for a multisig; a grant wants one that pays"
    )]
    Proposes { faucet: String, wallet: String },
    #[error("faucets.{faucet}: a name is 1 to 40 characters of a–z, 0–9 and -")]
    Name { faucet: String },
    #[error("{}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("the policy of faucets.{faucet} cannot be used")]
    Policy {
        faucet: String,
        #[source]
        cause: PolicyError,
    },
    #[error(
        "the policy of faucets.{faucet} is not the one of its number in the database; give it a higher version"
    )]
    Older {
        faucet: String,
        #[source]
        cause: StoreError,
    },
    #[error("the policy of faucets.{faucet} is in {ours}, and the coin of {network} is {theirs}")]
    Coin { faucet: String, network: NetworkId, ours: Coin, theirs: Coin },
    #[error("the policy of faucets.{faucet} has a tier of miners, which nobody knows on {network}")]
    Miners { faucet: String, network: NetworkId },
    #[error("there is no randomness")]
    Randomness,
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

/// A faucet that is open.
#[derive(Debug)]
pub(crate) struct Drip {
    /// Who decides.
    pub(crate) desk: Arc<Desk>,
    /// The wallet that pays.
    pub(crate) wallet: String,
    /// Who knows recipients.
    recipients: Lookup,
}

impl Drip {
    /// What the network knows of an address.
    pub(crate) async fn recipient(&self, address: &Named) -> Result<Recipient, Unresolved> {
        self.recipients.recipient(address).await
    }
}

/// The faucets of this process.
#[derive(Debug)]
pub(crate) struct Faucets {
    clock: Arc<dyn Clock>,
    drips: BTreeMap<(NetworkId, String), Arc<Drip>>,
}

impl Faucets {
    /// Those of some settings. Their policies go into the database.
    pub(crate) async fn open(
        config: &Config,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
        sources: &Arc<Sources>,
    ) -> Result<Self, NoFaucet> {
        let mut drips = BTreeMap::new();
        for (name, settings) in &config.faucets {
            let wallet = config.wallets.get(&settings.wallet);
            let wallet = wallet
                .ok_or_else(|| NoFaucet::Wallet { faucet: name.clone(), wallet: settings.wallet.clone() })?;
            if wallet.proposes_for.is_some() {
                return Err(NoFaucet::Proposes { faucet: name.clone(), wallet: settings.wallet.clone() });
            }
            if !is_name(name) {
                return Err(NoFaucet::Name { faucet: name.clone() });
            }
            let read = |file: &PathBuf| {
                policies::read(file).map_err(|cause| NoFaucet::Unreadable(file.clone(), cause))
            };
            let network = wallet.network.clone();
            let notation = sources
                .node(&network)
                .map_or_else(|| Notation::of(NetworkKind::Filecoin, &wallet.address), Node::notation);
            let kind = notation.kind();
            let preset = match kind {
                NetworkKind::Filecoin => presets::DEFAULT,
                NetworkKind::Spacemesh => presets::SPACEMESH,
            };
            let text = settings.policy.as_ref().map_or_else(|| Ok(preset.to_owned()), read)?;
            let policy =
                Policy::read(&text).map_err(|cause| NoFaucet::Policy { faucet: name.clone(), cause })?;
            fits(name, &network, &policy, kind)?;
            put(store, clock, (&network, name), &settings.wallet, &policy, &text).await?;
            let random = Box::new(edge::randomness().map_err(|_| NoFaucet::Randomness)?);
            let named = (network.clone(), name.clone(), notation);
            let desk = Desk::new(Arc::clone(store), Arc::clone(clock), random, named, policy);
            let (store, sources) = (Arc::clone(store), Arc::clone(sources));
            let recipients = Lookup::new(store, sources, network.clone(), notation);
            let drip = Drip { desk, wallet: settings.wallet.clone(), recipients };
            drips.insert((network, name.clone()), Arc::new(drip));
        }
        Ok(Self { clock: Arc::clone(clock), drips })
    }

    /// All of them, by network and name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&(NetworkId, String), &Arc<Drip>)> {
        self.drips.iter()
    }

    /// Look after them until `end` says so: what their wallets hold, payments that ended unpaid, who operates miners.
    pub(crate) async fn keep(self: Arc<Self>, store: Arc<dyn Store>, mut end: watch::Receiver<bool>) {
        let keeping = async {
            loop {
                for ((network, name), drip) in &self.drips {
                    if let Err(error) = look_after(&*store, network, drip).await {
                        let error: &dyn Error = &error;
                        tracing::warn!(%network, faucet = name, error, "a faucet is not looked after");
                    }
                }
                tokio::time::sleep(ROUND).await;
            }
        };
        tokio::select! {
            () = keeping => {}
            () = self.learn() => {}
            _ = end.wait_for(|end| *end) => {}
        }
    }

    /// Look again and again at who operates miners, where a policy has a tier for them.
    async fn learn(&self) {
        loop {
            let mut rest = LEARN;
            for ((network, name), drip) in &self.drips {
                if !has_miners(drip.desk.policy()) {
                    continue;
                }
                match drip.recipients.operators.look(&drip.recipients, self.clock.now()).await {
                    Ok(1..) => {}
                    // Nothing may be indexed yet.
                    Ok(0) => rest = LEARN_AGAIN,
                    Err(error) => {
                        rest = LEARN_AGAIN;
                        let error: &dyn Error = &error;
                        tracing::warn!(%network, faucet = name, error, "who operates miners is not known");
                    }
                }
            }
            tokio::time::sleep(rest).await;
        }
    }
}

/// Whether a policy is one for a network.
fn fits(faucet: &str, network: &NetworkId, policy: &Policy, kind: NetworkKind) -> Result<(), NoFaucet> {
    let (ours, theirs) = (policy.coin(), Coin::of(kind));
    let (faucet, network) = (faucet.to_owned(), network.clone());
    if ours != theirs {
        return Err(NoFaucet::Coin { faucet, network, ours, theirs });
    }
    if kind == NetworkKind::Spacemesh && has_miners(policy) {
        return Err(NoFaucet::Miners { faucet, network });
    }
    Ok(())
}

/// Whether a policy has a tier for those who operate miners.
fn has_miners(policy: &Policy) -> bool {
    policy.tier.iter().any(|tier| matches!(tier.when, Condition::Miner))
}

async fn look_after(store: &dyn Store, network: &NetworkId, drip: &Drip) -> Result<(), DeskError> {
    drip.desk.set_funds(free_funds(store, network, &drip.wallet).await?);
    drip.desk.settle().await?;
    Ok(())
}

/// The faucet with its policy, in the database.
async fn put(
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    (network, name): (&NetworkId, &str),
    wallet: &str,
    policy: &Policy,
    text: &str,
) -> Result<(), NoFaucet> {
    let faucet = policies::row((network, name), wallet, (policy.version, policy.digest()), 0, clock.now());
    let mut work = store.begin().await?;
    work.put_faucet(&faucet, text).await.map_err(|cause| match cause {
        cause @ StoreError::Conflict { .. } => NoFaucet::Older { faucet: name.to_owned(), cause },
        cause => cause.into(),
    })?;
    Ok(work.commit().await?)
}

/// Recipients in the newest indexed state of a network.
pub(crate) struct Lookup {
    store: Arc<dyn Store>,
    sources: Arc<Sources>,
    network: NetworkId,
    notation: Notation,
    operators: Arc<miners::Known>,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lookup({})", self.network)
    }
}

/// Why nobody can be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoState {
    #[error("nothing is indexed yet")]
    Empty,
    #[error("the network is not followed here")]
    Absent,
    #[error(transparent)]
    Chain(#[from] NoChain),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Lookup {
    /// Of a network that writes addresses like that.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        sources: Arc<Sources>,
        network: NetworkId,
        notation: Notation,
    ) -> Self {
        Self { store, sources, network, notation, operators: Arc::default() }
    }

    /// Of a network that is indexed.
    pub(crate) fn of(store: Arc<dyn Store>, sources: Arc<Sources>, network: &Network) -> Self {
        Self::new(store, sources, network.id.clone(), Notation::of(network.kind, &network.address_prefix))
    }

    /// How the network writes addresses.
    pub(crate) const fn notation(&self) -> Notation {
        self.notation
    }

    async fn state(&self) -> Result<(Arc<dyn Source>, Cid), NoState> {
        let source = self.sources.world(&self.network).await?.source.ok_or(NoState::Absent)?;
        let records = self.store.epochs(&self.network, Page { after: None, limit: EPOCHS }).await?;
        let record = records.into_iter().find(|record| record.kind == EpochKind::Tipset);
        let root = record.and_then(|record| record.state_root.parse().ok()).ok_or(NoState::Empty)?;
        Ok((source, root))
    }
}

#[async_trait]
impl Recipients for Lookup {
    async fn recipient(&self, address: &Named) -> Result<Recipient, Unresolved> {
        let absent = || Unresolved::Unavailable(Box::new(NoState::Absent));
        let (address, prefix) = match (address, self.notation) {
            (Named::Filecoin(address), Notation::Filecoin(prefix)) => (*address, prefix),
            _ => return self.sources.node(&self.network).ok_or_else(absent)?.recipient(address).await,
        };
        let state = self.state().await;
        let (source, root) = state.map_err(|error| Unresolved::Unavailable(Box::new(error)))?;
        let nodes = Nodes(source.blocks());
        let (operators, now) = (Arc::clone(&self.operators), self.sources.now());
        let operates = move |actor| operators.operates(actor, now);
        // Blocks are read by threads that may wait.
        let read =
            tokio::task::spawn_blocking(move || recipient_in(&nodes, &root, &address, prefix, operates));
        read.await.map_err(|error| Unresolved::Unavailable(Box::new(error)))?
    }
}

/// Blocks behind a handle.
struct Nodes(Arc<dyn Blocks>);

impl Blockstore for Nodes {
    fn get(&self, cid: &Cid) -> anyhow::Result<Option<Vec<u8>>> {
        self.0.get(cid)
    }

    fn put_keyed(&self, cid: &Cid, _: &[u8]) -> anyhow::Result<()> {
        anyhow::bail!("block {cid} cannot be written: state is only read")
    }
}
