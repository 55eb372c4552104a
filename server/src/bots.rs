//! Probing miners: the plans of competitions, the bots that may take part, and what is done for them beside answering.

mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apogee_dealbot::desk::{Desk, DeskError};
use apogee_dealbot::fault::Circumstances;
use apogee_dealbot::judge::Correlation;
use apogee_dealbot::plan::{Bot, Measures, Plan};
use apogee_dealbot::schedule::{Cadence, Kind, Seed};
use apogee_domain::{Clock, Epoch, Timestamp};
use apogee_store::{Store, StoreError};
use tokio::sync::watch;

pub(crate) use self::answers::{Refusal, Signature};
use crate::config::{self, Config, is_name};

/// How often slots are looked after.
const ROUND: Duration = Duration::from_secs(5);
/// How many epochs above the head verdicts count from: where standings are made, nothing is added any more.
const AHEAD: u32 = 4;
/// How long a bot waits at most before it asks a controller again that was away, microseconds.
const SILENT: i64 = 60_000_000;
/// How often the log goes on, in rounds.
const BATCH: u32 = 12;

/// First line of a file with a seed.
pub(crate) const SEED_TITLE: &str = "apogee-probe-seed-1";

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
    #[error("probes.{race}: retrieval_seconds, canary_seconds and lease_seconds are 4 at least")]
    Interval { race: String },
    #[error(
        "probes.{race}: {what} is missing: bots.NAME, gateways and data are needed, one of each at least"
    )]
    Nothing { race: String, what: &'static str },
    #[error("probes.{race}: {root} is no CID")]
    Root { race: String, root: String },
    #[error("probes.{race}: {miner} is no miner's address such as t01000")]
    Miner { race: String, miner: String },
    #[error("{}", .0.display())]
    Seed(PathBuf, #[source] Box<dyn Error + Send + Sync>),
}

/// A bot that may take part, and its key.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) bot: Bot,
    pub(crate) key: ed25519_dalek::VerifyingKey,
}

/// The probes of a competition.
#[derive(Clone, Debug)]
pub(crate) struct Race {
    pub(crate) plan: Plan,
    settings: config::Probes,
}

/// The bots and competitions of this process.
#[derive(Debug, Default)]
pub(crate) struct Bots {
    known: BTreeMap<String, Known>,
    races: Vec<Race>,
}

impl Bots {
    /// Those of some settings.
    pub(crate) fn open(
        config: &Config,
        seed: impl Fn(&Path) -> Result<[u8; 32], Box<dyn Error + Send + Sync>>,
    ) -> Result<Self, NoProbes> {
        let mut known = BTreeMap::new();
        for (name, settings) in &config.bots {
            let one = bot(name, settings)?;
            // Two names of one machine would agree with each other.
            if known.values().any(|other: &Known| other.key == one.key) {
                return Err(NoProbes::SameKey { bot: name.clone() });
            }
            known.insert(name.clone(), one);
        }
        let regions: BTreeSet<&String> = known.values().map(|known| &known.bot.region).collect();
        let regions: Vec<String> = regions.into_iter().cloned().collect();
        let fleet = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let mut races = Vec::new();
        for (race, settings) in &config.probes {
            let secret =
                seed(&settings.seed).map_err(|cause| NoProbes::Seed(settings.seed.clone(), cause))?;
            let plan = plan(race, settings, Seed::new(secret), (&regions, fleet))?;
            races.push(Race { plan, settings: settings.clone() });
        }
        Ok(Self { known, races })
    }

    /// Whether a bot may take part.
    pub(crate) fn knows(&self, bot: &str) -> bool {
        self.known.contains_key(bot)
    }

    /// The plan of a competition.
    pub(crate) fn plan(&self, race: &str) -> Option<&Plan> {
        self.races.iter().map(|race| &race.plan).find(|plan| plan.race == race)
    }

