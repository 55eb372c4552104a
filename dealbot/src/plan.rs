//! What is probed in a competition, how often, from where, and by which measures.

use apogee_domain::{NetworkId, Timestamp};
use apogee_store::{Lane, LaneKey};

use crate::fault::Circumstances;
use crate::judge::{Correlation, Policy};
use crate::schedule::{Cadence, Kind, Seed};

/// The probes of one competition.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The network.
    pub network: NetworkId,
    /// The competition.
    pub race: String,
    /// Decides when.
    pub seed: Seed,
    /// The slots of each kind that is probed.
    pub cadences: Vec<Cadence>,
    /// Where bots are. Slots go round among them.
    pub regions: Vec<String>,
    /// How many bots there are.
    pub fleet: u32,
    /// How leases and attempts are bounded.
    pub measures: Measures,
    /// What whose fault a failure is may depend on, as far as it is known of the whole competition.
    pub known: Circumstances,
}

/// A bot that may take part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bot {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub region: String,
}

/// Bounds of leases and attempts. Durations are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measures {
    /// How long a lease lasts unless its holder says that it lives.
    pub lease: i64,
    /// How often holders are to say so.
    pub beat: i64,
    /// How long bots of a slot's region come first.
    pub first: i64,
    /// Most attempts of a slot, whoever's fault they end by.
    pub attempts: u32,
    /// How often each bot probes the organiser's own provider.
    pub canary: i64,
    /// How much later than that its result may come.
    pub grace: i64,
    /// How far apart two attempts of one bot are.
    pub apart: i64,
    /// When a bot is at odds with the others.
    pub correlation: Correlation,
}

impl Default for Measures {
    fn default() -> Self {
        let second = 1_000_000;
        let minutes = |count: u64| count * 60_000_000;
        Self {
            lease: 60 * second,
            beat: 15 * second,
            first: 120 * second,
            attempts: 5,
            canary: 600 * second,
            grace: 60 * second,
            apart: 120 * second,
            correlation: Correlation {
                window: minutes(10),
                near: minutes(30),
                share: 300_000,
                least: 5,
                deviations: 4,
            },
        }
    }
}

impl Measures {
    /// How far around an attempt what others see says something of its bot.
    #[must_use]
    pub fn around(&self) -> i64 {
        i64::try_from(self.correlation.window.saturating_add(self.correlation.near)).unwrap_or(i64::MAX)
    }

    /// Until when a lease lasts that is given or kept alive now.
    #[must_use]
    pub const fn expires(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.lease))
    }
}

impl Plan {
    /// How slots are judged.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let of = &self.measures;
        Policy {
            interval: of.canary.unsigned_abs(),
            grace: of.grace.unsigned_abs(),
            apart: of.apart.unsigned_abs(),
            fleet: self.fleet,
            most: of.attempts,
        }
    }

    /// The slots of a kind; `None` where it is not probed.
    #[must_use]
    pub fn cadence(&self, kind: Kind) -> Option<&Cadence> {
        self.cadences.iter().find(|cadence| cadence.kind == kind)
    }

    /// What a lane of a miner is called.
    #[must_use]
    pub fn key(&self, kind: Kind, miner: &str) -> LaneKey {
        LaneKey { network: self.network.clone(), race: self.race.clone(), kind, miner: miner.to_owned() }
    }

    /// A lane at a slot: nobody has tried it. Behind the last slot it is due at the end of time.
    #[must_use]
    pub fn lane(&self, key: &LaneKey, slot: u64, fence: u64) -> Lane {
        const NEVER: Timestamp = Timestamp(i64::MAX);
        let cadence = self.cadence(key.kind);
        let due = cadence.and_then(|cadence| cadence.due(&self.seed, &key.miner, slot)).unwrap_or(NEVER);
        let ends = cadence.and_then(|cadence| cadence.window(slot)).map_or(NEVER, |(_, end)| end);
        let places = self.regions.len() as u64;
        let place = cadence.map_or(0, |cadence| cadence.place(&self.seed, &key.miner, slot, places));
        let region = usize::try_from(place).ok().and_then(|place| self.regions.get(place));
        Lane {
            key: key.clone(),
            slot,
            due,
            ends,
            region: region.cloned().unwrap_or_default(),
            anywhere: Timestamp(due.0.saturating_add(self.measures.first)),
            attempt: 1,
            avoid: Default::default(),
            fence,
            lease: None,
            checkpoint: Vec::new(),
        }
    }

    /// The lanes of a miner that competes from a moment on: each at the first slot whose interval has not begun.
    #[must_use]
    pub fn entry(&self, miner: &str, now: Timestamp) -> Vec<Lane> {
        let first = |cadence: &Cadence| cadence.beginning(now, Timestamp(i64::MAX)).start;
        let lane = |cadence: &Cadence| self.lane(&self.key(cadence.kind, miner), first(cadence), 0);
        self.cadences.iter().map(lane).collect()
    }
}
