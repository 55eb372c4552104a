//! Bots and plans, from the settings.

use std::error::Error;
use std::path::PathBuf;
use std::sync::OnceLock;

use apogee_dealbot::fault::Circumstances;
use apogee_dealbot::plan::{Bot, Measures, Plan, SuccessAt};
use apogee_dealbot::schedule::{Cadence, Kind, Seed};
use apogee_domain::{Epoch, Timestamp};
use ed25519_dalek::VerifyingKey;
use serde_json::json;

use super::Known;
use super::storage::NoStorage;
use crate::config::{self, is_name};

/// Why there can be no probing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoProbes {
    #[error("{section}: a name is 1 to 40 characters of a–z, 0–9 and -")]
    Name { section: String },
    #[error("bots.{bot}: key is 64 hexadecimal digits, those of an Ed25519 public key")]
    Key { bot: String },
    #[error("bots.{bot}: another bot has this key; each has one of its own")]
    SameKey { bot: String },
    #[error("bots.{bot}: region is 1 to 40 characters of a–z, 0–9 and -")]
    Region { bot: String },
    #[error("probes.{race}: start is a time such as 2026-05-24T00:00:00Z")]
    Start { race: String },
    #[error("probes.{race}: beacon_epoch is an epoch of the network")]
    Beacon { race: String },
    #[error("probes.{race}: retrieval_seconds, canary_seconds and lease_seconds are 4 at least")]
    Interval { race: String },
    #[error(
        "probes.{race}: {what} is missing: bots.NAME, gateways and data are needed, one of each at least, or storage"
    )]
    Nothing { race: String, what: &'static str },
    #[error("probes.{race}: {root} is no CID")]
    Root { race: String, root: String },
    #[error("probes.{race}: {miner} is no miner's address such as t01000")]
    Miner { race: String, miner: String },
    #[error("{}", .0.display())]
    Secret(PathBuf, #[source] Box<dyn Error + Send + Sync>),
    #[error("probes.{race}.storage")]
    Storage {
        race: String,
        #[source]
        source: NoStorage,
    },
}

pub(super) fn bot(name: &str, settings: &config::Bot) -> Result<Known, NoProbes> {
    let named = || name.to_owned();
    if !is_name(name) {
        return Err(NoProbes::Name { section: format!("bots.{name}") });
    }
    if !is_name(&settings.region) {
        return Err(NoProbes::Region { bot: named() });
    }
    let bytes = hex::decode(&settings.key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = bytes.and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok());
    let key = key.ok_or_else(|| NoProbes::Key { bot: named() })?;
    Ok(Known { bot: Bot { name: named(), region: settings.region.clone() }, key })
}

pub(super) fn plan(
    race: &str,
    settings: &config::Probes,
    seed: Seed,
    (regions, fleet): (&[String], u32),
) -> Result<Plan, NoProbes> {
    let named = || race.to_owned();
    if !is_name(race) {
        return Err(NoProbes::Name { section: format!("probes.{race}") });
    }
    let start: Timestamp = settings.start.parse().map_err(|_| NoProbes::Start { race: named() })?;
    let beacon_epoch = match settings.beacon_epoch {
        None => None,
        Some(epoch) => Some(Epoch::new(epoch).ok_or_else(|| NoProbes::Beacon { race: named() })?),
    };
    if [settings.retrieval_seconds, settings.canary_seconds, settings.lease_seconds]
        .iter()
        .any(|seconds| *seconds < 4)
    {
        return Err(NoProbes::Interval { race: named() });
    }
    let absent = [
        ("bots", regions.is_empty()),
        ("gateways", settings.gateways.is_empty() && settings.storage.is_none()),
        ("data", settings.data.is_empty() && settings.storage.is_none()),
    ];
    if let Some((what, _)) = absent.into_iter().find(|(_, absent)| *absent) {
        return Err(NoProbes::Nothing { race: named(), what });
    }
    if let Some(data) = settings.data.iter().find(|data| data.root.parse::<cid::Cid>().is_err()) {
        return Err(NoProbes::Root { race: named(), root: data.root.clone() });
    }
    let is_miner = |miner: &str| {
        let number = miner.strip_prefix("t0").or_else(|| miner.strip_prefix("f0"));
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    };
    let offered = settings.storage.iter().flat_map(|storage| storage.miners.keys());
    let mut miners = settings.gateways.keys().chain(offered);
    if let Some(miner) = miners.find(|miner| !is_miner(miner)) {
        return Err(NoProbes::Miner { race: named(), miner: miner.clone() });
    }
    let cadence = Cadence {
        kind: Kind::Retrieval,
        start,
        interval: u64::from(settings.retrieval_seconds) * 1_000_000,
        slots: settings.retrieval_slots,
    };
    let success_at = match settings.storage.as_ref().map(|storage| storage.success_at.as_str()) {
        None => SuccessAt::Accepted,
        Some(word) => SuccessAt::of(word)
            .ok_or_else(|| NoProbes::Storage { race: named(), source: NoStorage::SuccessAt })?,
    };
    let storage = settings.storage.as_ref().map(|storage| Cadence {
        kind: Kind::Storage,
        start,
        interval: u64::from(storage.seconds) * 1_000_000,
        slots: storage.slots,
    });
    Ok(Plan {
        network: settings.network.clone(),
        race: named(),
        seed,
        beacon_epoch,
        beacon: OnceLock::new(),
        cadences: storage.into_iter().chain([cadence]).collect(),
        regions: regions.to_vec(),
        fleet,
        measures: Measures::of(settings.lease_seconds, settings.canary_seconds),
        success_at,
        // The bots and how often they come are in the settings, which are published.
        known: Circumstances {
            rate_kept: Some(true),
            bots_published: Some(true),
            cap_published: Some(true),
            protocol_required: Some(true),
            // Where miners serve is in the settings as well.
            node_synced: Some(true),
            ..Circumstances::default()
        },
    })
}

/// What slots and choices follow from: it stays while a competition runs. Miners come and move.
pub(super) fn document(settings: &config::Probes, plan: &Plan, log: &VerifyingKey) -> String {
    let storage = settings.storage.as_ref().map(|storage| {
        json!({
            "collateral": storage.collateral,
            "day_bytes": storage.day_bytes,
            "duration_epochs": storage.duration_epochs,
            "price": storage.price,
            "seconds": storage.seconds,
            "sizes": storage.sizes,
            "slots": storage.slots,
            "start_epochs": storage.start_epochs,
            "success_at": storage.success_at,
        })
    });
    let mut document = json!({
        "canary_seconds": settings.canary_seconds,
        "data": settings.data,
        "lease_seconds": settings.lease_seconds,
        "log": hex::encode(log.as_bytes()),
        "regions": plan.regions,
        "retrieval_seconds": settings.retrieval_seconds,
        "retrieval_slots": settings.retrieval_slots,
        "start": settings.start,
        "storage": storage,
    });
    // Races that began before there was this setting go on.
    if let (Some(epoch), Some(document)) = (settings.beacon_epoch, document.as_object_mut()) {
        document.insert("beacon_epoch".to_owned(), epoch.into());
    }
    document.to_string()
}
