use apogee_domain::Epoch;
use cid::Cid;
use fvm_shared::address::Address;
use fvm_shared::bigint::BigInt;
use serde::Deserialize;

use super::super::client::{Client, Size};
use super::super::error::RpcError;
use super::{key, key_or_head};
use crate::types::json::{self, Bytes, Int, InvalidJson, Link, address_text, parse_address};
use crate::types::{BeaconEntry, ExecutionTrace, Tipset, TipsetKey};

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Version {
    /// Name and number of the release.
    pub version: String,
    /// Seconds of an epoch; 0 where the node does not tell.
    #[serde(default)]
    pub block_delay: u64,
    /// `lotus`, `forest`, …; empty where the node does not tell.
    #[serde(default)]
    pub agent: String,
}

/// What a network is like (`StateGetNetworkParams`), as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkParams {
    /// Name.
    pub network_name: String,
    /// Seconds of an epoch.
    pub block_delay_secs: u64,
    /// Power below which a miner takes no part in consensus, in bytes.
    pub consensus_miner_min_power: Int,
    /// Unix time of epoch 0; absent on older nodes.
    #[serde(default)]
    pub genesis_timestamp: Option<u64>,
    /// Epochs of the upgrades by Lotus' names; negative ones happened before genesis.
    pub fork_upgrade_params: std::collections::BTreeMap<String, i64>,
}

/// Everything that an election is checked with (`MinerGetBaseInfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseInfo {
    /// The miner's quality-adjusted power in the look-back state.
    pub miner_power: BigInt,
    /// The network's.
    pub network_power: BigInt,
    /// Sectors that a WinningPoSt is asked for: number, kind of seal proof, sealed CID.
    pub sectors: Vec<(u64, i64, Cid)>,
    /// Key address of the worker.
    pub worker: Address,
    /// Bytes of a sector.
    pub sector_size: u64,
    /// Last beacon entry before the epoch's.
    pub previous_beacon: BeaconEntry,
    /// The epoch's beacon entries.
    pub beacon_entries: Vec<BeaconEntry>,
    /// Whether the miner may mine.
    pub eligible: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BaseInfoJson {
    miner_power: Int,
    network_power: Int,
    sectors: Option<Vec<SectorJson>>,
    worker_key: String,
    sector_size: u64,
    prev_beacon_entry: BeaconJson,
    beacon_entries: Option<Vec<BeaconJson>>,
    eligible_for_mining: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SectorJson {
    seal_proof: i64,
    sector_number: u64,
    #[serde(rename = "SealedCID")]
    sealed: Link,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BeaconJson {
    round: u64,
    data: Bytes,
}

impl From<BeaconJson> for BeaconEntry {
    fn from(json: BeaconJson) -> Self {
        Self { round: json.round, signature: json.data.0 }
    }
}

impl TryFrom<BaseInfoJson> for BaseInfo {
    type Error = InvalidJson;

    fn try_from(json: BaseInfoJson) -> Result<Self, InvalidJson> {
        let sector = |sector: SectorJson| (sector.sector_number, sector.seal_proof, sector.sealed.0);
        Ok(Self {
            miner_power: json.miner_power.0,
            network_power: json.network_power.0,
            sectors: json.sectors.unwrap_or_default().into_iter().map(sector).collect(),
            worker: parse_address(&json.worker_key)?,
            sector_size: json.sector_size,
            previous_beacon: json.prev_beacon_entry.into(),
            beacon_entries: json.beacon_entries.unwrap_or_default().into_iter().map(Into::into).collect(),
            eligible: json.eligible_for_mining,
        })
    }
}

impl Client {
    /// `Version`.
    ///
    /// # Errors
    /// See [`Fault`](super::super::Fault). So it is with every method here.
    pub async fn version(&self) -> Result<Version, RpcError> {
        self.read("Version", [(); 0], Size::Ordinary).await
    }

    /// `StateNetworkName`.
    ///
    /// # Errors
    /// See [`Fault`](super::super::Fault).
    pub async fn state_network_name(&self) -> Result<String, RpcError> {
        self.read("StateNetworkName", [(); 0], Size::Ordinary).await
    }

    /// `StateNetworkVersion`: the version that holds when `tipset` is executed.
    ///
    /// # Errors
    /// See [`Fault`](super::super::Fault).
    pub async fn state_network_version(&self, tipset: Option<&TipsetKey>) -> Result<u32, RpcError> {
        self.read("StateNetworkVersion", [key_or_head(tipset)], Size::Ordinary).await
    }

    /// `StateGetNetworkParams`.
    ///
    /// # Errors
    /// See [`Fault`](super::super::Fault).
    pub async fn state_network_params(&self) -> Result<NetworkParams, RpcError> {
        self.read("StateGetNetworkParams", [(); 0], Size::Ordinary).await
    }

    /// `StateCompute` of `tipset`: execution traces, the implicit messages included.
    ///
    /// # Errors
    /// See [`Fault`](super::super::Fault); a node without the parent state refuses.
    pub async fn state_compute(&self, tipset: &Tipset) -> Result<ExecutionTrace, RpcError> {
        let method = "StateCompute";
        let params = (tipset.epoch().height(), Option::<[(); 0]>::None, key(tipset.key()));
        let answer: json::Compute = self.read(method, params, Size::Large).await?;
        self.checked(method, answer)
    }

    /// `MinerGetBaseInfo`: what `miner` has to mine with at `epoch` on top of `tipset`; `None` when it has no power.
    ///
    /// # Errors
    /// See [`Fault`](super::super::Fault).
    pub async fn miner_base_info(
        &self,
        miner: &Address,
        epoch: Epoch,
        tipset: &TipsetKey,
    ) -> Result<Option<BaseInfo>, RpcError> {
        let method = "MinerGetBaseInfo";
        let params = (address_text(miner, self.settings.network), epoch.height(), key(tipset));
        let answer: Option<BaseInfoJson> = self.read(method, params, Size::Ordinary).await?;
        answer.map(|answer| self.checked(method, answer)).transpose()
    }
}
