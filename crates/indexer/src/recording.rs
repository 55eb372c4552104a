//! A folder with a recorded chain: archives, beacon, finality certificates and the network's rules.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use apogee_domain::{Finality, Network, NetworkId, NetworkKind, Timestamp};
use apogee_filecoin::car::Limits;
use apogee_filecoin::crypto::drand::{BeaconNetwork, InvalidBeaconNetwork};
use apogee_filecoin::source::{CarSource, OpenError, RecordedCertificates, RecordingError};
use apogee_filecoin::verify::{F3Params, NetworkParams};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Descriptions are small; a larger file is refused unread.
const MAX_DESCRIPTION: u64 = 1 << 20;

/// Why a folder is no recording.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRecording {
    /// A file cannot be read, or is larger than any description.
    #[error("{path} cannot be read")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file is not the description it should be.
    #[error("{path} is not what it has to be: {detail}")]
    Description {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The beacon's description is unusable.
    #[error("drand.json names no beacon that can be checked")]
    Beacon(#[from] InvalidBeaconNetwork),
    /// The archives hold no chain.
    #[error("the archives hold no chain")]
    Archives(#[from] OpenError),
    /// The certificates cannot be read.
    #[error("f3certs.jsonl.zst cannot be used")]
    Certificates(#[from] RecordingError),
}

/// A recorded chain with the network it belongs to.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The network as it is registered in a database.
    pub network: Network,
    /// Its consensus rules.
    pub params: NetworkParams,
    /// The chain, with its forks and certificates.
    pub source: CarSource,
}

#[derive(Deserialize)]
struct Net {
    name: String,
    nv: u32,
    firehorse: i64,
    xx: i64,
    delay: u32,
    genesis_time: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    network_name: String,
    initial_instance: u64,
    bootstrap_epoch: i64,
    #[serde(rename = "EC")]
    ec: Ec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ec {
    finality: i64,
}

/// Read the recording in `folder`: `net.json`, `drand.json`, `f3manifest.json`, `chain.car.zst`, `f3certs.jsonl.zst`, and forks from
/// `fork-n1.car.zst` where there is one.
///
/// # Errors
/// When a file is missing, over its limit, or not what it has to be.
pub fn devnet(folder: &Path) -> Result<Recording, InvalidRecording> {
    let net: Net = description(&folder.join("net.json"))?;
    let manifest: Manifest = description(&folder.join("f3manifest.json"))?;
    let beacon = BeaconNetwork::from_chain_info(&text(&folder.join("drand.json"))?)?;
    let params = NetworkParams {
        // The two upgrades after the genesis version, as the devnet's builder names them.
        upgrades: BTreeMap::from([
            (net.nv.saturating_add(1), net.firehorse),
            (net.nv.saturating_add(2), net.xx),
        ]),
        f3: Some(F3Params {
            network_name: manifest.network_name,
            initial_instance: manifest.initial_instance,
            bootstrap_epoch: manifest.bootstrap_epoch,
            finality: manifest.ec.finality,
            initial_power_table: None,
        }),
        ..NetworkParams::devnet(net.genesis_time, u64::from(net.delay), net.nv, beacon)
    };
    let (chain, fork) = (folder.join("chain.car.zst"), folder.join("fork-n1.car.zst"));
    let mut archives = vec![chain.as_path()];
    if fork.exists() {
        archives.push(&fork);
    }
    let source = CarSource::open(&archives, &Limits::DEFAULT)?;
    let path = folder.join("f3certs.jsonl.zst");
    let file = File::open(&path).map_err(|cause| InvalidRecording::Read { path, cause })?;
    let source = source.with_certificates(RecordedCertificates::read(file, &Limits::DEFAULT)?.certificates);
    let wrong = |detail: String| InvalidRecording::Description { path: folder.join("net.json"), detail };
    let genesis = source.chain().next().ok_or_else(|| wrong("its chain is empty".into()))?;
    let network = Network {
        id: net.name.parse::<NetworkId>().map_err(|error| wrong(error.to_string()))?,
        kind: NetworkKind::Filecoin,
        genesis: genesis.key().to_string(),
        genesis_time: Timestamp::from_seconds(
            i64::try_from(net.genesis_time).map_err(|error| wrong(error.to_string()))?,
        ),
        epoch_seconds: net.delay,
        address_prefix: "t".into(),
        finality: Finality {
            depth: u32::try_from(params.chain_finality).unwrap_or(u32::MAX),
            certificates: true,
        },
    };
    Ok(Recording { network, params, source })
}

fn text(path: &Path) -> Result<String, InvalidRecording> {
    let read = |cause| InvalidRecording::Read { path: path.to_owned(), cause };
    if std::fs::metadata(path).map_err(read)?.len() > MAX_DESCRIPTION {
        return Err(read(std::io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read_to_string(path).map_err(read)
}

fn description<T: DeserializeOwned>(path: &Path) -> Result<T, InvalidRecording> {
    serde_json::from_str(&text(path)?)
        .map_err(|error| InvalidRecording::Description { path: path.to_owned(), detail: error.to_string() })
}
