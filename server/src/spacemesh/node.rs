//! A node of a network of Spacemesh, to be asked about accounts and paid through.

use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Network, NetworkId};
use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::id::{GenesisId, PublicKey};
use apogee_spacemesh::template::Spawn;
use apogee_spacemesh_gateway::{Endpoint, Gateway, GatewayError, Limits};
use apogee_store::Store;
use apogee_treasury::Config as Measures;
use apogee_treasury_spacemesh::{Spacemesh, drips, large};

use super::{Described, NotFollowed};
use crate::config;

/// A network of the settings with its node's gateway, which was not asked yet.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    network: Network,
    described: Described,
    gateway: Gateway,
}

/// Why a node is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WrongNode {
    #[error("the node's gateway does not answer")]
    Gateway(#[from] GatewayError),
    #[error("the node of {network} is of another network: it has {what}")]
    Other { network: NetworkId, what: String },
}

impl Node {
    /// That of some settings; `None` where they name no gateway.
    pub(crate) fn of(id: &NetworkId, settings: &config::Network) -> Result<Option<Self>, NotFollowed> {
        Self::within(id, settings, Limits::default())
    }

    /// The same, asked within other limits.
    pub(crate) fn within(
        id: &NetworkId,
        settings: &config::Network,
        limits: Limits,
    ) -> Result<Option<Self>, NotFollowed> {
        let (Some(file), Some(gateway)) = (&settings.spacemesh, &settings.gateway) else { return Ok(None) };
        let described = Described::read(file)?;
        let endpoint = Endpoint::new(&gateway.url)
            .map_err(|cause| NotFollowed::Endpoint { network: id.clone(), cause })?;
        let (dialect, prefix) = (gateway.dialect.into(), described.prefix());
        let gateway = Gateway::new(endpoint, dialect, prefix, limits)
            .map_err(|cause| NotFollowed::Gateway { network: id.clone(), cause })?;
        Ok(Some(Self { network: described.network(id.clone()), described, gateway }))
    }

    pub(crate) const fn id(&self) -> &NetworkId {
        &self.network.id
    }

    pub(crate) const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The network's genesis id.
    pub(crate) fn genesis(&self) -> GenesisId {
        self.described.params().genesis
    }

    /// What its addresses begin with.
    pub(crate) fn prefix(&self) -> Prefix {
        self.described.prefix()
    }

    /// The wallet of a key.
    pub(crate) fn address_of(&self, key: PublicKey) -> String {
        Spawn::Wallet(key).address().text(self.prefix())
    }

    /// By which measures its wallets pay where nothing else is said.
    pub(crate) fn measures(&self, kind: config::Measures) -> Measures {
        let layer = Duration::from_secs(self.network.epoch_seconds.into());
        match kind {
            config::Measures::Drips => drips(layer),
            config::Measures::Large => large(layer, self.network.finality.depth),
        }
    }

    /// The network as the treasury pays on it. The node is asked whether it is of that network.
    pub(crate) async fn chain(&self, store: Arc<dyn Store>) -> Result<Spacemesh, WrongNode> {
        let found = self.gateway.network().await?;
        let (genesis, prefix) = (self.genesis(), self.prefix());
        let other = |what: String| WrongNode::Other { network: self.network.id.clone(), what };
        if found.genesis != genesis {
            return Err(other(format!("the genesis id {}", found.genesis)));
        }
        if found.prefix != prefix {
            return Err(other(format!("addresses that begin with {}", found.prefix)));
        }
        // What else it says of itself may change with a restart from a checkpoint.
        Ok(Spacemesh::new(self.gateway.clone(), found, store, self.network.id.clone()))
    }
}
