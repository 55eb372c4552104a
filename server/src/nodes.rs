//! Nodes that are asked for whoever wants to know something now. What they say is told as theirs, kept nowhere, and taken for no fact.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use apogee_domain::NetworkId;
use apogee_faucet::{ActorKey, Named, Notation, Recipient, Unresolved};
use apogee_spacemesh::address::{Address, Prefix};
use apogee_spacemesh::id::{GenesisId, TransactionId};
use apogee_spacemesh_gateway::{
    Account, Gateway, GatewayError, Limits, Network, NodeStatus, SyncStatus, Transaction,
};
use apogee_treasury_spacemesh::atto;
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::config;
use crate::spacemesh::{self, NotFollowed};

/// How long a node may take for everything that one answer needs. A chat waits for three seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Answers for which one node is asked at a time.
const AT_ONCE: usize = 4;
/// How long somebody waits for a place: where a node hangs, whoever asks does not.
const PLACE: Duration = Duration::from_millis(500);
/// Bytes of one answer: an account or a transaction is small.
const LARGEST: usize = 64 << 10;

/// The nodes of the networks of Spacemesh that are read over a gateway.
#[derive(Debug, Default)]
pub(crate) struct Nodes(BTreeMap<NetworkId, Node>);

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    gateway: Gateway,
    /// Which network it has to be of.
    genesis: GenesisId,
    /// What its addresses begin with.
    pub(crate) prefix: Prefix,
    places: Semaphore,
}

/// How a node does, as it says itself.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct NodeNow {
    /// Whether it has answered, and is of the network; otherwise nothing else is known.
    pub(crate) answers: bool,
    /// `synced`, `syncing`, `offline` or `unspecified`.
    pub(crate) sync: Option<&'static str>,
    /// Nodes that it is connected with.
    pub(crate) peers: Option<u64>,
    /// The layer of the present time, by its clock.
    pub(crate) layer: Option<u32>,
    /// The last layer that it has executed.
    pub(crate) applied: Option<u32>,
    /// The epoch of the layer of the present time.
    pub(crate) epoch: Option<u32>,
}

/// Why a node says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silent {
    #[error("it takes too long")]
    Late,
    #[error("it is of the network {0}")]
    OtherNetwork(GenesisId),
    #[error("it cannot be asked")]
    Gateway(#[from] GatewayError),
}

impl Nodes {
    /// Those of some settings. None is asked yet.
    pub(crate) fn open(networks: &BTreeMap<NetworkId, config::Network>) -> Result<Self, NotFollowed> {
        let mut nodes = BTreeMap::new();
        for (id, settings) in networks {
            let limits = Limits {
                connect_timeout: PATIENCE,
                timeout: PATIENCE,
                list_timeout: PATIENCE,
                body: LARGEST,
                // One row, and the page that says there are no more.
                pages: 2,
                rows: 1,
                ..Limits::default()
            };
            let Some(known) = spacemesh::Node::within(id, settings, limits)? else { continue };
            let (gateway, genesis, prefix) = (known.gateway().clone(), known.genesis(), known.prefix());
            nodes.insert(id.clone(), Node { gateway, genesis, prefix, places: Semaphore::new(AT_ONCE) });
        }
        Ok(Self(nodes))
    }

    /// The node of a network.
    pub(crate) fn of(&self, network: &NetworkId) -> Option<&Node> {
        self.0.get(network)
    }
}

impl Node {
    /// How it does. That it does not say is an answer as well.
    pub(crate) async fn now(&self) -> NodeNow {
        self.asked(async { Ok(()) }).await.map_or_else(
            |error| {
                tracing::debug!(error = &error as &dyn Error, "a node says nothing");
                NodeNow::SILENT
            },
            |(now, ())| now,
        )
    }

    /// What it knows of an account, and how it does; `None` where it has never been paid.
    pub(crate) async fn account(&self, address: &Address) -> Result<(NodeNow, Option<Account>), Silent> {
        self.asked(self.gateway.account(address)).await
    }

    /// How its network writes addresses.
    pub(crate) const fn notation(&self) -> Notation {
        Notation::Spacemesh(self.prefix)
    }

    /// Whose address this is, by the last layer that it has executed. Any account can be paid, whether it was made or not.
    pub(crate) async fn recipient(&self, address: &Named) -> Result<Recipient, Unresolved> {
        let Named::Spacemesh(account) = address else {
            return Err(Unresolved::Unavailable("an address of another network".into()));
        };
        let found = self.account(account).await;
        let (_, found) = found.map_err(|error| Unresolved::Unavailable(Box::new(error)))?;
        let balance = atto(found.map_or(0, |found| found.current.balance));
        Ok(Recipient { key: ActorKey::of_mesh(account, self.prefix), balance, miner: false })
    }

    /// What it knows of a transaction, and how it does.
    pub(crate) async fn transaction(
        &self,
        id: &TransactionId,
    ) -> Result<(NodeNow, Option<Transaction>), Silent> {
        self.asked(self.gateway.transaction(id)).await
    }

    /// The question comes with those for the network and how far the node is: an answer of a node of another network is none.
    async fn asked<T>(
        &self,
        question: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<(NodeNow, T), Silent> {
        let asking = async {
            let place = tokio::time::timeout(PLACE, self.places.acquire()).await;
            let _place = place.map_err(|_| Silent::Late)?.map_err(|_| Silent::Late)?;
            let (network, status, answer) =
                tokio::try_join!(self.gateway.network(), self.gateway.status(), question)?;
            if network.genesis == self.genesis {
                Ok((NodeNow::of(&network, &status), answer))
            } else {
                Err(Silent::OtherNetwork(network.genesis))
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or(Err(Silent::Late))
    }
}

impl NodeNow {
    const SILENT: Self =
        Self { answers: false, sync: None, peers: None, layer: None, applied: None, epoch: None };

    fn of(network: &Network, status: &NodeStatus) -> Self {
        Self {
            answers: true,
            sync: Some(match status.sync {
                SyncStatus::Unspecified => "unspecified",
                SyncStatus::Offline => "offline",
                SyncStatus::Syncing => "syncing",
                SyncStatus::Synced => "synced",
            }),
            peers: Some(status.peers),
            layer: Some(status.current.0),
            applied: Some(status.applied.0),
            epoch: Some(network.epochs.of(status.current).0),
        }
    }
}
