//! Which network a node is of, and how far it is.

use std::num::NonZeroU32;

use apogee_spacemesh::address::Prefix;
use apogee_spacemesh::id::{Epochs, GenesisId, LayerId};

use crate::error::{Fault, GatewayError};
use crate::gateway::Gateway;
use crate::item::Item;
use crate::request::{Method, Request, told};
use crate::time;

const INFO: Method = told("NetworkService/Info");
const STATUS: Method = told("NodeService/Status");

/// A network, as a node is configured for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub genesis: GenesisId,
    /// When its first layer began, in milliseconds since 1970.
    pub genesis_time: i64,
    /// How long a layer takes, in milliseconds.
    pub layer_duration: u64,
    /// What its addresses begin with.
    pub prefix: Prefix,
    /// The layer from which on it does something. After a restart from a checkpoint it is another one than that from
    /// which subsidies are counted.
    pub effective_genesis: LayerId,
    /// Layers in an epoch.
    pub epochs: Epochs,
    /// Labels in a unit of space; zero where the node does not tell.
    pub labels_per_unit: u64,
}

/// How far a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Nodes that it is connected with.
    pub peers: u64,
    /// Whether it follows the network.
    pub sync: SyncStatus,
    /// The latest layer that it has seen blocks of.
    pub latest: LayerId,
    /// The last layer that it has executed.
    pub applied: LayerId,
    /// The last layer whose votes it has counted. Not the last one that is final: the protocol does not tell.
    pub processed: LayerId,
    /// The layer of the present time, by its clock.
    pub current: LayerId,
}

/// Whether a node follows its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStatus {
    /// It does not say.
    Unspecified,
    /// It has no connections.
    Offline,
    /// It is behind, and takes no transactions.
    Syncing,
    /// It follows.
    Synced,
}

const SYNC: [(&str, SyncStatus); 4] = [
    ("SYNC_STATUS_UNSPECIFIED", SyncStatus::Unspecified),
    ("SYNC_STATUS_OFFLINE", SyncStatus::Offline),
    ("SYNC_STATUS_SYNCING", SyncStatus::Syncing),
    ("SYNC_STATUS_SYNCED", SyncStatus::Synced),
];

impl Gateway {
    /// The network that the node is configured for. Whoever expects one compares.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn network(&self) -> Result<Network, GatewayError> {
        let answer = self.ask(INFO, &Request::default()).await;
        let read = answer.and_then(|answer| network(&Item::answer(&answer)));
        read.map_err(|fault| self.error(INFO, fault))
    }

    /// How far the node is.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn status(&self) -> Result<NodeStatus, GatewayError> {
        let answer = self.ask(STATUS, &Request::default()).await;
        let read = answer.and_then(|answer| status(&Item::answer(&answer)));
        read.map_err(|fault| self.error(STATUS, fault))
    }
}

pub(crate) fn network(item: &Item<'_>) -> Result<Network, Fault> {
    let prefix = Prefix::new(item.text("hrp")?).map_err(|_| item.wrong("hrp", "no prefix of addresses"))?;
    let layers = NonZeroU32::new(item.u32("layersPerEpoch")?);
    let layers = layers.ok_or_else(|| item.wrong("layersPerEpoch", "zero"))?;
    Ok(Network {
        genesis: GenesisId(item.array("genesisId")?),
        genesis_time: genesis_time(item)?,
        layer_duration: layer_duration(item)?,
        prefix,
        effective_genesis: item.layer("effectiveGenesisLayer")?,
        epochs: Epochs { layers },
        labels_per_unit: item.u64("labelsPerUnit")?,
    })
}

/// The first nodes of the older dialect tell times as seconds.
fn genesis_time(item: &Item<'_>) -> Result<i64, Fault> {
    let seconds = || i64::try_from(item.u64("genesisTime").ok()?).ok()?.checked_mul(1_000);
    let time = match item.text("genesisTime") {
        Ok(text) if text.contains('-') => time::instant(text),
        _ => seconds(),
    };
    time.ok_or_else(|| item.wrong("genesisTime", "no time"))
}

fn layer_duration(item: &Item<'_>) -> Result<u64, Fault> {
    let span = match item.text("layerDuration") {
        Ok(text) if text.ends_with('s') => time::span(text),
        _ => item.u64("layerDuration").ok().and_then(|seconds| seconds.checked_mul(1_000)),
    };
    span.filter(|span| *span > 0).ok_or_else(|| item.wrong("layerDuration", "no span"))
}

pub(crate) fn status(item: &Item<'_>) -> Result<NodeStatus, Fault> {
    // The first nodes told other layers, and left out would read as zero here.
    if item.get("syncedLayer").is_some() {
        return Err(item.wrong("syncedLayer", "what only nodes tell that are too old"));
    }
    Ok(NodeStatus {
        peers: item.u64("connectedPeers")?,
        sync: item.one_of("status", &SYNC)?,
        latest: item.layer("latestLayer")?,
        applied: item.layer("appliedLayer")?,
        processed: item.layer("processedLayer")?,
        current: item.layer("currentLayer")?,
    })
}
