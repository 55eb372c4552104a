use std::sync::Arc;

use apogee_filecoin::car::Limits;
use apogee_filecoin::source::{CarSource, Source, SourceError};
use apogee_filecoin::verify::NetworkParams;
#[cfg(feature = "snark")]
use apogee_filecoin_proofs::{Trust, VerifyingKeys};

use super::{PublicNetwork, Verify};
use crate::cli::Failure;
use crate::config::{self, Secret};
use crate::networks::{self, NoChain};
use crate::recorded::Recorded;

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
        let recorded = recorded(asked)?;
        let (source, params) = if let Some(network) = asked.network {
            let source = CarSource::open(&[&recorded.archive], &Limits::DEFAULT).map_err(Failure::input)?;
            (source, public(network)?)
        } else {
            let recording = recorded.read().map_err(NoChain::from)?;
            (recording.source, recording.params)
        };
        Ok(Self {
            source: Arc::new(source),
            params: Arc::new(params),
            remote: false,
            #[cfg(feature = "snark")]
            keys: keys(asked, &recorded),
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

/// The archive, and the folder that describes its network.
fn recorded(asked: &Verify) -> Result<Recorded, Failure> {
    let of = |path| Recorded::of(path).map_err(NoChain::from);
    let recorded = match (&asked.car, &asked.recording) {
        (Some(car), Some(folder)) => Recorded { folder: folder.clone(), ..of(car)? },
        (Some(path), None) | (None, Some(path)) => of(path)?,
        // The command line asks for one of them.
        (None, None) => return Err(Failure::input("which chain? Name one with --car, --recording or --rpc")),
    };
    if asked.network.is_some() || recorded.folder.join("drand.json").exists() {
        return Ok(recorded);
    }
    Err(Failure::input(
        "which network is it? Name a public one with --network, or a folder that describes it (drand.json; net.json and f3manifest.json where there are such) with --recording",
    ))
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
fn keys(asked: &Verify, recorded: &Recorded) -> Option<Arc<VerifyingKeys>> {
    let trust = if asked.network.is_some() { Trust::Published } else { Trust::Folder };
    let beside = || asked.network.is_none().then(|| recorded.folder.join("vk"));
    let folder = asked.keys.clone().or_else(beside)?;
    Some(Arc::new(VerifyingKeys::new(folder, trust)))
}
