use std::path::{Path, PathBuf};
use std::sync::Arc;

use apogee_filecoin::car::Limits;
use apogee_filecoin::source::CarSource;
use apogee_filecoin::verify::NetworkParams;
#[cfg(feature = "snark")]
use apogee_filecoin_proofs::{Trust, VerifyingKeys};
use apogee_indexer::recording;

use super::{PublicNetwork, Verify};
use crate::cli::Failure;

/// What is verified, by which rules.
pub(super) struct Target {
    pub(super) source: CarSource,
    pub(super) params: Arc<NetworkParams>,
    #[cfg(feature = "snark")]
    pub(super) keys: Option<Arc<VerifyingKeys>>,
}

impl Target {
    pub(super) fn find(asked: &Verify) -> Result<Self, Failure> {
        let (source, params) = match (asked.network, &asked.car) {
            (Some(network), Some(car)) => (archive(car)?, public(network)?),
            (_, car) => {
                let folder = described(asked)?;
                let recorded = recording::devnet(&folder).map_err(Failure::input)?;
                let source = match car {
                    Some(car) if *car != folder.join("chain.car.zst") => archive(car)?,
                    _ => recorded.source,
                };
                (source, recorded.params)
            }
        };
        Ok(Self {
            source,
            params: Arc::new(params),
            #[cfg(feature = "snark")]
            keys: keys(asked),
        })
    }
}

/// The folder that describes the network.
fn described(asked: &Verify) -> Result<PathBuf, Failure> {
    if let Some(folder) = &asked.recording {
        return Ok(folder.clone());
    }
    let beside = asked.car.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
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
