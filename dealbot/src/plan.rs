//! What is probed in a competition, how often, from where, and by which measures.

use std::sync::OnceLock;

use apogee_domain::{Epoch, NetworkId, Timestamp};
use apogee_store::{Lane, LaneKey};
use serde::{Deserialize, Serialize};

use crate::fault::Circumstances;
use crate::judge::{Correlation, Policy};
use crate::schedule::{Beacon, Cadence, Kind, Seed};

/// When nothing is due any more.
const NEVER: Timestamp = Timestamp(i64::MAX);

/// The probes of one competition.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The network.
    pub network: NetworkId,
    /// The competition.
    pub race: String,
    /// What was committed to. Alone, or bound to a beacon, it decides when.
    pub seed: Seed,
    /// The epoch whose beacon the seed is bound to; `None` where the seed decides alone.
    pub beacon_epoch: Option<Epoch>,
    /// That beacon, once it is known.
    pub beacon: OnceLock<Beacon>,
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
    /// When a deal has succeeded.
    pub success_at: SuccessAt,
}

/// How far a deal has to come for its slot of storage to have gone well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuccessAt {
    /// The miner has taken it on: that is known when the attempt is over.
    #[default]
    Accepted,
    /// It is on chain.
    Published,
    /// Its sector is proven.
    Active,
}

impl SuccessAt {
    /// Every one, in the order in which a deal comes to it.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Published, Self::Active];

    /// As it is set, and said to programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Published => "published",
            Self::Active => "active",
        }
    }

    /// That of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|at| at.as_str() == word)
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// How long after the end of a slot's interval it is confirmed; half of the interval at most.
    pub confirm: i64,
    /// When a bot is at odds with the others.
    pub correlation: Correlation,
}

impl Default for Measures {
    /// Those of leases of a minute and canaries every ten.
    fn default() -> Self {
        Self::of(60, 600)
    }
}

impl Measures {
    /// Those that fit leases of so many seconds, and canaries so many seconds apart.
    #[must_use]
    pub fn of(lease: u32, canary: u32) -> Self {
        let micros = |seconds: u32| i64::from(seconds) * 1_000_000;
        let (lease, canary) = (micros(lease), micros(canary));
        Self {
            lease,
            beat: lease / 4,
            first: lease * 2,
            attempts: 5,
            canary,
            grace: lease,
            apart: lease * 2,
            confirm: lease * 10,
            correlation: Correlation {
                window: canary.unsigned_abs(),
                near: canary.unsigned_abs() * 3,
                share: 300_000,
                least: 5,
                deviations: 4,
            },
        }
    }

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
    /// What decides when, as far as it is known by now.
    #[must_use]
    pub fn moments(&self) -> Seed {
        self.beacon.get().map_or_else(|| self.seed.clone(), |beacon| self.seed.with_beacon(&beacon.entry.0))
    }

    /// Whether nobody can say yet when anything is due: the beacon has not spoken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.beacon_epoch.is_some() && self.beacon.get().is_none()
    }

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

    /// Whether what an attempt of this kind began is followed, so that a good one alone does not settle its slot.
    #[must_use]
    pub fn follows(&self, kind: Kind) -> bool {
        kind == Kind::Storage && self.success_at != SuccessAt::Accepted
    }

    /// How many bots have to find in slots of a miner that the data of its deals cannot be had: one alone may be cut off itself.
    #[must_use]
    pub fn agreeing(&self) -> u32 {
        self.fleet.clamp(1, 2)
    }

    /// From when on a slot is not tried for the first time any more, and from when on not at all: the end of its interval, and so much later that what
    /// is due at its end can be confirmed. The slot after it waits meanwhile, and has half of its own interval left at least.
    #[must_use]
    pub fn ends(&self, kind: Kind, slot: u64) -> (Timestamp, Timestamp) {
        let cadence = self.cadence(kind);
        let end = cadence.and_then(|cadence| cadence.window(slot)).map_or(NEVER, |(_, end)| end);
        let half = cadence.map_or(0, |cadence| i64::try_from(cadence.interval / 2).unwrap_or(i64::MAX));
        (end, Timestamp(end.0.saturating_add(self.measures.confirm.min(half))))
    }

    /// What a lane of a miner is called.
    #[must_use]
    pub fn key(&self, kind: Kind, miner: &str) -> LaneKey {
        LaneKey { network: self.network.clone(), race: self.race.clone(), kind, miner: miner.to_owned() }
    }

    /// A lane at a slot: nobody has tried it. Behind the last slot it is due at the end of time.
    #[must_use]
    pub fn lane(&self, key: &LaneKey, slot: u64, fence: u64) -> Lane {
        let (cadence, seed) = (self.cadence(key.kind), &self.moments());
        let due = cadence.and_then(|cadence| cadence.due(seed, &key.miner, slot)).unwrap_or(NEVER);
        let (ends, _) = self.ends(key.kind, slot);
        let places = self.regions.len() as u64;
        let place = cadence.map_or(0, |cadence| cadence.place(seed, &key.miner, slot, places));
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
