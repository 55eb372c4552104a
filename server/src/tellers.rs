//! Paying beside serving: one task a wallet. Keys are held by a signer of its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apogee_domain::{Clock, NetworkId, Timestamp};
use apogee_filecoin::rpc::Pool;
use apogee_filecoin::source::Source;
use apogee_signer::SocketSigner;
use apogee_store::{Store, StoreError, Wallet};
use apogee_treasury::chain::{ChainError, Filecoin};
use apogee_treasury::{Cashier, Desk, NoFaults, TreasuryError, Turn, open_wallet};
use tokio::sync::watch;

use crate::cli::chain_of;
use crate::config;
use crate::networks::{NoChain, Nodes, Prepared};

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
    nodes: Box<Nodes>,
}

impl Teller {
    /// The wallets of some settings.
    pub(crate) fn all(config: &config::Config, networks: &[Prepared]) -> Result<Vec<Self>, NoTeller> {
        let teller = |(name, settings): (&String, &config::Wallet)| {
            let (wallet, network) = (name.clone(), settings.network.clone());
            if !config::is_name(name) {
                return Err(NoTeller::Name { wallet });
            }
            match networks.iter().find(|prepared| *prepared.name() == network) {
                None => Err(NoTeller::Network { wallet, network }),
                Some(Prepared::Recording(_)) => Err(NoTeller::Recording { wallet, network }),
                Some(Prepared::Nodes(nodes)) => {
                    Ok(Self { name: wallet, settings: settings.clone(), nodes: nodes.clone() })
                }
            }
        };
        config.wallets.iter().map(teller).collect()
    }

    /// Its name in reports.
    pub(crate) fn key(&self) -> (NetworkId, String) {
        (self.settings.network.clone(), self.name.clone())
    }

    /// By which measures it pays.
    pub(crate) fn measures(&self) -> apogee_treasury::Config {
        self.settings.measures()
    }

    /// The chain and the desk; the wallet is taken into the books where it is not yet.
    pub(crate) async fn open(&self, store: Arc<dyn Store>) -> Result<(Desk, Arc<dyn Source>), NoTeller> {
        let opened = self.nodes.open().await?;
        let pool: Arc<Pool> = Arc::clone(&self.nodes.pool);
        let chain = Filecoin::new(pool, Arc::clone(&opened.source), &opened.network.address_prefix);
        let chain = Arc::new(chain);
        let (network, address) = (&self.settings.network, &self.settings.address);
        let _: Wallet = open_wallet(&*store, &*chain, network, &self.name, address).await?;
        let desk = Desk {
            store,
            chain,
            signer: Arc::new(SocketSigner::new(self.settings.signer.clone(), PATIENCE)),
            faults: Arc::new(NoFaults),
            network: network.clone(),
            wallet: self.name.clone(),
            config: self.measures(),
        };
        Ok((desk, opened.source))
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
                    () = source.changed() => {}
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