    /// Look after every competition until the process ends.
    pub(crate) fn keep(
        self: &Arc<Self>,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
        end: &watch::Receiver<bool>,
    ) {
        for place in 0..self.races.len() {
            let (bots, store, clock, end) =
                (Arc::clone(self), Arc::clone(store), Arc::clone(clock), end.clone());
            tokio::spawn(async move {
                if let Some(race) = bots.races.get(place) {
                    race.keep(&*store, &*clock, end).await;
                }
            });
        }
    }
}

fn bot(name: &str, settings: &config::Bot) -> Result<Known, NoProbes> {
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

fn plan(
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
    if [settings.retrieval_seconds, settings.canary_seconds, settings.lease_seconds]
        .iter()
        .any(|seconds| *seconds < 4)
    {
        return Err(NoProbes::Interval { race: named() });
    }
    let absent = [
        ("bots", regions.is_empty()),
        ("gateways", settings.gateways.is_empty()),
        ("data", settings.data.is_empty()),
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
    if let Some(miner) = settings.gateways.keys().find(|miner| !is_miner(miner)) {
        return Err(NoProbes::Miner { race: named(), miner: miner.clone() });
    }
    let micros = |seconds: u32| i64::from(seconds) * 1_000_000;
    let lease = micros(settings.lease_seconds);
    let cadence = Cadence {
        kind: Kind::Retrieval,
        start,
        interval: u64::from(settings.retrieval_seconds) * 1_000_000,
        slots: settings.retrieval_slots,
    };
    Ok(Plan {
        network: settings.network.clone(),
        race: named(),
        seed,
        cadences: vec![cadence],
        regions: regions.to_vec(),
        fleet,
        measures: Measures {
            lease,
            beat: lease / 4,
            grace: lease,
            first: lease * 2,
            apart: lease * 2,
            canary: micros(settings.canary_seconds),
            correlation: Correlation {
                window: u64::from(settings.canary_seconds) * 1_000_000,
                near: u64::from(settings.canary_seconds) * 3_000_000,
                ..Measures::default().correlation
            },
            ..Measures::default()
        },
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

impl Race {
    async fn keep(&self, store: &dyn Store, clock: &dyn Clock, mut end: watch::Receiver<bool>) {
        let begun = clock.now();
        let (mut newest, mut entered) = (Epoch::GENESIS, false);
        for round in 0_u32.. {
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                _ = end.wait_for(|end| *end) => return,
            }
            let now = clock.now();
            let done = async {
                // The settings are read once: whoever competes does so from the first round on.
                if !entered {
                    let miners: Vec<String> = self.settings.gateways.keys().cloned().collect();
                    Desk { store, plan: &self.plan }.enter(&miners, now).await?;
                    entered = true;
                }
                self.round(store, &mut newest, now, (begun, round)).await
            };
            if let Err(error) = done.await {
                tracing::warn!(
                    race = self.plan.race,
                    error = &error as &dyn Error,
                    "slots were not looked after"
                );
            }
        }
    }

    async fn round(
        &self,
        store: &dyn Store,
        newest: &mut Epoch,
        now: Timestamp,
        (begun, round): (Timestamp, u32),
    ) -> Result<(), DeskError> {
        let desk = Desk { store, plan: &self.plan };
        // Nothing counts before the network is indexed: a verdict has an epoch.
        let Some(cursor) = store.cursor(&self.plan.network).await? else { return Ok(()) };
        // While the index catches up, nobody can say at which epoch anything is found.
        let moved = std::mem::replace(newest, cursor.epoch);
        if cursor.epoch > moved.plus(AHEAD) {
            return Ok(());
        }
        let epoch = cursor.epoch.plus(AHEAD);
        // Bots that could not speak have as long as they wait at most, and a lease.
        if now.0 >= self.plan.measures.expires(begun).0.saturating_add(SILENT) {
            desk.sweep(now, epoch).await?;
            desk.judge(now, epoch).await?;
        }
        if round % BATCH == 0 {
            desk.close_batch(now, epoch).await?;
        }
        Ok(())
    }
}

/// Whether an error is the database's.
pub(crate) fn is_away(error: &DeskError) -> bool {
    matches!(error, DeskError::Store(StoreError::Unavailable(_)))
}
