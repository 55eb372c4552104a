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
    /// Where the first interval begins: `2026-05-24T00:00:00Z`.
    pub(crate) start: String,
    /// One slot of each miner in so many seconds.
    #[serde(default = "interval")]
    pub(crate) retrieval_seconds: u32,
    /// How many slots.
    pub(crate) retrieval_slots: u64,
    /// Where each miner serves: `https://…`.
    pub(crate) gateways: BTreeMap<String, String>,
    /// What they are asked for.
    pub(crate) data: Vec<Data>,
    /// Whether addresses that are not public may be dialled: on a network of one's own.
    #[serde(default)]
    pub(crate) allow_private: bool,
    /// Seconds between the canaries of a bot.
    #[serde(default = "canary")]
    pub(crate) canary_seconds: u32,
    /// Seconds that a slot stays with a bot that is silent.
    #[serde(default = "lease")]
    pub(crate) lease_seconds: u32,
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

const fn interval() -> u32 {
    1_800
}

const fn lease() -> u32 {
    60
}

const fn canary() -> u32 {
    600
}
