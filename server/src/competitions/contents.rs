//! What a package of a competition holds.

use std::num::NonZeroU32;

use apogee_domain::{Epoch, NetworkId};
use apogee_package::{About, Checks, Clock, Contents, Observation, Provenance};
use apogee_store::{EpochRecord, Page, Store, StoreError};

use super::archive::{claim, ledger_row};
use super::ground::Ground;
use super::held::Held;
use super::observations::{NoObservations, observations};
use super::stood::Stood;

/// What wrote a package, for people.
pub(crate) const PRODUCER: &str = concat!("apogee ", env!("CARGO_PKG_VERSION"));

/// Epochs that are read at once.
const PAGE: u32 = 1_000;

/// Why there is no package.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoContents {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What bots found cannot be told.
    #[error(transparent)]
    Observations(#[from] NoObservations),
    /// A number or name of the network has no place in a package.
    #[error("the network cannot stand in a package: {0}")]
    Network(String),
    /// An entry is not JSON.
    #[error("an entry of the ledger cannot be written")]
    Entry(#[from] serde_json::Error),
}

/// Everything that these standings are made of, with the attempts of bots: so many at most.
pub(crate) async fn contents(
    store: &dyn Store,
    held: &Held,
    ground: &Ground,
    stood: &Stood,
    attempts: usize,
) -> Result<Contents, NoContents> {
    // While it is paused, standings are those of an earlier epoch than was asked for.
    let at = stood.standings.scope.at;
    let wrong = |cause: &dyn std::fmt::Display| NoContents::Network(cause.to_string());
    let schedule = ground.schedule();
    let clock = Clock {
        epoch_seconds: NonZeroU32::try_from(schedule.epoch_seconds).map_err(|cause| wrong(&cause))?,
        genesis: u64::try_from(schedule.genesis.seconds()).map_err(|cause| wrong(&cause))?,
    };
    let (genesis, provenance, observations) = match ground {
        Ground::Index { network, .. } => {
            let race = (&network.id, held.id().as_str());
            let observations = observations(store, race, &stood.measured, (at, attempts)).await?;
            (network.genesis.clone(), provenance(store, &network.id, at).await?, observations)
        }
        Ground::Archive(archive) => {
            let until = archive.provenance.iter().filter(|row| row.epoch <= at);
            let observed = archive.observations.iter().filter(|row| row.epoch <= at);
            let is_read =
                |row: &&Observation| stood.measured.series.iter().any(|series| series.name == row.series);
            (archive.genesis.clone(), until.cloned().collect(), observed.filter(is_read).cloned().collect())
        }
    };
    let entries = || held.entries().iter().take_while(|signed| signed.entry.seq <= stood.triple.seq);
    let decisions = stood.decisions.list().iter().zip(entries());
    let decisions = decisions.map(|(decision, signed)| ledger_row(signed, decision.effect.clone()));
    Ok(Contents {
        about: About {
            at,
            clock,
            competition: held.id().clone(),
            genesis,
            network: stood.standings.scope.network.clone(),
            producer: PRODUCER.to_owned(),
            seq: stood.triple.seq,
        },
        rules: stood.competition.rules().iter().map(|published| (*published.rules).clone()).collect(),
        facts: stood.measured.clone(),
        entities: stood.entities.list().to_vec(),
        claims: entries().filter_map(|signed| claim(signed)).collect(),
        decisions: decisions.collect::<Result<_, _>>()?,
        observations,
        provenance,
    })
}

/// Where every epoch comes from, oldest first.
pub(crate) async fn provenance(
    store: &dyn Store,
    network: &NetworkId,
    at: Epoch,
) -> Result<Vec<Provenance>, StoreError> {
    let mut provenance = Vec::new();
    let mut after = Some(at.plus(1));
    loop {
        let records = store.epochs(network, Page { after, limit: PAGE }).await?;
        after = records.last().map(|record| record.epoch);
        provenance.extend(records.iter().map(of));
        if records.len() < PAGE as usize {
            break;
        }
    }
    provenance.reverse();
    if let Some(oldest) = provenance.first_mut() {
        oldest.granted = oldest.epoch > Epoch::GENESIS;
    }
    Ok(provenance)
}

fn of(record: &EpochRecord) -> Provenance {
    let sum = |count: fn(&apogee_store::CheckRecord) -> u64| record.checks.iter().map(count).sum();
    Provenance {
        checks: Checks {
            failed: sum(|check| check.failed),
            not_made: sum(|check| check.not_made.iter().map(|unmade| unmade.count).sum()),
            passed: sum(|check| check.passed),
        },
        digest: record.digest,
        epoch: record.epoch,
        granted: false,
        key: record.key.split(',').filter(|cid| !cid.is_empty()).map(str::to_owned).collect(),
    }
}
