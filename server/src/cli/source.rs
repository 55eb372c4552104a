use std::path::PathBuf;
use std::sync::Arc;

use apogee_domain::{Epoch, Network, NetworkId};
use apogee_filecoin::source::Source;
use apogee_store::Store;
use clap::Args;

use super::Failure;
use crate::config::{self, Config, Secret};
use crate::networks::{self, Prepared};
use crate::store::Place;

/// Which database.
#[derive(Clone, Debug, Args)]
pub(super) struct Database {
    /// Settings; without a file the shipped ones
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The database, in place of what the settings say: `sqlite:FILE` or `postgres://USER@HOST/NAME`
    #[arg(long, value_name = "DATABASE")]
    store: Option<String>,
}

impl Database {
    /// The database of some settings.
    pub(super) const fn settings(config: Option<PathBuf>) -> Self {
        Self { config, store: None }
    }

    /// The settings, and where the database lies.
    pub(super) fn place(&self) -> Result<(Config, Place), Failure> {
        let config = Config::load(self.config.as_deref()).map_err(Failure::input)?;
        // Commands say what they have to say themselves.
        let log = config::Log { filter: "warn".into(), ..config.log.clone() };
        crate::log::start(&log).map_err(Failure::input)?;
        let address = self.store.as_ref().map_or_else(|| config.store.clone(), Secret::new);
        Ok((config, Place::of(&address)?))
    }
}

/// Which chain: a recording, a node, or what the settings name.
#[derive(Clone, Debug, Args)]
pub(super) struct Chosen {
    /// Recorded chain: the folder of a recording, or an archive in it
    #[arg(long, value_name = "PATH", conflicts_with_all = ["rpc", "rules", "token_file"])]
    car: Option<PathBuf>,
    /// Address of a node, such as `http://127.0.0.1:1234/rpc/v1`
    #[arg(long, value_name = "URL", requires = "rules")]
    rpc: Option<String>,
    /// Rules of the node's network: mainnet, calibration, or a file
    #[arg(long, value_name = "RULES", requires = "rpc")]
    rules: Option<String>,
    /// File with a token that may read from the node
    #[arg(long, value_name = "FILE", requires = "rpc")]
    token_file: Option<PathBuf>,
    /// Name of the network; of the settings' networks, which one
    #[arg(long, value_name = "NAME")]
    network: Option<NetworkId>,
    /// Where an empty database begins: `genesis`, `snapshot` (the oldest state that is there), or a tipset that you trust as `EPOCH:KEY`
    #[arg(long, value_name = "START")]
    start: Option<config::Start>,
}

impl Chosen {
    /// The settings of the chosen networks.
    pub(super) fn settings(
        &self,
        config: &Config,
    ) -> Result<Vec<(Option<NetworkId>, config::Network)>, Failure> {
        if let Some(folder) = &self.car {
            let settings = config::Network {
                recording: Some(folder.clone()),
                start: self.start.clone(),
                ..config::Network::default()
            };
            return Ok(vec![(self.network.clone(), settings)]);
        }
        if let Some(url) = &self.rpc {
            let endpoint =
                config::Endpoint { url: Secret::new(url), token: None, token_file: self.token_file.clone() };
            let settings = config::Network {
                rules: self.rules.clone(),
                endpoints: vec![endpoint],
                start: self.start.clone(),
                ..config::Network::default()
            };
            return Ok(vec![(self.network.clone(), settings)]);
        }
        let chosen = |id: &NetworkId| self.network.as_ref().is_none_or(|network| network == id);
        let settings: Vec<_> = config
            .networks
            .iter()
            .filter(|(id, _)| chosen(id))
            .filter(|(_, settings)| self.network.is_some() || settings.spacemesh.is_none())
            .map(|(id, settings)| {
                let start = self.start.clone().or_else(|| settings.start.clone());
                (Some(id.clone()), config::Network { start, ..settings.clone() })
            })
            .collect();
        if settings.is_empty() {
            return Err(Failure::input(self.network.as_ref().map_or_else(
                || {
                    "which chain? Name one with --car or --rpc, or networks in the settings with --config"
                        .to_owned()
                },
                |network| format!("the settings name no network {network}"),
            )));
        }
        Ok(settings)
    }

    /// The chosen networks, their settings checked.
    pub(super) fn prepared(&self, config: &Config) -> Result<Vec<Prepared>, Failure> {
        let settings = self.settings(config)?;
        let prepare = |(id, settings): &(Option<NetworkId>, config::Network)| {
            Ok(networks::prepare(id.as_ref(), settings)?)
        };
        settings.iter().map(prepare).collect()
    }

    /// The one chosen network.
    pub(super) fn one(&self, config: &Config) -> Result<Prepared, Failure> {
        let mut prepared = self.prepared(config)?;
        match (prepared.pop(), prepared.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(Failure::input("the settings name several networks: choose one with --network")),
        }
    }
}

/// Where state of a network is read, if anywhere.
#[derive(Debug, Default)]
pub(super) struct StateSource {
    pub(super) source: Option<Arc<dyn Source>>,
    /// Whether it is a recording.
    pub(super) recorded: bool,
}

impl Chosen {
    /// The same for the network of that name, where none is named.
    pub(super) fn or_network(mut self, name: &str) -> Self {
        self.network = self.network.or_else(|| name.parse().ok());
        self
    }

    /// Whether a chain is named on the command line.
    pub(super) const fn is_given(&self) -> bool {
        self.car.is_some() || self.rpc.is_some()
    }

    /// The chain of that network where one is named, here or in the settings.
    pub(super) async fn source(
        &self,
        config: &Config,
        network: Option<&NetworkId>,
    ) -> Result<StateSource, Failure> {
        let settings = if self.is_given() {
            self.settings(config)?.pop().map(|(_, settings)| settings)
        } else {
            network.and_then(|network| config.networks.get(network)).cloned()
        };
        let Some(settings) = settings.filter(|settings| settings.spacemesh.is_none()) else {
            return Ok(StateSource::default());
        };
        let recorded = settings.recording.is_some();
        let chain = networks::prepare(network, &settings)?.open().await?;
        Ok(StateSource { source: Some(chain.source), recorded })
    }
}

/// `e:51204` or `51204`.
pub(super) fn epoch(text: &str) -> Result<Epoch, &'static str> {
    let epoch = text.strip_prefix("e:").unwrap_or(text).parse().ok();
    epoch.ok_or("an epoch is written e:51204")
}

/// The network of that name in a database.
pub(super) async fn known(store: &Arc<dyn Store>, id: &NetworkId) -> Result<Network, Failure> {
    let networks = store.networks().await.map_err(Failure::world)?;
    let names: Vec<String> = networks.iter().map(|network| network.id.to_string()).collect();
    networks.into_iter().find(|network| network.id == *id).ok_or_else(|| {
        Failure::input(match names.as_slice() {
            [] => format!("no network {id} in the database, which is empty"),
            names => format!("no network {id} in the database, which has {}", names.join(", ")),
        })
    })
}
