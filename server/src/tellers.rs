//! Paying beside serving: one task a wallet. Keys are held by a signer of its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apogee_domain::{Clock, NetworkId, NetworkKind, Timestamp};
use apogee_faucet::policy::{Coin, Money};
use apogee_filecoin::rpc::Pool;
use apogee_filecoin::source::Source;
use apogee_signer::SocketSigner;
use apogee_store::{Store, StoreError, Wallet};
use apogee_treasury::chain::{Chain, ChainError, Filecoin};
use apogee_treasury::{Cashier, Desk, NoFaults, TreasuryError, Turn, open_wallet};
use tokio::sync::watch;

use crate::cli::chain_of;
use crate::config;
use crate::networks::{NoChain, Nodes, Prepared};
use crate::spacemesh::{Node, WrongNode};

/// How long to wait after a failure that may pass.
const RETRY: Duration = Duration::from_secs(5);
/// How long a signer may take for a batch.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the wallets of this process do.
pub(crate) type Reports = Arc<Mutex<BTreeMap<(NetworkId, String), Report>>>;

/// By which measures the wallets of this process pay.
pub(crate) type Measures = BTreeMap<(NetworkId, String), apogee_treasury::Config>;

/// What became of a wallet's last turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// When.
    pub(crate) at: Timestamp,
    /// What it did; `None` when it failed.
    pub(crate) turn: Option<Turn>,
    /// Why it failed, in words.
    pub(crate) failed: Option<String>,
}

