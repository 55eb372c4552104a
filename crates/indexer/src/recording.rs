//! A folder with a recorded chain: archives, beacon, finality certificates and the network's rules.

mod versions;

use std::fs::File;
use std::path::{Path, PathBuf};

use apogee_domain::{Finality, Network, NetworkId, NetworkKind, Timestamp};
use apogee_filecoin::car::Limits;
use apogee_filecoin::crypto::drand::{BeaconNetwork, InvalidBeaconNetwork};
use apogee_filecoin::source::{CarSource, OpenError, RecordedCertificates, RecordingError, Source};
use apogee_filecoin::types::Tipset;
use apogee_filecoin::verify::{F3Params, NetworkParams};
use apogee_filecoin_state::StateTree;
use cid::Cid;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::versions::Versions;
use crate::nodes::Nodes;

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
    #[error("the recorded certificates cannot be used")]
    Certificates(#[from] RecordingError),
    /// Neither a description nor the chain tells what has to be known.
    #[error("{folder} does not tell {what}")]
    Untold {
        /// The folder.
        folder: PathBuf,
        /// What is missing, and where it could stand.
        what: &'static str,
    },
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

/// What the devnet's builder wrote down. All of it can be left out: the chain and the recorded answers tell it too.
#[derive(Debug, Default, Deserialize)]
struct Net {
    name: Option<String>,
    nv: Option<u32>,
    firehorse: Option<i64>,
    xx: Option<i64>,
    delay: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    network_name: String,
    #[serde(default)]
    initial_instance: u64,
    bootstrap_epoch: i64,
    initial_power_table: Option<Link>,
    #[serde(rename = "EC")]
    ec: Ec,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "/")]
    cid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ec {
    finality: i64,
}

/// Read the recording in `folder`.
///
/// It needs a chain down to genesis, `chain.car.zst`, and a beacon, `drand.json`. Forks are in `fork*.car.zst`, finality in
/// `f3manifest.json` and `f3certs.jsonl.zst`, rules in `net.json`. Archives and certificates may also lie there without compression and
/// without `.zst`. What `net.json` leaves out follows from the chain (genesis time, epoch length, name) and from recorded answers in
/// `epochs.jsonl.zst` (network versions).
///
/// # Errors
/// When a file that is needed is missing, one is over its limit or not what it has to be, or the rules cannot be told.
pub fn devnet(folder: &Path) -> Result<Recording, InvalidRecording> {
    let net: Net = optional(&folder.join("net.json"))?.unwrap_or_default();
    let beacon = BeaconNetwork::from_chain_info(&text(&folder.join("drand.json"))?)?;
    let (source, certificates) = rayon::join(|| archives(folder), || certificates(folder));
    let source = source?;
    let untold = |what| InvalidRecording::Untold { folder: folder.to_owned(), what };
    let genesis = source.chain().next().ok_or_else(|| untold("a chain"))?.clone();
    // Consensus counts from the genesis block's time, whatever a description says.
    let genesis_time = genesis.first().timestamp;
    let epoch_seconds = match net.delay {
        Some(delay) => delay,
        None => epoch_seconds(&source)
            .ok_or_else(|| untold("how long an epoch is: net.json may say so as \"delay\""))?,
    };
    let versions = match net.nv {
        Some(genesis) => Versions::declared(genesis, net.firehorse, net.xx),
        None => Versions::recorded(folder, &source)?
            .ok_or_else(|| untold("its network version: net.json may say so as \"nv\""))?,
    };
    let f3 = f3(folder)?;
    let name = net.name.or_else(|| network_name(&source, &genesis));
    let name = name.ok_or_else(|| untold("its name: net.json may say so as \"name\""))?;
    let id = network_id(&name).ok_or_else(|| untold("a name with a letter or digit in it"))?;
    let params = NetworkParams {
        upgrades: versions.upgrades,
        f3,
        ..NetworkParams::devnet(genesis_time, u64::from(epoch_seconds), versions.genesis, beacon)
    };
    let source = match certificates? {
        Some(certificates) if params.f3.is_some() => source.with_certificates(certificates),
        _ => source,
    };
    let network = Network {
        id,
        kind: NetworkKind::Filecoin,
        genesis: genesis.key().to_string(),
        genesis_time: Timestamp::from_seconds(
            i64::try_from(genesis_time).map_err(|_| untold("a genesis time that can be counted"))?,
        ),
        epoch_seconds,
        address_prefix: "t".into(),
        finality: Finality {
            depth: u32::try_from(params.chain_finality).unwrap_or(u32::MAX),
            certificates: params.f3.is_some(),
        },
    };
    Ok(Recording { network, params, source })
}

