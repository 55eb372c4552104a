//! From settings to chains that can be read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apogee_domain::{Epoch, Finality, Network, NetworkId, NetworkKind, Timestamp};
use apogee_filecoin::crypto::drand::{BeaconNetwork, InvalidBeaconNetwork, networks};
use apogee_filecoin::rpc::{
    Client, Endpoint, Exponential, InvalidEndpoint, Pool, RpcError, Secret, Settings,
};
use apogee_filecoin::source::{RpcOptions, RpcSource, Source, SourceError};
use apogee_filecoin::types::TipsetKey;
use apogee_filecoin::verify::{F3Params, NetworkParams};
#[cfg(feature = "snark")]
use apogee_filecoin_proofs::{Trust, VerifyingKeys};
use apogee_indexer::{Doubt, Start};
use cid::Cid;

use crate::config::{self, InvalidConfig};
use crate::recorded::{NotRecorded, Recorded};

/// Seconds after which nodes are asked for their head when nothing else is said.
const POLL_SECONDS: u16 = 15;

/// A chain that can be read, and the rules by which it is checked.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) network: Network,
    pub(crate) params: NetworkParams,
    pub(crate) source: Arc<dyn Source>,
    /// The keys that WinningPoSt proofs are checked with.
    pub(crate) keys: Option<Keys>,
    /// A recording is what it is; where one node errs, another may know better.
    pub(crate) doubt: Doubt,
    /// Where an empty database begins.
    pub(crate) start: Start,
}

#[cfg(feature = "snark")]
pub(crate) type Keys = Arc<VerifyingKeys>;
#[cfg(not(feature = "snark"))]
pub(crate) type Keys = std::convert::Infallible;

