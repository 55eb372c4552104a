//! Settings of probes: who makes them, and of whom.

use std::collections::BTreeMap;
use std::path::PathBuf;

use apogee_domain::NetworkId;
use serde::{Deserialize, Serialize};

/// A bot that may take part in probing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bot {
    /// Its public key, which `apogee dealbot new` prints.
    pub(crate) key: String,
    /// Where it is: what it finds is told by region.
    pub(crate) region: String,
}

/// The probes of a competition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probes {
    /// On which network.
    pub(crate) network: NetworkId,
    /// A file with the seed, which `apogee dealbot seed` makes.
    pub(crate) seed: PathBuf,
    /// A file with the key that signs the log of evidence, which `apogee dealbot log-key` makes.
    pub(crate) log_key: PathBuf,
    /// Where the first interval begins: `2026-05-24T00:00:00Z`.
    pub(crate) start: String,
    /// The epoch whose beacon the seed is bound to: it is to come when the seed is committed to, and final before `start`.
    #[serde(default)]
    pub(crate) beacon_epoch: Option<i64>,
    /// One slot of each miner in so many seconds.
    #[serde(default = "interval")]
    pub(crate) retrieval_seconds: u32,
    /// How many slots.
    pub(crate) retrieval_slots: u64,
    /// Where each miner serves: `https://…`.
    pub(crate) gateways: BTreeMap<String, String>,
    /// What they are asked for; where deals are offered, also what is stored by then.
    #[serde(default)]
    pub(crate) data: Vec<Data>,
    /// The deals that are offered; none where it is absent.
    #[serde(default)]
    pub(crate) storage: Option<Storage>,
    /// Whether addresses that are not public may be dialled: on a network of one's own.
    #[serde(default)]
    pub(crate) allow_private: bool,
    /// Seconds between the canaries of a bot.
    #[serde(default = "canary")]
    pub(crate) canary_seconds: u32,
    /// Seconds that a slot stays with a bot that is silent.
    #[serde(default = "lease")]
    pub(crate) lease_seconds: u32,
    /// Minutes of a day that a miner may declare maintenance for.
    #[serde(default = "maintenance")]
    pub(crate) maintenance_minutes: u32,
}

/// Deals that are offered to miners.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storage {
    /// One slot of each miner in so many seconds.
    #[serde(default = "hour")]
    pub(crate) seconds: u32,
    /// How many slots.
    pub(crate) slots: u64,
    /// A file with the client's key, which `apogee dealbot client` makes.
    pub(crate) client: PathBuf,
    /// Where miners reach this server, to fetch the data: `https://…`.
    pub(crate) data: String,
    /// How far a deal has to come: `accepted`, `published` or `active`.
    #[serde(default = "active")]
    pub(crate) success_at: String,
    /// Sizes of payloads and how often each is taken, of a million.
    #[serde(default)]
    pub(crate) sizes: Vec<Size>,
    /// Bytes that a miner is sent in a day at most.
    #[serde(default = "budget")]
    pub(crate) day_bytes: u64,
    /// The price that is paid, attoFIL for a GiB and epoch.
    #[serde(default)]
    pub(crate) price: u64,
    /// The least collateral of a miner, attoFIL.
    #[serde(default)]
    pub(crate) collateral: u64,
    /// Epochs until a deal has to be in force.
    #[serde(default = "start")]
    pub(crate) start_epochs: u32,
    /// Epochs that a deal lasts.
    #[serde(default = "duration")]
    pub(crate) duration_epochs: u32,
    /// How each miner is spoken to.
    pub(crate) miners: BTreeMap<String, Market>,
}

/// How large a payload is, and how often.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    /// Bytes.
    pub(crate) bytes: u64,
    /// Of a million slots.
    pub(crate) weight: u32,
}

/// How a miner is spoken to about deals: by libp2p, or Curio's `mk20`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Market {
    /// `/fil/storage/mk/1.2.x`.
    Libp2p {
        /// Who has to answer.
        peer: String,
        /// Its multiaddresses.
        addresses: Vec<String>,
    },
    /// `/fil/storage/mk/1.2.x`, where the miner says on the chain that it is reached.
    Chain {
        /// Where that is read.
        from: Said,
    },
    /// `/market/mk20`.
    Http {
        /// Where: `https://…`.
        url: String,
    },
}

impl Market {
    /// Whether its deals take nothing of the client's escrow.
    pub(crate) const fn is_free(&self) -> bool {
        matches!(self, Self::Http { .. })
    }
}

/// Where is read how a miner is reached.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Said {
    /// In its state.
    Chain,
}

/// What miners have, and are asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    /// CID of its root.
    pub(crate) root: String,
    /// Its bytes, with what the format adds.
    pub(crate) size: u64,
}

const fn maintenance() -> u32 {
    40
}

const fn interval() -> u32 {
    1_800
}

const fn lease() -> u32 {
    60
}

const fn canary() -> u32 {
    600
}

const fn hour() -> u32 {
    3_600
}

fn active() -> String {
    "active".to_owned()
}

const fn budget() -> u64 {
    1 << 30
}

const fn start() -> u32 {
    5_760
}

const fn duration() -> u32 {
    518_400
}