/// The chain, then its forks by name.
fn archives(folder: &Path) -> Result<CarSource, InvalidRecording> {
    let read = |cause| InvalidRecording::Read { path: folder.to_owned(), cause };
    let mut forks = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("fork") && (name.ends_with(".car") || name.ends_with(".car.zst")) {
            forks.push(path);
        }
    }
    forks.sort();
    let chain = either(folder, "chain.car.zst", "chain.car");
    let archives: Vec<&Path> = std::iter::once(&chain).chain(&forks).map(PathBuf::as_path).collect();
    Ok(CarSource::open(&archives, &Limits::DEFAULT)?)
}

/// How finality certificates start; none where the network has no manifest or no epoch to start at.
fn f3(folder: &Path) -> Result<Option<F3Params>, InvalidRecording> {
    let path = folder.join("f3manifest.json");
    let Some(manifest) = optional::<Manifest>(&path)? else { return Ok(None) };
    let pinned = manifest.initial_power_table.map(|link| link.cid.parse::<Cid>()).transpose();
    let initial_power_table =
        pinned.map_err(|error| InvalidRecording::Description { path, detail: error.to_string() })?;
    Ok((manifest.bootstrap_epoch >= 0).then_some(F3Params {
        network_name: manifest.network_name,
        initial_instance: manifest.initial_instance,
        bootstrap_epoch: manifest.bootstrap_epoch,
        finality: manifest.ec.finality,
        initial_power_table,
    }))
}

fn certificates(
    folder: &Path,
) -> Result<Option<Vec<apogee_filecoin::types::FinalityCertificate>>, InvalidRecording> {
    let path = either(folder, "f3certs.jsonl.zst", "f3certs.jsonl");
    if !path.exists() {
        return Ok(None);
    }
    let file = File::open(&path).map_err(|cause| InvalidRecording::Read { path, cause })?;
    Ok(Some(RecordedCertificates::read(file, &Limits::DEFAULT)?.certificates))
}

/// Seconds from genesis to the next tipset, by the epochs between them. Every block's time is held against it afterwards.
fn epoch_seconds(source: &CarSource) -> Option<u32> {
    let (genesis, next) = (source.chain().next()?, source.chain().nth(1)?);
    let seconds = next.first().timestamp.checked_sub(genesis.first().timestamp)?;
    let epochs = u64::try_from(next.epoch().height()).ok()?;
    u32::try_from(seconds.checked_div(epochs)?).ok().filter(|seconds| *seconds > 0)
}

/// What the init actor calls the network.
fn network_name(source: &CarSource, genesis: &Tipset) -> Option<String> {
    let nodes = Nodes::new(source.blocks());
    StateTree::open(&nodes, &genesis.first().parent_state_root).ok()?.network_name().ok()
}

/// The name in the form that addresses of pages take; `None` when nothing of it is left.
fn network_id(name: &str) -> Option<NetworkId> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_matches('-');
    let letter = if name.starts_with(|c: char| c.is_ascii_lowercase()) { "" } else { "net-" };
    let id: String = letter.chars().chain(name.chars()).take(40).collect();
    id.parse().ok().filter(|_| !name.is_empty())
}

/// The first of two files, unless only the other one is there.
fn either(folder: &Path, first: &str, other: &str) -> PathBuf {
    let (first, other) = (folder.join(first), folder.join(other));
    if !first.exists() && other.exists() { other } else { first }
}

fn text(path: &Path) -> Result<String, InvalidRecording> {
    let read = |cause| InvalidRecording::Read { path: path.to_owned(), cause };
    if std::fs::metadata(path).map_err(read)?.len() > MAX_DESCRIPTION {
        return Err(read(std::io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read_to_string(path).map_err(read)
}

/// The description in a file, where there is such a file.
fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, InvalidRecording> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_str(&text(path)?)
        .map(Some)
        .map_err(|error| InvalidRecording::Description { path: path.to_owned(), detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_any_name_gets_one_that_addresses_can_hold() {
        for (name, id) in [
            ("devnet-a", "devnet-a"),
            ("Trial_Net 2", "trial-net-2"),
            ("2k", "net-2k"),
            ("localnet-6d7f1c62-54a1-4d5c-9c1e-0f0a7b1f2c3d", "localnet-6d7f1c62-54a1-4d5c-9c1e-0f0a7b"),
        ] {
            let found = network_id(name).unwrap();
            assert!(found.as_str().starts_with(id), "{found}");
        }
        assert_eq!(network_id("--"), None);
    }
}
