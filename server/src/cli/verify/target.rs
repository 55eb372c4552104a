use std::path::{Path, PathBuf};
use std::sync::Arc;

use apogee_filecoin::car::Limits;
use apogee_filecoin::source::{CarSource, Source, SourceError};
use apogee_filecoin::verify::NetworkParams;
#[cfg(feature = "snark")]
use apogee_filecoin_proofs::{Trust, VerifyingKeys};
use apogee_indexer::recording;

use super::{PublicNetwork, Verify};
use crate::cli::Failure;
use crate::config::{self, Secret};
use crate::networks;

/// What is verified, by which rules.
pub(super) struct Target {
    pub(super) source: Arc<dyn Source>,
    pub(super) params: Arc<NetworkParams>,
    /// Whether it is read from a node.
    pub(super) remote: bool,
    #[cfg(feature = "snark")]
    pub(super) keys: Option<Arc<VerifyingKeys>>,
}

impl Target {
    pub(super) async fn find(asked: &Verify) -> Result<Self, Failure> {
        if let Some(url) = &asked.rpc {
            return Self::remote(asked, url).await;
        }
        let (source, params) = match (asked.network, &asked.car) {
            (Some(network), Some(car)) => (archive(car)?, public(network)?),
            (_, car) => {
                let folder = described(asked)?;
                let recorded = recording::devnet(&folder).map_err(Failure::input)?;
                let source = match car {
                    Some(car) if !is_of(car, &folder) => archive(car)?,
                    _ => recorded.source,
                };
                (source, recorded.params)
            }
        };
        Ok(Self {
            source: Arc::new(source),
            params: Arc::new(params),
            remote: false,
            #[cfg(feature = "snark")]
            keys: keys(asked),
        })
    }

    async fn remote(asked: &Verify, url: &str) -> Result<Self, Failure> {
        let endpoint =
            config::Endpoint { url: Secret::new(url), token: None, token_file: asked.token_file.clone() };
        let settings = config::Network {
            rules: asked.rules.clone(),
            endpoints: vec![endpoint],
            keys: asked.keys.clone(),
            ..config::Network::default()
        };
        // A file of rules names no network.
        let id = asked.rules.as_deref().and_then(|rules| rules.parse().ok());
        let id = id.map_or_else(|| "network".parse().map_err(Failure::world), Ok)?;
        let chain = networks::prepare(Some(&id), &settings)?.open().await?;
        Ok(Self {
            source: chain.source,
            params: Arc::new(chain.params),
            remote: true,
            #[cfg(feature = "snark")]
            keys: chain.keys,
        })
    }

    /// An archive that does not hold what it should is bad input; a node that does not answer is the world.
    pub(super) fn failure(&self, error: SourceError) -> Failure {
        if self.remote { Failure::world(error) } else { Failure::input(error) }
    }
}

/// Whether an archive is the chain that a recording's folder holds, which is read with it.
fn is_of(archive: &Path, folder: &Path) -> bool {
    let same = folder.join("chain.car.zst").canonicalize();
    same.is_ok_and(|chain| archive.canonicalize().is_ok_and(|archive| archive == chain))
}

/// The folder that describes the network.
fn described(asked: &Verify) -> Result<PathBuf, Failure> {
    if let Some(folder) = &asked.recording {
        return Ok(folder.clone());
    }
    let beside = asked.car.as_deref().and_then(Path::parent).filter(|folder| *folder != Path::new(""));
    let beside = beside.unwrap_or(Path::new("."));
    if beside.join("drand.json").exists() {
        return Ok(beside.to_owned());
    }
    Err(Failure::input(
        "which network is it? Name a public one with --network, or a folder that describes it (drand.json; net.json and f3manifest.json where there are such) with --recording",
    ))
}

fn archive(path: &Path) -> Result<CarSource, Failure> {
    CarSource::open(&[path], &Limits::DEFAULT).map_err(Failure::input)
}

fn public(network: PublicNetwork) -> Result<NetworkParams, Failure> {
    match network {
        PublicNetwork::Mainnet => NetworkParams::mainnet(),
        PublicNetwork::Calibration => NetworkParams::calibration(),
    }
    .map_err(Failure::world)
}

/// Keys of a recording are its own network's; those for a public network have to be the published ones.
#[cfg(feature = "snark")]
fn keys(asked: &Verify) -> Option<Arc<VerifyingKeys>> {
    let trust = if asked.network.is_some() { Trust::Published } else { Trust::Folder };
    let beside = || described(asked).ok().map(|folder| folder.join("vk"));
    let folder = asked.keys.clone().or_else(|| if asked.network.is_some() { None } else { beside() })?;
    Some(Arc::new(VerifyingKeys::new(folder, trust)))
}
