//! A chain that is a pure function of the keys of its tipsets, so that what a database must hold can be worked out from nothing.

use std::collections::BTreeMap;

use apogee_domain::{Atto, Change, Digest, Epoch, SeriesName, Value};
use apogee_store::{AppliedEpoch, EpochKind, EpochRecord};
use sha2::{Digest as _, Sha256};

pub(crate) const POWER: SeriesName = SeriesName::of("power.raw");
pub(crate) const REWARD: SeriesName = SeriesName::of("reward.block");
pub(crate) const SUBJECTS: [&str; 5] = ["t01000", "t01001", "t01002", "t01003", "t01004"];

/// How far behind the newest epoch the last one lies that cannot change any more.
pub(crate) const FINALITY: i64 = 24;

/// The total that each subject has earned so far.
pub(crate) type Totals = BTreeMap<String, u128>;

pub(crate) fn at(height: i64) -> Epoch {
    Epoch::new(height).unwrap()
}

/// The key of an epoch on the branch that stays.
pub(crate) fn main_key(height: i64) -> String {
    format!("main-{height}")
}

/// Whether an epoch lies on the branch that stays.
pub(crate) fn is_main(key: &str) -> bool {
    key.starts_with("main-")
}

fn drawn(key: &str, subject: &str) -> u128 {
    let hash = Sha256::digest(format!("{key} {subject}"));
    u128::from_be_bytes(hash[..16].try_into().unwrap())
}

/// An epoch on top of what has the digest `previous`, and what it adds to the totals.
///
/// Power is a level that holds from the epoch on. Rewards are a running total and come late, as on Filecoin: what a tipset earned is known when
/// the next one names the result.
pub(crate) fn epoch(previous: Digest, height: i64, key: String, totals: &mut Totals) -> AppliedEpoch {
    let mut changes = Vec::new();
    for subject in SUBJECTS {
        let drawn = drawn(&key, subject);
        let mut change = |series, epoch, value: Option<u128>| {
            let subject = subject.parse().unwrap();
            changes.push(Change { series, subject, epoch: at(epoch), value: value.map(Value) });
        };
        if drawn.is_multiple_of(3) {
            change(POWER, height, (!drawn.is_multiple_of(5)).then_some(drawn));
        }
        if drawn.is_multiple_of(2) {
            let total = totals.entry(subject.to_owned()).or_default();
            *total += drawn >> 40;
            change(REWARD, (height - 1).max(0), Some(*total));
        }
    }
    changes.sort_by(|a, b| (&a.series, &a.subject, a.epoch).cmp(&(&b.series, &b.subject, b.epoch)));
    let hash = Sha256::digest(format!("{previous} {height} {key} {changes:?}"));
    let record = EpochRecord {
        epoch: at(height),
        kind: EpochKind::Tipset,
        parent: at((height - 1).max(0)),
        key,
        digest: Digest(hash.into()),
        time: apogee_domain::Timestamp::from_seconds(30 * height),
        state_root: "bafy-state".to_owned(),
        weight: Value(1),
        base_fee: Atto(100),
        network_version: None,
        blocks: Vec::new(),
        checks: Vec::new(),
        reconciled: Vec::new(),
    };
    AppliedEpoch { record, changes }
}
