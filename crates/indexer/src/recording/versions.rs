//! Which network version held when.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use apogee_filecoin::car::{Limits, unpack};
use apogee_filecoin::source::{CarSource, RecordingError};
use apogee_filecoin::types::TipsetKey;
use serde::Deserialize;

use super::{InvalidRecording, either, optional};

/// Network versions whose upgrades `net.json` names (Lotus `UpgradeFireHorseHeight`, `UpgradeXxHeight`).
const FIRE_HORSE: u32 = 28;
const XX: u32 = 29;

/// Network versions of a recorded chain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Versions {
    /// That of genesis.
    pub(super) genesis: u32,
    /// The last epoch before each later one.
    pub(super) upgrades: BTreeMap<u32, i64>,
}

/// A recorded request and its answer.
#[derive(Deserialize)]
struct Exchange {
    req: String,
    resp: String,
}

#[derive(Deserialize)]
struct Request {
    params: Vec<Vec<Link>>,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "/")]
    cid: String,
}

#[derive(Deserialize)]
struct Reply {
    result: Option<u32>,
}

/// A network's genesis template.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    network_version: u32,
}

impl Versions {
    /// What a description says.
    pub(super) fn declared(genesis: u32, fire_horse: Option<i64>, xx: Option<i64>) -> Self {
        let upgrades = [(FIRE_HORSE, fire_horse), (XX, xx)].into_iter();
        let upgrades = upgrades.filter(|(version, _)| *version > genesis);
        Self {
            genesis,
            upgrades: upgrades.filter_map(|(version, height)| Some((version, height?))).collect(),
        }
    }

    /// What nodes answered to `StateNetworkVersion` about tipsets of the chain, else the genesis template; `None` where neither tells.
    pub(super) fn recorded(folder: &Path, source: &CarSource) -> Result<Option<Self>, InvalidRecording> {
        let answers = answers(folder, source)?;
        if let Some(versions) = Self::observed(&answers) {
            return Ok(Some(versions));
        }
        let template: Option<Template> = optional(&folder.join("genesis.json"))?;
        Ok(template.map(|template| Self { genesis: template.network_version, upgrades: BTreeMap::new() }))
    }

    /// From versions by epoch. An upgrade counts as late as it can: where null rounds follow, it may have been in any of them.
    fn observed(answers: &BTreeMap<i64, u32>) -> Option<Self> {
        let (_, &genesis) = answers.first_key_value()?;
        let (mut newest, mut upgrades) = (genesis, BTreeMap::new());
        for (epoch, version) in answers {
            for reached in newest.saturating_add(1)..=*version {
                upgrades.insert(reached, epoch - 1);
            }
            newest = newest.max(*version);
        }
        Some(Self { genesis, upgrades })
    }
}

/// Network versions by epoch of the chain's tipsets, from recorded answers.
fn answers(folder: &Path, source: &CarSource) -> Result<BTreeMap<i64, u32>, InvalidRecording> {
    let path = either(folder, "epochs.jsonl.zst", "epochs.jsonl");
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let file = File::open(&path).map_err(|cause| InvalidRecording::Read { path: path.clone(), cause })?;
    let bytes = unpack(file, &Limits::DEFAULT).map_err(RecordingError::Read)?;
    let epochs: BTreeMap<&TipsetKey, i64> =
        source.chain().map(|tipset| (tipset.key(), tipset.epoch().height())).collect();
    let answer = |line: &[u8]| {
        let method = b"Filecoin.StateNetworkVersion";
        line.windows(method.len()).take(1_000).any(|part| part == method).then_some(())?;
        let exchange: Exchange = serde_json::from_slice(line).ok()?;
        let request: Request = serde_json::from_str(&exchange.req).ok()?;
        let key: Option<Vec<_>> = request.params.first()?.iter().map(|link| link.cid.parse().ok()).collect();
        let reply: Reply = serde_json::from_str(&exchange.resp).ok()?;
        Some((*epochs.get(&TipsetKey(key?))?, reply.result?))
    };
    Ok(bytes.split(|byte| *byte == b'\n').filter_map(answer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upgrades_lie_before_the_first_epoch_of_their_version() {
        let answers = BTreeMap::from([(0, 26), (40, 26), (41, 28), (99, 28), (101, 29), (102, 29)]);
        let versions = Versions::observed(&answers).unwrap();
        assert_eq!(
            (versions.genesis, versions.upgrades),
            (26, BTreeMap::from([(27, 40), (28, 40), (29, 100)]))
        );
        assert_eq!(Versions::observed(&BTreeMap::new()), None);
    }

    #[test]
    fn upgrades_that_genesis_has_behind_it_are_none() {
        assert_eq!(
            Versions::declared(28, Some(0), Some(70)),
            Versions { genesis: 28, upgrades: BTreeMap::from([(29, 70)]) }
        );
        assert_eq!(Versions::declared(27, None, None).upgrades, BTreeMap::new());
    }
}