/// Why a wallet cannot be paid from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTeller {
    #[error("wallets.{wallet}: its network {network} is not followed here")]
    Network { wallet: String, network: NetworkId },
    #[error("wallets.{wallet}: its network {network} is a recording, on which nothing can be paid")]
    Recording { wallet: String, network: NetworkId },
    #[error(
        "wallets.{wallet}: its network {network} is paid on through a node: give networks.{network} a gateway beside its copy"
    )]
    Gateway { wallet: String, network: NetworkId },
    #[error("wallets.{wallet}: {amount} is of another coin than its network {network}")]
    Coin { wallet: String, network: NetworkId, amount: Money },
    #[error("wallets.{wallet}: wallets on Spacemesh pay by themselves, proposes_for is of Filecoin")]
    Proposes { wallet: String },
    #[error("wallets.{wallet}: it is of Spacemesh, where nothing is proposed")]
    NoProposals { wallet: String },
    #[error(
        "wallets.{wallet}: {address} was not made {depth} layers ago; `apogee treasury spawn {wallet}` makes it, once it has money for that"
    )]
    Unmade { wallet: String, address: String, depth: u32 },
    #[error(transparent)]
    Node(#[from] WrongNode),
    #[error("wallets.{wallet}: the name has to be 1 to 40 characters of a–z, 0–9 and -")]
    Name { wallet: String },
    #[error(transparent)]
    Chain(#[from] NoChain),
    #[error("the chain cannot be read")]
    Unread(#[from] ChainError),
    #[error(transparent)]
    Treasury(#[from] TreasuryError),
    #[error("the database refuses")]
    Store(#[from] StoreError),
}

/// A wallet of the settings with its network's nodes, none of which was asked yet.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    name: String,
    settings: config::Wallet,
    place: Place,
}

/// What its network is paid on through.
#[derive(Clone, Debug)]
enum Place {
    Filecoin(Box<Nodes>),
    Spacemesh(Box<Node>),
}

impl Place {
    const fn kind(&self) -> NetworkKind {
        match self {
            Self::Filecoin(_) => NetworkKind::Filecoin,
            Self::Spacemesh(_) => NetworkKind::Spacemesh,
        }
    }
}

impl Teller {
    /// The wallets of some settings.
    pub(crate) fn all(
        config: &config::Config,
        networks: &[Prepared],
        nodes: &[Node],
    ) -> Result<Vec<Self>, NoTeller> {
        let teller = |(name, settings): (&String, &config::Wallet)| {
            let (wallet, network) = (name.clone(), settings.network.clone());
            if !config::is_name(name) {
                return Err(NoTeller::Name { wallet });
            }
            let place = place(config, (&wallet, &network), networks, nodes)?;
            if let Some(amount) = settings.foreign(Coin::of(place.kind())) {
                return Err(NoTeller::Coin { wallet, network, amount });
            }
            if settings.proposes_for.is_some() && place.kind() == NetworkKind::Spacemesh {
                return Err(NoTeller::Proposes { wallet });
            }
            Ok(Self { name: wallet, settings: settings.clone(), place })
        };
        config.wallets.iter().map(teller).collect()
    }

    /// Its name in reports.
    pub(crate) fn key(&self) -> (NetworkId, String) {
        (self.settings.network.clone(), self.name.clone())
    }

    /// By which measures it pays.
    pub(crate) fn measures(&self) -> apogee_treasury::Config {
        let kind = self.settings.measures;
        self.settings.measures(match (&self.place, kind) {
            (Place::Filecoin(_), config::Measures::Drips) => apogee_treasury::Config::drips(),
            (Place::Filecoin(_), config::Measures::Large) => apogee_treasury::Config::large(),
            (Place::Spacemesh(node), kind) => node.measures(kind),
        })
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        &self.settings.address
    }

    /// Who has its key.
    pub(crate) fn signer(&self) -> SocketSigner {
        SocketSigner::new(self.settings.signer.clone(), PATIENCE)
    }

    /// The node of its network, where that is of Spacemesh.
    pub(crate) fn node(&self) -> Option<&Node> {
        match &self.place {
            Place::Spacemesh(node) => Some(node),
            Place::Filecoin(_) => None,
        }
    }

    /// The chain and the desk; the wallet is taken into the books where it is not yet. And what wakes when the chain has grown, where something does.
    pub(crate) async fn open(
        &self,
        store: Arc<dyn Store>,
    ) -> Result<(Desk, Option<Arc<dyn Source>>), NoTeller> {
        let (chain, source): (Arc<dyn Chain>, _) = match &self.place {
            Place::Filecoin(nodes) => {
                let (chain, source) = filecoin(nodes).await?;
                (chain, Some(source))
            }
            Place::Spacemesh(node) => {
                let chain = node.chain(Arc::clone(&store)).await?;
                self.made(&*store, &chain).await?;
                (Arc::new(chain), None)
            }
        };
        let (network, address) = (&self.settings.network, &self.settings.address);
        let multisig = self.settings.proposes_for.as_deref();
        let _: Wallet = open_wallet(&*store, &*chain, network, &self.name, address, multisig).await?;
        let desk = Desk {
            store,
            chain,
            signer: Arc::new(self.signer()),
            faults: Arc::new(NoFaults),
            network: network.clone(),
            wallet: self.name.clone(),
            config: self.measures(),
        };
        Ok((desk, source))
    }

    /// That a wallet which is not in the books yet is made: else what makes it would take a nonce that is counted as ours.
    async fn made(&self, store: &dyn Store, chain: &dyn Chain) -> Result<(), NoTeller> {
        let (network, address) = (&self.settings.network, self.address());
        let known = store.wallet(network, &self.name).await?;
        if known.is_some_and(|known| known.address == address) {
            return Ok(());
        }
        let depth = self.measures().depth;
        if is_made(chain, address, depth).await? {
            return Ok(());
        }
        Err(NoTeller::Unmade { wallet: self.name.clone(), address: address.to_owned(), depth })
    }

    /// The chain of a wallet that may propose.
    pub(crate) async fn proposals(&self) -> Result<Arc<Filecoin>, NoTeller> {
        match &self.place {
            Place::Filecoin(nodes) => Ok(filecoin(nodes).await?.0),
            Place::Spacemesh(_) => Err(NoTeller::NoProposals { wallet: self.name.clone() }),
        }
    }

    /// Pay until `end` says so. A failure is said once, and tried again. `owner` names this process among all that there ever were.
    pub(crate) async fn run(
        self,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        owner: String,
        reports: Reports,
        mut end: watch::Receiver<bool>,
    ) {
        let paying = async {
            let (desk, source) = loop {
                match self.open(Arc::clone(&store)).await {
                    Ok(opened) => break opened,
                    Err(error) => self.report(&reports, clock.now(), Err(&error)),
                }
                tokio::time::sleep(RETRY).await;
            };
            let mut cashier = Cashier::new(desk, owner);
            loop {
                let now = clock.now();
                let turn = cashier.tick(now).await.map_err(NoTeller::from);
                let rest = if turn.is_ok() { self.settings.tick_seconds.into() } else { RETRY.as_secs() };
                self.report(&reports, now, turn.as_ref());
                // A new head is a reason to look at once, but not more than once a second.
                let rest = Duration::from_secs(rest.max(1));
                tokio::time::sleep(rest.min(Duration::from_secs(1))).await;
                let left = rest.saturating_sub(Duration::from_secs(1));
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    () = changed(source.as_deref()) => {}
                }
            }
        };
        tokio::select! {
            () = paying => {}
            // What was begun is whole or not there; the next start goes on.
            _ = end.wait_for(|end| *end) => {}
        }
    }

    fn report(&self, reports: &Reports, at: Timestamp, turn: Result<&Turn, &NoTeller>) {
        let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
        let before = reports.entry(self.key()).or_default();
        let failed = turn.err().map(|error| chain_of(error));
        if before.failed != failed {
            match turn {
                Ok(_) => tracing::info!(wallet = self.name, "paying again"),
                Err(error) => {
                    tracing::error!(wallet = self.name, error = error as &dyn Error, "nothing can be paid");
                }
            }
        }
        *before = Report { at, turn: turn.ok().cloned(), failed };
    }
}

/// Through what a wallet of the settings is paid from.
fn place(
    config: &config::Config,
    (wallet, network): (&str, &NetworkId),
    networks: &[Prepared],
    nodes: &[Node],
) -> Result<Place, NoTeller> {
    let (wallet, named) = (wallet.to_owned(), network.clone());
    if let Some(node) = nodes.iter().find(|node| node.id() == network) {
        return Ok(Place::Spacemesh(Box::new(node.clone())));
    }
    match networks.iter().find(|prepared| prepared.name() == network) {
        Some(Prepared::Nodes(nodes)) => Ok(Place::Filecoin(nodes.clone())),
        Some(Prepared::Recording(_)) => Err(NoTeller::Recording { wallet, network: named }),
        None if config.networks.get(network).is_some_and(|settings| settings.spacemesh.is_some()) => {
            Err(NoTeller::Gateway { wallet, network: named })
        }
        None => Err(NoTeller::Network { wallet, network: named }),
    }
}

/// Whether a wallet on Spacemesh was made so many layers ago: its first transaction is that which makes it.
pub(crate) async fn is_made(chain: &dyn Chain, address: &str, depth: u32) -> Result<bool, ChainError> {
    let head = chain.head().await?;
    let below = chain.ancestor(&head, head.epoch.minus(depth.into())).await?;
    Ok(chain.account(&below, address).await?.nonce > 0)
}

/// The chain behind nodes of Filecoin.
async fn filecoin(nodes: &Nodes) -> Result<(Arc<Filecoin>, Arc<dyn Source>), NoTeller> {
    let opened = nodes.open().await?;
    let pool: Arc<Pool> = Arc::clone(&nodes.pool);
    let chain = Filecoin::new(pool, Arc::clone(&opened.source), &opened.network.address_prefix);
    Ok((Arc::new(chain), opened.source))
}

/// When a chain has grown; never, where nobody tells.
async fn changed(source: Option<&dyn Source>) {
    match source {
        Some(source) => source.changed().await,
        None => std::future::pending().await,
    }
}
