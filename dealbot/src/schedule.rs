//! When each slot is due, and who probes it.
//!
//! Slot `k` of a miner and a kind is due once in `[start + k·T, start + (k + 1)·T)`, at a moment that only the seed tells. The seed is committed to
//! before the first slot and told after the last: then everybody derives the same schedule again.

pub use apogee_domain::ProbeKind as Kind;
use apogee_domain::{Digest, Epoch, Timestamp};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::canonical::Bytes;
use crate::record::{read_kind, write_kind};

/// What decides when. Whoever knows it knows every moment to come.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seed(of {})", self.commitment())
    }
}

impl Seed {
    /// A seed of random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What is published before the first slot: `sha256("apogee-schedule-1" || seed)`.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        Digest(Sha256::new_with_prefix("apogee-schedule-1").chain_update(self.0).finalize().into())
    }

    /// The bytes, to be told after the last slot.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// Bytes for something else that nobody knows before the seed is told.
    #[must_use]
    pub fn secret(&self, what: &str) -> [u8; 32] {
        mac(&self.0, &[b"secret", what.as_bytes()])
    }

    /// The same seed bound to a verified beacon's entry that nobody knew when it was committed to: then whoever chose the seed did not choose the moments.
    #[must_use]
    pub fn with_beacon(&self, entry: &[u8]) -> Self {
        Self(mac(&self.0, &[b"beacon", entry]))
    }
}

/// How many epochs after the one that is named a beacon's tipset lies at most: null rounds are few.
pub const BEACON_WITHIN: u32 = 64;

/// An entry of a network's verified beacon that nobody knew when the seed was committed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// The epoch of the tipset that carries it.
    pub epoch: Epoch,
    /// That tipset's key: the CIDs with commas between them.
    pub tipset: String,
    /// The beacon's round.
    pub round: u64,
    /// The entry: the beacon's signature of the round.
    pub entry: Bytes,
}

/// HMAC-SHA256 of parts, each behind its length: no two lists of parts give the same bytes.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any key fits"));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A number below `bound` out of 128 random bits; the bias is below 2⁻⁶⁴.
fn below(random: [u8; 32], bound: u64) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = random;
    let high = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    // The upper half of a product of 64 bits each is below the bound.
    u64::try_from((u128::from(high) * u128::from(bound)) >> 64).unwrap_or(0)
}

/// The slots of one kind. They are the same for every miner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cadence {
    /// Of what.
    #[serde(serialize_with = "write_kind", deserialize_with = "read_kind")]
    pub kind: Kind,
    /// Where the first interval begins.
    pub start: Timestamp,
    /// How long each interval is, microseconds.
    pub interval: u64,
    /// How many slots there are.
    pub slots: u64,
}

impl Cadence {
    /// The interval of a slot: its beginning, and the beginning of the next. `None` for a number that there is none of.
    #[must_use]
    pub fn window(&self, slot: u64) -> Option<(Timestamp, Timestamp)> {
        if slot >= self.slots {
            return None;
        }
        let at = |number: u64| {
            let micros = i64::try_from(number.checked_mul(self.interval)?).ok()?;
            self.start.0.checked_add(micros).map(Timestamp)
        };
        Some((at(slot)?, at(slot.checked_add(1)?)?))
    }

    /// When a slot of a miner is due.
    #[must_use]
    pub fn due(&self, seed: &Seed, miner: &str, slot: u64) -> Option<Timestamp> {
        let (from, _) = self.window(slot)?;
        let random =
            mac(&seed.0, &[b"due", self.kind.as_str().as_bytes(), miner.as_bytes(), &slot.to_be_bytes()]);
        let into = i64::try_from(below(random, self.interval)).ok()?;
        from.0.checked_add(into).map(Timestamp)
    }

    /// The slots whose intervals begin in `[from, to)`.
    #[must_use]
    pub fn beginning(&self, from: Timestamp, to: Timestamp) -> std::ops::Range<u64> {
        // How many begin before a moment.
        let before = |at: Timestamp| {
            let since = u64::try_from(at.0.saturating_sub(self.start.0)).unwrap_or(0);
            since.div_ceil(self.interval.max(1)).min(self.slots)
        };
        before(from)..before(to)
    }

    /// Which of `choices` things a slot of a miner is about.
    #[must_use]
    pub fn choice(&self, seed: &Seed, miner: &str, slot: u64, choices: u64) -> u64 {
        let (kind, miner) = (self.kind.as_str().as_bytes(), miner.as_bytes());
        below(mac(&seed.0, &[b"choice", kind, miner, &slot.to_be_bytes()]), choices)
    }

    /// A number below `bound` that decides something else of a slot of a miner, named `what`.
    #[must_use]
    pub fn draw(&self, seed: &Seed, (miner, slot): (&str, u64), what: &str, bound: u64) -> u64 {
        let (kind, miner) = (self.kind.as_str().as_bytes(), miner.as_bytes());
        below(mac(&seed.0, &[b"draw", what.as_bytes(), kind, miner, &slot.to_be_bytes()]), bound)
    }

    /// Which of `places` probes a slot of a miner. Of `places` slots that follow each other from a multiple of it on, each place has one: every miner
    /// sees every place as often, in an order that only the seed tells.
    #[must_use]
    pub fn place(&self, seed: &Seed, miner: &str, slot: u64, places: u64) -> u64 {
        let places = places.max(1);
        let (round, turn) = (slot / places, slot % places);
        let random = |step: u64| {
            let (kind, miner) = (self.kind.as_str().as_bytes(), miner.as_bytes());
            mac(&seed.0, &[b"place", kind, miner, &round.to_be_bytes(), &step.to_be_bytes()])
        };
        // Fisher and Yates, as far as the turn: a few places, thought of as swapped.
        let mut order: Vec<u64> = (0..places).collect();
        for step in 0..=turn {
            let other = step + below(random(step), places - step);
            if let (Ok(a), Ok(b)) = (usize::try_from(step), usize::try_from(other)) {
                order.swap(a, b);
            }
        }
        usize::try_from(turn).ok().and_then(|turn| order.get(turn).copied()).unwrap_or(0)
    }
}