/// Why a chain cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoChain {
    #[error(transparent)]
    Rules(#[from] InvalidConfig),
    #[error("{file}: {what}")]
    RulesFile { file: PathBuf, what: String },
    #[error("the beacon's description cannot be used")]
    Beacon(#[from] InvalidBeaconNetwork),
    #[error(transparent)]
    Recording(#[from] NotRecorded),
    #[error("endpoint {index} of {network}")]
    Endpoint {
        network: NetworkId,
        index: usize,
        #[source]
        cause: InvalidEndpoint,
    },
    #[error("{} is a network of Spacemesh: `apogee spacemesh import` reads a copy of its state", .0.as_ref().map_or("it", |id| id.as_str()))]
    Spacemesh(Option<NetworkId>),
    #[error("the token in {0} cannot be read")]
    Token(PathBuf, #[source] std::io::Error),
    #[error("{0:?} is no CID of a genesis block")]
    Genesis(String),
    #[error("epoch {epoch} with the key {key:?} is no tipset to start at")]
    Checkpoint { epoch: i64, key: String },
    #[error("no connection can be made")]
    Client(#[source] RpcError),
    #[error(
        "{network} begins at {expected}, but the chain of {source_name} at {found}: it is another network"
    )]
    OtherNetwork { network: NetworkId, source_name: String, expected: Timestamp, found: Timestamp },
    #[error(
        "{network} begins with {expected}, but the chain of {source_name} with {found}: it is another network"
    )]
    OtherGenesis { network: NetworkId, source_name: String, expected: Cid, found: TipsetKey },
    #[error("the chain cannot be read")]
    Source(#[from] SourceError),
}

impl NoChain {
    /// Whether what was given is wrong, rather than the world.
    pub(crate) const fn is_input(&self) -> bool {
        !matches!(self, Self::Client(_) | Self::Source(_))
    }
}

/// A network's rules before its chain is known.
#[derive(Clone, Debug)]
pub(crate) enum Rules {
    /// Of a public network.
    Public(Box<NetworkParams>, &'static str),
    /// From a file.
    File(Box<(config::Rules, BeaconNetwork)>),
}

impl Rules {
    /// `mainnet`, `calibration`, or a file.
    pub(crate) fn read(name: &str) -> Result<Self, NoChain> {
        Ok(match name {
            "mainnet" => Self::Public(Box::new(NetworkParams::mainnet()?), "f"),
            "calibration" => Self::Public(Box::new(NetworkParams::calibration()?), "t"),
            file => {
                let file = Path::new(file);
                let rules = config::Rules::read(file)?;
                let beacon = match &*rules.beacon {
                    "mainnet" => BeaconNetwork::from_chain_info(networks::MAINNET)?,
                    "quicknet" => BeaconNetwork::from_chain_info(networks::QUICKNET)?,
                    info => {
                        let info = file.parent().unwrap_or(Path::new("")).join(info);
                        let text = std::fs::read_to_string(&info)
                            .map_err(|cause| InvalidConfig::Unreadable { file: info, cause })?;
                        BeaconNetwork::from_chain_info(&text)?
                    }
                };
                if let Some(version) = rules.upgrades.keys().find(|version| version.parse::<u32>().is_err()) {
                    let what = format!("upgrades: {version:?} is no network version");
                    return Err(NoChain::RulesFile { file: file.to_owned(), what });
                }
                if rules.epoch_seconds == 0 {
                    let what = "epoch_seconds: an epoch is not empty".into();
                    return Err(NoChain::RulesFile { file: file.to_owned(), what });
                }
                Self::File(Box::new((rules, beacon)))
            }
        })
    }

    fn prefix(&self) -> &str {
        match self {
            Self::Public(_, prefix) => prefix,
            Self::File(file) => file.0.address_prefix.as_deref().unwrap_or("t"),
        }
    }

    /// The rules of the chain that begins at `genesis_time`.
    fn params(&self, genesis_time: u64) -> NetworkParams {
        match self {
            Self::Public(params, _) => (**params).clone(),
            Self::File(file) => {
                let (rules, beacon) = &**file;
                let upgrades = rules.upgrades.iter();
                let upgrades: BTreeMap<u32, i64> =
                    upgrades.filter_map(|(version, height)| Some((version.parse().ok()?, *height))).collect();
                let f3 = rules.f3.as_ref().map(|f3| F3Params {
                    network_name: f3.network_name.clone(),
                    initial_instance: f3.initial_instance,
                    bootstrap_epoch: f3.bootstrap_epoch,
                    finality: f3.finality,
                    initial_power_table: None,
                });
                let devnet = NetworkParams::devnet(
                    genesis_time,
                    rules.epoch_seconds.into(),
                    rules.genesis_version,
                    *beacon,
                );
                NetworkParams {
                    upgrades,
                    f3,
                    min_power: rules.min_power_bytes.map_or(devnet.min_power, Into::into),
                    chain_finality: rules.finality_epochs.map_or(devnet.chain_finality, Into::into),
                    ..devnet
                }
            }
        }
    }
}

/// A network whose settings are good, but whose nodes were not asked yet.
#[derive(Clone, Debug)]
pub(crate) enum Prepared {
    /// A recording is at hand.
    Recording(Box<Chain>),
    /// Nodes have to be asked.
    Nodes(Box<Nodes>),
}

/// Nodes of a network and its rules.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    id: NetworkId,
    rules: Rules,
    pub(crate) pool: Arc<Pool>,
    poll: Duration,
    finality: Option<u32>,
    keys: Option<Keys>,
    genesis: Option<Cid>,
    start: Start,
}

/// Check a network's settings. Nodes are not asked.
pub(crate) fn prepare(id: Option<&NetworkId>, settings: &config::Network) -> Result<Prepared, NoChain> {
    if settings.spacemesh.is_some() {
        return Err(NoChain::Spacemesh(id.cloned()));
    }
    let start = start(settings.start.as_ref())?;
    if let Some(path) = &settings.recording {
        let place = Recorded::of(path)?;
        let recorded = place.read()?;
        let mut network = recorded.network;
        if let Some(id) = id {
            network.id = id.clone();
        }
        let folder = settings.keys.clone().unwrap_or_else(|| place.folder.join("vk"));
        let keys = keys(&folder, true);
        return Ok(Prepared::Recording(Box::new(Chain {
            network,
            params: recorded.params,
            source: Arc::new(recorded.source),
            keys,
            doubt: Doubt::Record,
            start,
        })));
    }
    let name = settings.rules.as_deref().unwrap_or_default();
    let rules = Rules::read(name)?;
    let id = match (id, &rules) {
        (Some(id), _) => id.clone(),
        (None, Rules::Public(..)) => {
            name.parse().map_err(|_| NoChain::RulesFile { file: name.into(), what: "no name".into() })?
        }
        (None, Rules::File(_)) => {
            let what = "a network with rules from a file needs a name".into();
            return Err(NoChain::RulesFile { file: name.into(), what });
        }
    };
    let genesis = settings
        .genesis
        .as_ref()
        .map(|cid| cid.parse().map_err(|_| NoChain::Genesis(cid.clone())))
        .transpose()?;
    let mut clients = Vec::new();
    for (index, endpoint) in settings.endpoints.iter().enumerate() {
        let token = match (&endpoint.token, &endpoint.token_file) {
            (Some(token), _) => Some(Secret::new(token.reveal())),
            (None, Some(file)) => {
                let token =
                    std::fs::read_to_string(file).map_err(|cause| NoChain::Token(file.clone(), cause))?;
                Some(Secret::new(&token))
            }
            (None, None) => None,
        };
        let endpoint = Endpoint::new(endpoint.url.reveal(), token);
        let endpoint =
            endpoint.map_err(|cause| NoChain::Endpoint { network: id.clone(), index: index + 1, cause })?;
        clients.push(Arc::new(Client::new(endpoint, Settings::default()).map_err(NoChain::Client)?));
    }
    let keys = settings.keys.as_deref().and_then(|folder| keys(folder, matches!(rules, Rules::File(_))));
    Ok(Prepared::Nodes(Box::new(Nodes {
        id,
        rules,
        pool: Arc::new(Pool::new(clients, genesis)),
        poll: Duration::from_secs(settings.poll_seconds.unwrap_or(POLL_SECONDS).into()),
        finality: settings.finality_epochs,
        keys,
        genesis,
        start,
    })))
}

/// A network that is made in this process, behind its node.
pub(crate) fn made(id: NetworkId, params: NetworkParams, url: &str) -> Result<Prepared, NoChain> {
    // Its node takes messages from whoever has a token, which may be any.
    let wrong = |cause| NoChain::Endpoint { network: id.clone(), index: 1, cause };
    let endpoint = Endpoint::new(url, Some(Secret::new("demo"))).map_err(wrong)?;
    let client = Client::new(endpoint, Settings::default()).map_err(NoChain::Client)?;
    Ok(Prepared::Nodes(Box::new(Nodes {
        id,
        rules: Rules::Public(Box::new(params), "t"),
        pool: Arc::new(Pool::new(vec![Arc::new(client)], None)),
        poll: Duration::from_secs(2),
        finality: None,
        keys: None,
        genesis: None,
        start: Start::Genesis,
    })))
}

/// Check a network's settings and the files that they name.
pub(crate) fn check(id: &NetworkId, settings: &config::Network) -> Result<(), NoChain> {
    prepare(Some(id), settings).map(drop)
}

/// Where an empty database begins, as settings say it.
fn start(settings: Option<&config::Start>) -> Result<Start, NoChain> {
    Ok(match settings {
        None | Some(config::Start::Genesis) => Start::Genesis,
        Some(config::Start::Snapshot) => Start::Snapshot,
        Some(config::Start::Checkpoint { epoch, key }) => {
            let wrong = || NoChain::Checkpoint { epoch: *epoch, key: key.clone() };
            let cids: Result<Vec<Cid>, _> = key.split(',').map(|cid| cid.trim().parse()).collect();
            Start::Checkpoint {
                epoch: Epoch::new(*epoch).ok_or_else(wrong)?,
                key: TipsetKey(cids.map_err(|_| wrong())?),
            }
        }
    })
}

#[cfg(feature = "snark")]
fn keys(folder: &Path, own: bool) -> Option<Keys> {
    // Keys of a network of one's own cannot be held against published ones.
    let trust = if own { Trust::Folder } else { Trust::Published };
    folder.is_dir().then(|| Arc::new(VerifyingKeys::new(folder, trust)))
}

#[cfg(not(feature = "snark"))]
fn keys(_: &Path, _: bool) -> Option<Keys> {
    None
}

impl Prepared {
    /// The network's name.
    pub(crate) const fn name(&self) -> &NetworkId {
        match self {
            Self::Recording(chain) => &chain.network.id,
            Self::Nodes(nodes) => nodes.id(),
        }
    }

    /// The chain; nodes are asked for its genesis.
    pub(crate) async fn open(self) -> Result<Chain, NoChain> {
        match self {
            Self::Recording(chain) => Ok(*chain),
            Self::Nodes(nodes) => nodes.open().await,
        }
    }
}

impl Nodes {
    pub(crate) const fn id(&self) -> &NetworkId {
        &self.id
    }

    /// Ask for the genesis block, which tells when the network began and what it is called for good.
    pub(crate) async fn open(&self) -> Result<Chain, NoChain> {
        let backoff = Exponential::new(u32::MAX, Duration::from_secs(1), Duration::from_secs(30), 2);
        let options =
            RpcOptions { poll: self.poll, notify: Some(Arc::new(backoff)), ..RpcOptions::default() };
        let source = RpcSource::new(Arc::clone(&self.pool), options);
        let genesis = source.oldest().await?;
        if let Some(expected) = self.genesis
            && genesis.first().cid() != expected
        {
            return Err(NoChain::OtherGenesis {
                network: self.id.clone(),
                source_name: source.name().to_owned(),
                expected,
                found: genesis.key().clone(),
            });
        }
        let begun = genesis.first().timestamp;
        let params = self.rules.params(begun);
        let at = |seconds: u64| Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
        if params.genesis_time != begun {
            return Err(NoChain::OtherNetwork {
                network: self.id.clone(),
                source_name: source.name().to_owned(),
                expected: at(params.genesis_time),
                found: at(begun),
            });
        }
        let depth = self.finality.unwrap_or_else(|| u32::try_from(params.chain_finality).unwrap_or(u32::MAX));
        let network = Network {
            id: self.id.clone(),
            kind: NetworkKind::Filecoin,
            genesis: genesis.key().to_string(),
            genesis_time: at(begun),
            epoch_seconds: u32::try_from(params.block_delay).unwrap_or(u32::MAX),
            address_prefix: self.rules.prefix().to_owned(),
            finality: Finality { depth, certificates: params.f3.is_some() },
        };
        let source = Arc::new(source);
        Ok(Chain {
            network,
            params,
            source,
            keys: self.keys.clone(),
            doubt: Doubt::Stop,
            start: self.start.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_beside_the_recording_are_those_it_was_recorded_with() {
        let folder = apogee_testkit::example("devnet-a");
        let recorded = apogee_indexer::recording::devnet(&folder).unwrap();
        let rules = Rules::read(folder.join("rules.toml").to_str().unwrap()).unwrap();
        assert_eq!(rules.params(recorded.params.genesis_time), recorded.params);
        assert_eq!(rules.prefix(), recorded.network.address_prefix);
    }
}
