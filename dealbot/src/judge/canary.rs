use std::collections::BTreeMap;

use apogee_domain::Timestamp;

use super::{Attempt, later};

/// A bot's probe of a provider that the organisers run, of which nothing but the bot can be the cause when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Canary {
    /// When.
    pub at: Timestamp,
    /// Whether it went well.
    pub good: bool,
}

/// The canaries of every bot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canaries {
    /// By bot, by moment. Of two at one moment the worse stands.
    by_worker: BTreeMap<String, BTreeMap<Timestamp, bool>>,
}

/// What the canaries around an attempt say.
pub(super) enum Found {
    /// The bot was in order before and after.
    Good,
    /// It was not, or nobody knows.
    Bad,
    /// It was before; of after there is none yet.
    NoneAfter,
}

impl Canaries {
    /// Add what a bot's canary found.
    pub fn add(&mut self, worker: &str, canary: Canary) {
        let of_worker = match self.by_worker.get_mut(worker) {
            Some(of_worker) => of_worker,
            None => self.by_worker.entry(worker.to_owned()).or_default(),
        };
        of_worker.entry(canary.at).and_modify(|good| *good &= canary.good).or_insert(canary.good);
    }

    /// The last one before an attempt, those during it and the first one after it: each has to be good, and the two outer ones near.
    pub(super) fn around(&self, attempt: &Attempt, interval: u64) -> Found {
        let Some(canaries) = self.by_worker.get(&attempt.worker) else { return Found::Bad };
        let ended = attempt.ended.max(attempt.started);
        let before = canaries.range(..=attempt.started).next_back();
        if !before.is_some_and(|(at, good)| *good && later(*at, interval) >= attempt.started) {
            return Found::Bad;
        }
        if canaries.range(attempt.started..ended).any(|(_, good)| !good) {
            return Found::Bad;
        }
        match canaries.range(ended..).next() {
            Some((at, true)) if *at <= later(ended, interval) => Found::Good,
            Some(_) => Found::Bad,
            None => Found::NoneAfter,
        }
    }
}
